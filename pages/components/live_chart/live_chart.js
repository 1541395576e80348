// The live curves of a run: asks the server for what is new, twice a second while the run lives, and draws it.
// For tests and benchmarks the root element tells in its dataset what it holds: run, state, steps (points of the batch
// loss), lastStep, epochs, zoom ("low,high" in units of the x axis, "" = all), polls, bytes (of the latest answer), ms
// (of the latest drawing). Its property unetChart.columns holds the points themselves.

const EVERY = 500; // ms between two questions while the run trains
const IDLE = 1500; // while it waits or is held
const LONGEST = 8000; // after failures it asks ever more seldom
const PICK_DELAY = 260; // ms in which a second click makes a double click of it
const NEAR = 7; // pixels

const MARKS = {
  best: "new best",
  lr: "learning rate changed",
  epochs: "epochs changed",
  paused: "paused",
  unpaused: "went on",
  resumed: "resumed",
  continued: "continued",
  warning: "warning",
};

const store = {
  get(key, otherwise) {
    try {
      return JSON.parse(sessionStorage.getItem("unet-live:" + key)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(key, value) {
    try {
      sessionStorage.setItem("unet-live:" + key, JSON.stringify(value));
    } catch {
      // a browser that keeps nothing: then nothing is kept
    }
  },
};

// Points live longer than the element: back from another page the curve is there at once. Two runs are kept.
const known = (window.unetCurves ??= new Map());

function columnsOf(run) {
  const found = known.get(run) ?? new Columns();
  known.delete(run);
  known.set(run, found);
  while (known.size > 2) known.delete(known.keys().next().value);
  return found;
}

class LiveChart {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-is="${name}"]`);
    this.options = { smoothing: 0.9, log: false, kind: "step", hidden: [], ...store.get("options", {}) };
    this.run = null;
    this.cursor = null;
    this.drag = null;
    this.picked = null;
    this.polls = 0;
    this.panels = ["loss", "score", "lr"].map((name) => ({ name, canvas: this.find(name), y: null, lines: [] }));
    this.gone = new AbortController();
    this.listen();
  }

  // Called at each mount and whenever Streamlit has something new: another run, another theme, a picked epoch.
  show(component) {
    const { data } = component;
    this.component = component;
    this.stale = false;
    if (data.run !== this.run) {
      this.run = data.run;
      this.columns = columnsOf(data.run);
      this.standing = this.columns.standing ?? {};
      this.find("curves").hidden = !this.columns.n;
      if (this.columns.weight !== this.options.smoothing) this.columns.setWeight(this.options.smoothing);
      this.zoom = store.get("zoom:" + this.run, null);
      this.panels.forEach((panel) => (panel.y = null));
      this.failures = 0;
      this.over = false;
      this.told = null;
      this.root.dataset.run = data.run;
    }
    if (data.epoch !== this.told) {
      this.told = data.epoch;
      this.picked = data.epoch;
    }
    this.over = false; // whoever draws the page anew may know of a new leg
    this.poll();
    this.draw();
  }

  destroy() {
    this.gone.abort();
    clearTimeout(this.timer);
    clearTimeout(this.clicked);
    this.sizes.disconnect();
  }

  // --- the server ---

  async poll() {
    clearTimeout(this.timer);
    if (this.asking || this.gone.signal.aborted || document.hidden) return;
    this.asking = true;
    const { run, columns } = this;
    try {
      const place = new URL(`api/runs/${encodeURIComponent(run)}/events`, new URL(".", location.href));
      place.search = new URLSearchParams({ since: columns.to, life: columns.life });
      const reply = await patiently(place, this.gone.signal);
      if (reply.status === 404) {
        this.over = true;
        this.say("This run is not there any more.");
      } else {
        if (!reply.ok) throw new Error(`status ${reply.status}`);
        if (run === this.run) this.take(JSON.parse(reply.text), reply.text.length);
        this.failures = 0;
        this.say("");
      }
    } catch (error) {
      if (this.gone.signal.aborted) return;
      this.failures += 1;
      this.say("Connection lost, trying again…");
    } finally {
      this.asking = false;
    }
    if (run !== this.run) this.poll();
    else if (!this.over) this.timer = setTimeout(() => this.poll(), this.pause());
  }

  pause() {
    if (this.failures) return Math.min(LONGEST, EVERY * 2 ** (this.failures - 1));
    return ["queued", "paused"].includes(this.standing.state) ? IDLE : EVERY;
  }

  take(answer, bytes) {
    const news = answer.reset || answer.steps || answer.epochs || answer.marks;
    this.columns.take(answer);
    this.standing = this.columns.standing = answer.standing;
    this.over = !answer.standing.active;
    this.polls += 1;
    Object.assign(this.root.dataset, {
      state: answer.standing.state,
      steps: this.columns.n,
      lastStep: this.columns.lastStep,
      epochs: this.columns.epochs.length,
      polls: this.polls,
      bytes,
    });
    this.showStanding();
    if (news) this.draw();
    if (answer.standing.active !== this.component.data.active && !this.stale) {
      this.stale = true; // the page does not know yet: its buttons are those of another state
      this.component.setTriggerValue("stale", true);
    }
  }

  say(text) {
    const place = this.find("connection");
    if (place.textContent !== text) place.textContent = text;
  }

  showStanding() {
    const now = this.standing;
    const begun = now.step !== undefined;
    const lasts = ["running", "stopping"].includes(now.state);
    const best = now.best;
    const ago = best && now.active ? `, ${DURATION(Math.max(0, now.now - best[3]))} ago` : "";
    const items = {
      epoch: begun ? `${now.epoch} of ${now.epochs}` : "–",
      step: begun ? `${now.step} of ${now.total}` : "–",
      speed: now.speed && lasts ? NUMBER(Number(now.speed.toPrecision(3))) : "–",
      left: now.left !== null && begun && now.active && now.step ? DURATION(Math.max(0, now.left)) : "–",
      lr: begun ? NUMBER(now.lr) : "–",
      device: begun ? now.device : "–",
      memory: now.memory ? (now.memory < 1024 ? `${now.memory} MB` : `${(now.memory / 1024).toFixed(1)} GB`) : "–",
      best: best ? `Dice ${best[1] === null ? "–" : best[1].toFixed(3)} (epoch ${best[0]}${ago})` : "–",
    };
    for (const [name, text] of Object.entries(items)) {
      const place = this.find("now-" + name);
      if (place.textContent !== text) place.textContent = text;
    }
    const bar = this.find("progress");
    bar.max = now.total || 1;
    bar.value = now.step ?? 0;
    bar.hidden = !begun || !now.active;
    this.find("now").hidden = !now.active || !begun; // of a run that is over the page tells more
    this.find("curves").hidden = !this.columns.n && !this.columns.epochs.length;
    this.find("empty").hidden = now.active || !this.find("curves").hidden; // the page says what an active one waits for
    this.find("empty").textContent = "This run ended before its first step.";
  }

  // --- what is drawn ---

  theme() {
    const style = getComputedStyle(this.root);
    const text = style.getPropertyValue("--st-text-color").trim() || "#1c2733";
    const back = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    const [r, g, b] = (back.match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]).map((pair) => parseInt(pair, 16));
    const dark = back.startsWith("#") && r * 0.3 + g * 0.6 + b * 0.1 < 128;
    const colours = dark
      ? { blue: "#56b4e9", orange: "#f0b22e", green: "#2fc795", grey: "#9aa4b5", red: "#ff7a5c", purple: "#dd9fc4" }
      : { blue: "#0072b2", orange: "#c47f00", green: "#00805d", grey: "#7c8797", red: "#c8471f", purple: "#a8487d" };
    return { ...colours, text, back, dark, soft: dark ? "#b8c2cf" : "#4c5a69", grid: dark ? "#ffffff1c" : "#1c273318",
      select: dark ? "#56b4e944" : "#0072b233", font: style.getPropertyValue("--st-font").trim() || "sans-serif" };
  }

  // An x axis as an array, made once for as many points as there are.
  axis(kind, columns) {
    if (kind === "step") return columns.step;
    if (kind === "time") return columns.time;
    const per = this.standing.per_epoch || 1;
    if (columns.epochAxis?.per !== per || columns.epochAxis.step !== columns.step || columns.epochAxis.n > columns.n) {
      columns.epochAxis = { per, step: columns.step, n: 0, values: new Float64Array(columns.step.length) };
    }
    const made = columns.epochAxis;
    for (; made.n < columns.n; made.n++) made.values[made.n] = columns.step[made.n] / per;
    return made.values;
  }

  xOf(item) {
    const { kind } = this.options;
    if (kind === "epoch") return item.step / (this.standing.per_epoch || 1);
    if (kind === "step") return item.step;
    if (item.time !== undefined) return item.time;
    const at = nearest(this.columns.step, this.columns.n, item.step);
    return at < 0 ? 0 : this.columns.time[at];
  }

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      if (!this.gone.signal.aborted) this.drawNow();
    });
  }

  drawNow() {
    const started = performance.now();
    const { columns, options } = this;
    const theme = this.theme();
    const x = this.axis(options.kind, columns);
    const { n, epochs } = columns;
    const ends = epochs.map((epoch) => this.xOf(epoch));
    const curve = (name, colour, field, more) => ({
      name, colour, n: epochs.length, x: ends, y: epochs.map((epoch) => epoch[field] ?? NaN),
      hidden: options.hidden.includes(name), ...more,
    });
    const best = epochs.filter((epoch) => epoch.best && epoch.dice !== null).pop();
    const [loss, score, lr] = this.panels;
    const hidden = (name) => options.hidden.includes(name);
    Object.assign(loss, { title: options.log ? "Loss (logarithmic)" : "Loss", log: options.log, lines: [
      { name: "batch", colour: theme.grey, faint: true, n, x, y: columns.loss, hidden: hidden("batch") },
      { name: "smoothed", colour: theme.grey, n, x, y: columns.smooth, hidden: hidden("smoothed") },
      curve("train", theme.blue, "train", { dots: "round" }),
      curve("validation", theme.orange, "val", { dots: "square", dash: [6, 3] }),
    ] });
    Object.assign(score, { title: "Scores on the validation images", fixed: [0, 1], lines: [
      curve("Dice", theme.green, "dice", { dots: "round", stars: best ? [{ x: this.xOf(best), y: best.dice }] : [] }),
      curve("IoU", theme.blue, "iou", { dots: "square", dash: [6, 3] }),
    ] });
    Object.assign(lr, { title: "Learning rate", lines: [{ name: "lr", colour: theme.purple, n, x, y: columns.lr }] });
    const last = Math.max(n ? x[n - 1] : 0, ends.length ? ends[ends.length - 1] : 0);
    const start = options.kind === "step" ? Math.min(1, last) : 0;
    const shades = { best: theme.orange, lr: theme.purple, epochs: theme.blue, paused: theme.grey, unpaused: theme.grey,
      resumed: theme.green, continued: theme.green, warning: theme.red };
    this.marks = columns.marks
      .filter((mark) => mark.kind !== "best")
      .map((mark) => ({ ...mark, x: this.xOf(mark), colour: shades[mark.kind] ?? theme.text }));
    const picked = epochs.find((epoch) => epoch.epoch === this.picked);
    this.view = {
      x: this.zoom ?? [start, last > start ? last : start + 1],
      kind: options.kind, marks: this.marks, theme, drag: this.drag,
      cursor: this.cursor, picked: picked ? this.xOf(picked) : null,
    };
    for (const panel of this.panels) drawPanel(panel, this.view);
    this.showLegend(shades, theme, Boolean(best));
    this.root.dataset.zoom = this.zoom ? this.zoom.join(",") : "";
    this.root.dataset.ms = (performance.now() - started).toFixed(2);
    this.find("reset").disabled = !this.zoom && this.panels.every((panel) => !panel.y);
  }

  // Buttons that hide and show a curve, made once; below them which kinds of marks there are.
  showLegend(shades, theme, starred) {
    for (const panel of this.panels.slice(0, 2)) {
      const place = this.find("legend-" + panel.name);
      for (const item of panel.lines) {
        let button = place.querySelector(`[data-line="${item.name}"]`);
        if (!button) {
          button = document.createElement("button");
          button.type = "button";
          button.dataset.line = item.name;
          button.append(document.createElement("i"), document.createTextNode(item.name));
          button.title = "Hide or show this curve";
          button.addEventListener("click", () => {
            const { hidden } = this.options;
            this.set({ hidden: hidden.includes(item.name) ? hidden.filter((name) => name !== item.name) : [...hidden, item.name] });
          });
          place.append(button);
        }
        button.setAttribute("aria-pressed", String(!item.hidden));
        button.firstChild.style.borderTop = `${item.faint ? 1 : 3}px ${item.dash ? "dashed" : "solid"} ${item.colour}`;
      }
    }
    const kinds = [...new Set(this.marks.map((mark) => mark.kind))];
    const text = JSON.stringify([kinds, starred, theme.dark]);
    if (text === this.legend) return;
    this.legend = text;
    const place = this.find("legend-marks");
    place.replaceChildren();
    const add = (sign, colour, words) => {
      const item = document.createElement("span");
      const shape = document.createElement("b");
      shape.textContent = sign;
      shape.style.color = colour;
      item.append(shape, ` ${words}`);
      place.append(item);
    };
    if (starred) add("★", theme.orange, "best checkpoint");
    for (const kind of kinds) add("▼", shades[kind] ?? theme.text, MARKS[kind] ?? kind);
  }

  // --- the reader ---

  set(change) {
    if (change.kind && this.zoom) {
      const x = this.axis(this.options.kind, this.columns);
      const ends = this.zoom.map((edge) => nearest(x, this.columns.n, edge));
      this.options.kind = change.kind;
      const other = this.axis(change.kind, this.columns);
      this.zoomTo(ends[0] < ends[1] ? ends.map((at) => other[at]) : null);
    }
    Object.assign(this.options, change);
    if (change.smoothing !== undefined) this.columns.setWeight(change.smoothing);
    store.set("options", this.options);
    this.draw();
  }

  zoomTo(range) {
    this.zoom = range;
    if (!range) this.panels.forEach((panel) => (panel.y = null));
    store.set("zoom:" + this.run, range);
    this.draw();
  }

  pick(epoch) {
    this.picked = this.told = epoch;
    this.component.setStateValue("epoch", { run: this.run, epoch });
    window.dispatchEvent(new CustomEvent("unet-epoch", { detail: { run: this.run, epoch, from: "chart" } }));
    this.draw();
  }

  listen() {
    const { signal } = this.gone;
    const { options } = this;
    const slider = this.find("smoothing");
    slider.value = options.smoothing;
    slider.nextElementSibling.textContent = options.smoothing.toFixed(2);
    slider.addEventListener("input", () => {
      slider.nextElementSibling.textContent = Number(slider.value).toFixed(2);
      this.set({ smoothing: Number(slider.value) });
    });
    this.find("log").checked = options.log;
    this.find("log").addEventListener("change", (event) => {
      this.panels[0].y = null;
      this.set({ log: event.target.checked });
    });
    this.find("kind").value = options.kind;
    this.find("kind").addEventListener("change", (event) => this.set({ kind: event.target.value }));
    this.find("reset").addEventListener("click", () => this.zoomTo(null));
    document.addEventListener("visibilitychange", () => document.hidden || (this.over = false, this.poll()), { signal });
    window.addEventListener("online", () => this.poll(), { signal });
    window.addEventListener("unet-epoch", ({ detail }) => {
      if (detail.run !== this.run || detail.from === "chart") return;
      this.picked = detail.epoch;
      this.draw();
    }, { signal });
    this.sizes = new ResizeObserver(() => this.draw());
    for (const panel of this.panels) {
      this.sizes.observe(panel.canvas);
      this.listenTo(panel);
    }
  }

  listenTo(panel) {
    const { canvas } = panel;
    const at = (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !panel.scale) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { panel, from: at(event), to: at(event), far: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!panel.scale) return;
      const to = at(event);
      if (this.drag) {
        this.drag.to = to;
        this.drag.far ||= Math.abs(to.x - this.drag.from.x) > 5;
        this.drag.tall = Math.abs(to.y - this.drag.from.y) > 30;
      }
      this.point(panel, to);
    });
    canvas.addEventListener("pointerup", (event) => {
      const { drag } = this;
      this.drag = null;
      if (!drag) return;
      if (drag.far) this.zoomInto(panel, drag);
      else if (panel.scale) {
        const x = panel.scale.xAt(at(event).x);
        clearTimeout(this.clicked);
        this.clicked = setTimeout(() => this.pickAt(x), PICK_DELAY);
      }
      this.draw();
    });
    canvas.addEventListener("pointercancel", () => ((this.drag = null), this.leave()));
    canvas.addEventListener("pointerleave", () => this.drag || this.leave());
    canvas.addEventListener("dblclick", () => {
      clearTimeout(this.clicked);
      this.zoomTo(null);
    });
    canvas.addEventListener("keydown", (event) => this.key(panel, event));
    canvas.addEventListener("blur", () => this.leave());
  }

  zoomInto(panel, { from, to, tall }) {
    const { xAt, yAt, box } = panel.scale;
    const inside = (x) => xAt(Math.min(Math.max(x, box.left), box.right));
    const range = [inside(Math.min(from.x, to.x)), inside(Math.max(from.x, to.x))];
    if (!(range[1] > range[0])) return;
    if (tall) panel.y = [yAt(Math.max(from.y, to.y)), yAt(Math.min(from.y, to.y))];
    this.zoomTo(range);
  }

  pickAt(x) {
    const { epochs } = this.columns;
    const at = nearest(epochs.map((epoch) => this.xOf(epoch)), epochs.length, x);
    if (at >= 0) this.pick(epochs[at].epoch);
  }

  // Arrow keys go from epoch to epoch, Enter shows that epoch's film, + and - zoom, Escape shows all.
  key(panel, event) {
    const { epochs } = this.columns;
    const ends = epochs.map((epoch) => this.xOf(epoch));
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const scale = { "+": 0.5, "-": 2 }[event.key];
    if (move && ends.length) {
      const old = this.cursor === null ? (move > 0 ? -1 : ends.length) : nearest(ends, ends.length, this.cursor);
      const index = Math.min(Math.max(old + move, 0), ends.length - 1);
      this.point(panel, { x: panel.scale.px(ends[index]), y: panel.scale.box.top + 20 }, ends[index]);
      this.find("spoken").textContent = this.find("tip").innerText.replaceAll("\n", ", ");
    } else if (event.key === "Enter" && this.cursor !== null) {
      this.pickAt(this.cursor);
    } else if (scale) {
      const [low, high] = this.view.x;
      const middle = this.cursor ?? (low + high) / 2;
      const half = ((high - low) / 2) * scale;
      this.zoomTo(scale > 1 && !this.zoom ? null : [Math.max(0, middle - half), middle + half]);
    } else if (event.key === "Escape") this.zoomTo(null);
    else return;
    event.preventDefault();
  }

  // The cursor and, beside it, the values there.
  point(panel, { x, y }, exactly = null) {
    const { scale } = panel;
    const inside = x >= scale.box.left - 2 && x <= scale.box.right + 2;
    this.cursor = inside ? exactly ?? scale.xAt(Math.min(Math.max(x, scale.box.left), scale.box.right)) : null;
    this.draw();
    const tip = this.find("tip");
    tip.hidden = !inside || !this.columns.n;
    if (tip.hidden) return;
    tip.replaceChildren(...this.lines(panel, x).map((text, index) => {
      const place = document.createElement("div");
      place.textContent = text;
      if (!index) place.className = "first";
      return place;
    }));
    const canvas = panel.canvas.getBoundingClientRect();
    const wrap = tip.parentElement.getBoundingClientRect();
    const left = canvas.left - wrap.left + x;
    tip.style.top = `${canvas.top - wrap.top + Math.max(4, Math.min(y, canvas.height - tip.offsetHeight - 4))}px`;
    tip.style.left = `${left + 16 + tip.offsetWidth > wrap.width ? left - tip.offsetWidth - 14 : left + 16}px`;
  }

  lines(panel, pixel) {
    const { columns } = this;
    const axis = this.axis(this.options.kind, columns);
    const at = nearest(axis, columns.n, this.cursor);
    const ends = columns.epochs.map((epoch) => this.xOf(epoch));
    const epoch = columns.epochs[nearest(ends, ends.length, this.cursor)];
    const per = this.standing.per_epoch || 1;
    const first = `step ${columns.step[at]} · epoch ${Math.ceil(columns.step[at] / per)} · ${DURATION(columns.time[at])}`;
    const found = panel.name === "score" ? [] : [first];
    if (panel.name === "loss") found.push(`batch ${NUMBER(columns.loss[at])} · smoothed ${NUMBER(columns.smooth[at])}`);
    if (panel.name === "lr") found.push(`learning rate ${NUMBER(columns.lr[at])}`);
    if (epoch && panel.name !== "lr") {
      found.push(`after epoch ${epoch.epoch}` + (panel.name === "score" ? ` (step ${epoch.step})` : "") + ":");
      if (panel.name === "score") found.push(`Dice ${NUMBER(epoch.dice)} · IoU ${NUMBER(epoch.iou)}`);
      else found.push(`train ${NUMBER(epoch.train)} · validation ${NUMBER(epoch.val)}`);
    } else if (panel.name === "score") found.push("no epoch has ended yet");
    const close = (item) => Math.abs(panel.scale.px(this.xOf(item)) - pixel) <= NEAR;
    for (const mark of columns.marks.filter(close).slice(-5)) {
      found.push(mark.kind === "best" ? `★ ${mark.text}` : `▼ ${MARKS[mark.kind] ?? mark.kind}: ${mark.text}`);
    }
    return found;
  }

  leave() {
    this.cursor = null;
    this.find("tip").hidden = true;
    this.draw();
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".live");
  root.unetChart ??= new LiveChart(root);
  root.unetChart.show(component);
  return () => root.unetChart.destroy();
}
