// Sends one selection: begins or resumes, sends what is missing, has it unpacked; tries again after a lost connection.

import { chunkSize } from "./stream.js";

const TIMEOUT = 120_000; // ms of one request
const POLL = 400; // ms between two questions how far the unpacking is
const LONGEST_WAIT = 8000; // ms between two tries

// What cannot be mended by trying again: `again` says whether the user may.
export class RefusedError extends Error {
  constructor(text, again = false) {
    super(text);
    this.again = again;
  }
}

class LostError extends Error {}

export class CancelledError extends Error {}

export class Sender {
  // `ask(method, path, body)` makes a request and gives {status, body}, or throws where there is no connection;
  // `tell(event)` gets {state, arrived, total, ...}; `wait(ms, signal)`; `now()` in ms.
  constructor({ ask, tell, wait, now }) {
    Object.assign(this, { ask, tell, wait, now, id: "", arrived: 0, chunk: 0, woken: null });
    this.stopping = new AbortController();
  }

  // Gives the server's last status. `remember(id)` is called with the id as soon as there is one.
  async send(stream, name, id, remember) {
    Object.assign(this, { stream, id });
    let failures = 0;
    for (;;) {
      try {
        await this.#open(name, remember);
        await this.#sendBytes(() => (failures = 0));
        return await this.#finish(name);
      } catch (error) {
        if (this.stopping.signal.aborted) throw new CancelledError();
        if (!(error instanceof LostError)) throw error;
        const delay = Math.min(LONGEST_WAIT, 500 * 2 ** failures++);
        this.tell({ state: "waiting", arrived: this.arrived, total: stream.total, why: error.message });
        await this.#pause(delay);
      }
    }
  }

  // Have an upload finished whose bytes are all there, as after a reload.
  async follow(id, name) {
    this.id = id;
    let failures = 0;
    for (;;) {
      try {
        return await this.#finish(name, true);
      } catch (error) {
        if (this.stopping.signal.aborted) throw new CancelledError();
        if (!(error instanceof LostError)) throw error;
        await this.#pause(Math.min(LONGEST_WAIT, 500 * 2 ** failures++));
      }
    }
  }

  // Try again now, not only after the pause.
  wake() {
    this.woken?.abort();
  }

  async cancel() {
    this.stopping.abort();
    if (this.id) await this.ask("DELETE", `/${this.id}`).catch(() => null); // else it is removed after a day
  }

  async #pause(ms) {
    this.woken = new AbortController();
    await this.wait(ms, AbortSignal.any([this.woken.signal, this.stopping.signal]));
    this.woken = null;
  }

  async #open(name, remember) {
    if (this.id) {
      const { status, body } = await this.#request("GET", `/${this.id}`);
      if (status === 200 && body.chunk && body.total === this.stream.total) {
        Object.assign(this, { arrived: body.arrived, chunk: body.chunk });
        return;
      }
      if (status === 200 && body.state !== "receiving") return void (this.arrived = this.stream.total);
      this.id = ""; // gone: begin anew
    }
    const files = this.stream.files.map(({ path, file }) => [path, file.size]);
    const { status, body } = await this.#request("POST", "", JSON.stringify({ name, files }));
    if (status !== 201) throw new RefusedError(body.error ?? `The server answers ${status}.`, true);
    Object.assign(this, { id: body.id, arrived: body.arrived, chunk: body.chunk });
    remember(body.id);
  }

  async #sendBytes(succeeded) {
    const { stream } = this;
    let [size, seconds, sent] = [0, 0, this.arrived];
    while (this.arrived < stream.total) {
      this.tell({ state: "sending", arrived: this.arrived, total: stream.total });
      size = chunkSize(size, seconds, this.chunk);
      const data = await stream.read(this.arrived, size);
      const begun = this.now();
      const { status, body } = await this.#request("PUT", `/${this.id}?offset=${this.arrived}`, data);
      seconds = (this.now() - begun) / 1000;
      size = data.byteLength;
      if (status === 409 && Number.isInteger(body.arrived) && body.arrived !== this.arrived) this.arrived = body.arrived;
      else if (status === 409) throw new LostError(body.error); // an earlier request has not ended yet
      else if (status === 404) {
        this.id = "";
        throw new LostError("The server no longer has the beginning of this upload; it starts again.");
      } else if (status !== 200) throw new RefusedError(body.error ?? `The server answers ${status}.`, true);
      else this.arrived = body.arrived;
      if (this.arrived > sent) succeeded();
      sent = this.arrived;
    }
    this.tell({ state: "sending", arrived: this.arrived, total: stream.total });
  }

  async #finish(name, isLast = false) {
    const { status, body } = await this.#request("POST", `/${this.id}/finish`, JSON.stringify({ name }));
    if (status === 404 && !isLast) throw new LostError("The server no longer has this upload; it starts again.");
    if (status !== 202) throw new RefusedError(body.error ?? `The server answers ${status}.`, true);
    return this.#poll();
  }

  async #poll() {
    for (;;) {
      const { status, body } = await this.#request("GET", `/${this.id}`);
      if (status === 404) throw new RefusedError(body.error);
      if (body.state === "done") return body;
      if (body.state === "failed") throw new RefusedError(body.error, body.again);
      if (body.state === "receiving") throw new LostError("The server was restarted.");
      this.tell(body);
      await this.#pause(POLL);
      if (this.stopping.signal.aborted) throw new CancelledError();
    }
  }

  // Statuses that may pass by themselves count as a lost connection.
  async #request(method, path, body) {
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(TIMEOUT)]);
    let answer;
    try {
      answer = await this.ask(method, path, body, signal);
    } catch {
      throw new LostError("The connection is lost.");
    }
    if (answer.status === 403 || answer.status === 410) throw new LostError(answer.body.error ?? "The page is too old.");
    if (answer.status >= 500 && answer.status !== 507) throw new LostError(answer.body.error ?? "The server is not ready.");
    return answer;
  }
}

// Resolves after some time, or at once when `signal` says so.
export function wait(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
