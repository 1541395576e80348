// The intensities of an image that are shown as black and as white, as pages/server/pixel_store.py chooses them.

const SHARES = [0.005, 0.995];

// {auto: [low, high], bounds: [least, most]} of all values of an image of integers.
export function contrastOf(data) {
  const most = data instanceof Uint16Array ? 65535 : 255;
  const counts = new Uint32Array(most + 1);
  for (let at = 0; at < data.length; at++) counts[data[at]] += 1;
  const bounds = [counts.findIndex(Boolean), counts.findLastIndex(Boolean)];
  if (bounds[0] === bounds[1]) return { auto: [0, most], bounds: [0, most] }; // one color alone is shown as it is
  const [low, high] = SHARES.map((share) => valueAt(counts, share * (data.length - 1)));
  return { auto: high > low ? [low, high] : bounds, bounds };
}

// The value at a position among the sorted ones, between two of them in proportion.
function valueAt(counts, position) {
  const nth = (number) => {
    let before = 0;
    for (let value = 0; value < counts.length; value++) {
      before += counts[value];
      if (before > number) return value;
    }
    return counts.length - 1;
  };
  const [low, high] = [nth(Math.floor(position)), nth(Math.ceil(position))];
  return low + (high - low) * (position - Math.floor(position));
}
