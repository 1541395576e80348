// The overlay on canvases of its own: what each screen pixel is, colored, and the rim of the selected object. Each step
// is done again only where what it depends on has changed.

import { everyTile, geometryOf, levelFor, someTile } from "./geometry.js";
import { classify, colorize, IGNORE, rim, sample } from "./paint.js";

const RIM_WIDTH = 1.5; // CSS pixels

export class OverlayLayer {
  constructor(tiles) {
    Object.assign(this, { tiles, buffers: null, complete: false, hasRim: false });
    this.canvas = document.createElement("canvas");
    this.rimCanvas = document.createElement("canvas");
  }

  // Forget the buffers: the canvas has got another size.
  reset() {
    this.buffers = null;
  }

  // `resolution`: {width, height, sharp} of the buffers; `dirty`: a set of "sample" (other pixels lie under the buffer)
  // and "rim" (other objects).
  update(look, { data, settings, view }, resolution, dirty) {
    const needed = look.needs.join();
    const resampled = dirty.has("sample") || needed !== this.needed;
    if (resampled) this.#sample(look.needs, data, view, resolution);
    this.needed = needed;
    const { threshold, color, hidden } = settings;
    const appearance = JSON.stringify([look.mode, look.style, look.settled, look.labels, threshold, color, hidden]);
    if (resampled || appearance !== this.appearance) this.#paint(look);
    this.appearance = appearance;
    const marked = JSON.stringify([settings.selected, look.objectsValid]);
    if (resampled || dirty.has("rim") || marked !== this.marked) this.#drawRim(look, data, settings, resolution.sharp);
    this.marked = marked;
  }

  // Whether all tiles of a layer for a view have come; those that have not are asked for.
  isLoaded(name, data, view, { width, height, sharp }) {
    const g = geometryOf(view, data.size, width, height, sharp);
    const level = levelFor(g.k, this.tiles.levels);
    return everyTile(g, data.tile * 2 ** level, (column, row) => Boolean(this.tiles.get(name, level, column, row)));
  }

  #reserve({ width, height }) {
    const size = width * height;
    if (this.buffers?.size === size && this.canvas.width === width) return;
    const image = new ImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    this.buffers = { size, layers: {}, kinds: new Uint8Array(size), image, out, rim: null };
    for (const canvas of [this.canvas, this.rimCanvas]) Object.assign(canvas, { width, height });
  }

  #sample(needs, data, view, resolution) {
    this.#reserve(resolution);
    this.buffers.out.fill(0);
    this.g = geometryOf(view, data.size, resolution.width, resolution.height, resolution.sharp);
    const signature = JSON.stringify(this.g);
    const moved = signature !== this.signature;
    this.signature = signature;
    this.complete = true;
    for (const name of needs) this.complete = this.#sampleLayer(name, data.tile, moved) && this.complete;
  }

  // Fill the buffer of a layer; what has not come stays as it was, unless the image was moved. Whether all has come.
  #sampleLayer(name, tile, moved) {
    const { buffers, g, tiles } = this;
    const level = levelFor(g.k, tiles.levels);
    const buffer = (buffers.layers[name] ??= name === "labels" ? new Int32Array(buffers.size) : new Uint8Array(buffers.size));
    const any = [...new Set([level, tiles.levels])].some((at) =>
      someTile(g, tile * 2 ** at, (column, row) => Boolean(tiles.peek(name, at, column, row))));
    if (any || moved) buffer.fill(name === "classes" || name === "truth" ? IGNORE : 0);
    const complete = sample(buffer, g, level, tile, (column, row) => tiles.get(name, level, column, row));
    if (!complete && level < tiles.levels) {
      for (let at = tiles.levels; at >= level; at--) {
        const how = at === tiles.levels ? "get" : "peek";
        sample(buffer, g, at, tile, (column, row) => tiles[how](name, at, column, row));
      }
    }
    return complete;
  }

  #paint(look) {
    const { buffers, g } = this;
    if (look.mode === "image") buffers.out.fill(0);
    else {
      classify(buffers.kinds, buffers.layers, g, look);
      colorize(buffers.out, buffers.kinds, look.labels ? buffers.layers.labels : null, g, look);
    }
    this.canvas.getContext("2d").putImageData(buffers.image, 0, 0);
  }

  #drawRim(look, data, settings, sharp) {
    const { buffers } = this;
    this.hasRim = settings.selected !== null && !!data.layers.labels && look.objectsValid && !!buffers.layers.labels;
    if (!this.hasRim) return;
    buffers.rim ??= new ImageData(this.rimCanvas.width, this.rimCanvas.height);
    const width = Math.max(1, Math.round(RIM_WIDTH * sharp));
    rim(new Uint32Array(buffers.rim.data.buffer), buffers.layers.labels, this.g, settings.selected, width);
    this.rimCanvas.getContext("2d").putImageData(buffers.rim, 0, 0);
  }
}
