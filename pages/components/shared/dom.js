// Small helpers for elements. Text from data goes in as text only, never as markup.

// A function that looks up the element named in `data-is`, below `root`.
export function finder(root) {
  return (name) => root.querySelector(`[data-is="${name}"]`);
}

// An element with attributes ("onclick": a listener) and children (elements or texts).
export function element(name, attributes = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) created.addEventListener(key.slice(2), value);
    else if (key.startsWith("aria-")) created.setAttribute(key, String(value));
    else if (value !== false) created.setAttribute(key, value === true ? "" : value);
  }
  created.append(...children);
  return created;
}

// Set a text where it differs: what is equal is not announced again.
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

// Give a canvas as many pixels as the screen has for it. Returns its context, in CSS pixels and cleared, with the
// size; null where the canvas has no size yet.
export function prepareCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return null;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
