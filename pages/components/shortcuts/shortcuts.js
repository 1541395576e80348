// Keys that press buttons of the page, and a sheet of all keys.

import { element } from "../shared/dom.js";

// What takes keys itself: typing, or arrows that move something.
const TAKES_KEYS = "input, textarea, select, canvas, dialog, [contenteditable=''], [contenteditable=true], [role=application]," +
  "[role=slider], [role=radio], [role=radiogroup], [role=tab], [role=combobox], [role=listbox], [role=option], [role=menu]," +
  "[role=grid], [role=gridcell], [role=spinbutton]";

// Whether a key that was pressed on the elements of `path` (the innermost first) is one for the page.
export function isForPage(event, path) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  return !path.some((each) => each.matches?.(TAKES_KEYS));
}

class Shortcuts {
  constructor(parent) {
    this.removed = new AbortController();
    const words = "Keyboard shortcuts";
    this.opener = element("button", { type: "button", title: `${words} (?)`, "aria-label": words, "aria-haspopup": "dialog",
      onclick: () => this.toggle() }, "?");
    this.list = element("div", { class: "keys" });
    const close = element("button", { type: "button", onclick: () => this.dialog.close() }, "Close");
    const heading = element("h2", { id: "keys-heading" }, words);
    this.dialog = element("dialog", { "aria-labelledby": "keys-heading" }, heading, this.list, close);
    this.root = element("div", { class: "shortcuts" }, this.opener, this.dialog);
    parent.append(this.root);
    document.addEventListener("keydown", (event) => this.press(event), { signal: this.removed.signal });
  }

  update({ data }) {
    this.data = data;
    const parts = data.sheet.map(([title, rows]) => {
      const lines = rows.map(([keys, words]) => element("div", {}, element("dt", {}, element("kbd", {}, keys)), element("dd", {}, words)));
      return element("section", {}, element("h3", {}, title), element("dl", {}, ...lines));
    });
    this.list.replaceChildren(...parts);
  }

  toggle() {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  press(event) {
    if (event.key === "?" && this.dialog.open) return this.dialog.close();
    const path = event.composedPath();
    const typing = path.some((each) => each.matches?.("input:not([type=range]), textarea, select, [contenteditable=true]"));
    if (event.key === "?" && !typing && !event.ctrlKey && !event.metaKey) return this.toggle();
    const name = this.data.presses[event.key];
    if (!name || !isForPage(event, path)) return undefined;
    const button = document.querySelector(`.st-key-${CSS.escape(name)} button:not(:disabled)`);
    if (!button) return undefined;
    event.preventDefault();
    return button.click();
  }

  end() {
    this.removed.abort();
    this.root.remove();
  }
}

const mounted = new WeakMap();

export default function mountShortcuts(component) {
  const { parentElement } = component;
  let shortcuts = mounted.get(parentElement);
  if (!shortcuts) mounted.set(parentElement, (shortcuts = new Shortcuts(parentElement)));
  shortcuts.update(component);
  return () => {
    mounted.delete(parentElement);
    shortcuts.end();
  };
}
