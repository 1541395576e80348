// A small curve of the Dice over the epochs, with a dot at the epoch that is shown.

import { prepareCanvas } from "../shared/dom.js";

const EDGE = 4; // pixels

// The index among `count` epochs that lies at a share (0..1) of the width of the curve.
export function indexAt(offset, width, count) {
  return Math.round(((offset - EDGE) / (width - 2 * EDGE)) * (count - 1));
}

// `values`: 0..1 or null for each epoch; `style`: the computed style with Streamlit's colors.
export function drawSparkline(canvas, values, index, style) {
  const surface = prepareCanvas(canvas);
  if (!surface) return;
  const { context: ctx, width, height } = surface;
  const px = (at) => EDGE + (values.length > 1 ? at / (values.length - 1) : 0.5) * (width - 2 * EDGE);
  const py = (value) => height - EDGE - value * (height - 2 * EDGE);
  ctx.lineWidth = 1;
  ctx.strokeStyle = style.getPropertyValue("--st-border-color");
  for (const level of [0, 1]) {
    ctx.beginPath();
    ctx.moveTo(0, Math.round(py(level)) + 0.5);
    ctx.lineTo(width, Math.round(py(level)) + 0.5);
    ctx.stroke();
  }
  ctx.strokeStyle = style.getPropertyValue("--st-primary-color");
  ctx.lineWidth = 2;
  ctx.beginPath();
  let open = false;
  values.forEach((value, at) => {
    if (value === null) open = false;
    else if (open) ctx.lineTo(px(at), py(value));
    else {
      ctx.moveTo(px(at), py(value));
      open = true;
    }
  });
  ctx.stroke();
  const current = values[index] ?? null;
  if (current === null) return;
  ctx.fillStyle = style.getPropertyValue("--st-text-color");
  ctx.beginPath();
  ctx.arc(px(index), py(current), 3.5, 0, 2 * Math.PI);
  ctx.fill();
}
