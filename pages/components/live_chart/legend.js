// Below the panels: buttons that show and hide a curve, and the kinds of marks that there are.

import { element } from "../shared/dom.js";
import { markColor, markWords } from "./marks.js";

export class Legend {
  // `find` looks up elements, `toggle(name)` shows or hides a curve.
  constructor(find, toggle) {
    Object.assign(this, { find, toggle });
    for (const name of ["legend-loss", "legend-score", "legend-cpu", "legend-ram"]) find(name).replaceChildren();
  }

  show(panels, marks, starred, theme) {
    for (const panel of panels) {
      const group = this.find("legend-" + panel.name);
      if (group) for (const line of panel.lines) this.#showLine(group, line);
    }
    this.#showMarks(marks, starred, theme);
  }

  #showLine(group, line) {
    let button = group.querySelector(`[data-line="${line.name}"]`);
    if (!button) {
      const attributes = { type: "button", "data-line": line.name, title: "Show or hide this curve" };
      button = element("button", { ...attributes, onclick: () => this.toggle(line.name) }, element("i"), line.name);
      group.append(button);
    }
    button.setAttribute("aria-pressed", String(!line.hidden));
    button.firstChild.style.borderTop = `${line.faint ? 1 : 3}px ${line.dash ? "dashed" : "solid"} ${line.color}`;
  }

  #showMarks(marks, starred, theme) {
    const kinds = [...new Set(marks.map((mark) => mark.kind))];
    const content = JSON.stringify([kinds, starred, theme.dark]);
    if (content === this.content) return;
    this.content = content;
    const item = (sign, color, words) => {
      const shape = element("b", {}, sign);
      shape.style.color = color;
      return element("span", {}, shape, ` ${words}`);
    };
    const items = kinds.map((kind) => item("▼", markColor(kind, theme), markWords(kind)));
    if (starred) items.unshift(item("★", theme.orange, "best checkpoint"));
    this.find("legend-marks").replaceChildren(...items);
  }
}
