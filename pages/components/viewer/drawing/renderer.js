// Puts image, overlay and annotations together on the canvas that the reader sees.

import { annotate } from "./annotations.js";
import { BaseLayer } from "./base_layer.js";
import { lookOf } from "./look.js";
import { OverlayLayer } from "./overlay_layer.js";

const MOST_OVERLAY = 2_500_000; // pixels that are colored for one drawing; sharper screens get coarser masks
const MOST_SHARP = 8_000_000; // pixels of the canvas
const OUTLINE_WIDTH = 2.2; // CSS pixels
const HALO_WIDTH = 1;

export class Renderer {
  constructor(canvas, stage, tiles) {
    Object.assign(this, { canvas, tiles, sharp: 1 }); // sharp: pixels of the canvas for one CSS pixel
    this.base = new BaseLayer(tiles, stage);
    this.overlay = new OverlayLayer(tiles);
  }

  // The stage has a size of so many CSS pixels.
  resize(width, height) {
    const sharp = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_SHARP / (width * height)));
    const [w, h] = [Math.max(1, Math.round(width * sharp)), Math.max(1, Math.round(height * sharp))];
    if (this.canvas.width === w && this.canvas.height === h) return;
    for (const canvas of [this.canvas, this.base.canvas]) Object.assign(canvas, { width: w, height: h });
    this.sharp = sharp;
    this.overlay.reset();
  }

  // `scene`: {data, settings, mode, view, objects, cross, dragged, moving, font}; `dirty`: a set of what has changed:
  // "base" (the image), "sample" (what lies under the overlay), "rim" (the objects). Returns the look.
  draw(scene, dirty) {
    const { data, settings, mode, view } = scene;
    if (dirty.has("base") || dirty.has("sample")) this.tiles.fresh();
    const isToned = this.base.setTone(data.layers.image, settings);
    if (dirty.has("base") || isToned) this.base.draw(data, view, this.sharp, scene.moving);
    const resolution = this.#overlayResolution();
    const look = lookOf(data, settings, mode, {
      dragged: scene.dragged,
      maskIsLoaded: () => this.overlay.isLoaded("mask", data, view, resolution),
      width: Math.max(1, Math.round(OUTLINE_WIDTH * resolution.sharp)),
      halo: Math.max(1, Math.round(HALO_WIDTH * resolution.sharp)),
    });
    this.overlay.update(look, scene, resolution, dirty);
    this.complete = this.base.complete && this.overlay.complete && !look.maskIsAwaited;
    this.#compose(look, scene);
    this.tiles.fetch();
    return look;
  }

  #overlayResolution() {
    const { width, height } = this.canvas;
    const sharp = this.sharp * Math.min(1, Math.sqrt(MOST_OVERLAY / (width * height)));
    const scaled = (length) => Math.max(1, Math.round((length * sharp) / this.sharp));
    return { width: scaled(width), height: scaled(height), sharp };
  }

  #compose(look, scene) {
    const { canvas, base, overlay, sharp } = this;
    const { width, height } = canvas;
    const context = canvas.getContext("2d", { alpha: false });
    context.globalAlpha = 1;
    context.drawImage(base.canvas, 0, 0);
    context.imageSmoothingEnabled = false;
    if (look.mode !== "image") this.#drawOverlay(context, scene.settings, look.style);
    if (overlay.hasRim) context.drawImage(overlay.rimCanvas, 0, 0, width, height);
    context.save();
    context.scale(sharp, sharp);
    annotate(context, { ...scene, look, hasRim: overlay.hasRim, width: width / sharp, height: height / sharp });
    context.restore();
  }

  // The overlay, right of the compare slider where that is on. Outlines are opaque from an opacity of a half on.
  #drawOverlay(context, { opacity, wipe }, style) {
    const { sharp } = this;
    const { width, height } = this.canvas;
    const cut = wipe === null ? 0 : Math.round(wipe * width);
    context.save();
    if (cut) {
      context.beginPath();
      context.rect(cut, 0, width - cut, height);
      context.clip();
    }
    context.globalAlpha = style === "fill" ? opacity : Math.min(1, 2 * opacity);
    context.drawImage(this.overlay.canvas, 0, 0, width, height);
    context.restore();
    if (wipe === null) return;
    context.fillStyle = "#1c2733";
    context.fillRect(cut - 2 * sharp, 0, 4 * sharp, height);
    context.fillStyle = "#fff";
    context.fillRect(cut - sharp, 0, 2 * sharp, height);
  }
}
