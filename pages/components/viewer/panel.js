// The viewer's controls: they show the settings, and report what was chosen.

import { element } from "../shared/dom.js";
import { ContrastControls } from "./contrast.js";
import { Slider } from "./slider.js";

const MODES = {
  mask: "Prediction",
  heat: "Probability",
  uncertainty: "Uncertainty",
  errors: "Errors",
  truth: "Ground truth",
  image: "Image only",
};
const STYLES = { fill: "Filled", outline: "Outline", both: "Both" };

const ICONS = {
  minus: "M5 12h14",
  plus: "M5 12h14M12 5v14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  wipe: "M12 3v18M8 9l-3 3 3 3M16 9l3 3-3 3",
  numbers: "M9 4 7 20M17 4l-2 16M5 9h15M4 15h15",
  tone: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  full: "M9 4H4v5M4 4l6 6M15 20h5v-5M20 20l-6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function choices(select, options) {
  const content = JSON.stringify(options);
  if (select.dataset.options === content) return;
  select.dataset.options = content;
  select.replaceChildren(...Object.entries(options).map(([value, words]) => element("option", { value }, words)));
}

const percent = (value) => `${Math.round(value * 100)}%`;

export class Panel {
  // `on`: change(name, value, final), wipe(), zoom(factor), fit(), natural(), full(), download(), resized().
  // `legend` is an element that takes no line of its own where there is room beside the buttons.
  constructor(on, legend) {
    this.on = on;
    const select = (name, words) => {
      const input = element("select", { name, "aria-label": words, onchange: () => on.change(name, input.value, true) });
      return [input, element("label", {}, element("span", {}, words), input)];
    };
    const button = (name, words, press, content = icon(name)) =>
      element("button", { type: "button", title: words, "aria-label": words, "data-is": name, onclick: press }, content);

    [this.mode, this.modeLabel] = select("mode", "Show");
    [this.style, this.styleLabel] = select("style", "Style");
    const slider = (name, words) => new Slider(name, words, (value, final) => on.change(name, value, final));
    this.threshold = slider("threshold", "Threshold");
    this.opacity = slider("opacity", "Opacity");
    this.contrast = new ContrastControls(on.change);
    this.swatches = element("datalist", { id: "swatches" });
    this.color = element("input", {
      type: "color",
      name: "color",
      list: "swatches",
      oninput: () => on.change("color", this.color.value, false),
      onchange: () => on.change("color", this.color.value, true),
    });
    this.colorLabel = element("label", {}, element("span", {}, "Color"), this.color, this.swatches);
    this.tone = button("tone", "Contrast, brightness and gamma", () => this.#toggleContrast());
    this.wipe = button("wipe", "Compare slider between image and overlay", () => on.wipe());
    this.numbers = button("numbers", "Object numbers", () => on.change("numbers", !this.settings.numbers, true));
    this.level = element("output", { "data-is": "zoom", title: "Screen pixels per image pixel" });
    const zooms = element(
      "div",
      { class: "group", role: "group", "aria-label": "Zoom" },
      button("minus", "Zoom out (−)", () => on.zoom(1 / 1.5)),
      this.level,
      button("plus", "Zoom in (+)", () => on.zoom(1.5)),
      button("fit", "Fit (0)", () => on.fit()),
      button("natural", "1:1, actual size (1)", () => on.natural(), "1:1"),
    );
    this.full = button("full", "Full screen", () => on.full());
    const rest = element(
      "div",
      { class: "group end" },
      this.tone,
      this.wipe,
      this.numbers,
      zooms,
      this.full,
      button("download", "Download current view (PNG)", () => on.download()),
    );
    this.bar = element(
      "div",
      { class: "bar", role: "group", "aria-label": "Display settings" },
      this.modeLabel,
      this.styleLabel,
      this.threshold.label,
      this.opacity.label,
      this.colorLabel,
      legend,
      rest,
    );
  }

  #toggleContrast() {
    const isOpen = this.contrast.root.toggleAttribute("hidden");
    this.tone.setAttribute("aria-expanded", !isOpen);
    this.on.resized();
  }

  // Offer what can be shown of the data.
  offer(data) {
    this.data = data;
    const { layers, multiclass } = data;
    const available = {
      mask: layers.probability || layers.mask || layers.classes,
      heat: layers.probability,
      uncertainty: layers.uncertainty,
      errors: layers.truth && (layers.probability || layers.mask || layers.classes),
      truth: layers.truth,
      image: true,
    };
    const named = { ...MODES, heat: multiclass ? "Confidence" : MODES.heat };
    choices(this.mode, Object.fromEntries(Object.entries(named).filter(([mode]) => available[mode])));
    choices(this.style, STYLES);
    this.available = available;
    const swatches = data.swatches.map((hex) => element("option", { value: hex }));
    this.swatches.replaceChildren(...swatches);
  }

  // The mode to show: the reader's where the data have it, else the first that they have.
  modeOf(settings) {
    return this.available[settings.mode] ? settings.mode : this.mode.options[0].value;
  }

  show(settings, zoom) {
    const { data } = this;
    this.settings = settings;
    const mode = settings.mode;
    const hasAreas = ["mask", "errors", "truth"].includes(mode);
    const binary = !data.multiclass;
    this.mode.value = mode;
    this.style.value = settings.style;
    this.threshold.show(settings.threshold, settings.threshold.toFixed(2));
    this.opacity.show(settings.opacity, percent(settings.opacity));
    this.contrast.show(data.layers.image, settings);
    this.color.value = settings.color;
    this.styleLabel.hidden = !hasAreas;
    this.threshold.label.hidden = !(binary && data.layers.probability && ["mask", "errors", "heat"].includes(mode));
    this.opacity.label.hidden = mode === "image";
    this.colorLabel.hidden = !(binary && (mode === "mask" || mode === "truth"));
    this.wipe.hidden = mode === "image";
    this.numbers.hidden = !data.objects;
    this.wipe.setAttribute("aria-pressed", settings.wipe !== null);
    this.numbers.setAttribute("aria-pressed", settings.numbers);
    this.level.textContent = zoom >= 10 ? `${Math.round(zoom)}×` : percent(zoom);
  }
}
