// The controls of how bright the image is shown: black, white, gamma, inversion. They change the view alone.

import { element } from "../shared/dom.js";
import { limitsOf } from "./drawing/tone.js";
import { Slider } from "./slider.js";

const STEPS = 1000; // of the sliders of black and white
const MARGIN = 0.25; // of the automatic range: what the sliders reach beyond it
const MOST_GAMMA = 5;

// The range of the sliders for an image: around the automatic limits, so that one hot pixel does not make them coarse,
// and never beyond what the image holds; but wide enough for the limits as they are.
export function rangeOf({ auto, bounds }, limits) {
  const reach = (auto[1] - auto[0]) * (1 + MARGIN);
  return [
    Math.min(limits[0], Math.max(Math.min(bounds[0], auto[0]), auto[0] - reach)),
    Math.max(limits[1], Math.min(Math.max(bounds[1], auto[1]), auto[1] + reach)),
  ];
}

export function intensityText(value, type) {
  return type === "float32" ? Number(value.toPrecision(4)).toString() : String(Math.round(value));
}

export class ContrastControls {
  // `change(name, value, final)`: of the settings limits, gamma, inverted.
  constructor(change) {
    const button = (words, title, press) => element("button", { type: "button", title, onclick: press }, words);
    const limit = (at) => (value, final) => change("limits", this.#limitsWith(at, value), final);
    const steps = { min: 0, max: STEPS, step: 1 };
    this.black = new Slider("black", "Black", limit(0), steps);
    this.white = new Slider("white", "White", limit(1), steps);
    // The slider's middle is 1, and equal ways are equal factors.
    this.gamma = new Slider("gamma", "Gamma", (value, final) => change("gamma", MOST_GAMMA ** value, final), {
      min: -1,
      max: 1,
      step: 0.02,
    });
    this.auto = button("Auto", "Contrast from the image's percentiles", () => change("limits", null, true));
    this.stored = button("Full range", "Show the intensities as they are stored", () =>
      change("limits", [...this.full], true));
    this.inverted = button("Invert", "Black and white change places", () =>
      change("inverted", !this.settings.inverted, true));
    this.root = element(
      "div",
      { class: "bar contrast", role: "group", "aria-label": "Contrast", hidden: true },
      this.black.label,
      this.white.label,
      this.gamma.label,
      element("div", { class: "group" }, this.auto, this.stored, this.inverted),
    );
  }

  // The limits with the one `at` moved to a step of its slider; the other gives way.
  #limitsWith(at, step) {
    const [least, most] = this.range;
    const value = least + ((most - least) * step) / STEPS;
    const limits = [...this.limits];
    limits[at] = this.layer.shown === "float32" ? value : Math.round(value);
    if (limits[0] > limits[1]) limits[1 - at] = limits[at];
    return limits;
  }

  show(layer, settings) {
    this.layer = layer;
    this.settings = settings;
    this.full = { uint8: [0, 255], uint16: [0, 65535] }[layer.shown] ?? layer.bounds;
    this.limits = limitsOf(layer, settings);
    const isMoved = this.black.pressed || this.white.pressed;
    if (!isMoved) this.range = rangeOf(layer, this.limits); // it stays under the finger
    const [least, most] = this.range;
    [this.black, this.white].forEach((slider, at) => {
      const value = this.limits[at];
      const step = most > least ? ((value - least) / (most - least)) * STEPS : at * STEPS;
      slider.show(Math.round(step), intensityText(value, layer.shown));
    });
    this.gamma.show(Math.log(settings.gamma) / Math.log(MOST_GAMMA), settings.gamma.toFixed(2));
    this.auto.setAttribute("aria-pressed", settings.limits === null);
    this.inverted.setAttribute("aria-pressed", settings.inverted);
  }
}
