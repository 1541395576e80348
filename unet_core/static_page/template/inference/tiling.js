// An image in overlapping tiles and back, as unet_core/inference/sliding_window.py does it, which explains why. Plain
// numbers: what Python worked out of the architecture is in `rules`:
//   {padding: "same" | "valid", cell, least, side, shared, halo, margin}.

const LEAST_WEIGHT = 1e-4;

const up = (length, cell) => Math.ceil(length / cell) * cell;

// The tiles of an image: {rows, columns} of {length, side, margin, out, starts, weights} each.
export function gridOf(rules, height, width) {
  const lengths = [height, width];
  let axes;
  if (rules.padding === "valid") axes = lengths.map((length) => sideBySide(rules, length));
  else {
    const padded = lengths.map((length) => Math.max(rules.least, up(length, rules.cell)));
    const isSingle = padded[0] * padded[1] <= rules.side ** 2;
    axes = lengths.map((length, at) => (isSingle ? single : overlapping)(length, padded[at], rules));
  }
  const [rows, columns] = axes;
  return { rows, columns, count: rows.starts.length * columns.starts.length };
}

function axis(length, side, margin, starts, weights) {
  return { length, side, margin, out: side - 2 * margin, starts, weights };
}

function single(length, padded) {
  return axis(length, padded, 0, [0], [new Float32Array(padded).fill(1)]);
}

function overlapping(length, padded, rules) {
  const { side: tile, shared, cell, halo } = rules;
  if (padded <= tile) return single(length, padded);
  const count = Math.ceil((padded - shared) / (tile - shared));
  const side = up(Math.ceil((padded + (count - 1) * shared) / count), cell);
  const starts = Array.from({ length: count }, (_, at) =>
    Math.floor(Math.floor((at * (padded - side)) / (count - 1)) / cell) * cell);
  return axis(length, side, 0, starts, weightsOf(starts, side, padded, halo, shared - 2 * halo));
}

function weightsOf(starts, side, padded, halo, ramp) {
  const gauss = Float64Array.from({ length: side }, (_, pixel) =>
    Math.max(Math.exp(-0.5 * ((pixel - (side - 1) / 2) / (side / 8)) ** 2), LEAST_WEIGHT));
  const rise = (pixel) => Math.min(1, Math.max(0, (pixel + 1 - halo) / ramp));
  const last = starts.length - 1;
  const weights = starts.map((_, number) => gauss.map((value, pixel) =>
    value * (number > 0 ? rise(pixel) : 1) * (number < last ? rise(side - 1 - pixel) : 1)));
  const total = new Float64Array(padded);
  starts.forEach((start, number) => weights[number].forEach((value, pixel) => (total[start + pixel] += value)));
  return starts.map((start, number) => Float32Array.from(weights[number], (value, pixel) => value / total[start + pixel]));
}

// Unpadded convolutions: all tiles have the one size that the file of the model takes.
function sideBySide({ cell, side, margin }, length) {
  const out = side - 2 * margin;
  const stride = length <= out ? length : Math.floor(out / cell) * cell;
  const starts = [];
  for (let start = 0; start < length; start += stride) starts.push(start);
  const weights = starts.map((_, number) => new Float32Array(out).fill(1).fill(0, 0, number ? out - stride : 0));
  return axis(length, side, margin, starts, weights);
}

// The pixels along an axis that a tile takes; outside of the image it is mirrored at its last pixel, over and over.
export function pixelsOf({ length, side, margin }, start) {
  const period = Math.max(1, 2 * (length - 1));
  return Int32Array.from({ length: side }, (_, at) => {
    const pixel = (((start - margin + at) % period) + period) % period;
    return length > 1 ? Math.min(pixel, period - pixel) : 0;
  });
}

// Joins what the tiles gave, row after row of tiles, with no more than one row of them in memory.
export class Blender {
  // `store(top, rows, values)`: finished rows of the image, `values` (channels, rows, width).
  constructor(grid, channels, store) {
    Object.assign(this, { grid, channels, store, leftOver: null });
  }

  // `piece` (channels, rows.out, columns.out) of the tile in this row and column of tiles, one after the other.
  add(row, column, piece) {
    const { rows, columns } = this.grid;
    const top = rows.starts[row];
    const depth = Math.min(rows.out, rows.length - top);
    const width = columns.length;
    if (column === 0) this.#begin(depth, width);
    const left = columns.starts[column];
    const across = Math.min(columns.out, width - left);
    const [down, along] = [rows.weights[row], columns.weights[column]];
    const single = this.grid.count === 1;
    for (let channel = 0; channel < this.channels; channel++) {
      for (let y = 0; y < depth; y++) {
        const from = (channel * rows.out + y) * columns.out;
        const to = (channel * depth + y) * width + left;
        if (single) this.strip.set(piece.subarray(from, from + across), to);
        else for (let x = 0; x < across; x++) this.strip[to + x] += piece[from + x] * Math.fround(down[y] * along[x]);
      }
    }
    if (column === columns.starts.length - 1) this.#finish(row, top, depth, width);
  }

  #begin(depth, width) {
    this.strip = new Float32Array(this.channels * depth * width);
    if (!this.leftOver) return;
    const { values, rows } = this.leftOver;
    for (let channel = 0; channel < this.channels; channel++) {
      this.strip.set(values.subarray(channel * rows * width, (channel + 1) * rows * width), channel * depth * width);
    }
  }

  #finish(row, top, depth, width) {
    const { rows } = this.grid;
    const end = row + 1 < rows.starts.length ? rows.starts[row + 1] : rows.length;
    const done = end - top;
    this.store(top, done, cut(this.strip, this.channels, depth, width, 0, done));
    const rest = depth - done;
    this.leftOver = rest > 0 ? { values: cut(this.strip, this.channels, depth, width, done, depth), rows: rest } : null;
  }
}

function cut(values, channels, depth, width, from, to) {
  if (from === 0 && to === depth) return values;
  const rows = to - from;
  const part = new Float32Array(channels * rows * width);
  for (let channel = 0; channel < channels; channel++) {
    const start = (channel * depth + from) * width;
    part.set(values.subarray(start, start + rows * width), channel * rows * width);
  }
  return part;
}
