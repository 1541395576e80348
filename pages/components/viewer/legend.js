// The meaning of the colors. Classes are buttons that hide and show them.

import { element } from "../shared/dom.js";

const ERRORS = [["true positive", "true_positive"], ["false positive", "false_positive"], ["false negative", "false_negative"]];

export class Legend {
  // `hide(indices)`: the reader chose the classes that are hidden.
  constructor(hide) {
    this.hide = hide;
    this.root = element("div", { class: "legend" });
  }

  show(data, settings, mode) {
    const content = JSON.stringify([mode, settings.hidden, data.class_names, data.colors, data.multiclass]);
    if (this.root.dataset.is === content) return;
    this.root.dataset.is = content;
    const focused = this.root.getRootNode().activeElement?.dataset?.class;
    let parts = [];
    if (mode === "errors") parts = this.#errors(data);
    else if (data.multiclass && (mode === "mask" || mode === "truth")) parts = this.#classes(data, settings.hidden);
    this.root.replaceChildren(...parts);
    this.root.hidden = !parts.length;
    if (focused) this.root.querySelector(`[data-class="${CSS.escape(focused)}"]`)?.focus();
  }

  #errors({ multiclass, errors }) {
    const items = multiclass ? [["wrong class", "false_positive"]] : ERRORS;
    return items.map(([words, kind]) => element("span", { class: "key" }, swatch(errors[kind]), words));
  }

  #classes({ class_names: names, colors }, hidden) {
    const button = (index, words, press, attributes = {}, ...before) =>
      element("button", { type: "button", "data-class": index, onclick: press, ...attributes }, ...before, words);
    const parts = names.map((name, index) => {
      const isShown = !hidden.includes(index);
      const press = () => {
        const indices = isShown ? [...hidden, index] : hidden.filter((other) => other !== index);
        this.hide(indices.sort((a, b) => a - b));
      };
      return button(index, name, press, { class: "key", "aria-pressed": isShown }, swatch(colors[index]));
    });
    if (names.length > 2) {
      parts.push(button("all", "All", () => this.hide([])));
      parts.push(button("none", "None", () => this.hide(names.map((_, index) => index))));
    }
    return parts;
  }
}

function swatch(hex) {
  const created = element("i");
  created.style.background = hex;
  return created;
}
