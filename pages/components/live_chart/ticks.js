// Round values along an axis.

const TIME_GAPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800]; // s

// Multiples of 1, 2 or 5 times a power of ten between low and high, at most about `count`; `whole`: integers only.
export function ticks(low, high, count, whole = false) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  let gap = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  if (whole) gap = Math.max(1, Math.round(gap));
  const values = [];
  // a billionth of a gap, and twelve digits: else rounding loses the last tick or shows 0.30000000000000004
  for (let i = Math.ceil(low / gap - 1e-9); i * gap <= high + gap * 1e-9; i++) values.push(Number((i * gap).toPrecision(12)));
  return values;
}

// The same for seconds, in gaps that people use: 15 s, 5 min, 2 h.
export function timeTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const gap = TIME_GAPS.find((seconds) => seconds >= rough);
  if (!gap || gap <= 1) return ticks(low, high, count, true);
  const values = [];
  for (let i = Math.ceil(low / gap - 1e-9); i * gap <= high; i++) values.push(i * gap);
  return values;
}

// Powers of ten between low and high (both log10), with 2 and 5 where there is room, as [log10, value].
export function logTicks(low, high) {
  const pairs = [];
  const factors = high - low < 3 ? [1, 2, 5] : [1];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const factor of factors) {
      const at = Math.log10(factor) + power;
      if (at >= low - 1e-9 && at <= high + 1e-9) pairs.push([at, factor * 10 ** power]);
    }
  }
  return pairs.length > 1 ? pairs : ticks(low, high, 4).map((value) => [value, 10 ** value]);
}
