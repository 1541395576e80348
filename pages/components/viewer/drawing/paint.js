// Numbers to colors, one screen pixel at a time: which value lies under it, and how that looks. No canvas in here.

import { eachTile } from "./geometry.js";

export const IGNORE = 255; // of the ground truth: no class is right or wrong here
export const ERRORS = { true_positive: 1, false_positive: 2, false_negative: 3 };

// Fill `out` with the values under each of its pixels, from one level of a layer; false where a tile is missing.
export function sample(out, g, level, side, tileAt) {
  const factor = 2 ** level;
  let complete = true;
  eachTile(g, side * factor, (column, row, left, right, top, bottom) => {
    const tile = tileAt(column, row);
    if (!tile) {
      complete = false;
      return;
    }
    const { data, width, height } = tile;
    const across = new Int32Array(right - left);
    for (let x = left; x < right; x++) {
      const u = (g.u + (x + 0.5) / g.k - column * side * factor) / factor;
      across[x - left] = Math.min(width - 1, Math.max(0, Math.floor(u)));
    }
    for (let y = top; y < bottom; y++) {
      const v = (g.v + (y + 0.5) / g.k - row * side * factor) / factor;
      const line = Math.min(height - 1, Math.max(0, Math.floor(v))) * width;
      const start = y * g.width + left;
      for (let i = 0; i < across.length; i++) out[start + i] = data[line + across[i]];
    }
  });
  return complete;
}

// What each pixel is, in `kinds`: 0 or a class, an error, a level of a map. `look` says how (see look.js).
export function classify(kinds, layers, g, look) {
  const { probability, mask, classes, truth, uncertainty } = layers;
  const { mode, inside, settled, multiclass } = look;
  for (let y = g.top; y < g.bottom; y++) {
    const start = y * g.width + g.left;
    const end = y * g.width + g.right;
    if (mode === "heat") kinds.set(probability.subarray(start, end), start);
    else if (mode === "uncertainty") kinds.set(uncertainty.subarray(start, end), start);
    else if (mode === "truth") kinds.set(truth.subarray(start, end), start);
    else if (multiclass) {
      kinds.set(classes.subarray(start, end), start);
      if (mode === "errors") {
        for (let i = start; i < end; i++) {
          kinds[i] = truth[i] === IGNORE || truth[i] === kinds[i] ? 0 : ERRORS.false_positive;
        }
      }
    } else {
      if (settled) for (let i = start; i < end; i++) kinds[i] = mask[i] >> 7;
      else for (let i = start; i < end; i++) kinds[i] = inside[probability[i]];
      if (mode === "errors") {
        for (let i = start; i < end; i++) {
          const actual = truth[i];
          if (actual === IGNORE) kinds[i] = 0;
          else if (actual) kinds[i] = kinds[i] ? ERRORS.true_positive : ERRORS.false_negative;
          else if (kinds[i]) kinds[i] = ERRORS.false_positive;
        }
      }
    }
  }
}

// Color each pixel by its kind: areas, outlines of `width` pixels, or both. `labels` part objects that touch. Outlines
// have a halo of `halo` pixels outside of the areas, in the color that `halos` has for their kind.
export function colorize(out, kinds, labels, g, look) {
  const { colors, style, width, halos, halo } = look;
  const fill = new Uint32Array(256);
  if (style === "fill") fill.set(colors);
  if (style === "both") {
    for (let kind = 0; kind < 256; kind++) fill[kind] = (colors[kind] & 0xffffff) | ((colors[kind] >>> 26) << 24);
  }
  const row = g.width;
  for (let y = g.top; y < g.bottom; y++) {
    const line = y * row;
    if (style === "fill") {
      for (let i = line + g.left; i < line + g.right; i++) out[i] = fill[kinds[i]];
      continue;
    }
    const up = Math.min(width, y - g.top) * row;
    const down = Math.min(width, g.bottom - 1 - y) * row;
    const one = up ? row : 0;
    const under = down ? row : 0;
    for (let x = g.left; x < g.right; x++) {
      const i = line + x;
      const kind = kinds[i];
      if (!colors[kind]) {
        out[i] = haloOf(kinds, halos, i, halo, x, y, g);
        continue;
      }
      const back = Math.min(width, x - g.left);
      const ahead = Math.min(width, g.right - 1 - x);
      const before = back ? 1 : 0;
      const after = ahead ? 1 : 0;
      let edge =
        kinds[i - before] !== kind || kinds[i + after] !== kind || kinds[i - one] !== kind || kinds[i + under] !== kind ||
        kinds[i - back] !== kind || kinds[i + ahead] !== kind || kinds[i - up] !== kind || kinds[i + down] !== kind;
      if (!edge && labels) {
        const label = labels[i];
        edge =
          labels[i - back] !== label || labels[i + ahead] !== label ||
          labels[i - up] !== label || labels[i + down] !== label;
      }
      out[i] = edge ? colors[kind] : fill[kind];
    }
  }
}

// The halo on a pixel that has no color itself: that of the first neighbor that has one, 0 where none has.
function haloOf(kinds, halos, i, halo, x, y, g) {
  for (let step = 1; step <= halo; step++) {
    const found =
      (x - step >= g.left && halos[kinds[i - step]]) || (x + step < g.right && halos[kinds[i + step]]) ||
      (y - step >= g.top && halos[kinds[i - step * g.width]]) || (y + step < g.bottom && halos[kinds[i + step * g.width]]);
    if (found) return found;
  }
  return 0;
}

// The rim of one object, `width` pixels to either side of its border: white inside, black outside.
export function rim(out, labels, g, label, width) {
  out.fill(0);
  const row = g.width;
  for (let y = g.top; y < g.bottom; y++) {
    const up = Math.min(width, y - g.top) * row;
    const down = Math.min(width, g.bottom - 1 - y) * row;
    for (let x = g.left; x < g.right; x++) {
      const i = y * row + x;
      const back = Math.min(width, x - g.left);
      const ahead = Math.min(width, g.right - 1 - x);
      const here = labels[i] === label;
      const near =
        (labels[i - back] === label) + (labels[i + ahead] === label) + (labels[i - up] === label) + (labels[i + down] === label);
      if (here && near < 4) out[i] = 0xffffffff;
      else if (!here && near > 0) out[i] = 0xff000000;
    }
  }
}
