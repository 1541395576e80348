// Colors as the canvas has them: 32 bits, alpha first on paper, red first in memory.

// Viridis for a probability and black-to-white heat for uncertainty, as a few stops; between them straight lines.
const HEAT = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const UNCERTAINTY = ["#000000", "#2b1055", "#7a1f6b", "#c43c5b", "#f4814f", "#fcc76b", "#ffffe0"];

export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export function packed([red, green, blue], alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// The halo around an outline of a packed color, as `halo_of` in unet_core/io/colors.py has it: black, or white where the
// color is dark.
export function haloOf(color) {
  const [red, green, blue] = [color & 255, (color >> 8) & 255, (color >> 16) & 255].map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? 0xff000000 : 0xffffffff;
}

// 256 packed colors from the first stop to the last.
export function ramp(stops) {
  const colors = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const at = (value / 255) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const [from, to] = [rgb(stops[low]), rgb(stops[low + 1])];
    colors[value] = packed(from.map((channel, i) => Math.round(channel + (to[i] - channel) * (at - low))));
  }
  return colors;
}

export const RAMPS = { heat: ramp(HEAT), uncertainty: ramp(UNCERTAINTY) };
