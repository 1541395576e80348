// The viewer's drawing: image and overlay on canvases of their own, put together; each is drawn anew only where it changed.

import { classify, colour, eachTile, ERRORS, geometry, IGNORE, packed, RAMPS, rgb, rim, sample } from "./paint.js";

const MOST_OVERLAY = 2_500_000; // pixels that are coloured for one drawing; sharper screens get coarser masks
const MOST_SHARP = 8_000_000; // pixels of the canvas

export const drawing = {
  resize() {
    if (!this.data || !this.root.clientWidth) return;
    if (!this.root.classList.contains("full")) {
      const [width, height] = this.data.size;
      const natural = (this.stage.clientWidth * height) / width;
      const high = Math.max(360, 0.66 * window.innerHeight);
      this.stage.style.height = `${Math.round(this.data.height ?? Math.min(high, Math.max(240, natural)))}px`;
    }
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    const sharp = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_SHARP / (width * height)));
    const [w, h] = [Math.max(1, Math.round(width * sharp)), Math.max(1, Math.round(height * sharp))];
    this.view.resize(width, height);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      for (const canvas of [this.canvas, this.base]) Object.assign(canvas, { width: w, height: h });
      this.sharp = sharp;
      this.buffers = null;
    }
    this.invalidate("base", "sample");
  },

  invalidate(...what) {
    for (const each of what) this.dirty.add(each);
    if (!this.asleep && !this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = null;
        this.draw();
      });
    }
  },

  draw() {
    if (!this.data || !this.root.clientWidth || !this.dirty.size) return;
    const started = performance.now();
    const dirty = new Set(this.dirty);
    this.dirty.clear();
    this.mode = this.panel.there[this.settings.mode] ? this.settings.mode : this.panel.mode.options[0].value;
    this.panel.show({ ...this.settings, mode: this.mode }, this.view.scale);
    this.divider.hidden = this.settings.wipe === null || this.mode === "image";
    this.divider.style.left = `${(this.settings.wipe ?? 0) * 100}%`;
    this.divider.setAttribute("aria-valuenow", Math.round((this.settings.wipe ?? 0) * 100));
    if (dirty.has("base") || dirty.has("sample")) this.tiles.fresh();
    if (dirty.has("base")) this.drawBase();
    const look = this.look();
    const needed = look.needs.join();
    if (dirty.has("sample") || needed !== this.sampledFor) this.sampleLayers(look.needs);
    this.sampledFor = needed;
    const { threshold, colour, hidden } = this.settings;
    const key = JSON.stringify([look.mode, look.style, look.settled, look.labels, threshold, colour, hidden]);
    if (this.resampled || dirty.has("sample") || key !== this.painted) this.paint(look);
    this.painted = key;
    const rimmed = JSON.stringify([this.settings.selected, this.objectsHold]);
    if (dirty.has("sample") || dirty.has("rim") || rimmed !== this.rimmed || this.resampled) this.drawRim();
    this.rimmed = rimmed;
    this.resampled = false;
    this.compose(look);
    this.tiles.fetch();
    this.read();
    this.tiles.fetch();
    const whole = this.baseWhole && this.sampleWhole && !this.maskWaits;
    const was = this.root.dataset.state;
    if (this.root.dataset.state !== "lost" || whole) this.root.dataset.state = whole ? "ready" : "loading";
    if (whole && was !== "ready") {
      this.lostTimes = 0;
      this.say("");
      this.shownAt ??= performance.now();
    }
    const givenUp = !whole && this.tiles.idle && this.tiles.problem && this.asked !== this.data.lost;
    if (givenUp && this.notice.hidden) this.say(this.tiles.problem, true);
    this.stats.push(performance.now() - started);
    if (this.stats.length > 1000) this.stats.shift();
  },

  // How the overlay looks now, and which layers that needs.
  look() {
    const { data, settings } = this;
    const { layers, multiclass } = data;
    const close = data.mask_threshold === null || Math.abs(settings.threshold - data.mask_threshold) < 0.0005;
    this.objectsHold = multiclass || !layers.probability || (close && this.busy !== "threshold");
    this.settled = !!layers.mask && this.objectsHold;
    this.maskWaits = this.settled && !!layers.probability && !this.hasCome("mask");
    if (this.maskWaits) this.settled = false; // until it has come
    const mode = this.mode;
    const labels = !!layers.labels && this.objectsHold && mode === "mask" && settings.style !== "fill";
    const selected = settings.selected !== null && layers.labels && this.objectsHold;
    const answer = multiclass ? "classes" : this.settled ? "mask" : "probability";
    const needs = {
      mask: [answer],
      heat: ["probability"],
      uncertainty: ["uncertainty"],
      errors: [answer, "truth"],
      truth: ["truth"],
      image: [],
    }[mode].slice();
    if (labels || selected) needs.push("labels");
    const colours = new Uint32Array(256);
    if (RAMPS[mode]) colours.set(RAMPS[mode]);
    else if (mode === "errors") for (const [name, kind] of Object.entries(ERRORS)) colours[kind] = packed(rgb(data.errors[name]));
    else if (multiclass) {
      data.colours.forEach((hex, index) => {
        if (!settings.hidden.includes(index)) colours[index] = packed(rgb(hex));
      });
    } else colours[1] = packed(rgb(settings.colour));
    const inside = new Uint8Array(256);
    for (let value = 0; value < 256; value++) inside[value] = +(value > settings.threshold * 255);
    const style = RAMPS[mode] ? "fill" : settings.style;
    const width = Math.max(1, Math.round(2.2 * this.overlaySharp()));
    return { mode, style, width, colours, inside, settled: this.settled, multiclass, needs, labels };
  },

  // Whether all tiles of a layer for this view have come; those that have not are asked for.
  hasCome(name) {
    const [sharp, width, height] = [this.sharp, this.canvas.width, this.canvas.height];
    const level = this.levelFor(this.overlaySharp());
    let whole = true;
    eachTile(this.geometryFor(width, height, sharp), this.data.tile * 2 ** level, (column, row) => {
      whole = !!this.tiles.get(name, level, column, row) && whole;
    });
    return whole;
  },

  overlaySharp() {
    const { width, height } = this.canvas;
    return this.sharp * Math.min(1, Math.sqrt(MOST_OVERLAY / (width * height)));
  },

  // The level whose pixels come nearest to the screen's, never coarser than those.
  levelFor(sharp) {
    return Math.max(0, Math.min(this.tiles.levels, Math.floor(-Math.log2(this.view.scale * sharp) + 1e-9)));
  },

  geometryFor(width, height, sharp) {
    const k = this.view.scale * sharp;
    return geometry(width, height, k, this.view.x - width / 2 / k, this.view.y - height / 2 / k, this.data.size);
  },

  drawBase() {
    const { base, tiles } = this;
    const context = base.getContext("2d", { alpha: false });
    const g = this.geometryFor(base.width, base.height, this.sharp);
    const wanted = this.levelFor(this.sharp);
    const signature = JSON.stringify(g);
    const any = [...new Set([wanted, tiles.levels])].some((level) => {
      let found = false;
      eachTile(g, this.data.tile * 2 ** level, (column, row) => (found ||= !!tiles.get("image", level, column, row)));
      return found;
    });
    if (!any && signature === this.baseSignature) {
      this.baseWhole = false; // the old picture stays until the new one comes
      return;
    }
    this.baseSignature = signature;
    context.fillStyle = getComputedStyle(this.stage).backgroundColor || "#888";
    context.fillRect(0, 0, base.width, base.height);
    const draw = (level, get) => {
      const side = this.data.tile * 2 ** level;
      let whole = true;
      context.imageSmoothingEnabled = g.k * 2 ** level < 1;
      context.imageSmoothingQuality = this.moving ? "low" : "medium";
      eachTile(g, side, (column, row) => {
        const tile = get("image", level, column, row);
        if (!tile) {
          whole = false;
          return;
        }
        // Whole pixels, as the overlay has them: no seam between two tiles, no half covered rim.
        const across = (place) => Math.round((place - g.u) * g.k);
        const down = (place) => Math.round((place - g.v) * g.k);
        const [left, top] = [across(column * side), down(row * side)];
        const right = across(column * side + tile.width * 2 ** level);
        const bottom = down(row * side + tile.height * 2 ** level);
        context.drawImage(tile.data, left, top, right - left, bottom - top);
      });
      return whole;
    };
    const there = (level) => {
      let whole = true;
      eachTile(g, this.data.tile * 2 ** level, (column, row) => (whole &&= !!tiles.peek("image", level, column, row)));
      return whole;
    };
    if (!there(wanted)) {
      for (let level = tiles.levels; level > wanted; level--) {
        const get = level === tiles.levels ? tiles.get : tiles.peek;
        draw(level, get.bind(tiles));
      }
    }
    this.baseWhole = draw(wanted, tiles.get.bind(tiles));
  },

  sampleLayers(needs) {
    const { tiles } = this;
    const sharp = this.overlaySharp();
    const width = Math.max(1, Math.round((this.canvas.width * sharp) / this.sharp));
    const height = Math.max(1, Math.round((this.canvas.height * sharp) / this.sharp));
    const size = width * height;
    if (this.buffers?.size !== size || this.over.width !== width) {
      this.buffers = { size, layers: {}, kinds: new Uint8Array(size), image: new ImageData(width, height), rim: null };
      this.buffers.out = new Uint32Array(this.buffers.image.data.buffer);
      for (const canvas of [this.over, this.rim]) Object.assign(canvas, { width, height });
    }
    this.buffers.out.fill(0);
    this.g = this.geometryFor(width, height, sharp);
    const wanted = this.levelFor(sharp);
    const signature = JSON.stringify(this.g);
    const same = signature === this.signature;
    this.signature = signature;
    this.sampleWhole = true;
    for (const name of needs) {
      const labels = name === "labels";
      const buffer = (this.buffers.layers[name] ??= labels ? new Int32Array(size) : new Uint8Array(size));
      const levels = [...new Set([wanted, tiles.levels])];
      const any = levels.some((level) => {
        let found = false;
        eachTile(this.g, this.data.tile * 2 ** level, (column, row) => (found ||= !!tiles.peek(name, level, column, row)));
        return found;
      });
      if (any || !same) buffer.fill(name === "classes" || name === "truth" ? IGNORE : 0); // else the old ones stay
      let whole = sample(buffer, this.g, wanted, this.data.tile, (column, row) => tiles.get(name, wanted, column, row));
      if (!whole && wanted < tiles.levels) {
        for (let level = tiles.levels; level >= wanted; level--) {
          const get = level === tiles.levels ? tiles.get : tiles.peek;
          sample(buffer, this.g, level, this.data.tile, (column, row) => get.call(tiles, name, level, column, row));
        }
      }
      this.sampleWhole &&= whole;
    }
    this.resampled = true;
  },

  paint(look) {
    const { buffers, g, over } = this;
    const context = over.getContext("2d");
    if (look.mode !== "image") {
      classify(buffers.kinds, buffers.layers, g, look);
      colour(buffers.out, buffers.kinds, look.labels ? buffers.layers.labels : null, g, look);
    } else buffers.out.fill(0);
    context.putImageData(buffers.image, 0, 0);
  },

  drawRim() {
    const { buffers, settings, data } = this;
    this.hasRim = settings.selected !== null && !!data.layers.labels && this.objectsHold && !!buffers.layers.labels;
    if (!this.hasRim) return;
    buffers.rim ??= new ImageData(this.rim.width, this.rim.height);
    const width = Math.max(1, Math.round(1.5 * this.overlaySharp()));
    rim(new Uint32Array(buffers.rim.data.buffer), buffers.layers.labels, this.g, settings.selected, width);
    this.rim.getContext("2d").putImageData(buffers.rim, 0, 0);
  },

  compose(look) {
    const { canvas, settings, sharp } = this;
    const context = canvas.getContext("2d", { alpha: false });
    const [width, height] = [canvas.width, canvas.height];
    context.globalAlpha = 1;
    context.drawImage(this.base, 0, 0);
    if (look.mode !== "image") {
      context.save();
      const cut = settings.wipe === null ? 0 : Math.round(settings.wipe * width);
      if (cut) {
        context.beginPath();
        context.rect(cut, 0, width - cut, height);
        context.clip();
      }
      context.imageSmoothingEnabled = false;
      context.globalAlpha = settings.opacity;
      context.drawImage(this.over, 0, 0, width, height);
      context.globalAlpha = 1;
      context.restore();
      if (settings.wipe !== null) {
        context.fillStyle = "#1c2733";
        context.fillRect(cut - 2 * sharp, 0, 4 * sharp, height);
        context.fillStyle = "#fff";
        context.fillRect(cut - sharp, 0, 2 * sharp, height);
      }
    }
    context.imageSmoothingEnabled = false;
    if (this.hasRim) context.drawImage(this.rim, 0, 0, width, height);
    context.save();
    context.scale(sharp, sharp);
    this.notes(context, width / sharp, height / sharp, look);
    context.restore();
  },
};
