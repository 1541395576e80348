// The pixels of the layers, fetched in tiles as they are needed and kept up to a bound.

import { visitorHeaders } from "../shared/visitor.js";
import { sumUp } from "./drawing/tone.js";

const MOST_REQUESTS = 6; // at a time, as many as a browser opens to one server
const MOST_BYTES = 256 * 1024 * 1024;
const TRIES = 3;

const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

export class Tiles {
  // `changed()`: something has come; `lost()`: the server no longer has a layer.
  constructor(changed, lost) {
    this.changed = changed;
    this.lost = lost;
    this.cache = new Map(); // the tiles used last are at its end
    this.bytes = 0;
    this.failed = new Map();
    this.queue = new Map();
    this.running = new Map();
    this.problem = "";
    this.ended = false;
    this.turn = 0;
  }

  // `tile`: the side of tiles of pixels, `side`: of tiles of true values.
  set(root, layers, size, tile, side) {
    Object.assign(this, { root, layers, size, tile, side });
    this.levels = levelsOf(size, tile);
    const ids = new Set(Object.values(layers).map((layer) => layer.id));
    for (const [key, running] of this.running) {
      if (!ids.has(running.id)) running.stop.abort();
      if (!ids.has(running.id)) this.running.delete(key);
    }
  }

  // A tile, or null while it is on its way.
  get(name, level, column, row) {
    const layer = this.layers[name];
    const key = `pixels/${layer.id}/${level}/${column}/${row}`;
    const cached = this.#cached(key);
    if (cached) return cached;
    const [width, height] = tileShape(this.size, this.tile, level, column, row);
    const planes = layer.planes ?? 0; // of the image alone
    this.#enqueue(key, { id: layer.id, type: layer.shown ?? layer.dtype, width, height, planes });
    return null;
  }

  // A tile that is there already, else undefined: nothing is fetched.
  peek(name, level, column, row) {
    return this.cache.get(`pixels/${this.layers[name].id}/${level}/${column}/${row}`);
  }

  // The true values of one pixel, one a channel, or null while they are on their way.
  at(name, x, y) {
    const layer = this.layers[name];
    const [column, row] = [Math.floor(x / this.side), Math.floor(y / this.side)];
    const width = Math.min(this.side, this.size[0] - column * this.side);
    const channels = layer.channels ?? 1;
    const key = `values/${layer.id}/${column}/${row}`;
    const cached = this.#cached(key);
    if (!cached) {
      this.#enqueue(key, { id: layer.id, type: layer.dtype, width: width * channels, height: 0 });
      this.fetch();
      return null;
    }
    const start = ((y - row * this.side) * width + (x - column * this.side)) * channels;
    return Array.from(cached.data.subarray(start, start + channels));
  }

  #cached(key) {
    const tile = this.cache.get(key);
    if (!tile) return null;
    this.cache.delete(key);
    this.cache.set(key, tile);
    tile.turn = this.turn;
    return tile;
  }

  #enqueue(key, request) {
    if (!this.running.has(key) && (this.failed.get(key) ?? 0) < TRIES) this.queue.set(key, request);
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
    for (const [key, request] of this.queue) {
      if (this.running.size >= MOST_REQUESTS) return;
      this.queue.delete(key);
      const stop = new AbortController();
      const running = { id: request.id, stop };
      this.running.set(key, running);
      this.#load(key, request, stop.signal).finally(() => {
        if (this.running.get(key) === running) this.running.delete(key);
        if (!this.ended) this.changed();
      });
    }
  }

  async #load(key, request, signal) {
    try {
      const answer = await fetch(`${this.root}/${key}`, { headers: visitorHeaders(), signal });
      if (answer.status === 404) {
        this.failed.set(key, TRIES);
        this.problem = "The server no longer has this image.";
        if (!this.ended) this.lost();
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.#store(key, await decode(answer, request));
      this.failed.delete(key);
      if (!this.failed.size) this.problem = "";
    } catch {
      if (signal.aborted) return;
      const times = (this.failed.get(key) ?? 0) + 1;
      this.failed.set(key, times);
      this.problem = "The image could not be loaded: the server does not respond.";
      await new Promise((done) => setTimeout(done, 400 * times));
    }
  }

  #store(key, tile) {
    if (this.ended) return;
    this.cache.set(key, tile);
    tile.turn = this.turn;
    this.bytes += tile.bytes;
    for (const [old, other] of this.cache) {
      if (this.bytes <= MOST_BYTES || other.turn === this.turn) break; // what is in view stays
      this.cache.delete(old);
      this.bytes -= other.bytes;
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
    this.cache.clear();
  }
}

// The coarsest level: that at which the whole image is one tile.
export function levelsOf(size, tile) {
  return Math.max(0, Math.ceil(Math.log2(Math.ceil(Math.max(...size) / tile))));
}

// [width, height] of a tile at a level, in its own pixels: those at the right and lower edge are smaller.
export function tileShape(size, tile, level, column, row) {
  const side = tile * 2 ** level;
  return [
    Math.ceil(Math.min(side, size[0] - column * side) / 2 ** level),
    Math.ceil(Math.min(side, size[1] - row * side) / 2 ** level),
  ];
}

async function decode(answer, { type, width, height, planes }) {
  const data = new ARRAYS[type](await answer.arrayBuffer());
  if (height && data.length !== width * height * (planes || 1)) throw new Error("a tile of another size");
  if (planes && type !== "float32") sumUp(data, width, planes);
  const painted = planes ? width * height * 4 : 0; // the canvas that the image is painted on
  return { data, width, height, planes, bytes: data.byteLength + painted };
}
