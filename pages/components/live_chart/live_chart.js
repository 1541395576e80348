// The live curves of a run: fetches what is new, twice a second while the run trains, and draws it.
//
// For tests and benchmarks the root element (`.live`) has in its dataset: run, state, steps (points of the batch loss),
// lastStep, epochs, zoom ("low,high" in units of the x axis, "" = all), polls, bytes (of the latest answer), ms (of the
// latest drawing). Its property `unetChart` is the chart.

import { finder, setText } from "../shared/dom.js";
import { news } from "../shared/news.js";
import { nearest } from "../shared/search.js";
import { load, save } from "../shared/session.js";
import { Columns } from "./columns.js";
import { listenToPanel } from "./controls.js";
import { RunFeed } from "./feed.js";
import { Legend } from "./legend.js";
import { drawPanel } from "./plot.js";
import { showProgress } from "./progress.js";
import { seriesOf } from "./series.js";
import { themeOf } from "./theme.js";
import { showTooltip, tooltipLines } from "./tooltip.js";

const NEAR = 7; // pixels from the cursor to a mark that is named
const RUNS_KEPT = 2;

// Points outlive the element: back from another page the curve is there at once.
const columnsByRun = (window.unetCurves ??= new Map());

function columnsOf(run) {
  const columns = columnsByRun.get(run) ?? new Columns();
  columnsByRun.delete(run);
  columnsByRun.set(run, columns);
  while (columnsByRun.size > RUNS_KEPT) columnsByRun.delete(columnsByRun.keys().next().value);
  return columns;
}

class LiveChart {
  constructor(root) {
    this.root = root;
    this.find = finder(root);
    this.options = { smoothing: 0.9, log: false, kind: "step", hidden: [], ...load("unet-live:options", {}) };
    this.panels = ["loss", "score", "lr", "cpu", "ram"].map((name) => ({ name, canvas: this.find(name), y: null, drag: null, lines: [] }));
    this.run = null;
    this.cursor = null; // a position on the x axis
    this.picked = null; // the epoch that is marked
    this.polls = 0;
    this.removed = new AbortController(); // ends what listens to the page when the element goes
    this.legend = new Legend(this.find, (name) => this.toggle(name));
    this.feed = new RunFeed({
      take: (answer, bytes) => this.take(answer, bytes),
      say: (text) => setText(this.find("connection"), text),
    });
    this.listen();
  }

  // Called at each rerun that changes something: another run, another theme, a picked epoch.
  update(component) {
    const { data } = component;
    this.component = component;
    this.reported = false;
    if (data.run !== this.run) this.open(data.run);
    if (data.epoch !== this.pageEpoch) this.picked = this.pageEpoch = data.epoch;
    this.feed.wake(); // the page may know that the run was continued
    this.draw();
  }

  open(run) {
    this.run = run;
    this.columns = columnsOf(run);
    this.standing = this.columns.standing ?? {};
    this.find("curves").hidden = !this.columns.n;
    if (this.columns.weight !== this.options.smoothing) this.columns.setWeight(this.options.smoothing);
    this.zoom = load("unet-live:zoom:" + run, null);
    this.panels.forEach((panel) => (panel.y = null));
    this.picked = this.pageEpoch = null;
    this.feed.follow(run, this.columns);
    this.root.dataset.run = run;
  }

  destroy() {
    this.removed.abort();
    this.feed.stop();
    this.sizes.disconnect();
  }

  // --- the server

  take(answer, bytes) {
    const { columns } = this;
    const { state, active } = (this.standing = answer.standing);
    const epochs = columns.epochs.length;
    this.polls += 1;
    Object.assign(this.root.dataset, { state, steps: columns.n, lastStep: columns.lastStep, epochs, polls: this.polls, bytes });
    showProgress(this.find, this.standing, !columns.n && !epochs);
    if (answer.reset || answer.steps || answer.epochs || answer.marks) this.draw();
    if (active !== this.component.data.active && !this.reported) {
      this.reported = true; // the page does not know yet: its buttons are those of another state
      this.component.setStateValue("stale", news({ run: this.run, active }));
    }
  }

  // --- what is drawn

  get stepsPerEpoch() {
    return this.standing.per_epoch || 1;
  }

  xOf(item) {
    return this.columns.xOf(item, this.options.kind, this.stepsPerEpoch);
  }

  get epochEnds() {
    return this.columns.epochs.map((epoch) => this.xOf(epoch));
  }

  // Draw before the next frame of the screen, once for all that changes until then.
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.removed.signal.aborted) this.drawNow();
    });
  }

  drawNow() {
    const started = performance.now();
    const theme = themeOf(this.root);
    const { panels, marks, best, x } = seriesOf(this.columns, this.options, this.stepsPerEpoch, theme);
    for (const panel of this.panels) Object.assign(panel, panels[panel.name]);
    const picked = this.columns.epochs.find((epoch) => epoch.epoch === this.picked);
    this.view = { x: this.zoom ?? x, kind: this.options.kind, marks, theme, cursor: this.cursor,
      picked: picked ? this.xOf(picked) : null };
    for (const panel of this.panels) drawPanel(panel, this.view);
    this.legend.show(this.panels, marks, Boolean(best), theme);
    this.root.dataset.zoom = this.zoom ? this.zoom.join(",") : "";
    this.root.dataset.ms = (performance.now() - started).toFixed(2);
    this.find("system").hidden = !this.columns.load.length;
    this.find("reset").disabled = !this.zoom && this.panels.every((panel) => !panel.y);
  }

  // --- the reader

  set(change) {
    if (change.kind && this.zoom) this.convertZoom(change.kind);
    Object.assign(this.options, change);
    if (change.smoothing !== undefined) this.columns.setWeight(change.smoothing);
    save("unet-live:options", this.options);
    this.draw();
  }

  // The same steps stay in view on another x axis.
  convertZoom(kind) {
    const { columns, stepsPerEpoch } = this;
    const before = columns.xValues(this.options.kind, stepsPerEpoch);
    const ends = this.zoom.map((edge) => nearest(before, columns.n, edge));
    const after = columns.xValues(kind, stepsPerEpoch);
    this.options.kind = kind;
    this.zoomTo(ends[0] < ends[1] ? ends.map((at) => after[at]) : null);
  }

  toggle(name) {
    const { hidden } = this.options;
    this.set({ hidden: hidden.includes(name) ? hidden.filter((other) => other !== name) : [...hidden, name] });
  }

  zoomTo(range) {
    this.zoom = range;
    if (!range) this.panels.forEach((panel) => (panel.y = null));
    save("unet-live:zoom:" + this.run, range);
    this.draw();
  }

  zoomInto(panel, { from, to, tall }) {
    const { xAt, yAt, box } = panel.scale;
    const inside = (x) => xAt(Math.min(Math.max(x, box.left), box.right));
    const range = [inside(Math.min(from.x, to.x)), inside(Math.max(from.x, to.x))];
    if (!(range[1] > range[0])) return;
    if (tall) panel.y = [yAt(Math.max(from.y, to.y)), yAt(Math.min(from.y, to.y))];
    this.zoomTo(range);
  }

  zoomBy(factor) {
    const [low, high] = this.view.x;
    const middle = this.cursor ?? (low + high) / 2;
    const half = ((high - low) / 2) * factor;
    this.zoomTo(factor > 1 && !this.zoom ? null : [Math.max(0, middle - half), middle + half]);
  }

  pick(epoch) {
    this.picked = this.pageEpoch = epoch;
    this.component.setStateValue("epoch", { run: this.run, epoch });
    window.dispatchEvent(new CustomEvent("unet-epoch", { detail: { run: this.run, epoch, from: "chart" } }));
    this.draw();
  }

  pickAt(x) {
    const { epochs } = this.columns;
    const at = nearest(this.epochEnds, epochs.length, x);
    if (at >= 0) this.pick(epochs[at].epoch);
  }

  // Move the cursor to the epoch before or after, and read it out.
  step(panel, direction) {
    const ends = this.epochEnds;
    if (!ends.length || !panel.scale) return false;
    const start = direction > 0 ? -1 : ends.length;
    const from = this.cursor === null ? start : nearest(ends, ends.length, this.cursor);
    const x = ends[Math.min(Math.max(from + direction, 0), ends.length - 1)];
    this.hover(panel, { x: panel.scale.px(x), y: panel.scale.box.top + 20 }, x);
    this.find("spoken").textContent = this.find("tip").innerText.replaceAll("\n", ", ");
    return true;
  }

  // The cursor and, beside it, the values there; `exactly`: a position on the x axis instead of the pixel's.
  hover(panel, point, exactly = null) {
    if (!panel.scale) return;
    const { box, xAt, px } = panel.scale;
    const inside = point.x >= box.left - 2 && point.x <= box.right + 2;
    this.cursor = inside ? exactly ?? xAt(Math.min(Math.max(point.x, box.left), box.right)) : null;
    this.draw();
    if (!inside || !this.columns.n) return void (this.find("tip").hidden = true);
    const isNear = (mark) => Math.abs(px(this.xOf(mark)) - point.x) <= NEAR;
    const lines = tooltipLines(panel.name, this.columns, this.options.kind, this.stepsPerEpoch, this.cursor, isNear);
    showTooltip(this.find("tip"), lines, panel.canvas, point);
  }

  leave() {
    this.cursor = null;
    this.find("tip").hidden = true;
    this.draw();
  }

  listen() {
    const { find, options } = this;
    const { signal } = this.removed;
    const listen = (name, type, listener) => find(name).addEventListener(type, listener, { signal });
    const slider = find("smoothing");
    const show = (value) => (slider.nextElementSibling.textContent = value.toFixed(2));
    slider.value = options.smoothing;
    show(options.smoothing);
    listen("smoothing", "input", () => {
      show(Number(slider.value));
      this.set({ smoothing: Number(slider.value) });
    });
    find("log").checked = options.log;
    listen("log", "change", (event) => {
      this.panels[0].y = null;
      this.set({ log: event.target.checked });
    });
    find("kind").value = options.kind;
    listen("kind", "change", (event) => this.set({ kind: event.target.value }));
    listen("reset", "click", () => this.zoomTo(null));
    this.listenToPage();
    this.sizes = new ResizeObserver(() => this.draw());
    for (const panel of this.panels) {
      this.sizes.observe(panel.canvas);
      listenToPanel(panel.canvas, this.actionsOf(panel), signal);
    }
  }

  listenToPage() {
    const { signal } = this.removed;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.feed.wake();
    }, { signal });
    window.addEventListener("online", () => this.feed.poller.poll(), { signal });
    window.addEventListener("unet-epoch", ({ detail }) => {
      if (detail.run !== this.run || detail.from === "chart") return;
      this.picked = detail.epoch;
      this.draw();
    }, { signal });
  }

  actionsOf(panel) {
    return {
      hover: (point) => this.hover(panel, point),
      leave: () => this.leave(),
      drag: (drag) => {
        panel.drag = drag;
        this.draw();
      },
      select: (drag) => panel.scale && this.zoomInto(panel, drag),
      click: ({ x }) => panel.scale && this.pickAt(panel.scale.xAt(x)),
      reset: () => this.zoomTo(null),
      step: (direction) => this.step(panel, direction),
      choose: () => (this.cursor === null ? false : this.pickAt(this.cursor)),
      zoom: (factor) => this.zoomBy(factor),
    };
  }
}

export default function mountLiveChart(component) {
  const root = component.parentElement.querySelector(".live");
  root.unetChart ??= new LiveChart(root);
  root.unetChart.update(component);
  return () => {
    root.unetChart?.destroy();
    root.unetChart = undefined;
  };
}
