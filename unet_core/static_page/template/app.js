// The page: images come in, the model runs on them in its worker, the viewer shows what it gave.

import { Camera } from "./camera.js";
import { Engine } from "./inference/engine.js";
import { List, percent } from "./list.js";
import { keepOffline } from "./offline.js";
import { FORMATS, readFile } from "./reading/file.js";
import { countsOf, resultOf, toCsv } from "./result/answer.js";
import { writePng } from "./result/png_writer.js";
import { finder, setText } from "./shared/dom.js";
import { Show } from "./show.js";

const KEPT = 10_000; // ms that the browser has to begin a download
const find = finder(document);

class Page {
  constructor(page) {
    Object.assign(this, { page, entries: [], current: null, least: 0, busy: null });
    this.engine = new Engine(page, (share) => this.say(`Loading the model: ${Math.round(100 * share)} %`));
    this.viewer = new Show(find("viewer"), page, () => this.measureAll());
    this.list = new List(find("rows"), (entry) => this.open(entry), (entry) => this.remove(entry));
    this.listen();
  }

  listen() {
    const input = find("files");
    input.addEventListener("change", () => {
      this.add([...input.files]);
      input.value = "";
    });
    const drop = find("drop");
    const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragover", (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      drop.classList.add("over");
    });
    addEventListener("dragleave", () => drop.classList.remove("over"));
    addEventListener("drop", (event) => {
      drop.classList.remove("over");
      if (!isFiles(event)) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
    addEventListener("paste", (event) => this.add([...(event.clipboardData?.files ?? [])]));
    const elements = Object.fromEntries(["dialog", "video", "take", "close"].map((name) => [name, find(name)]));
    const camera = new Camera(elements, (image) => this.add([image]), (text) => this.complain(text));
    find("camera").hidden = !Camera.isPossible;
    find("camera").addEventListener("click", () => camera.open());
    find("cancel").addEventListener("click", () => this.engine.cancel());
    find("least").addEventListener("change", ({ target }) => {
      this.least = Math.max(0, Math.floor(Number(target.value)) || 0);
      target.value = this.least;
      this.measureAll();
    });
    find("mask").addEventListener("click", () => this.saveMask());
    find("csv").addEventListener("click", () => this.saveCsv());
    find("clear").addEventListener("click", () => [...this.entries].forEach((entry) => this.remove(entry)));
  }

  async start() {
    setText(find("formats"), `${FORMATS}.`);
    try {
      await this.engine.start();
    } catch (error) {
      this.say("The model could not be loaded.");
      this.complain(error.message);
      return;
    }
    document.documentElement.dataset.engine = this.engine.kind;
    this.isReady = true;
    const how = this.engine.kind === "webgpu" ? " on the graphics card (WebGPU)" : "";
    this.say(`Ready. The model runs in this browser${how}; no image leaves it.`);
    this.work();
    keepOffline((text) => setText(find("offline"), text), (apply) => {
      find("update").hidden = false;
      find("apply").addEventListener("click", apply, { once: true });
    });
  }

  say(text) {
    setText(find("status"), text);
  }

  complain(text) {
    find("problem").hidden = !text;
    setText(find("problem"), text);
  }

  // `sources`: files, or images that the camera took.
  add(sources) {
    if (!sources.length) return;
    this.complain("");
    const entries = sources.map((source) => ({ name: source.name, source, state: "Queued", answer: null, measured: null }));
    this.entries.push(...entries);
    this.render();
    this.work();
  }

  remove(entry) {
    if (this.busy === entry) this.engine.cancel();
    this.entries = this.entries.filter((other) => other !== entry);
    if (this.current === entry) {
      this.current = null;
      const next = this.entries.find((other) => other.answer);
      if (next) this.open(next);
    }
    this.render();
  }

  // One image after the other, until all have an answer or an error.
  async work() {
    if (!this.isReady || this.busy) return;
    for (let entry; (entry = this.entries.find((each) => !each.answer && !each.error)); ) {
      this.busy = entry;
      entry.state = "Running";
      this.render();
      try {
        const image = await imageOf(entry);
        entry.answer = await this.engine.run(image, (done, total) => this.showProgress(entry, done, total));
        this.measure(entry, image);
        await this.open(entry, image);
      } catch (error) {
        entry.error = error.name === "AbortError" ? "Canceled" : error.message;
        if (error.name === "AbortError") this.say(`${entry.name}: canceled.`);
        else this.complain(error.message.startsWith(entry.name) ? error.message : `${entry.name}: ${error.message}`);
        entry.state = "Not read";
      }
      this.busy = null;
      this.render();
    }
  }

  showProgress(entry, done, total) {
    Object.assign(find("bar"), { max: total, value: done });
    setText(find("running"), total > 1 ? `${entry.name}: tile ${done} of ${total}` : entry.name);
  }

  measure(entry, { width, height }) {
    const { threshold } = this.viewer.settings;
    const result = resultOf(entry.answer, { width, height }, threshold, this.least);
    const covered = result.mask.reduce((sum, value) => sum + (value > 0 && value < 255), 0) / result.mask.length;
    entry.size = { width, height };
    entry.measured = { list: result.list, means: result.means, covered, threshold, least: this.least };
    return { ...result, threshold };
  }

  // Show an image with what was predicted for it.
  async open(entry, image) {
    if (!entry.answer) {
      if (entry.error) this.complain(entry.error);
      return;
    }
    this.current = entry;
    this.image = image ?? (await imageOf(entry));
    if (this.current !== entry) return; // another one was chosen meanwhile
    this.showCurrent();
    this.render();
  }

  showCurrent() {
    const { current, image } = this;
    this.result = this.measure(current, image);
    this.viewer.show(image, current.answer, this.result, this.summaryOf(current));
  }

  // Threshold or smallest size have changed: the shown image at once, the others after it.
  measureAll() {
    const { threshold } = this.viewer.settings;
    const isOld = ({ measured }) => measured && (measured.threshold !== threshold || measured.least !== this.least);
    if (this.current && isOld(this.current)) this.showCurrent();
    for (const entry of this.entries) if (entry.answer && isOld(entry)) this.measure(entry, entry.size);
    this.render();
  }

  summaryOf({ measured }) {
    const { list, covered } = measured;
    const { page } = this;
    const counts = countsOf(list, page.num_classes);
    const words = counts.length > 1
      ? counts.filter(([, count]) => count).map(([index, count]) => `${page.classes[index]} ${count}`).join(", ")
      : "";
    const number = `${list.length} object${list.length === 1 ? "" : "s"}`;
    return `${number}${words && ` (${words})`}, ${percent(covered)} of the image.`;
  }

  render() {
    const { current, busy, entries } = this;
    find("results").hidden = !entries.length;
    find("shown").hidden = !current;
    find("table").hidden = entries.length < 2 && !entries.some((entry) => entry.error);
    find("work").hidden = !busy;
    if (busy && find("running").textContent === "") setText(find("running"), busy.name);
    if (!busy) setText(find("running"), "");
    if (current) setText(find("summary"), this.summaryOf(current));
    if (current) setText(find("note"), this.page.rules.channels[this.image.channels]?.note ?? "");
    find("csv").disabled = !entries.some((entry) => entry.measured);
    this.list.show(entries, current);
  }

  async saveMask() {
    const { current, result, image } = this;
    const values = this.page.num_classes === 1 ? result.mask.map((value) => value * 255) : result.mask;
    save(await writePng(values, image.width, image.height), `${stemOf(current.name)}_mask.png`);
  }

  saveCsv() {
    const results = this.entries.filter((entry) => entry.measured).map(({ name, measured }) => ({ name, ...measured }));
    const name = results.length === 1 ? `${stemOf(results[0].name)}_objects.csv` : "objects.csv";
    save(new Blob([toCsv(results, this.page.object_names)], { type: "text/csv" }), name);
  }
}

// A file is read again when it is shown again: pixels of many images would fill the memory.
async function imageOf({ source }) {
  return source instanceof File ? readFile(source) : source;
}

function stemOf(name) {
  return name.replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|\x00-\x1f]+/g, "_") || "image";
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT);
}

const answer = await fetch(new URL("page.json", import.meta.url));
const page = new Page(await answer.json());
document.unetPage = page;
await page.start();
