// From what the model gave to what is shown and saved: the mask at a threshold, its objects, CSV. No canvas in here.

import { findObjects, meansOf, withoutSmall } from "./objects.js";

export const FULL = 65535;

// A pixel is foreground where its probability is above the threshold, as `above` of unet_core/inference/prediction.py.
export function maskAt(levels, threshold) {
  const limit = Math.floor(threshold * FULL);
  return Uint8Array.from(levels, (level) => +(level > limit));
}

// {mask, labels, list} of an answer at the threshold and the smallest size. Of several classes the mask stays as it is:
// an object cannot become background there; small ones are only not counted.
export function resultOf(answer, { width, height }, threshold, least) {
  if (answer.levels) {
    const result = withoutSmall(maskAt(answer.levels, threshold), width, height, least);
    return { ...result, means: meansOf(result, answer.levels, FULL) };
  }
  const result = { mask: answer.classes, ...findObjects(answer.classes, width, height) };
  const means = meansOf(result, answer.confidence, 255);
  const isLarge = result.list.map((object) => object.area >= least);
  const numbers = new Int32Array(result.list.length + 1);
  let last = 0;
  isLarge.forEach((large, at) => large && (numbers[at + 1] = ++last));
  const list = result.list.filter((_, at) => isLarge[at]).map((object, at) => ({ ...object, id: at + 1 }));
  return { mask: result.mask, labels: result.labels.map((label) => numbers[label]), list, means: means.filter((_, at) => isLarge[at]) };
}

const COLUMNS = [
  "image", "id", "class", "class_name", "area_px2", "mean_probability", "centroid_x_px", "centroid_y_px",
  "left_px", "top_px", "width_px", "height_px", "touches_border",
];

// The table of `unet-studio predict --format csv`, as far as a page measures: one row an object.
export function toCsv(results, names) {
  const rows = results.flatMap(({ name, list, means }) => list.map((object, at) => [
    name, object.id, object.class, names[object.class] ?? `class ${object.class}`, object.area, number(means[at]),
    number(object.x), number(object.y), object.left, object.top, object.width, object.height,
    object.touches ? "True" : "False",
  ]));
  const text = [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  return /^[\x00-\x7f]*$/.test(text) ? text : `\ufeff${text}`; // marked as UTF-8 for Excel
}

function number(value) {
  return Number(value.toPrecision(7));
}

// A text that a spreadsheet shows and never computes.
function cell(value) {
  if (typeof value === "number") return String(value);
  const plain = /^\s*[=+\-@]|^[\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

// How many objects each class has, of all but the background: [[index, count], ...].
export function countsOf(list, classes) {
  const counts = new Map(Array.from({ length: Math.max(2, classes) - 1 }, (_, at) => [at + 1, 0]));
  for (const object of list) counts.set(object.class, (counts.get(object.class) ?? 0) + 1);
  return [...counts];
}
