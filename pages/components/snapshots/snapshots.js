// Validation predictions over epochs: a few examples as the network predicted them after each epoch, with a slider.
//
// For tests the root element (`.snapshots`) has in its dataset: run, epoch (shown), latest (whether it follows the
// latest), epochs (how many there are), drawn (how often predictions were drawn).

import { finder, setText } from "../shared/dom.js";
import { Poller } from "../shared/poller.js";
import { load, save } from "../shared/session.js";
import { Card } from "./card.js";
import { SnapshotFeed } from "./feed.js";

const INTERVAL = 2000; // ms between two requests for new epochs
const FRAME = 200; // ms an epoch is shown by Play

class Snapshots {
  constructor(root) {
    this.root = root;
    this.find = finder(root);
    this.feed = null;
    this.removed = new AbortController();
    this.poller = new Poller({
      ask: () => this.refresh(),
      delay: (failures) => this.delay(failures),
      failed: () => setText(this.find("connection"), "The predictions could not be loaded, trying again…"),
    });
    this.listen();
  }

  // Called at each rerun that changes something: another run, an epoch that was picked on the curves.
  update(component) {
    const { data } = component;
    this.component = component;
    if (data.run !== this.feed?.run) this.open(data);
    else if (data.epoch !== this.pageEpoch) {
      this.pageEpoch = data.epoch;
      if (data.epoch !== null) this.jump(data.epoch);
    }
    this.draw();
    this.poller.poll();
  }

  open({ run, epoch }) {
    this.stop();
    this.feed = new SnapshotFeed(run, this.removed.signal);
    this.cards = [];
    this.index = -1;
    this.drawn = 0;
    this.shown = null;
    this.pageEpoch = epoch;
    this.chosen = load("unet-film:" + run, epoch); // null: the latest is followed
    this.poller.failures = 0;
    this.deleted = false;
    this.root.hidden = true;
    this.find("cards").replaceChildren();
    this.root.dataset.run = run;
  }

  destroy() {
    this.poller.stop();
    this.removed.abort();
    this.stop();
    this.sizes.disconnect();
  }

  // --- the server

  async refresh() {
    const { feed } = this;
    this.asked = feed;
    try {
      const came = await feed.update();
      if (feed === this.feed) await this.take(came);
    } catch (error) {
      if (!error.deleted) throw error;
      this.deleted = feed === this.feed; // the curves say so
    }
    setText(this.find("connection"), "");
  }

  delay(failures) {
    if (this.asked !== this.feed) return 0; // another run was opened meanwhile
    if (this.deleted) return null;
    return this.component.data.active || failures ? INTERVAL : null;
  }

  async take({ epochs, examples }) {
    const { feed } = this;
    const { rows } = feed;
    this.root.dataset.epochs = rows.length;
    if (!rows.length) return;
    if (examples) this.build();
    if (epochs) {
      this.find("slider").max = rows.length - 1;
      if (this.index < 0) this.announce();
      await this.show(this.chosen === null ? rows.length - 1 : feed.indexNear(this.chosen));
      if (feed !== this.feed) return;
    }
    this.root.hidden = false;
    this.draw();
  }

  // --- which epoch is shown

  // Show the epoch with an index; of several calls in a row the last one wins.
  async show(index) {
    const { feed } = this;
    const row = feed.rows[index];
    if (!row) return;
    this.index = index;
    this.find("slider").value = index;
    this.find("slider").setAttribute("aria-valuetext", `epoch ${row.epoch}`);
    this.draw();
    try {
      const masks = await feed.masksAt(index);
      if (feed !== this.feed || this.index !== index) return;
      this.shown = row;
      this.paint(row, masks);
      feed.prefetch([index + 1, index - 1, index + 2, index + 3]);
    } catch {
      if (this.removed.signal.aborted) return;
      setText(this.find("connection"), "The predictions of this epoch could not be loaded.");
    }
  }

  // A reader's choice: it stays until Latest is pressed or the last epoch is chosen.
  choose(index, from = "film") {
    const { rows, run } = this.feed;
    const row = rows[index];
    if (!row) return;
    this.chosen = index === rows.length - 1 ? null : row.epoch;
    save("unet-film:" + run, this.chosen);
    if (from !== "chart") this.announce();
    this.show(index);
  }

  // Tell the curves which epoch they are to mark; none while the latest is followed.
  announce() {
    const detail = { run: this.feed.run, epoch: this.chosen, from: "film" };
    window.dispatchEvent(new CustomEvent("unet-epoch", { detail }));
  }

  jump(epoch) {
    this.stop();
    if (this.feed.rows.length) this.choose(this.feed.indexNear(epoch), "chart");
    else this.chosen = epoch;
  }

  // --- playing

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.find("play").textContent = "▶ Play";
    this.find("play").setAttribute("aria-pressed", "false");
  }

  play() {
    if (this.playing) return this.stop();
    if (this.index >= this.feed.rows.length - 1) this.choose(0);
    this.find("play").textContent = "❚❚ Pause";
    this.find("play").setAttribute("aria-pressed", "true");
    this.playing = setInterval(() => {
      const { rows } = this.feed;
      if (this.shown !== rows[this.index]) return; // its predictions are still on their way
      if (this.index >= rows.length - 1) this.stop();
      else this.choose(this.index + 1);
    }, FRAME);
  }

  listen() {
    const { signal } = this.removed;
    const listen = (name, type, listener) => this.find(name).addEventListener(type, listener, { signal });
    listen("slider", "input", (event) => {
      this.stop();
      this.choose(Number(event.target.value));
    });
    listen("play", "click", () => this.play());
    listen("latest", "click", () => {
      this.stop();
      this.choose(this.feed.rows.length - 1);
    });
    window.addEventListener("unet-epoch", ({ detail }) => {
      if (detail.run === this.feed?.run && detail.from === "chart") this.jump(detail.epoch);
    }, { signal });
    document.addEventListener("visibilitychange", () => this.poller.poll(), { signal });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.root);
  }

  // --- what is drawn

  build() {
    const choose = (indexOf) => {
      this.stop();
      this.choose(indexOf(this.feed.rows.length));
    };
    this.cards = this.feed.examples.map((example, index) => new Card(example, index + 1, this.feed, choose));
    this.find("cards").replaceChildren(...this.cards.map((card) => card.root));
  }

  paint(row, masks) {
    this.cards.forEach((card, index) => card.showPrediction(masks[index] ?? null, row.epoch, row.dice[index]));
    this.drawn += 1;
    Object.assign(this.root.dataset, { epoch: row.epoch, latest: this.chosen === null, drawn: this.drawn });
  }

  // What needs no predictions: the title, the curves and their words.
  draw() {
    const rows = this.feed?.rows ?? [];
    if (!rows.length) return;
    const row = rows[this.index];
    const last = rows[rows.length - 1].epoch;
    setText(this.find("title"), row ? `after epoch ${row.epoch}${row.epoch === last ? "" : ` of ${last}`}` : "");
    this.find("latest").setAttribute("aria-pressed", String(this.chosen === null));
    const style = getComputedStyle(this.root);
    const epochs = rows.map((each) => each.epoch);
    this.cards.forEach((card, index) => {
      card.showTrend(rows.map((each) => each.dice[index] ?? null), epochs, this.index, style);
    });
  }
}

export default function mountSnapshots(component) {
  const root = component.parentElement.querySelector(".snapshots");
  root.unetSnapshots ??= new Snapshots(root);
  root.unetSnapshots.update(component);
  return () => {
    root.unetSnapshots?.destroy();
    root.unetSnapshots = undefined;
  };
}
