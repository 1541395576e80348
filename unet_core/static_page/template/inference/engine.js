// The page's side of the worker: it loads runtime and model, runs images one after the other, and can be stopped at once.

import { inflate } from "../reading/inflate.js";

const HERE = new URL("..", import.meta.url);

// The bytes of a file of this folder. `progress(bytes)`: as they come.
async function download(name, progress) {
  const answer = await fetch(new URL(name, HERE));
  if (!answer.ok) throw new Error(`${name} could not be loaded (status ${answer.status}). Reload the page.`);
  const parts = [];
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    progress(part.value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export class Engine {
  // `page`: what page.json says; `progress(share)`: of what is downloaded.
  constructor(page, progress) {
    Object.assign(this, { page, progress, worker: null, kind: "" });
  }

  // Make it ready: by WebGPU where there is one that computes the right values, else by WebAssembly. `kinds`: which.
  async start(kinds = ["webgpu", "wasm"]) {
    const problems = [];
    for (const kind of kinds) {
      if (kind === "webgpu" && !(await hasGpu())) continue;
      try {
        await this.#load(kind);
        this.kind = kind;
        await this.#launch();
        return;
      } catch (error) {
        problems.push(error);
        this.#end();
      }
    }
    throw problems.at(-1);
  }

  async #load(kind) {
    const { files, model } = this.page;
    const [program, binary] = [`runtime/ort.${kind}.mjs`, `runtime/ort.${kind}.wasm.gz`];
    const total = files[model] + files[binary];
    let done = 0;
    const count = (bytes) => this.progress(Math.min(1, (done += bytes) / total));
    this.program = new URL(program, HERE).href;
    this.model ??= download(model, count);
    const packed = await download(binary, count);
    const isPacked = packed[0] === 0x1f && packed[1] === 0x8b; // some servers have the browser unpack it
    this.binary = isPacked ? await inflate(packed, "gzip") : packed;
    this.model = await this.model;
  }

  // A worker made of a blob has the page's own policy: it cannot connect to anything else either.
  async #launch() {
    const code = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.worker = new Worker(address, { type: "module" });
    const { rules, probe } = this.page;
    const { program, binary, model, kind } = this;
    try {
      const { ready } = await this.#ask({ start: { program, binary, model, kind, rules, probe } }, () => {});
      this.seconds = ready.seconds;
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  // The answer for an image: {levels} or {classes, confidence}, and `tiles`. `progress(done, total)` of the tiles.
  // Rejects with an AbortError after `cancel`.
  async run(image, progress) {
    if (!this.worker) await this.#launch();
    const { width, height, channels, data } = image;
    const { answer } = await this.#ask({ run: { image: { width, height, channels, data } } }, progress);
    return answer;
  }

  #ask(message, progress) {
    return new Promise((resolve, reject) => {
      this.reject = reject;
      this.worker.onmessage = ({ data }) => {
        if (data.progress) progress(data.progress.done, data.progress.total);
        else if (data.failed) reject(new Error(data.failed));
        else resolve(data);
      };
      this.worker.onerror = (event) => reject(new Error(event.message || "The program could not be loaded. Reload the page."));
      this.worker.postMessage(message);
    });
  }

  // End what runs now; the next image starts the worker again.
  cancel() {
    this.#end();
    this.reject?.(new DOMException("canceled", "AbortError"));
  }

  #end() {
    this.worker?.terminate();
    this.worker = null;
  }
}

async function hasGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}
