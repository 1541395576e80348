// The table of images: what was found in each, one that is shown, and a button to take one away.

import { element } from "./shared/dom.js";

export class List {
  // `choose(entry)`, `remove(entry)`.
  constructor(body, choose, remove) {
    Object.assign(this, { body, choose, remove });
  }

  // `entries`: {name, state, error, measured: {list, covered} or null}; `current`: the one that is shown.
  show(entries, current) {
    const focused = document.activeElement?.dataset?.focus;
    this.body.replaceChildren(...entries.map((entry, at) => this.#row(entry, at, entry === current)));
    if (focused) this.body.querySelector(`[data-focus="${focused}"]`)?.focus();
  }

  #row(entry, at, isCurrent) {
    const { name, measured } = entry;
    const open = element("button", { type: "button", class: "name", title: name, "data-focus": `open-${at}`, onclick: () => this.choose(entry) }, name);
    if (isCurrent) open.setAttribute("aria-current", "true");
    const label = `Remove ${name} from the list`;
    const remove = element(
      "button",
      { type: "button", class: "remove", "aria-label": label, title: label, "data-focus": `remove-${at}`, onclick: () => this.remove(entry) },
      "×",
    );
    const cells = measured
      ? [element("td", { class: "number" }, String(measured.list.length)), element("td", { class: "number" }, percent(measured.covered))]
      : [element("td", { colspan: 2 }, entry.error ? "Not read" : entry.state)];
    return element("tr", {}, element("th", { scope: "row" }, open), ...cells, element("td", {}, remove));
  }
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
