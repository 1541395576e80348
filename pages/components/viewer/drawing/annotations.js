// What is written over the image: object numbers, the box of the selected object, the scale bar, the color scale.

import { RAMPS } from "./colors.js";
import { barLength } from "./scale_bar.js";

const MOST_NUMBERS = 1500;
const SMALLEST_NUMBERED = 9; // CSS pixels
const SMALL = 40; // CSS pixels: the rim alone of a smaller object would be overlooked

// `scene`: {data, settings, view, objects, look, cross (a cross in the middle), hasRim (of the selected object), font,
// width, height (of the stage)}, all lengths in CSS pixels.
export function annotate(context, scene) {
  const { data, settings, look, objects, font } = scene;
  context.font = `600 11px ${font}`;
  context.textBaseline = "middle";
  if (settings.numbers && look.objectsValid) drawNumbers(context, scene);
  const selected = settings.selected !== null && look.objectsValid && objects.byId.get(settings.selected);
  if (selected) drawSelection(context, selected, scene);
  if (scene.cross) drawCross(context, scene.width / 2, scene.height / 2);
  context.font = `600 12px ${font}`;
  if (data.pixel_size) drawScaleBar(context, data.pixel_size, scene);
  if (RAMPS[look.mode]) drawColorScale(context, scene);
}

function write(context, text, x, y, align = "left") {
  context.textAlign = align;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.strokeText(text, x, y);
  context.fillStyle = "#fff";
  context.fillText(text, x, y);
}

function drawNumbers(context, { objects, view, width, height }) {
  let written = 0;
  for (const [id, x, y, left, top, right, bottom] of objects.list) {
    const [sx, sy] = view.onStage(x, y);
    if (sx < 0 || sy < 0 || sx > width || sy > height) continue;
    if (Math.max(right - left, bottom - top) * view.scale < SMALLEST_NUMBERED || written++ > MOST_NUMBERS) continue;
    write(context, String(id), sx, sy, "center");
  }
}

function drawSelection(context, [id, , , x0, y0, x1, y1], { view, hasRim }) {
  const [left, top] = view.onStage(x0, y0);
  const [right, bottom] = view.onStage(x1, y1);
  const box = [left - 4, top - 4, right - left + 8, bottom - top + 8];
  const isSmall = Math.max(box[2], box[3]) < SMALL;
  for (const [color, line] of hasRim && !isSmall ? [] : [["#000b", 4], ["#fff", 2]]) {
    context.lineWidth = line;
    context.strokeStyle = color;
    context.strokeRect(...box);
  }
  write(context, String(id), right + 8, top + 4);
}

function drawCross(context, x, y) {
  for (const [color, line] of [["#000c", 4], ["#fff", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = line;
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }
}

function drawScaleBar(context, pixelSize, { view, width, height }) {
  const [length, words] = barLength((0.25 * width * pixelSize) / view.scale);
  const across = (length / pixelSize) * view.scale;
  context.fillStyle = "#0009";
  context.fillRect(width - across - 28, height - 44, across + 20, 36);
  context.fillStyle = "#fff";
  context.fillRect(width - across - 18, height - 19, across, 4);
  write(context, words, width - 18 - across / 2, height - 31, "center");
}

function drawColorScale(context, { data, settings, look, height }) {
  context.fillStyle = "#0009";
  context.fillRect(8, height - 46, 176, 38);
  for (let x = 0; x < 160; x++) {
    const value = RAMPS[look.mode][Math.round((x / 159) * 255)];
    context.fillStyle = `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
    context.fillRect(16 + x, height - 24, 1, 10);
  }
  write(context, "0", 16, height - 35);
  write(context, "1", 176, height - 35, "right");
  const words = look.mode === "uncertainty" ? "uncertainty" : data.multiclass ? "confidence" : "probability";
  write(context, words, 96, height - 35, "center");
  if (look.mode === "heat" && !data.multiclass) {
    context.fillStyle = "#fff";
    context.fillRect(15 + settings.threshold * 160, height - 27, 2, 16);
  }
}
