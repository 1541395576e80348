// The pixels of the layers, from memory. It has the place and the interface of the app's module of this name, which
// fetches them from a server: the viewer knows no difference.

const MOST_TILES = 400; // that are kept reduced

const sources = new Map(); // id: {pixels, width, height, planes, kind, values, most}
const visit = Math.random().toString(36).slice(2, 10).padEnd(8, "0"); // what the viewer remembers ends with the page
let last = 0;

// Give pixels to the viewer; their id. `kind`: "color" and "mean" are reduced by means, "nearest" are numbers that have
// no mean. `planes`: values of a pixel. `values`, in 1/most: what the read-out gives in place of the pixels.
export function addLayer(pixels, width, height, kind, { planes = 1, values = pixels, most = 1 } = {}) {
  const id = visit + String(++last).padStart(8, "0");
  sources.set(id, { pixels, width, height, planes, kind, values, most });
  return id;
}

export function removeLayers(ids) {
  for (const id of ids) sources.delete(id);
}

export class Tiles {
  constructor() {
    Object.assign(this, { idle: true, problem: "", cache: new Map() });
  }

  set(root, layers, size, tile) {
    Object.assign(this, { layers, tile });
    this.levels = levelsOf(size, tile);
  }

  get(name, level, column, row) {
    const { id } = this.layers[name];
    const key = `${id}/${level}/${column}/${row}`;
    let tile = this.cache.get(key);
    if (!tile) {
      tile = makeTile(sources.get(id), this.tile, level, column, row);
      this.cache.set(key, tile);
      if (this.cache.size > MOST_TILES) this.cache.delete(this.cache.keys().next().value);
    }
    return tile;
  }

  peek(name, level, column, row) {
    return this.get(name, level, column, row);
  }

  at(name, x, y) {
    const { values, width, planes, most } = sources.get(this.layers[name].id);
    const start = (y * width + x) * planes;
    return Array.from(values.subarray(start, start + planes), (value) => value / most);
  }

  fresh() {}

  fetch() {}

  retry() {}

  end() {
    this.cache.clear();
  }
}

// The coarsest level: that at which the whole image is one tile.
export function levelsOf(size, tile) {
  return Math.max(0, Math.ceil(Math.log2(Math.ceil(Math.max(...size) / tile))));
}

// One tile of at most side x side pixels, reduced 2**level times.
export function makeTile({ pixels, width, height, planes, kind }, side, level, column, row) {
  const factor = 2 ** level;
  const [left, top] = [column * side * factor, row * side * factor];
  const across = Math.ceil(Math.min(side * factor, width - left) / factor);
  const down = Math.ceil(Math.min(side * factor, height - top) / factor);
  const data = new pixels.constructor(across * down * planes);
  const half = kind === "nearest" ? Math.floor(factor / 2) : 0;
  for (let y = 0, to = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [fromX, fromY] = [left + x * factor, top + y * factor];
      for (let plane = 0; plane < planes; plane++, to++) {
        if (factor === 1 || kind === "nearest") {
          const [nearX, nearY] = [Math.min(fromX + half, width - 1), Math.min(fromY + half, height - 1)];
          data[to] = pixels[(nearY * width + nearX) * planes + plane];
          continue;
        }
        const [endX, endY] = [Math.min(fromX + factor, width), Math.min(fromY + factor, height)];
        let sum = 0;
        for (let v = fromY; v < endY; v++) {
          for (let u = fromX; u < endX; u++) sum += pixels[(v * width + u) * planes + plane];
        }
        data[to] = Math.round(sum / ((endX - fromX) * (endY - fromY)));
      }
    }
  }
  return { data, width: across, height: down, planes };
}
