// The viewer of an image and what a model predicts for it: drawn here, from pixels that came once. Nothing is sent to
// the server while something is moved; what was chosen is sent when a control is let go.
//
// For tests and benchmarks the root element (`.viewer`) carries the viewer as its property `viewer`, with `snapshot()`
// (a PNG data URL of the canvas), `settings`, `view`, `readout`, `stats` (ms of each drawing), and has in its dataset
// its `state`: loading, ready, lost.

import { element, setText } from "../shared/dom.js";
import { downloadCanvas } from "./download.js";
import { Renderer } from "./drawing/renderer.js";
import { fullScreen } from "./full_screen.js";
import { listenToStage } from "./gestures.js";
import { Legend } from "./legend.js";
import { Objects } from "./objects.js";
import { Panel } from "./panel.js";
import { Readout } from "./readout.js";
import { Recovery } from "./recovery.js";
import { SettingsSync } from "./settings.js";
import { Tiles } from "./tiles.js";
import { fittingHeight, PAGE, Viewport } from "./viewport.js";

const REST = 200; // ms after the last move until the image is drawn at its best
const STATS_KEPT = 1000;
const KEYS = "Arrow keys move, + and - zoom, 0 fits, 1 shows the actual size.";

class Viewer {
  constructor(parent) {
    this.bornAt = performance.now();
    this.stats = [];
    this.dirty = new Set(); // what the next drawing must do again; see Renderer.draw
    this.look = { objectsValid: false, settled: false }; // as it was drawn last
    this.removed = new AbortController();
    this.makeElements();
    this.makeParts();
    this.root.append(this.panel.bar, this.panel.contrast.root, this.stage, this.under, this.spoken);
    this.root.viewer = this;
    parent.append(this.root);
    this.observer = new ResizeObserver(() => this.resize());
    for (const each of [this.root, this.stage, ...document.querySelectorAll(PAGE)]) this.observer.observe(each);
  }

  makeElements() {
    this.canvas = element("canvas", { "aria-hidden": "true" });
    const slider = { role: "slider", "aria-label": "Compare slider: image to the left, overlay to the right" };
    const range = { "aria-valuemin": 0, "aria-valuemax": 100 };
    this.divider = element("div", { class: "divider", tabindex: 0, ...slider, ...range }, element("i"));
    this.stage = element("div", { class: "stage", tabindex: 0, role: "application" }, this.canvas, this.divider);
    [this.line, this.about] = [element("div", { class: "readout" }), element("div", { class: "about" })];
    this.under = element("div", { class: "under" }, this.line, this.about);
    this.spoken = element("p", { class: "spoken", role: "status" });
    this.root = element("div", { class: "viewer" });
  }

  // Each part gets what it needs, and none knows the viewer.
  makeParts() {
    const redraw = () => this.invalidate("base", "sample");
    this.sync = new SettingsSync({
      send: (values) => this.component.setStateValue("settings", values),
      changed: () => this.invalidate("paint"),
      adopted: (before, values) => before && before.selected !== values.selected && this.reveal(),
    });
    this.tiles = new Tiles(redraw, () => this.recovery.lost());
    this.recovery = new Recovery(this.tiles, {
      request: () => this.component.setStateValue("lost", Date.now()),
      retry: () => {
        this.tiles.retry();
        redraw();
      },
      isEnded: () => this.isEnded,
      gaveUp: () => (this.root.dataset.state = "lost"),
    });
    this.stage.append(this.recovery.notice);
    this.objects = new Objects({
      changed: () => {
        if (this.isToReveal) this.reveal();
        this.invalidate("rim");
      },
      lost: () => this.recovery.lost(),
      failed: () => this.recovery.say("The objects could not be loaded: the server does not respond."),
    });
    this.reader = new Readout(this.line, this.stage, this.tiles, (id) => this.select(id));
    this.renderer = new Renderer(this.canvas, this.stage, this.tiles);
    this.legend = new Legend((hidden) => this.change("hidden", hidden, true));
    this.panel = new Panel({
      change: (name, value, final) => this.change(name, value, final),
      wipe: () => this.change("wipe", this.settings.wipe === null ? 0.5 : null, true),
      zoom: (factor) => this.zoom(factor),
      fit: () => this.move(() => this.view.fit()),
      natural: () => this.zoom(1 / this.view.scale),
      full: () => this.toggleFull(),
      resized: () => this.resize(),
      download: () => {
        this.draw();
        downloadCanvas(this.canvas, this.data.name);
      },
    }, this.legend.root);
    this.full = fullScreen(this.root, () => this.resize(), this.removed.signal);
    listenToStage(this.stage, this.divider, this.gestures(), this.removed.signal);
  }

  gestures() {
    return {
      pan: (dx, dy) => this.move(() => this.view.pan(dx, dy)),
      zoom: (factor, x, y) => this.zoom(factor, x, y),
      pinch: (from, to, factor) => this.move(() => {
        this.view.pan(to[0] - from[0], to[1] - from[1]);
        this.view.zoom(factor, ...to);
      }),
      fit: () => this.move(() => this.view.fit()),
      natural: (x, y) => this.zoom(1 / this.view.scale, x, y),
      isFitted: () => this.view.fitted,
      hover: (x, y, byKeyboard = false) => this.hover(this.view.pixelAt(x, y), byKeyboard),
      leave: () => this.hover(null, false),
      pick: (x, y) => this.data.objects && this.reader.pick(this.view.pixelAt(x, y), this.shown),
      wipe: (share, final) => this.change("wipe", share, final),
      wipeBy: (step) => this.change("wipe", Math.min(1, Math.max(0, this.settings.wipe + step)), "soon"),
      leaveFull: () => (this.full.isOn() ? this.toggleFull() : false),
    };
  }

  // --- what Python says

  update(component) {
    const { data } = component;
    const before = this.data;
    this.component = component;
    this.data = data;
    const root = location.origin + data.root;
    const key = `${data.key}|${data.layers.image.id.slice(0, 16)}`;
    const isOther = this.view?.key !== key;
    this.sync.adopt(data);
    this.tiles.set(root, data.layers, data.size, data.tile, data.values);
    const isBack = this.recovery.update(data.lost, !before);
    if (isBack) this.tiles.retry();
    this.panel.offer(data);
    if (isOther) {
      this.view = new Viewport(key, ...data.size, data, () => this.invalidate("base", "sample"));
      this.reader.cursor = null;
      this.recovery.reset();
    }
    if (before?.objects !== data.objects || (isBack && !this.objects.list.length)) this.objects.load(root, data.objects);
    this.stage.setAttribute("aria-label", `${data.name}: image and overlay. ${data.summary} ${KEYS}`);
    setText(this.spoken, `${data.name}: ${data.summary}`); // said when it changes
    this.about.textContent = `${data.name} · ${data.size[0]} × ${data.size[1]}`;
    this.resize();
    if (isOther && !this.view.isRemembered) this.reveal();
    this.invalidate("base", "sample");
  }

  get settings() {
    return this.sync.values;
  }

  get readout() {
    return this.reader.values;
  }

  // Bring the selected object into view, now or when the objects have come.
  reveal() {
    const { selected } = this.settings;
    const object = this.objects.byId.get(selected);
    this.isToReveal = !object && selected !== null;
    if (object && this.view) this.move(() => this.view.reveal(object.slice(3)));
  }

  // --- what the reader does

  change(name, value, final) {
    this.sync.change(name, value, final);
  }

  select(id) {
    if (id !== this.settings.selected) this.change("selected", id, true);
  }

  // Do something that moves the image; it is drawn fast until it rests.
  move(how) {
    how();
    clearTimeout(this.moving);
    this.moving = setTimeout(() => {
      this.moving = null;
      this.invalidate("base");
    }, REST);
    this.invalidate("base", "sample");
  }

  zoom(factor, x, y) {
    this.move(() => this.view.zoom(factor, x, y));
  }

  hover(pixel, byKeyboard) {
    this.reader.hover(pixel, byKeyboard);
    this.reader.update(this.shown);
  }

  toggleFull() {
    this.full.toggle();
    if (this.full.isOn()) this.stage.focus();
  }

  snapshot() {
    this.draw();
    return this.canvas.toDataURL("image/png");
  }

  // --- drawing

  resize() {
    if (!this.data || !this.root.clientWidth) return;
    if (!this.full.isOn()) {
      const [width, height] = this.data.size;
      const natural = (this.stage.clientWidth * height) / width;
      const fitting = this.data.height ?? fittingHeight(this.stage, natural, this.data.below);
      this.stage.style.height = `${Math.round(fitting)}px`;
    }
    const { clientWidth, clientHeight } = this.stage;
    this.view.resize(clientWidth, clientHeight);
    this.renderer.resize(clientWidth, clientHeight);
    this.invalidate("base", "sample");
  }

  // Draw before the next frame of the screen, once for all that changes until then.
  invalidate(...what) {
    for (const each of what) this.dirty.add(each);
    if (this.isEnded || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  // What the read-out speaks of.
  get shown() {
    return { data: this.data, settings: this.settings, look: this.look };
  }

  // What is to be drawn.
  get scene() {
    const { data, settings, view, objects, moving } = this;
    const cross = this.reader.cross && this.reader.cursor !== null;
    const mode = this.panel.modeOf(settings);
    const font = getComputedStyle(this.root).fontFamily;
    return { data, settings, mode, view, objects, moving, cross, dragged: this.sync.dragged, font };
  }

  draw() {
    if (!this.data || !this.root.clientWidth || !this.dirty.size) return;
    const started = performance.now();
    const dirty = new Set(this.dirty);
    this.dirty.clear();
    const { scene } = this;
    this.showControls(scene);
    this.look = this.renderer.draw(scene, dirty);
    this.reader.update(this.shown);
    this.tiles.fetch();
    this.showState(this.renderer.complete);
    this.stats.push(performance.now() - started);
    if (this.stats.length > STATS_KEPT) this.stats.shift();
  }

  showControls({ data, settings, mode, view }) {
    this.panel.show({ ...settings, mode }, view.scale);
    this.legend.show(data, settings, mode);
    const share = settings.wipe ?? 0;
    this.divider.hidden = settings.wipe === null || mode === "image";
    this.divider.style.left = `${share * 100}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(share * 100));
  }

  showState(complete) {
    const before = this.root.dataset.state;
    if (before !== "lost" || complete) this.root.dataset.state = complete ? "ready" : "loading";
    if (complete) this.shownAt ??= performance.now();
    this.recovery.drawn(complete, before === "ready");
  }

  end() {
    this.isEnded = true;
    this.removed.abort();
    this.sync.stop();
    clearTimeout(this.moving);
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.tiles.end();
    this.root.remove();
  }
}

const viewers = new WeakMap();

export default function mountViewer(component) {
  const { parentElement } = component;
  let viewer = viewers.get(parentElement);
  if (!viewer) viewers.set(parentElement, (viewer = new Viewer(parentElement)));
  viewer.update(component);
  return () => {
    viewers.delete(parentElement);
    viewer.end();
  };
}
