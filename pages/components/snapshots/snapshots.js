// The learning film: probe images of the validation set as the net saw them after each epoch; scrubbed in the browser.
// The root element tells in its dataset: run, epoch (shown), newest, epochs (how many there are), drawn (pictures drawn).

const EVERY = 2000; // ms between two looks for new epochs
const DECODED = 24; // epochs whose masks are kept as pixels
const KEPT = 600; // as they came
const FRAME = 200; // ms an epoch is shown by Play
const OPACITY = 0.45;
const LEARNT = 0.8; // the Dice from which an image counts as learnt
const DROP = 0.1; // a fall of the Dice that is worth a word

const remember = {
  get: (run) => {
    try {
      const kept = sessionStorage.getItem("unet-film:" + run);
      return kept === null ? undefined : JSON.parse(kept); // null: the newest was chosen
    } catch {
      return undefined;
    }
  },
  set: (run, epoch) => {
    try {
      sessionStorage.setItem("unet-film:" + run, JSON.stringify(epoch));
    } catch {
      // a browser that keeps nothing
    }
  },
};

async function pixels(base64) {
  if (!base64) return null;
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(bitmap, 0, 0);
  return ctx.getImageData(0, 0, bitmap.width, bitmap.height);
}

class Film {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-is="${name}"]`);
    this.gone = new AbortController();
    this.run = null;
    this.listen();
  }

  show(component) {
    const { data } = component;
    this.component = component;
    if (data.run !== this.run) {
      this.stop();
      Object.assign(this, { run: data.run, rows: [], version: 0, probes: null, colours: [], cards: [], raw: new Map(),
        decoded: new Map(), index: -1, wanted: remember.get(data.run), told: data.epoch, failures: 0, drawn: 0 });
      if (this.wanted === undefined) this.wanted = data.epoch;
      this.root.hidden = true;
      this.find("cards").replaceChildren();
      this.root.dataset.run = data.run;
    } else if (data.epoch !== this.told) {
      this.told = data.epoch;
      if (data.epoch !== null) this.jump(data.epoch);
    }
    this.draw();
    this.poll();
  }

  destroy() {
    this.gone.abort();
    this.stop();
    clearTimeout(this.timer);
    this.sizes.disconnect();
  }

  async ask(path, query = {}) {
    const place = new URL(`api/runs/${encodeURIComponent(this.run)}/film${path}`, new URL(".", location.href));
    place.search = new URLSearchParams(query);
    const reply = await patiently(place, this.gone.signal);
    if (!reply.ok) throw Object.assign(new Error(`status ${reply.status}`), { gone: reply.status === 404 });
    return JSON.parse(reply.text);
  }

  async poll() {
    clearTimeout(this.timer);
    if (this.asking || this.gone.signal.aborted || document.hidden) return;
    this.asking = true;
    const { run } = this;
    try {
      const answer = await this.ask("", { since: this.version });
      if (run === this.run) await this.take(answer);
      this.failures = 0;
      this.find("connection").textContent = "";
    } catch (error) {
      if (this.gone.signal.aborted) return;
      if (error.gone) return; // the run was deleted; the curves say so
      this.failures += 1;
      this.find("connection").textContent = "The pictures could not be fetched, trying again…";
    } finally {
      this.asking = false;
    }
    if (run !== this.run) this.poll();
    else if (this.component.data.active || this.failures) this.timer = setTimeout(() => this.poll(), EVERY);
  }

  async take({ count, epochs }) {
    const rows = new Map(this.rows.map((row) => [row.epoch, row]));
    for (const [epoch, dice, version] of epochs) {
      rows.set(epoch, { epoch, dice, version });
      this.raw.delete(epoch);
      this.decoded.delete(epoch);
    }
    if (rows.size !== count && this.version) {
      this.version = 0; // epochs are gone: thinned out, or repeated by a run that was taken up again
      this.rows = [];
      return this.take(await this.ask("", { since: 0 }));
    }
    this.version = Math.max(this.version, ...epochs.map((row) => row[2]));
    this.rows = [...rows.values()].sort((one, other) => one.epoch - other.epoch);
    this.root.dataset.epochs = this.rows.length;
    if (!this.rows.length) return;
    const most = Math.max(...this.rows.map((row) => row.dice.length));
    if (!this.probes || this.probes.length < most) await this.fetchProbes();
    if (epochs.length) {
      const slider = this.find("slider");
      slider.max = this.rows.length - 1;
      if (this.index < 0) this.announce();
      if (this.wanted === null) await this.go(this.rows.length - 1);
      else await this.go(this.near(this.wanted));
    }
    this.root.hidden = false;
    this.draw();
  }

  async fetchProbes() {
    const { probes, colours, bare } = await this.ask("/probes");
    Object.assign(this, { colours, bare });
    this.probes = await Promise.all(
      probes.map(async ({ name, image, truth }) => ({ name, image: await pixels(image), truth: await pixels(truth) })),
    );
    this.build();
  }

  // The index of the epoch nearest to one that was asked for.
  near(epoch) {
    let best = 0;
    this.rows.forEach((row, index) => {
      if (Math.abs(row.epoch - epoch) < Math.abs(this.rows[best].epoch - epoch)) best = index;
    });
    return best;
  }

  async fetchMasks(epoch) {
    if (!this.raw.has(epoch)) {
      this.raw.set(epoch, this.ask(`/${epoch}`).then((answer) => answer.masks));
      this.raw.get(epoch).catch(() => this.raw.delete(epoch));
      while (this.raw.size > KEPT) this.raw.delete(this.raw.keys().next().value);
    }
    return this.raw.get(epoch);
  }

  async masks(epoch) {
    if (!this.decoded.has(epoch)) {
      const found = await Promise.all((await this.fetchMasks(epoch)).map(pixels));
      this.decoded.set(epoch, found);
      while (this.decoded.size > DECODED) this.decoded.delete(this.decoded.keys().next().value);
    }
    return this.decoded.get(epoch);
  }

  // Show the epoch of an index; of several calls in a row the latest wins.
  async go(index) {
    const { run } = this;
    const row = this.rows[index];
    if (!row) return;
    this.index = index;
    this.find("slider").value = index;
    this.find("slider").setAttribute("aria-valuetext", `epoch ${row.epoch}`);
    this.draw();
    try {
      const masks = await this.masks(row.epoch);
      if (run !== this.run || this.index !== index) return;
      this.shown = { row, masks };
      this.paint();
      for (const other of [index + 1, index - 1, index + 2, index + 3]) {
        if (this.rows[other]) this.fetchMasks(this.rows[other].epoch).catch(() => null);
      }
    } catch (error) {
      if (!this.gone.signal.aborted) this.find("connection").textContent = "The pictures of this epoch could not be fetched.";
    }
  }

  // A reader's choice: it stays until Newest is pressed or the last epoch is chosen.
  choose(index, from = "film") {
    const row = this.rows[index];
    if (!row) return;
    this.wanted = index === this.rows.length - 1 ? null : row.epoch;
    remember.set(this.run, this.wanted);
    if (from !== "chart") this.announce();
    this.go(index);
  }

  // Tell the curves which epoch they are to mark; none while the newest is followed.
  announce() {
    const detail = { run: this.run, epoch: this.wanted, from: "film" };
    window.dispatchEvent(new CustomEvent("unet-epoch", { detail }));
  }

  jump(epoch) {
    this.stop();
    if (this.rows.length) this.choose(this.near(epoch), "chart");
    else this.wanted = epoch;
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.find("play").textContent = "▶ Play";
    this.find("play").setAttribute("aria-pressed", "false");
  }

  play() {
    if (this.playing) return this.stop();
    if (this.index >= this.rows.length - 1) this.choose(0);
    this.find("play").textContent = "❚❚ Pause";
    this.find("play").setAttribute("aria-pressed", "true");
    this.playing = setInterval(() => {
      if (this.shown?.row !== this.rows[this.index]) return; // its pictures are still on their way
      if (this.index >= this.rows.length - 1) this.stop();
      else this.choose(this.index + 1);
    }, FRAME);
  }

  listen() {
    const { signal } = this.gone;
    this.find("slider").addEventListener("input", (event) => {
      this.stop();
      this.choose(Number(event.target.value));
    });
    this.find("play").addEventListener("click", () => this.play());
    this.find("newest").addEventListener("click", () => {
      this.stop();
      this.choose(this.rows.length - 1);
    });
    window.addEventListener("unet-epoch", ({ detail }) => {
      if (detail.run === this.run && detail.from === "chart") this.jump(detail.epoch);
    }, { signal });
    document.addEventListener("visibilitychange", () => this.poll(), { signal });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.root);
  }

  build() {
    const make = (name, parent, more = {}) => {
      const element = Object.assign(document.createElement(name), more);
      parent?.append(element);
      return element;
    };
    this.cards = this.probes.map((probe, number) => {
      const figure = make("figure");
      const row = make("div", figure, { className: "row" });
      const [image, truth, mask] = ["image", "truth", "mask"].map((word) => {
        const place = make("div", row);
        const canvas = make("canvas", place);
        canvas.setAttribute("role", "img");
        make("span", place, { textContent: word });
        return canvas;
      });
      const caption = make("figcaption", figure);
      make("span", caption, { className: "name", textContent: probe.name || `image ${number + 1}`, title: probe.name });
      const dice = make("b", caption);
      const spark = make("canvas", figure, { className: "spark", title: "Dice over the epochs; click to go there" });
      spark.setAttribute("role", "img");
      spark.addEventListener("click", (event) => {
        const { left, width } = spark.getBoundingClientRect();
        this.stop();
        this.choose(Math.round(((event.clientX - left - 4) / (width - 8)) * (this.rows.length - 1)));
      });
      const words = make("p", figure, { className: "words" });
      this.lay(image, probe, null);
      this.lay(truth, probe, probe.truth);
      image.setAttribute("aria-label", `Validation image ${number + 1}`);
      truth.setAttribute("aria-label", `True mask of validation image ${number + 1}`);
      return { figure, mask, dice, spark, words };
    });
    this.find("cards").replaceChildren(...this.cards.map((card) => card.figure));
  }

  // An image with a mask of class indices over it; 255 and a binary background stay bare.
  lay(canvas, probe, mask) {
    const base = probe.image ?? mask;
    if (!base) return;
    const drawn = new ImageData(base.width, base.height);
    drawn.data.set(probe.image ? probe.image.data : new Uint8ClampedArray(base.data.length).fill(255));
    if (mask && mask.data.length === drawn.data.length) {
      for (let i = 0; i < drawn.data.length; i += 4) {
        const colour = this.colours[mask.data[i]];
        if (!colour || (this.bare && mask.data[i] === 0)) continue;
        for (let c = 0; c < 3; c++) drawn.data[i + c] = drawn.data[i + c] * (1 - OPACITY) + colour[c] * OPACITY;
      }
    }
    canvas.width = base.width;
    canvas.height = base.height;
    canvas.getContext("2d").putImageData(drawn, 0, 0);
  }

  paint() {
    const { row, masks } = this.shown;
    this.cards.forEach((card, number) => {
      const score = row.dice[number];
      const text = score === null || score === undefined ? "–" : score.toFixed(3);
      this.lay(card.mask, this.probes[number], masks[number] ?? null);
      card.mask.setAttribute("aria-label", `Prediction on validation image ${number + 1} after epoch ${row.epoch}, Dice ${text}`);
      card.dice.textContent = `Dice ${text}`;
    });
    this.drawn += 1;
    Object.assign(this.root.dataset, { epoch: row.epoch, newest: this.wanted === null, drawn: this.drawn });
  }

  // What does not need the pictures: title, sparklines, words.
  draw() {
    if (!this.rows?.length) return;
    const row = this.rows[this.index];
    const last = this.rows[this.rows.length - 1].epoch;
    const title = row ? `after epoch ${row.epoch}${row.epoch === last ? "" : ` of ${last}`}` : "";
    if (this.find("title").textContent !== title) this.find("title").textContent = title;
    this.find("newest").setAttribute("aria-pressed", String(this.wanted === null));
    this.cards.forEach((card, number) => {
      const values = this.rows.map((each) => each.dice[number] ?? null);
      const words = this.say(values);
      if (card.words.textContent !== words) card.words.textContent = words;
      card.spark.setAttribute("aria-label", `Dice of validation image ${number + 1} over the epochs. ${words}`);
      this.spark(card.spark, values);
    });
  }

  // When an image was learnt, and where its Dice fell most.
  say(values) {
    let [before, drop, learnt, best] = [null, null, null, null];
    values.forEach((value, index) => {
      if (value === null) return;
      const { epoch } = this.rows[index];
      if (learnt === null && value >= LEARNT) learnt = epoch;
      if (best === null || value > best.value) best = { value, epoch };
      if (before !== null && before - value > Math.max(DROP, drop?.by ?? 0)) drop = { by: before - value, before, value, epoch };
      before = value;
    });
    if (best === null) return "Its Dice is undefined.";
    const first = learnt === null ? `Best Dice ${best.value.toFixed(2)} at epoch ${best.epoch}.` : `Over ${LEARNT} from epoch ${learnt}.`;
    return drop ? `${first} Fell from ${drop.before.toFixed(2)} to ${drop.value.toFixed(2)} at epoch ${drop.epoch}.` : first;
  }

  spark(canvas, values) {
    const style = getComputedStyle(this.root);
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    const px = (index) => 4 + (values.length > 1 ? index / (values.length - 1) : 0.5) * (width - 8);
    const py = (value) => height - 4 - value * (height - 8);
    ctx.strokeStyle = style.getPropertyValue("--st-border-color");
    for (const level of [0, 1]) {
      ctx.beginPath();
      ctx.moveTo(0, Math.round(py(level)) + 0.5);
      ctx.lineTo(width, Math.round(py(level)) + 0.5);
      ctx.stroke();
    }
    ctx.strokeStyle = style.getPropertyValue("--st-primary-color");
    ctx.lineWidth = 2;
    ctx.beginPath();
    let open = false;
    values.forEach((value, index) => {
      if (value === null) open = false;
      else if (open) ctx.lineTo(px(index), py(value));
      else {
        ctx.moveTo(px(index), py(value));
        open = true;
      }
    });
    ctx.stroke();
    const now = values[this.index];
    ctx.fillStyle = style.getPropertyValue("--st-text-color");
    if (now !== null && now !== undefined) {
      ctx.beginPath();
      ctx.arc(px(this.index), py(now), 3.5, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".film");
  root.unetFilm ??= new Film(root);
  root.unetFilm.show(component);
  return () => root.unetFilm.destroy();
}
