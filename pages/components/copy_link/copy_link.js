// Copies the address of this view, and says so. Where the clipboard may not be used, the address is shown, selected.

import { element, setText } from "../shared/dom.js";
import { addressOf } from "./address.js";

const SAID = 6000; // ms for which it says that it is copied

class CopyLink {
  constructor(parent) {
    this.button = element("button", { type: "button", onclick: () => this.copy() }, "Copy link");
    this.said = element("span", { role: "status" });
    this.field = element("input", { type: "text", readonly: true, hidden: true, "aria-label": "Link to this view" });
    this.root = element("div", { class: "copy-link" }, this.button, this.field, this.said);
    parent.append(this.root);
  }

  update({ data }) {
    this.data = data;
  }

  async copy() {
    const address = addressOf(location.href, this.data.params);
    const { note } = this.data;
    clearTimeout(this.timer);
    try {
      await navigator.clipboard.writeText(address);
      this.field.hidden = true;
      setText(this.said, `Copied. ${note}`);
      this.timer = setTimeout(() => setText(this.said, ""), note ? 3 * SAID : SAID);
    } catch {
      // without https, or where the visitor forbids it
      Object.assign(this.field, { value: address, hidden: false });
      this.field.focus();
      this.field.select();
      setText(this.said, `Press Ctrl+C (on a Mac ⌘C) to copy the link. ${note}`);
    }
  }

  end() {
    clearTimeout(this.timer);
    this.root.remove();
  }
}

const mounted = new WeakMap();

export default function mountCopyLink(component) {
  const { parentElement } = component;
  let link = mounted.get(parentElement);
  if (!link) mounted.set(parentElement, (link = new CopyLink(parentElement)));
  link.update(component);
  return () => {
    mounted.delete(parentElement);
    link.end();
  };
}
