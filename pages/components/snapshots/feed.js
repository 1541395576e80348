// The snapshots of one run as the browser keeps them: which epochs there are, the examples, and the masks of the epochs.

import { fetchWithTimeout, runUrl } from "../shared/fetch_with_timeout.js";

const MASKS_KEPT = 600; // epochs whose masks are kept as they came
const DECODED_KEPT = 24; // and as pixels

export class SnapshotFeed {
  constructor(run, signal) {
    Object.assign(this, { run, signal, rows: [], version: 0, examples: null, colors: [], bare: false });
    this.encoded = new Map();
    this.decoded = new Map();
  }

  async ask(path, query) {
    const answer = await fetchWithTimeout(runUrl(this.run, `film${path}`, query), this.signal);
    if (!answer.ok) throw Object.assign(new Error(`status ${answer.status}`), { deleted: answer.status === 404 });
    return JSON.parse(answer.text);
  }

  // Fetch what is new. Returns whether epochs came, and whether the examples did.
  async update() {
    const epochs = await this.#updateRows();
    const most = Math.max(0, ...this.rows.map((row) => row.dice.length));
    const examples = this.rows.length > 0 && (!this.examples || this.examples.length < most);
    if (examples) await this.#fetchExamples();
    return { epochs, examples };
  }

  async #updateRows() {
    const { count, epochs } = await this.ask("", { since: this.version });
    const rows = new Map(this.rows.map((row) => [row.epoch, row]));
    for (const [epoch, dice, version] of epochs) {
      rows.set(epoch, { epoch, dice, version });
      this.encoded.delete(epoch);
      this.decoded.delete(epoch);
    }
    if (rows.size !== count && this.version) {
      this.version = 0; // epochs are gone: thinned out, or repeated by a run that was resumed
      this.rows = [];
      return this.#updateRows();
    }
    this.version = Math.max(this.version, ...epochs.map((row) => row[2]));
    this.rows = [...rows.values()].sort((one, other) => one.epoch - other.epoch);
    return epochs.length > 0;
  }

  async #fetchExamples() {
    const { probes, colors, bare } = await this.ask("/probes");
    const read = async ({ name, image, truth }) => ({ name, image: await pixels(image), truth: await pixels(truth) });
    Object.assign(this, { colors, bare, examples: await Promise.all(probes.map(read)) });
  }

  // The index of the epoch nearest to one that was asked for.
  indexNear(epoch) {
    let best = 0;
    this.rows.forEach((row, index) => {
      if (Math.abs(row.epoch - epoch) < Math.abs(this.rows[best].epoch - epoch)) best = index;
    });
    return best;
  }

  // The masks of the epoch with an index, as pixels; null for one that cannot be read.
  async masksAt(index) {
    const { epoch } = this.rows[index];
    if (!this.decoded.has(epoch)) {
      this.decoded.set(epoch, await Promise.all((await this.#fetchMasks(epoch)).map(pixels)));
      shrink(this.decoded, DECODED_KEPT);
    }
    return this.decoded.get(epoch);
  }

  // Have masks ready that will be wanted next; one that fails is asked for again when it is shown.
  prefetch(indices) {
    for (const index of indices) if (this.rows[index]) this.#fetchMasks(this.rows[index].epoch).catch(() => null);
  }

  #fetchMasks(epoch) {
    if (!this.encoded.has(epoch)) {
      const masks = this.ask(`/${epoch}`).then((answer) => answer.masks);
      this.encoded.set(epoch, masks);
      masks.catch(() => this.encoded.delete(epoch));
      shrink(this.encoded, MASKS_KEPT);
    }
    return this.encoded.get(epoch);
  }
}

function shrink(map, most) {
  while (map.size > most) map.delete(map.keys().next().value);
}

async function pixels(base64) {
  if (!base64) return null;
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(bitmap, 0, 0);
  return ctx.getImageData(0, 0, bitmap.width, bitmap.height);
}
