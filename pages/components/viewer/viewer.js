// The viewer of a picture and what a model says of it: drawn here, from pixels that came once; nothing is sent to the
// server while something is moved, and what was chosen is told when it is let go.
//
// For tests and benchmarks the root element (`.viewer`) carries the viewer as its property `viewer`, with `snapshot()`
// (a PNG data URL of the canvas), `settings`, `view`, `readout`, `stats` (ms of each drawing), and tells in its dataset
// its `state`: loading, ready, lost.

import { drawing } from "./drawing.js";
import { gestures } from "./gestures.js";
import { notes } from "./notes.js";
import { element, Panel } from "./panel.js";
import { reading } from "./reading.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

const REST = 350; // ms after the last key until a slider counts as let go
const GIVE_UP = 3; // times that lost pixels are asked for

class Viewer {
  constructor(parent) {
    this.bornAt = performance.now();
    this.stats = [];
    this.dirty = new Set();
    this.pointers = new Map();
    this.reported = "";
    this.lostTimes = 0;
    this.base = document.createElement("canvas");
    this.over = document.createElement("canvas");
    this.rim = document.createElement("canvas");
    this.tiles = new Tiles(() => this.invalidate("base", "sample"), () => this.lost());
    this.panel = new Panel({
      change: (name, value, final) => this.change(name, value, final),
      wipe: () => this.change("wipe", this.settings.wipe === null ? 0.5 : null, true),
      zoom: (factor) => this.zoom(factor),
      fit: () => this.move(() => this.view.fit()),
      natural: () => this.zoom(1 / this.view.scale),
      full: () => this.full(),
      download: () => this.download(),
    });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    const wipe = { role: "slider", "aria-label": "Wipe: image to the left, overlay to the right", "aria-valuemin": 0 };
    this.divider = element("div", { class: "divider", tabindex: 0, ...wipe, "aria-valuemax": 100 }, element("i"));
    this.notice = element("div", { class: "notice", role: "status", hidden: true });
    this.stage = element("div", { class: "stage", tabindex: 0, role: "application" }, this.canvas, this.divider, this.notice);
    this.readoutLine = element("div", { class: "readout" });
    this.about = element("div", { class: "about" });
    const under = element("div", { class: "under" }, this.readoutLine, this.about);
    this.root = element("div", { class: "viewer" }, this.panel.bar, this.panel.legend, this.stage, under);
    this.root.viewer = this;
    this.listen();
    parent.append(this.root);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.root);
    this.observer.observe(this.stage);
  }

  // ---- what Python says

  update(component) {
    const { data } = component;
    const before = this.data;
    this.component = component;
    this.data = data;
    const key = `${data.key}|${data.layers.image.id}`;
    const other = this.view?.key !== key;
    this.adopt(!before);
    this.tiles.set(location.origin + data.root, data.layers, data.size, data.tile, data.values);
    const again = before && data.lost !== before.lost;
    if (again) this.tiles.retry();
    this.panel.offer(data);
    if (other) {
      this.view = new View(key, ...data.size);
      this.cursor = null;
      this.notice.hidden = true;
      this.lostTimes = 0;
    }
    if (before?.objects !== data.objects || (again && !this.objects.length)) this.fetchObjects(data.objects);
    const keys = "Arrow keys move, + and - zoom, 0 fits, 1 shows one to one.";
    this.stage.setAttribute("aria-label", `${data.name}: image and overlay. ${keys}`);
    this.about.textContent = `${data.name} · ${data.size[0]} × ${data.size[1]}`;
    this.resize();
    if (other && !this.view.known) this.reveal();
    this.invalidate("base", "sample");
  }

  // Python's settings count, unless it has not heard yet what was told last.
  adopt(first = false) {
    if (this.busy || (this.count !== undefined && this.data.count !== this.count)) return;
    const before = this.settings?.selected;
    this.settings = { ...this.data.settings };
    this.reported = JSON.stringify(this.settings);
    if (!first && this.settings.selected !== before) this.reveal();
  }

  async fetchObjects(id) {
    this.objects = [];
    this.byId = new Map();
    if (!id) return;
    try {
      const answer = await fetch(`${location.origin}${this.data.root}/data/${id}`);
      if (answer.status === 404) return this.lost();
      const objects = await answer.json();
      if (this.data?.objects !== id) return;
      this.objects = objects; // [id, x, y, left, top, right, bottom]
      this.byId = new Map(objects.map((object) => [object[0], object]));
      if (this.toReveal) this.reveal();
      this.invalidate("rim");
    } catch {
      this.say("The objects cannot be loaded: the server does not answer.");
    }
  }

  reveal() {
    const object = this.byId?.get(this.settings?.selected);
    this.toReveal = !object && this.settings?.selected != null;
    if (!object || !this.view) return;
    this.move(() => this.view.reveal(object.slice(3)));
  }

  // ---- what the user does

  // `final`: true (let go), false (still moving), "soon" (a key: more may follow).
  change(name, value, final) {
    this.settings = { ...this.settings, [name]: value };
    clearTimeout(this.later);
    this.busy = final === true ? null : name;
    if (final === "soon") this.later = setTimeout(() => this.report(), REST);
    if (final === true) this.report();
    this.invalidate("paint");
  }

  report() {
    clearTimeout(this.later);
    this.busy = null;
    this.invalidate("paint");
    const now = JSON.stringify(this.settings);
    if (now === this.reported) return this.adopt();
    this.reported = now;
    this.count = Math.max(Date.now(), (this.count ?? 0) + 1);
    this.component.setStateValue("settings", { ...this.settings, count: this.count });
  }

  select(id) {
    if (id !== this.settings.selected) this.change("selected", id, true);
  }

  move(how) {
    how();
    clearTimeout(this.moving);
    this.moving = setTimeout(() => {
      this.moving = null;
      this.invalidate("base");
    }, 200);
    this.invalidate("base", "sample");
  }

  zoom(factor, sx, sy) {
    this.move(() => this.view.zoom(factor, sx, sy));
  }

  full() {
    const root = this.root;
    if (document.fullscreenElement || root.classList.contains("full")) {
      root.classList.remove("full");
      if (document.fullscreenElement) document.exitFullscreen();
      return;
    }
    root.classList.add("full");
    root.requestFullscreen?.().catch(() => {}); // a frame may not: then it fills the frame
    this.stage.focus();
  }

  async download() {
    this.draw();
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/png"));
    const url = URL.createObjectURL(blob);
    const stem = this.data.name.replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|\x00-\x1f]+/g, "_") || "picture";
    element("a", { href: url, download: `${stem}-view.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  snapshot() {
    this.draw();
    return this.canvas.toDataURL("image/png");
  }

  // ---- trouble

  lost() {
    if (this.asked === this.data.lost) return;
    this.lostTimes += 1;
    if (this.lostTimes > GIVE_UP) {
      this.root.dataset.state = "lost";
      this.say("The server does not keep this picture any more.", true);
      return;
    }
    this.asked = this.data.lost;
    this.component.setStateValue("lost", Date.now()); // a rerun puts the pixels back, and echoes this
    setTimeout(() => {
      if (!this.asleep && this.tiles.problem && this.tiles.idle) this.say(this.tiles.problem, true);
    }, 5000);
  }

  say(text, again = false) {
    this.notice.hidden = !text;
    this.notice.replaceChildren(text ?? "");
    if (!again) return;
    const press = () => {
      this.lostTimes = 0;
      this.notice.hidden = true;
      this.tiles.retry();
      this.component.setStateValue("lost", Date.now());
      this.invalidate("base", "sample");
    };
    this.notice.append(element("button", { type: "button", onclick: press }, "Fetch it again"));
  }

  end() {
    this.asleep = true;
    clearTimeout(this.later);
    clearTimeout(this.moving);
    cancelAnimationFrame(this.frame);
    document.removeEventListener("fullscreenchange", this.onFull);
    this.observer.disconnect();
    this.tiles.end();
    this.root.remove();
  }
}

Object.assign(Viewer.prototype, gestures, reading, drawing, notes); // one viewer, its sides in a file each

const viewers = new WeakMap();

export default function overlay(component) {
  const { parentElement } = component;
  let viewer = viewers.get(parentElement);
  if (!viewer) viewers.set(parentElement, (viewer = new Viewer(parentElement)));
  viewer.update(component);
  return () => {
    viewers.delete(parentElement);
    viewer.end();
  };
}
