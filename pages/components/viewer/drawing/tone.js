// Intensities to what the screen shows: contrast limits, gamma, inversion. Plain numbers, no canvas.

// The limits that count: the reader's where they meet the image's intensities, else the automatic ones.
// `layer`: {auto: [low, high], bounds: [least, most]} of the image.
export function limitsOf(layer, settings) {
  const [low, high] = settings.limits ?? layer.auto;
  const meets = low <= layer.bounds[1] && high >= layer.bounds[0];
  return meets ? [low, high] : layer.auto;
}

// One number for an intensity, 0 (black) to 255 (white).
export function toneOf(value, [low, high], gamma, inverted) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : +(value > low);
  const bent = gamma === 1 ? share : share ** (1 / gamma);
  return Math.round(255 * (inverted ? 1 - bent : bent));
}

// The same for all intensities of a type of integers; null of floats, of which there are too many.
export function tableOf(type, limits, gamma, inverted) {
  const count = { uint8: 256, uint16: 65536 }[type];
  if (!count) return null;
  const table = new Uint8Array(count);
  for (let value = 0; value < count; value++) table[value] = toneOf(value, limits, gamma, inverted);
  return table;
}

// Fill `out` (a packed color a pixel) with an image of 1 or 3 `planes`.
export function paintTone(out, data, planes, tone) {
  const { table, limits, gamma, inverted } = tone;
  const look = table ? (value) => table[value] : (value) => toneOf(value, limits, gamma, inverted);
  if (planes === 1) {
    for (let i = 0; i < out.length; i++) {
      const gray = look(data[i]);
      out[i] = 0xff000000 | (gray << 16) | (gray << 8) | gray;
    }
    return;
  }
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    out[i] = 0xff000000 | (look(data[at + 2]) << 16) | (look(data[at + 1]) << 8) | look(data[at]);
  }
}

// Undo the differences to the pixel on the left with which integers come; the array wraps as they did.
export function sumUp(data, width, planes) {
  const row = width * planes;
  for (let start = 0; start < data.length; start += row) {
    for (let i = start + planes; i < start + row; i++) data[i] += data[i - planes];
  }
  return data;
}
