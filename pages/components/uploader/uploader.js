// The upload of a dataset: files, folders or ZIP files, dropped or chosen, sent in chunks by routes of the app
// (`pages/server/uploads.py`). When it has arrived Python gets its name.
//
// For tests the root element (`.uploader`) has in its dataset: state (idle, reading, chosen, sending, waiting,
// unpacking, failed, done), files, arrived, total. Its property `unetUploader` is the uploader.

import { finder, setText } from "../shared/dom.js";
import { news } from "../shared/news.js";
import { load, save } from "../shared/session.js";
import { visitorHeaders } from "../shared/visitor.js";
import { entriesOf, fingerprint, fromEntries, fromInput, merge, proposeName } from "./collect.js";
import { CancelledError, Sender, wait } from "./sender.js";
import { Stream } from "./stream.js";
import { bytes, files as filesText, progressText, Speed, spokenProgress } from "./wording.js";

const LAST = "unet-upload:last"; // {id, name, print, total} of the upload that is not finished

class Uploader {
  constructor(root) {
    this.files = []; // {path, file}
    this.junk = 0;
    this.isNamed = false; // by the user
    this.texts = new Map(); // what is said where
    this.attach(root);
    this.show("idle");
  }

  // Live in an element: the first one, or that of the page to which a visitor has come back.
  attach(root) {
    const name = this.root ? this.find("name").value : "";
    Object.assign(this, { root, find: finder(root), isAttached: true, removed: new AbortController() });
    this.listen();
    this.find("name").value = name;
    for (const [where, text] of this.texts) setText(this.find(where), text);
    if (this.state) this.show(this.state);
    if (this.last) this.tell(this.last);
    return this;
  }

  // Called at each rerun; the token may be a new one.
  update(component) {
    this.component = component;
    if (!this.isMounted) this.recall();
    this.isMounted = true;
    if (this.arrived) this.succeed(this.arrived);
  }

  // Another page of the app is shown: an upload goes on meanwhile.
  detach() {
    this.removed.abort();
    this.isAttached = false;
  }

  listen() {
    const { signal } = this.removed;
    const on = (name, type, listener) => this.find(name).addEventListener(type, listener, { signal });
    on("choose-files", "click", () => this.find("files").click());
    on("choose-folder", "click", () => this.find("folder").click());
    for (const name of ["files", "folder"]) {
      on(name, "change", ({ target }) => {
        this.take(fromInput(target.files));
        target.value = ""; // so that the same choice counts again
      });
    }
    const zone = this.find("zone");
    on("zone", "dragover", (event) => {
      event.preventDefault();
      event.dataTransfer.dropEffect = this.isBusy ? "none" : "copy";
      zone.classList.toggle("over", !this.isBusy);
    });
    on("zone", "dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"));
    on("zone", "drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (!this.isBusy) this.takeEntries(entriesOf(event.dataTransfer));
    });
    on("name", "input", () => (this.isNamed = true));
    on("name", "keydown", (event) => {
      event.stopPropagation(); // Streamlit's shortcuts are single letters
      if (event.key === "Enter") this.start();
    });
    on("start", "click", () => this.start());
    on("clear", "click", () => this.clear());
    on("retry", "click", () => (this.sender ? this.sender.wake() : this.start()));
    on("cancel", "click", () => this.cancel());
    on("discard", "click", () => this.discard());
    window.addEventListener("online", () => this.sender?.wake(), { signal });
    window.addEventListener("beforeunload", (event) => this.isBusy && event.preventDefault(), { signal });
  }

  get isBusy() {
    return ["reading", "sending", "waiting", "unpacking"].includes(this.state);
  }

  // --- what was chosen

  async takeEntries(entries) {
    if (!entries.length) return this.fail("What was dropped is not a file or folder. Choose it with the buttons.");
    this.show("reading");
    this.say("lead", "Reading the folder…");
    try {
      this.take(await fromEntries(entries, (count) => this.say("lead", `Reading the folder… ${filesText(count)}`)));
    } catch (error) {
      this.fail(`The folder cannot be read (${error.message}). Choose it with the button.`);
    }
    return undefined;
  }

  take(added) {
    if (this.isBusy && this.state !== "reading") return;
    const { files, junk } = merge(this.files, added);
    this.junk += junk;
    if (!files.length) return void this.fail("There is no file in it to upload.");
    this.files = files;
    const name = this.find("name");
    if (!this.isNamed) name.value = proposeName(files.map(({ path }) => path));
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    const left = this.junk ? ` ${filesText(this.junk)} of the system left out.` : "";
    this.say("summary", `${filesText(files.length)}, ${bytes(total)}.${left}`);
    const resumed = this.resumable();
    this.say("start", resumed ? "Resume upload" : "Upload");
    if (resumed && !this.isNamed) name.value = resumed.name;
    this.root.dataset.files = files.length;
    this.show("chosen");
    this.speak(`${filesText(files.length)}, ${bytes(total)} chosen`);
    this.find("start").focus({ preventScroll: true });
  }

  resumable() {
    const last = load(LAST, null);
    return last?.print === fingerprint(this.files) ? last : null;
  }

  clear() {
    Object.assign(this, { files: [], junk: 0, isNamed: false });
    this.show("idle");
  }

  // --- the upload

  async start() {
    if (!this.files.length || this.isBusy) return;
    const stream = new Stream(this.files);
    const name = this.find("name").value.trim() || proposeName(this.files.map(({ path }) => path));
    const print = fingerprint(this.files);
    const remember = (id) => save(LAST, { id, name, print, total: stream.total });
    this.speed = new Speed();
    this.stream = stream;
    await this.run((sender) => sender.send(stream, name, this.resumable()?.id ?? "", remember));
  }

  // After a reload: an upload that has arrived is finished, another can be resumed.
  async recall() {
    const last = load(LAST, null);
    if (!last) return;
    const answer = await this.ask("GET", `/${last.id}`).catch(() => null);
    if (this.state !== "idle" || !answer) return;
    const { status, body } = answer;
    if (status === 404) save(LAST, null);
    if (status !== 200 || body.state === "failed") return;
    if (body.arrived === body.total) {
      await this.run((sender) => sender.follow(last.id, last.name));
      return;
    }
    const arrived = `${bytes(body.arrived)} of ${bytes(body.total)}`;
    this.say("resume-text", `The upload of “${last.name}” was interrupted at ${arrived}. Choose the same files to resume it.`);
    this.find("resume").hidden = false;
  }

  async run(work) {
    const sender = (this.sender = new Sender({
      ask: (...request) => this.ask(...request),
      tell: (event) => this.sender === sender && this.tell(event),
      wait,
      now: () => performance.now(),
    }));
    this.show("sending");
    try {
      this.succeed(await work(sender));
    } catch (error) {
      if (error instanceof CancelledError) return;
      if (!error.again) save(LAST, null);
      this.fail(error.message);
    } finally {
      if (this.sender === sender) this.sender = this.last = null;
    }
  }

  // One request to the app; gives the status and the JSON of the answer.
  async ask(method, path, body, signal) {
    const { uploads, token } = this.component.data;
    const headers = { "X-Upload-Token": token, "Content-Type": "application/octet-stream", ...visitorHeaders() };
    const response = await fetch(location.origin + uploads + path, { method, body, headers, signal, cache: "no-store" });
    const answer = await response.json().catch(() => ({})); // a proxy's own page
    return { status: response.status, body: answer };
  }

  async cancel() {
    const { sender } = this;
    this.sender = this.last = null;
    save(LAST, null);
    this.clear();
    this.say("result", "The upload was canceled; nothing was saved.");
    this.speak("Upload canceled");
    await sender?.cancel();
  }

  async discard() {
    const last = load(LAST, null);
    save(LAST, null);
    this.find("resume").hidden = true;
    if (last) await this.ask("DELETE", `/${last.id}`).catch(() => null);
  }

  succeed({ name, notes }) {
    save(LAST, null);
    this.arrived = this.isAttached ? null : { name, notes }; // told when the visitor comes back
    if (this.arrived) return;
    this.clear();
    this.show("done");
    this.say("result", `“${name}” was added.`);
    this.speak(`Dataset ${name} was added`);
    this.say("notes", notes.join("\n"));
    this.component.setStateValue("done", news({ name, notes }));
  }

  fail(text) {
    this.show(this.files.length ? "chosen" : "idle");
    this.root.dataset.state = "failed";
    this.say("error", text);
  }

  // --- the display

  show(state) {
    this.state = this.root.dataset.state = state;
    const isSending = ["sending", "waiting", "unpacking"].includes(state);
    for (const name of ["result", "error", "notes"]) if (state !== "done") this.say(name, "");
    this.find("chosen").hidden = state !== "chosen";
    this.find("sending").hidden = !isSending;
    this.find("retry").hidden = state !== "waiting";
    if (isSending || state === "chosen") this.find("resume").hidden = true;
    this.find("zone").classList.toggle("busy", this.isBusy);
    for (const name of ["choose-files", "choose-folder"]) this.find(name).disabled = this.isBusy;
    if (state !== "reading") this.say("lead", "Drop images and masks, a whole folder, or a ZIP file here");
  }

  tell(event) {
    this.last = event;
    if (this.state !== event.state) this.show(event.state);
    const { arrived, total } = event;
    Object.assign(this.root.dataset, { arrived, total });
    const [done, of] = event.state === "unpacking" ? [event.done, event.of] : [arrived, total];
    const bar = this.find("bar");
    if (of) bar.value = done / of;
    else bar.removeAttribute("value");
    this.say("numbers", this.numbers(event));
    if (event.state === "sending") this.speak(spokenProgress(arrived, total));
    else this.speak(event.state === "waiting" ? "Connection lost, trying again" : "Unpacking");
  }

  numbers(event) {
    const { arrived, total } = event;
    if (event.state === "unpacking") return event.of ? `Unpacking: ${bytes(event.done)} of ${bytes(event.of)}` : "Unpacking…";
    if (event.state === "waiting") return `${event.why} Trying again… ${bytes(arrived)} of ${bytes(total)} have arrived.`;
    const counts = { filesDone: this.stream.countBefore(arrived), filesTotal: this.files.length };
    return progressText({ arrived, total, ...counts, speed: this.speed.add(arrived, performance.now()) });
  }

  say(name, text) {
    this.texts.set(name, text);
    setText(this.find(name), text);
  }

  speak(text) {
    this.say("spoken", text);
  }
}

export default function mountUploader(component) {
  const root = component.parentElement.querySelector(".uploader");
  if (!root.unetUploader) {
    const before = window.unetUploader;
    const goesOn = before && !before.isAttached;
    root.unetUploader = window.unetUploader = goesOn ? before.attach(root) : new Uploader(root);
  }
  const { unetUploader: uploader } = root;
  uploader.update(component);
  return () => {
    if (root.unetUploader === uploader && uploader.root === root) uploader.detach();
    root.unetUploader = undefined;
  };
}
