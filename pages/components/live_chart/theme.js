// The colors of the curves, apart also for color-blind readers, for the light and the dark theme of the page.

const LIGHT = {
  blue: "#0072b2", orange: "#c47f00", green: "#00805d", gray: "#7c8797", red: "#c8471f", purple: "#a8487d",
  soft: "#4c5a69", grid: "#1c273318", select: "#0072b233",
};
const DARK = {
  blue: "#56b4e9", orange: "#f0b22e", green: "#2fc795", gray: "#9aa4b5", red: "#ff7a5c", purple: "#dd9fc4",
  soft: "#b8c2cf", grid: "#ffffff1c", select: "#56b4e944",
};

export function themeOf(root) {
  const style = getComputedStyle(root);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = read("--st-background-color", "#ffffff");
  const dark = isDark(background);
  const text = read("--st-text-color", "#1c2733");
  return { ...(dark ? DARK : LIGHT), dark, text, background, font: read("--st-font", "sans-serif") };
}

// Whether a color (#rrggbb) is dark; anything else counts as light.
export function isDark(color) {
  if (!color.startsWith("#")) return false;
  const [red, green, blue] = (color.match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]).map((pair) => parseInt(pair, 16));
  return red * 0.3 + green * 0.6 + blue * 0.1 < 128;
}
