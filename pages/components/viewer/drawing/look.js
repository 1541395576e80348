// How the overlay looks and which layers that needs, from the data and the reader's settings. No canvas in here.

import { haloOf, packed, RAMPS, rgb } from "./colors.js";
import { ERRORS } from "./paint.js";

// `data`: what Python sent; `dragged`: the name of the setting that is being moved, or null; `maskIsLoaded()`: whether
// the mask can be drawn now; `width` of outlines and `halo` around them, in pixels of the buffer. Returns
//   needs: names of layers;  mode, style, width, halo;  colors and halos: of each kind (0: none), packed;
//   inside: for each of 256 probabilities whether it is foreground;  multiclass;
//   objectsValid: whether mask and objects, which Python made at a threshold, are those of the threshold shown;
//   settled: whether that mask is drawn, else the probability at the threshold;  maskIsAwaited: it is on its way;
//   labels: whether objects are outlined apart from each other.
export function lookOf(data, settings, mode, { dragged, maskIsLoaded, width, halo }) {
  const { layers, multiclass } = data;
  const isClose = data.mask_threshold === null || Math.abs(settings.threshold - data.mask_threshold) < 0.0005;
  const objectsValid = multiclass || !layers.probability || (isClose && dragged !== "threshold");
  const hasMask = Boolean(layers.mask) && objectsValid;
  const maskIsAwaited = hasMask && Boolean(layers.probability) && !maskIsLoaded();
  const settled = hasMask && !maskIsAwaited;
  const style = RAMPS[mode] ? "fill" : settings.style;
  const labels = Boolean(layers.labels) && objectsValid && mode === "mask" && settings.style !== "fill";
  const selected = settings.selected !== null && layers.labels && objectsValid;
  const prediction = multiclass ? "classes" : settled ? "mask" : "probability";
  const needs = {
    mask: [prediction],
    heat: ["probability"],
    uncertainty: ["uncertainty"],
    errors: [prediction, "truth"],
    truth: ["truth"],
    image: [],
  }[mode].slice();
  if (labels || selected) needs.push("labels");
  const inside = new Uint8Array(256);
  for (let value = 0; value < 256; value++) inside[value] = +(value > settings.threshold * 255);
  const colors = colorsOf(data, settings, mode);
  const halos = colors.map((color) => color && haloOf(color));
  return { mode, style, width, halo, colors, halos, inside, settled, multiclass, needs, labels, objectsValid, maskIsAwaited };
}

// The packed color of each kind of pixel that `classify` tells apart.
function colorsOf(data, settings, mode) {
  const colors = new Uint32Array(256);
  if (RAMPS[mode]) colors.set(RAMPS[mode]);
  else if (mode === "errors") {
    for (const [name, kind] of Object.entries(ERRORS)) colors[kind] = packed(rgb(data.errors[name]));
  } else if (data.multiclass) {
    data.colors.forEach((hex, index) => {
      if (!settings.hidden.includes(index)) colors[index] = packed(rgb(hex));
    });
  } else colors[1] = packed(rgb(settings.color));
  return colors;
}
