// A slider that says whether it is still being moved.

import { element } from "../shared/dom.js";

export class Slider {
  // `report(value, final)`: true when let go, false while moved, "soon" for keys, after which more may follow.
  constructor(name, words, report, { min = 0, max = 1, step = 0.01 } = {}) {
    this.pressed = false;
    this.output = element("output");
    this.input = element("input", { type: "range", name, min, max, step, "aria-label": words });
    this.label = element("label", { class: "slider" }, element("span", {}, words), this.input, this.output);
    const value = () => Number(this.input.value);
    this.input.addEventListener("pointerdown", () => (this.pressed = true));
    this.input.addEventListener("input", () => report(value(), false));
    this.input.addEventListener("change", () => {
      report(value(), this.pressed ? true : "soon");
      this.pressed = false;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.input.addEventListener(end, () => {
        setTimeout(() => {
          if (!this.pressed) return; // `change` came
          this.pressed = false;
          report(value(), true);
        });
      });
    }
  }

  // The value as it is now, with its words; what is under the finger stays there.
  show(value, words) {
    if (!this.pressed) this.input.value = value;
    this.output.textContent = words;
    this.input.setAttribute("aria-valuetext", words);
  }
}
