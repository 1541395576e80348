// The pixels of the layers, fetched in tiles as they are needed and kept up to a bound.

const TOGETHER = 6; // fetches at a time, as many as a browser opens to one server
const MOST_BYTES = 256 * 1024 * 1024;
const TRIES = 3;

const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

export class Tiles {
  // `changed()`: something has come; `lost()`: the server does not keep a layer any more.
  constructor(changed, lost) {
    this.changed = changed;
    this.lost = lost;
    this.kept = new Map();
    this.bytes = 0;
    this.failed = new Map();
    this.queue = new Map();
    this.running = new Map();
    this.problem = "";
    this.ended = false;
    this.turn = 0;
  }

  set(root, layers, size, tile, values) {
    Object.assign(this, { root, layers, size, tile, side: values });
    this.levels = Math.max(0, Math.ceil(Math.log2(Math.ceil(Math.max(...size) / tile))));
    const ids = new Set(Object.values(layers).map((layer) => layer.id));
    for (const [key, running] of this.running) {
      if (!ids.has(running.id)) running.stop.abort();
      if (!ids.has(running.id)) this.running.delete(key);
    }
  }

  // The wanted tile, or null while it is on its way.
  get(name, level, column, row) {
    const layer = this.layers[name];
    const key = `pixels/${layer.id}/${level}/${column}/${row}`;
    const found = this.#kept(key);
    if (found) return found;
    const side = this.tile * 2 ** level;
    const width = Math.ceil(Math.min(side, this.size[0] - column * side) / 2 ** level);
    const height = Math.ceil(Math.min(side, this.size[1] - row * side) / 2 ** level);
    this.#want(key, { id: layer.id, type: name === "image" ? "picture" : (layer.shown ?? layer.dtype), width, height });
    return null;
  }

  // A tile that is there already, else undefined: nothing is fetched.
  peek(name, level, column, row) {
    return this.kept.get(`pixels/${this.layers[name].id}/${level}/${column}/${row}`);
  }

  // The true values of one pixel, one a channel, or null while they are on their way.
  at(name, x, y) {
    const layer = this.layers[name];
    const [column, row] = [Math.floor(x / this.side), Math.floor(y / this.side)];
    const width = Math.min(this.side, this.size[0] - column * this.side);
    const channels = layer.channels ?? 1;
    const key = `values/${layer.id}/${column}/${row}`;
    const found = this.#kept(key);
    if (!found) {
      this.#want(key, { id: layer.id, type: layer.dtype, width: width * channels, height: 0 });
      this.fetch();
      return null;
    }
    const start = ((y - row * this.side) * width + (x - column * this.side)) * channels;
    return Array.from(found.data.subarray(start, start + channels));
  }

  #kept(key) {
    const found = this.kept.get(key);
    if (!found) return null;
    this.kept.delete(key);
    this.kept.set(key, found);
    found.turn = this.turn;
    return found;
  }

  #want(key, wanted) {
    if (!this.running.has(key) && (this.failed.get(key) ?? 0) < TRIES) this.queue.set(key, wanted);
  }

  // Whether all that was asked for has come.
  get idle() {
    return !this.queue.size && !this.running.size;
  }

  // What is not asked for again at the next drawing is not fetched.
  fresh() {
    this.turn += 1;
    this.queue.clear();
  }

  fetch() {
    for (const [key, wanted] of this.queue) {
      if (this.running.size >= TOGETHER) return;
      this.queue.delete(key);
      const stop = new AbortController();
      const running = { id: wanted.id, stop };
      this.running.set(key, running);
      this.#load(key, wanted, stop.signal).finally(() => {
        if (this.running.get(key) === running) this.running.delete(key);
        if (!this.ended) this.changed();
      });
    }
  }

  async #load(key, wanted, signal) {
    try {
      const answer = await fetch(`${this.root}/${key}`, { signal });
      if (answer.status === 404) {
        this.failed.set(key, TRIES);
        this.problem = "The server does not keep this picture any more.";
        if (!this.ended) this.lost();
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.#keep(key, await decode(answer, wanted));
      this.failed.delete(key);
      if (!this.failed.size) this.problem = "";
    } catch (error) {
      if (signal.aborted) return;
      const times = (this.failed.get(key) ?? 0) + 1;
      this.failed.set(key, times);
      this.problem = "The picture cannot be loaded: the server does not answer.";
      await new Promise((done) => setTimeout(done, 400 * times));
    }
  }

  #keep(key, tile) {
    if (this.ended) return tile.data?.close?.();
    this.kept.set(key, tile);
    tile.turn = this.turn;
    this.bytes += tile.bytes;
    for (const [old, other] of this.kept) {
      if (this.bytes <= MOST_BYTES || other.turn === this.turn) break; // what is in view stays
      this.kept.delete(old);
      this.bytes -= other.bytes;
      other.data.close?.();
    }
  }

  // Ask again for what was given up.
  retry() {
    this.failed.clear();
    this.problem = "";
  }

  end() {
    this.ended = true;
    for (const running of this.running.values()) running.stop.abort();
    for (const tile of this.kept.values()) tile.data.close?.();
    this.kept.clear();
  }
}

async function decode(answer, wanted) {
  if (wanted.type === "picture") {
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const data = await createImageBitmap(await answer.blob(), options);
    return { data, width: data.width, height: data.height, bytes: data.width * data.height * 4 };
  }
  const data = new ARRAYS[wanted.type](await answer.arrayBuffer());
  if (wanted.height && data.length !== wanted.width * wanted.height) throw new Error("a tile of another size");
  return { data, width: wanted.width, height: wanted.height, bytes: data.byteLength };
}
