// Keys that press buttons of the page, and a sheet of all keys.

import { element } from "../shared/dom.js";
import { closeMenuAfterChoice } from "./menu.js";
import { spreadColorScheme } from "./theme.js";

// What takes keys itself: typing, or arrows that move something.
const TAKES_KEYS = "input, textarea, select, canvas, dialog, [contenteditable=''], [contenteditable=true], [role=application]," +
  "[role=slider], [role=radio], [role=radiogroup], [role=tab], [role=combobox], [role=listbox], [role=option], [role=menu]," +
  "[role=grid], [role=gridcell], [role=spinbutton]";

// Whether a key that was pressed on the elements of `path` (the innermost first) is one for the page.
export function isForPage(event, path) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  return !path.some((each) => each.matches?.(TAKES_KEYS));
}

// The keys may disturb who dictates or types by other means (WCAG 2.1.4): the sheet turns them off, for good.
const OFF = "unet-shortcuts-off";
const WAIT = 1500; // ms between `g` and the letter of a page

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // storage is forbidden
  }
}

function setOff(off) {
  try {
    localStorage.setItem(OFF, off ? "1" : "0");
  } catch {
    // it is on again after a reload
  }
}

// What a key asks for: { press: names of buttons }, { page: path }, { focus: names of fields }, { waits: true } after `g`, or
// null. `isWaiting`: whether `g` was pressed just before. Letters count in both cases, as a keyboard may be locked.
export function findAction(key, isWaiting, { presses, pages, focuses }) {
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (isWaiting && Object.hasOwn(pages, letter)) return { page: pages[letter] };
  if (letter === "g") return { waits: true };
  if (Object.hasOwn(presses, key)) return { press: presses[key] };
  if (Object.hasOwn(focuses, key)) return { focus: focuses[key] };
  return null;
}

const isShown = (node) => node.checkVisibility({ visibilityProperty: true });

// The first of the elements below `.st-key-NAME` that matches and can be used.
function findIn(names, selector) {
  const all = names.flatMap((name) => [...document.querySelectorAll(`.st-key-${CSS.escape(name)} ${selector}:not(:disabled)`)]);
  return all.find(isShown);
}

// By the link of the menu, which keeps the session; else by its address.
function openPage(path) {
  const links = document.querySelectorAll("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]");
  const base = (window.__streamlit?.BACKEND_BASE_URL ?? location.origin).replace(/\/*$/, "/");
  const address = new URL(base + path).pathname.replace(/\/+$/, "");
  const link = [...links].find((each) => new URL(each.href).pathname.replace(/\/+$/, "") === address);
  if (link) link.click();
  else location.assign(base + path);
}

class Shortcuts {
  constructor(parent) {
    this.removed = new AbortController();
    this.waitsUntil = 0;
    const words = "Keyboard shortcuts";
    this.opener = element("button", { type: "button", title: `${words} (?)`, "aria-label": words, "aria-haspopup": "dialog",
      onclick: () => this.toggle() }, "?");
    this.list = element("div", { class: "keys" });
    this.box = element("input", { type: "checkbox", onchange: () => setOff(!this.box.checked) });
    const choice = element("label", {}, this.box, "Use keyboard shortcuts");
    const close = element("button", { type: "button", onclick: () => this.dialog.close() }, "Close");
    const heading = element("h2", { id: "keys-heading" }, words);
    this.dialog = element("dialog", { "aria-labelledby": "keys-heading" }, heading, this.list, choice, close);
    this.root = element("div", { class: "shortcuts" }, this.opener, this.dialog);
    parent.append(this.root);
    document.addEventListener("keydown", (event) => this.press(event), { signal: this.removed.signal });
    closeMenuAfterChoice(this.removed.signal);
    spreadColorScheme(this.removed.signal);
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
    if (this.dialog.open) return this.dialog.close();
    this.box.checked = !isOff();
    return this.dialog.showModal();
  }

  press(event) {
    if (event.key === "?" && this.dialog.open) return this.dialog.close();
    if (isOff()) return undefined;
    const path = event.composedPath();
    const typing = path.some((each) => each.matches?.("input:not([type=range]), textarea, select, [contenteditable=true]"));
    if (event.key === "?" && !typing && !event.ctrlKey && !event.metaKey) return this.toggle();
    if (!isForPage(event, path)) return undefined;
    const action = findAction(event.key, event.timeStamp < this.waitsUntil, this.data);
    this.waitsUntil = action?.waits ? event.timeStamp + WAIT : 0;
    if (!action || action.waits) return undefined;
    const target = action.press ? findIn(action.press, "button") : action.focus ? findIn(action.focus, "input") : null;
    if (!target && action.page === undefined) return undefined;
    event.preventDefault();
    if (action.press) return target.click();
    return action.focus ? target.focus() : openPage(action.page);
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
