// From values to pixels of a panel and back.

import { lowerBound } from "../shared/search.js";

const SAMPLES = 4000; // points of a line that are looked at for its range
const PEAKS = [0.002, 0.99]; // shares of the raw batch loss that set the range: single peaks do not flatten the rest

// `box`: {left, top, right, bottom} in pixels; `x`, `y`: [low, high], on a logarithmic axis log10 of the values.
export function scaleOf(box, [x0, x1], [y0, y1], log) {
  const across = box.right - box.left;
  const up = box.bottom - box.top;
  return {
    box,
    y: [y0, y1],
    px: (x) => box.left + ((x - x0) / (x1 - x0)) * across,
    py: (y) => box.bottom - (((log ? Math.log10(y) : y) - y0) / (y1 - y0)) * up,
    xAt: (pixel) => x0 + ((pixel - box.left) / across) * (x1 - x0),
    yAt: (pixel) => y0 + ((box.bottom - pixel) / up) * (y1 - y0), // log10 on a logarithmic axis
  };
}

// The range of all values of the visible lines between x0 and x1, with some room above and below.
export function rangeOf(lines, log, [x0, x1]) {
  let low = Infinity;
  let high = -Infinity;
  const include = (value) => {
    const y = log ? (value > 0 ? Math.log10(value) : NaN) : value;
    if (y < low) low = y;
    if (y > high) high = y;
  };
  for (const line of lines) {
    if (line.hidden) continue;
    const [from, to] = indicesIn(line, [x0, x1]);
    const every = Math.max(1, Math.floor((to - from) / SAMPLES));
    if (line.faint) {
      const values = sortedValues(line.y, from, to, every);
      if (values.length) PEAKS.forEach((share) => include(values[Math.floor(share * (values.length - 1) + 0.5)]));
    } else for (let i = from; i < to; i += every) include(line.y[i]);
  }
  if (!(high >= low)) return log ? [-1, 0] : [0, 1];
  if (!log && low > 0 && low < 0.5 * high) low = 0;
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low === 0 ? 0 : low - room, high + room];
}

// Every so many-th number of y in [from, to), in order, without NaN. A typed array sorts without a call per comparison.
function sortedValues(y, from, to, every) {
  const values = new Float64Array(Math.ceil(Math.max(0, to - from) / every));
  let count = 0;
  for (let i = from; i < to; i += every) if (y[i] === y[i]) values[count++] = y[i];
  return values.subarray(0, count).sort();
}

// [from, to) of the points of a line between x0 and x1, with one more to either side: the line leaves the panel there.
export function indicesIn(line, [x0, x1]) {
  return [Math.max(0, lowerBound(line.x, line.n, x0) - 1), Math.min(line.n, lowerBound(line.x, line.n, x1) + 1)];
}
