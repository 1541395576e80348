// The viewer's controls: they show the settings, and tell what was chosen. Text from data goes in as text only.

const MODES = {
  mask: "Mask",
  heat: "Probability",
  uncertainty: "Uncertainty",
  errors: "Errors",
  truth: "True mask",
  image: "Image alone",
};
const STYLES = { fill: "Filled", outline: "Outline", both: "Both" };

const ICONS = {
  minus: "M5 12h14",
  plus: "M5 12h14M12 5v14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  wipe: "M12 3v18M8 9l-3 3 3 3M16 9l3 3-3 3",
  numbers: "M9 4 7 20M17 4l-2 16M5 9h15M4 15h15",
  full: "M9 4H4v5M4 4l6 6M15 20h5v-5M20 20l-6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key.startsWith("aria-")) made.setAttribute(key, String(value));
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

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
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  select.dataset.options = wanted;
  select.replaceChildren(...Object.entries(options).map(([value, words]) => element("option", { value }, words)));
}

const percent = (value) => `${Math.round(value * 100)} %`;

export class Panel {
  // `on`: change(name, value, final), pressed(), download(), full(), zoom(factor), fit(), natural().
  constructor(on) {
    this.on = on;
    const select = (name, words) => {
      const input = element("select", { name, "aria-label": words, onchange: () => on.change(name, input.value, true) });
      return [input, element("label", {}, element("span", {}, words), input)];
    };
    const button = (name, words, press, picture = icon(name)) =>
      element("button", { type: "button", title: words, "aria-label": words, "data-is": name, onclick: press }, picture);

    [this.mode, this.modeLabel] = select("mode", "Show");
    [this.style, this.styleLabel] = select("style", "Areas");
    [this.threshold, this.thresholdLabel, this.thresholdValue] = this.#slider("threshold", "Threshold");
    [this.opacity, this.opacityLabel, this.opacityValue] = this.#slider("opacity", "Opacity");
    this.swatches = element("datalist", { id: "swatches" });
    this.colour = element("input", {
      type: "color",
      name: "colour",
      list: "swatches",
      oninput: () => on.change("colour", this.colour.value, false),
      onchange: () => on.change("colour", this.colour.value, true),
    });
    this.colourLabel = element("label", {}, element("span", {}, "Colour"), this.colour, this.swatches);
    this.wipe = button("wipe", "Wipe between image and overlay", () => on.wipe());
    this.numbers = button("numbers", "Numbers of the objects", () => on.change("numbers", !this.settings.numbers, true));
    this.level = element("output", { "data-is": "zoom", title: "Screen pixels for one of the picture" });
    const zooms = element(
      "div",
      { class: "group", role: "group", "aria-label": "Zoom" },
      button("minus", "Zoom out (−)", () => on.zoom(1 / 1.5)),
      this.level,
      button("plus", "Zoom in (+)", () => on.zoom(1.5)),
      button("fit", "Fit (0)", () => on.fit()),
      button("natural", "One screen pixel for each of the picture (1)", () => on.natural(), "1:1"),
    );
    this.full = button("full", "Full screen", () => on.full());
    const rest = element(
      "div",
      { class: "group end" },
      this.wipe,
      this.numbers,
      zooms,
      this.full,
      button("download", "Download what is seen (PNG)", () => on.download()),
    );
    this.bar = element(
      "div",
      { class: "bar", role: "group", "aria-label": "How the picture is shown" },
      this.modeLabel,
      this.styleLabel,
      this.thresholdLabel,
      this.opacityLabel,
      this.colourLabel,
      rest,
    );
    this.legend = element("div", { class: "legend" });
  }

  #slider(name, words) {
    const value = element("output");
    const input = element("input", { type: "range", name, min: 0, max: 1, step: 0.01, "aria-label": words });
    const told = (final) => this.on.change(name, Number(input.value), final);
    input.addEventListener("pointerdown", () => (this.held = true));
    input.addEventListener("input", () => told(false));
    input.addEventListener("change", () => {
      told(this.held ? true : "soon"); // keys: when they rest
      this.held = false;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      input.addEventListener(end, () => {
        setTimeout(() => {
          if (!this.held) return; // `change` came
          this.held = false;
          told(true);
        });
      });
    }
    return [input, element("label", { class: "slider" }, element("span", {}, words), input, value), value];
  }

  // What there is to choose, of the data at hand.
  offer(data) {
    this.data = data;
    const { layers, multiclass } = data;
    const there = {
      mask: layers.probability || layers.mask || layers.classes,
      heat: layers.probability,
      uncertainty: layers.uncertainty,
      errors: layers.truth && (layers.probability || layers.mask || layers.classes),
      truth: layers.truth,
      image: true,
    };
    const named = { ...MODES, heat: multiclass ? "Confidence" : MODES.heat };
    choices(this.mode, Object.fromEntries(Object.entries(named).filter(([mode]) => there[mode])));
    choices(this.style, STYLES);
    this.there = there;
    const swatches = data.swatches.map((hex) => element("option", { value: hex }));
    this.swatches.replaceChildren(...swatches);
  }

  show(settings, zoom) {
    const { data } = this;
    this.settings = settings;
    const mode = settings.mode;
    const areas = ["mask", "errors", "truth"].includes(mode);
    const binary = !data.multiclass;
    this.mode.value = mode;
    this.style.value = settings.style;
    if (!this.held) this.threshold.value = settings.threshold;
    if (!this.held) this.opacity.value = settings.opacity;
    this.thresholdValue.textContent = settings.threshold.toFixed(2);
    this.opacityValue.textContent = percent(settings.opacity);
    this.opacity.setAttribute("aria-valuetext", percent(settings.opacity));
    this.colour.value = settings.colour;
    this.styleLabel.hidden = !areas;
    this.thresholdLabel.hidden = !(binary && data.layers.probability && ["mask", "errors", "heat"].includes(mode));
    this.opacityLabel.hidden = mode === "image";
    this.colourLabel.hidden = !(binary && (mode === "mask" || mode === "truth"));
    this.wipe.hidden = mode === "image";
    this.numbers.hidden = !data.objects;
    this.wipe.setAttribute("aria-pressed", settings.wipe !== null);
    this.numbers.setAttribute("aria-pressed", settings.numbers);
    this.level.textContent = zoom >= 10 ? `${Math.round(zoom)}×` : percent(zoom);
    this.#legend(settings, mode);
  }

  #legend(settings, mode) {
    const { data } = this;
    const wanted = JSON.stringify([mode, settings.hidden, data.class_names, data.colours, data.multiclass]);
    if (this.legend.dataset.is === wanted) return;
    this.legend.dataset.is = wanted;
    const focused = this.legend.getRootNode().activeElement?.dataset?.class;
    const swatch = (hex) => {
      const made = element("i");
      made.style.background = hex;
      return made;
    };
    const parts = [];
    if (mode === "errors") {
      const words = data.multiclass
        ? [["wrong class", data.errors.wrong]]
        : [
            ["found (true positive)", data.errors.right],
            ["found wrongly (false positive)", data.errors.wrong],
            ["missed (false negative)", data.errors.missed],
          ];
      parts.push(...words.map(([name, hex]) => element("span", { class: "key" }, swatch(hex), name)));
    } else if (data.multiclass && (mode === "mask" || mode === "truth")) {
      data.class_names.forEach((name, index) => {
        const shown = !settings.hidden.includes(index);
        const press = () => {
          const hidden = shown ? [...settings.hidden, index] : settings.hidden.filter((other) => other !== index);
          this.on.change("hidden", hidden.sort((a, b) => a - b), true);
        };
        const attributes = { type: "button", class: "key", "aria-pressed": shown, "data-class": index, onclick: press };
        parts.push(element("button", attributes, swatch(data.colours[index]), name));
      });
      if (data.class_names.length > 2) {
        const all = data.class_names.map((_, index) => index);
        const set = (hidden) => () => this.on.change("hidden", hidden, true);
        parts.push(element("button", { type: "button", "data-class": "all", onclick: set([]) }, "All"));
        parts.push(element("button", { type: "button", "data-class": "none", onclick: set(all) }, "None"));
      }
    }
    this.legend.replaceChildren(...parts);
    this.legend.hidden = !parts.length;
    if (focused) this.legend.querySelector(`[data-class="${CSS.escape(focused)}"]`)?.focus();
  }
}
