// What the arrays hold under the pointer, and which object lies there.

import { IGNORE } from "./drawing/paint.js";

const COLORS = [[0, "red"], [1, "green"], [2, "blue"]];

// A class by name; 255 is what no class was given to.
export function className(index, names) {
  return index === IGNORE ? "ignored" : (names[index] ?? `class ${index}`);
}

// The values under pixel [x, y]; what is on its way is null. `at(layer)` gives those of a layer there, one a channel, or
// null; `object`: the object there (0: none, null: on its way).
export function readValues(data, settings, look, [x, y], at, object) {
  const { layers, multiclass } = data;
  const value = (name) => (layers[name] ? at(name) : null);
  const share = (name) => {
    const values = value(name);
    if (!values) return null;
    return layers[name].dtype === "float32" ? values[0] : values[0] / 255;
  };
  const values = { x, y, intensity: value("image"), probability: share("probability"), uncertainty: share("uncertainty") };
  values.class = null;
  if (multiclass && layers.classes) values.class = value("classes")?.[0] ?? null;
  else if (look.settled && layers.mask) {
    const mask = value("mask");
    if (mask) values.class = mask[0] >> 7;
  } else if (values.probability !== null) {
    // rounded to 1/255 as it is drawn: the read-out says what is seen
    const level = layers.probability.dtype === "float32" ? Math.round(values.probability * 255) : value("probability")[0];
    values.class = +(level > settings.threshold * 255);
  }
  const truth = value("truth");
  if (truth) values.truth = truth[0];
  values.object = object;
  return values;
}

// The same in words.
export function readoutText(values, data) {
  const { pixel_size: size, class_names: names, multiclass } = data;
  const { x, y, intensity, probability, uncertainty } = values;
  const number = (n) => (Number.isInteger(n) ? String(n) : n.toPrecision(5));
  const words = [`x ${x}, y ${y}`];
  if (size) words.push(`${(x * size).toFixed(2)}, ${(y * size).toFixed(2)} µm`);
  if (!intensity) words.push("…");
  else if (intensity.length === 1) words.push(`intensity ${number(intensity[0])}`);
  else words.push((data.channels ?? COLORS).map(([i, name]) => `${name} ${number(intensity[i])}`).join(", "));
  if (probability !== null) words.push(`${multiclass ? "confidence" : "probability"} ${probability.toFixed(3)}`);
  if (uncertainty !== null) words.push(`uncertainty ${uncertainty.toFixed(3)}`);
  if (values.class !== null) words.push(className(values.class, names));
  if (values.truth !== undefined) words.push(`ground truth: ${className(values.truth, names)}`);
  if (values.object) words.push(`object ${values.object}`);
  return words.join("  ·  ");
}

export class Readout {
  // `select(id or null)`: an object was clicked, or none.
  constructor(line, stage, tiles, select) {
    Object.assign(this, { line, stage, tiles, select, values: null, cursor: null, cross: false, clicked: null });
  }

  // The pointer is over `pixel` [x, y], or null; `byKeyboard`: it is the middle of the stage.
  hover(pixel, byKeyboard) {
    this.cursor = pixel;
    this.cross = byKeyboard;
  }

  // A click on `pixel`, or null beside the image: selects the object there, once its pixels have come.
  pick(pixel, scene) {
    const id = pixel ? this.#objectAt(pixel, scene) : 0;
    this.clicked = id === null ? pixel : null;
    if (id !== null) this.select(id || null);
  }

  // `scene`: {data, settings, look} as drawn last.
  update(scene) {
    if (this.clicked) this.pick(this.clicked, scene);
    if (!this.cursor) {
      this.values = null;
      this.line.textContent = "";
      return;
    }
    const { data, settings, look } = scene;
    const object = data.objects ? this.#objectAt(this.cursor, scene) : null;
    this.values = readValues(data, settings, look, this.cursor, (name) => this.tiles.at(name, ...this.cursor), object);
    this.stage.classList.toggle("over", !!object);
    this.line.textContent = readoutText(this.values, data);
  }

  // The id of the object at a pixel, 0 for none, null while that is on its way.
  #objectAt(pixel, { data, look }) {
    if (!data.layers.labels || !look.objectsValid) return 0;
    const values = this.tiles.at("labels", ...pixel);
    return values && values[0];
  }
}
