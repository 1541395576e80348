// The viewer's read-out: what the arrays hold under the pointer, and which object lies there.

import { IGNORE } from "./paint.js";

export const reading = {
  objectAt(x, y) {
    const { layers } = this.data;
    if (layers.labels) {
      if (!this.objectsHold) return 0;
      const found = this.tiles.at("labels", x, y);
      return found && found[0];
    }
    return 0;
  },

  // A click: the object below it, or none. Its pixels may still be on their way.
  pick(sx, sy) {
    if (!this.data.objects) return;
    const [x, y] = this.view.place(sx, sy).map(Math.floor);
    const inside = x >= 0 && y >= 0 && x < this.data.size[0] && y < this.data.size[1];
    const found = inside ? this.objectAt(x, y) : 0;
    this.waiting = found === null ? [x, y] : null;
    if (found !== null) this.select(found || null);
  },

  hover(sx, sy, keyboard = false) {
    if (sx === undefined) this.cursor = null;
    else {
      const [x, y] = this.view.place(sx, sy).map(Math.floor);
      const inside = x >= 0 && y >= 0 && x < this.data.size[0] && y < this.data.size[1];
      this.cursor = inside ? [x, y] : null;
    }
    this.cross = keyboard;
    this.read();
  },

  read() {
    if (this.waiting) {
      const found = this.objectAt(...this.waiting);
      if (found !== null) {
        this.waiting = null;
        this.select(found || null);
      }
    }
    if (!this.cursor) {
      this.readout = null;
      this.readoutLine.textContent = "";
      return;
    }
    const [x, y] = this.cursor;
    const { layers, pixel_size: size, class_names: names, multiclass } = this.data;
    const value = (name) => layers[name] && this.tiles.at(name, x, y);
    const number = (n) => (Number.isInteger(n) ? String(n) : n.toPrecision(5));
    const kind = (index) => (index === IGNORE ? "ignored" : (names[index] ?? `class ${index}`));
    const intensity = value("image");
    const read = { x, y, intensity };
    const words = [`x ${x}, y ${y}`];
    if (size) words.push(`${(x * size).toFixed(2)}, ${(y * size).toFixed(2)} µm`);
    if (!intensity) words.push("…");
    else if (intensity.length === 1) words.push(`intensity ${number(intensity[0])}`);
    else words.push(["red", "green", "blue"].map((name, i) => `${name} ${number(intensity[i])}`).join(", "));
    const share = (name) => {
      const found = value(name);
      if (!found) return null;
      const { dtype } = layers[name];
      return dtype === "float32" ? found[0] : found[0] / 255;
    };
    read.probability = share("probability");
    if (read.probability !== null) words.push(`${multiclass ? "confidence" : "probability"} ${read.probability.toFixed(3)}`);
    read.uncertainty = share("uncertainty");
    if (read.uncertainty !== null) words.push(`uncertainty ${read.uncertainty.toFixed(3)}`);
    read.class = null;
    if (multiclass && layers.classes) {
      const found = value("classes");
      if (found) read.class = found[0];
    } else if (this.settled && layers.mask) {
      const found = value("mask");
      if (found) read.class = found[0] >> 7;
    } else if (layers.probability) {
      const found = value("probability");
      const level = layers.probability.dtype === "float32" ? Math.round(found?.[0] * 255) : found?.[0];
      if (found) read.class = +(level > this.settings.threshold * 255);
    }
    if (read.class !== null) words.push(kind(read.class));
    const truth = value("truth");
    if (truth) words.push(`truth: ${kind((read.truth = truth[0]))}`);
    read.object = this.data.objects ? this.objectAt(x, y) : null;
    if (read.object) words.push(`object ${read.object}`);
    this.stage.classList.toggle("over", !!read.object);
    this.readout = read;
    this.readoutLine.textContent = words.join("  ·  ");
  },
};
