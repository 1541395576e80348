// A mask of class indices over an image, as pixels.

const OPACITY = 0.45;

// `image`, `mask`: {width, height, data} with four bytes a pixel, or null; the index of a class is the first of the
// four. Indices without a color (255: ignored) stay bare, the background (0) too where `bareBackground`.
// Without an image the mask lies on white. Returns {width, height, data}, null where there is neither.
export function blend(image, mask, colors, bareBackground) {
  const base = image ?? mask;
  if (!base) return null;
  const data = image ? new Uint8ClampedArray(image.data) : new Uint8ClampedArray(base.data.length).fill(255);
  if (mask && mask.data.length === data.length) {
    for (let i = 0; i < data.length; i += 4) {
      const color = colors[mask.data[i]];
      if (!color || (bareBackground && mask.data[i] === 0)) continue;
      for (let c = 0; c < 3; c++) data[i + c] = data[i + c] * (1 - OPACITY) + color[c] * OPACITY;
    }
  }
  return { width: base.width, height: base.height, data };
}
