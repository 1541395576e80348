// Numbers to colours, one screen pixel at a time: which value lies under it, and how that looks. No canvas in here.

export const IGNORE = 255;
export const ERRORS = { right: 1, wrong: 2, missed: 3 };

// Viridis and a grey-to-white ramp for doubt, as a few stops; between them straight lines.
const HEAT = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const DOUBT = ["#000000", "#2b1055", "#7a1f6b", "#c43c5b", "#f4814f", "#fcc76b", "#ffffe0"];

export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export function packed([red, green, blue], alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function ramp(stops) {
  const colours = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const at = (value / 255) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const [from, to] = [rgb(stops[low]), rgb(stops[low + 1])];
    colours[value] = packed(from.map((channel, i) => Math.round(channel + (to[i] - channel) * (at - low))));
  }
  return colours;
}

export const RAMPS = { heat: ramp(HEAT), uncertainty: ramp(DOUBT) };

// What of the picture lies under a buffer of `width` x `height`: `k` of its pixels for one of the picture's, whose place
// (u, v) is at the buffer's upper left corner. left..right, top..bottom: where the picture is.
export function geometry(width, height, k, u, v, size) {
  const edge = (place, start, most) => Math.min(most, Math.max(0, Math.ceil((place - start) * k - 0.5)));
  return {
    width,
    height,
    k,
    u,
    v,
    left: edge(0, u, width),
    right: edge(size[0], u, width),
    top: edge(0, v, height),
    bottom: edge(size[1], v, height),
  };
}

// The tiles under a buffer: calls visit(column, row, left, right, top, bottom) with the part of the buffer of each.
export function eachTile(g, side, visit) {
  const edge = (place, start) => Math.ceil((place - start) * g.k - 0.5);
  if (g.right <= g.left || g.bottom <= g.top) return;
  const [firstColumn, lastColumn] = [g.left, g.right - 1].map((x) => Math.floor((g.u + (x + 0.5) / g.k) / side));
  const [firstRow, lastRow] = [g.top, g.bottom - 1].map((y) => Math.floor((g.v + (y + 0.5) / g.k) / side));
  for (let row = Math.max(0, firstRow); row <= lastRow; row++) {
    const top = Math.max(g.top, edge(row * side, g.v));
    const bottom = Math.min(g.bottom, edge((row + 1) * side, g.v));
    for (let column = Math.max(0, firstColumn); column <= lastColumn; column++) {
      const left = Math.max(g.left, edge(column * side, g.u));
      const right = Math.min(g.right, edge((column + 1) * side, g.u));
      if (right > left && bottom > top) visit(column, row, left, right, top, bottom);
    }
  }
}

// Fill `out` with the values under each of its pixels, from one level of a layer; false where a tile is missing.
export function sample(out, g, level, side, tileAt) {
  const factor = 2 ** level;
  let whole = true;
  eachTile(g, side * factor, (column, row, left, right, top, bottom) => {
    const tile = tileAt(column, row);
    if (!tile) {
      whole = false;
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
  return whole;
}

// What each pixel is, in `kinds`: 0 or a class, an error, a level of a map. `look` says how (see `Viewer.look`).
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
          kinds[i] = truth[i] === IGNORE || truth[i] === kinds[i] ? 0 : ERRORS.wrong;
        }
      }
    } else {
      if (settled) for (let i = start; i < end; i++) kinds[i] = mask[i] >> 7;
      else for (let i = start; i < end; i++) kinds[i] = inside[probability[i]];
      if (mode === "errors") {
        for (let i = start; i < end; i++) {
          const real = truth[i];
          if (real === IGNORE) kinds[i] = 0;
          else if (real) kinds[i] = kinds[i] ? ERRORS.right : ERRORS.missed;
          else if (kinds[i]) kinds[i] = ERRORS.wrong;
        }
      }
    }
  }
}

// Colour each pixel by its kind: areas, outlines of `width` pixels, or both. `labels` part objects that touch.
export function colour(out, kinds, labels, g, look) {
  const { colours, style, width } = look;
  const fill = new Uint32Array(256);
  if (style === "fill") fill.set(colours);
  if (style === "both") {
    for (let kind = 0; kind < 256; kind++) fill[kind] = (colours[kind] & 0xffffff) | ((colours[kind] >>> 26) << 24);
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
      if (!colours[kind]) {
        out[i] = 0;
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
      out[i] = edge ? colours[kind] : fill[kind];
    }
  }
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

// A length for the scale bar, 1, 2 or 5 times a power of ten, at most `most` micrometres: [micrometres, its words].
export function barLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((times) => times * power).find((value) => value <= most * 1.0000001) ?? power;
  const words = (value, unit) => `${Number(value.toPrecision(3))} ${unit}`;
  if (length < 1) return [length, words(length * 1000, "nm")];
  return [length, length < 1000 ? words(length, "µm") : words(length / 1000, "mm")];
}
