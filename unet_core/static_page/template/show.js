// The viewer of the Predict page with an image of this page: it takes what Python would send it.

import mountViewer from "./viewer/viewer.js";
import { addObjects } from "./viewer/objects.js";
import { addLayer, removeLayers } from "./viewer/tiles.js";
import { FULL } from "./result/answer.js";
import { contrastOf } from "./result/contrast.js";

const TILE = 1024;

export class Show {
  // `host`: the element that it fills; `page`: what page.json says; `changed(settings)`: the reader let a control go.
  constructor(host, page, changed) {
    Object.assign(this, { page, changed, layers: {}, count: null });
    const root = host.attachShadow({ mode: "open" });
    const style = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: new URL("viewer/viewer.css", import.meta.url).href,
    });
    this.parent = document.createElement("div");
    root.append(style, this.parent);
    this.settings = {
      threshold: page.threshold, opacity: 0.5, mode: "mask", style: "fill", color: page.colors[1], hidden: [],
      limits: null, gamma: 1, inverted: false, wipe: null, numbers: false, selected: null,
    };
  }

  // Show an image {name, width, height, channels, data}, its answer or null, its result or null.
  show(image, answer, result, summary) {
    Object.assign(this, { image, answer, result, summary });
    this.#mount();
  }

  #mount() {
    const { image, answer, result, page } = this;
    const layers = { image: this.#imageLayer(image) };
    if (answer) Object.assign(layers, this.#answerLayers(answer, image));
    if (result) Object.assign(layers, this.#resultLayers(result, image));
    const before = Object.values(this.layers).map((layer) => layer.id);
    this.layers = layers;
    mountViewer({
      parentElement: this.parent,
      data: {
        key: "page", name: image.name, summary: this.summary, root: "", tile: TILE, values: TILE, layers,
        size: [image.width, image.height], multiclass: page.num_classes > 1, mask_threshold: result?.threshold ?? null,
        class_names: page.classes, pixel_size: null, objects: result ? addObjects(result.list) : null, channels: null,
        height: null, below: null, count: this.count, lost: undefined, settings: this.settings,
        colors: page.colors, swatches: page.swatches, errors: page.errors,
      },
      setStateValue: (name, values) => this.#receive(name, values),
    });
    const ids = new Set(Object.values(layers).map((layer) => layer.id));
    removeLayers(before.filter((id) => !ids.has(id)));
  }

  #receive(name, { count, ...values }) {
    if (name !== "settings") return;
    this.settings = values;
    this.count = count;
    this.changed(values);
    this.#mount();
  }

  // Each layer is made once for the arrays that it shows.
  #layer(name, source, make) {
    const before = this.layers[name];
    return before?.source === source ? before : { ...make(), source };
  }

  #imageLayer({ width, height, channels, data }) {
    return this.#layer("image", data, () => {
      const dtype = data instanceof Uint16Array ? "uint16" : "uint8";
      const id = addLayer(data, width, height, "color", { planes: channels });
      return { id, dtype, shown: dtype, channels, planes: channels, ...contrastOf(data) };
    });
  }

  #answerLayers({ levels, classes, confidence }, { width, height }) {
    const probability = this.#layer("probability", levels ?? confidence, () => {
      const most = levels ? FULL : 255;
      const pixels = levels ? Uint8Array.from(levels, (level) => Math.round((level * 255) / FULL)) : confidence;
      const id = addLayer(pixels, width, height, "mean", { values: levels ?? confidence, most });
      return { id, dtype: "float32", shown: "uint8", channels: 1 };
    });
    if (!classes) return { probability };
    const plain = () => ({ id: addLayer(classes, width, height, "nearest"), dtype: "uint8", channels: 1 });
    return { probability, classes: this.#layer("classes", classes, plain) };
  }

  #resultLayers({ mask, labels }, { width, height }) {
    const layers = {
      labels: this.#layer("labels", labels, () => ({ id: addLayer(labels, width, height, "nearest"), dtype: "int32" })),
    };
    if (this.page.num_classes > 1) return layers;
    const bright = () => ({ id: addLayer(mask.map((value) => value * 255), width, height, "mean"), dtype: "uint8" });
    return { ...layers, mask: this.#layer("mask", mask, bright) };
  }
}
