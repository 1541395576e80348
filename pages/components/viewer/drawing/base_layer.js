// The image itself on a canvas of its own, from tiles.

import { eachTile, everyTile, geometryOf, levelFor, someTile } from "./geometry.js";
import { limitsOf, paintTone, tableOf } from "./tone.js";

export class BaseLayer {
  // `stage`: the element whose background surrounds the image.
  constructor(tiles, stage) {
    Object.assign(this, { tiles, stage, complete: false, tone: {} });
    this.canvas = document.createElement("canvas");
  }

  // Whether the image must be drawn again for the reader's contrast, gamma or inversion.
  setTone(layer, settings) {
    const limits = limitsOf(layer, settings);
    const { gamma, inverted } = settings;
    const key = JSON.stringify([layer.id, limits, gamma, inverted]);
    if (key === this.tone.key) return false;
    this.tone = { key, limits, gamma, inverted, table: tableOf(layer.shown, limits, gamma, inverted) };
    return true;
  }

  // `fast`: while the image is moved.
  draw(data, view, sharp, fast) {
    const { canvas, tiles } = this;
    const g = geometryOf(view, data.size, canvas.width, canvas.height, sharp);
    const level = levelFor(g.k, tiles.levels);
    const side = (at) => data.tile * 2 ** at;
    const signature = JSON.stringify(g);
    const any = [...new Set([level, tiles.levels])].some((at) =>
      someTile(g, side(at), (column, row) => Boolean(tiles.get("image", at, column, row))));
    if (!any && signature === this.signature) {
      this.complete = false; // the old image stays until the new one comes
      return;
    }
    this.signature = signature;
    const context = canvas.getContext("2d", { alpha: false });
    context.fillStyle = getComputedStyle(this.stage).backgroundColor || "#888";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = fast ? "low" : "medium";
    const loaded = everyTile(g, side(level), (column, row) => Boolean(tiles.peek("image", level, column, row)));
    if (!loaded) {
      // coarser levels show through where finer tiles are missing; only the coarsest is fetched for that
      for (let at = tiles.levels; at > level; at--) {
        this.#drawLevel(context, g, data.tile, at, at === tiles.levels ? "get" : "peek");
      }
    }
    this.complete = this.#drawLevel(context, g, data.tile, level, "get");
  }

  // Draw the tiles of a level that are there. Returns whether all are.
  #drawLevel(context, g, tile, level, how) {
    const side = tile * 2 ** level;
    let complete = true;
    context.imageSmoothingEnabled = g.k * 2 ** level < 1;
    // Whole pixels, as the overlay has them: no seam between two tiles, no half covered rim.
    const across = (x) => Math.round((x - g.u) * g.k);
    const down = (y) => Math.round((y - g.v) * g.k);
    eachTile(g, side, (column, row) => {
      const part = this.tiles[how]("image", level, column, row);
      if (!part) {
        complete = false;
        return;
      }
      const [left, top] = [across(column * side), down(row * side)];
      const right = across(column * side + part.width * 2 ** level);
      const bottom = down(row * side + part.height * 2 ** level);
      context.drawImage(this.#painted(part), left, top, right - left, bottom - top);
    });
    return complete;
  }

  // A tile as a canvas, painted again when the tone has changed.
  #painted(part) {
    if (part.tone === this.tone.key) return part.canvas;
    part.canvas ??= Object.assign(document.createElement("canvas"), { width: part.width, height: part.height });
    const image = new ImageData(part.width, part.height);
    paintTone(new Uint32Array(image.data.buffer), part.data, part.planes, this.tone);
    part.canvas.getContext("2d").putImageData(image, 0, 0);
    part.tone = this.tone.key;
    return part.canvas;
  }
}
