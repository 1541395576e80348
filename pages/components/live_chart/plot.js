// One panel of curves on a canvas: axes, lines thinned to the lowest and highest value of each pixel column, marks.

import { prepareCanvas } from "../shared/dom.js";
import { duration, number } from "../shared/format.js";
import { indicesIn, rangeOf, scaleOf } from "./scales.js";
import { logTicks, ticks, timeTicks } from "./ticks.js";

const EDGE = { left: 52, right: 12, top: 24, bottom: 30 };

// Draws a panel and stores its `scale` in it, for the pointer.
//   panel: {canvas, title, log, fixed: [low, high] or none, y: [low, high] or null (zoomed), drag: {from, to, tall} or
//   null, lines: [...]}; for a line see series.js
//   view: {x: [low, high], kind: "step" | "epoch" | "time", marks: [{x, color}], cursor, picked (x or null), theme}
export function drawPanel(panel, view) {
  const surface = prepareCanvas(panel.canvas);
  if (!surface) return;
  const { context: ctx, width, height } = surface;
  const { theme } = view;
  const box = { left: EDGE.left, top: EDGE.top, right: width - EDGE.right, bottom: height - EDGE.bottom };
  const scale = scaleOf(box, view.x, panel.y ?? panel.fixed ?? rangeOf(panel.lines, panel.log, view.x), panel.log);
  panel.scale = scale;
  drawAxes(ctx, panel, view, scale);
  ctx.save();
  ctx.beginPath();
  // A little wider, so that the dots of the first and the last point are round.
  ctx.rect(box.left - 4, box.top - 1, box.right - box.left + 8, box.bottom - box.top + 2);
  ctx.clip();
  for (const mark of view.marks) drawMark(ctx, mark, scale);
  const shown = panel.lines.filter((line) => !line.hidden);
  for (const line of shown) drawLine(ctx, line, view.x, scale, panel.log);
  ctx.restore();
  for (const line of shown) if (line.stars) drawStars(ctx, line.stars, scale, theme);
  if (view.picked !== null) drawVertical(ctx, scale.px(view.picked), box, theme.text, [], 0.7);
  if (view.cursor !== null) drawVertical(ctx, scale.px(view.cursor), box, theme.text, [2, 3], 0.5);
  if (panel.drag) drawSelection(ctx, panel.drag, box, theme.select);
}

function drawSelection(ctx, { from, to, tall }, box, color) {
  const top = tall ? Math.min(from.y, to.y) : box.top;
  const bottom = tall ? Math.max(from.y, to.y) : box.bottom;
  ctx.fillStyle = color;
  ctx.fillRect(Math.min(from.x, to.x), top, Math.abs(to.x - from.x), bottom - top);
}

function drawAxes(ctx, panel, view, { box, px, y: [y0, y1] }) {
  const { theme, kind } = view;
  const [x0, x1] = view.x;
  ctx.font = `12px ${theme.font}`;
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.fillStyle = theme.soft;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  const rows = Math.max(2, Math.floor((box.bottom - box.top) / 42));
  const labels = panel.log ? logTicks(y0, y1) : ticks(y0, y1, rows).map((value) => [value, value]);
  for (const [at, value] of labels) {
    const y = Math.round(box.bottom - ((at - y0) / (y1 - y0)) * (box.bottom - box.top)) + 0.5;
    strokeLine(ctx, box.left, y, box.right, y);
    ctx.fillText(number(value), box.left - 6, y);
  }
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const columns = Math.max(2, Math.floor((box.right - box.left) / 90));
  const values = kind === "time" ? timeTicks(x0, x1, columns) : ticks(x0, x1, columns, true);
  const words = kind === "time" ? duration : number;
  for (const value of values) ctx.fillText(words(value), Math.min(px(value), box.right - 8), box.bottom + 5);
  ctx.textAlign = "right";
  ctx.fillText(kind === "time" ? "training time" : kind, box.right, box.bottom + 17);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = theme.text;
  ctx.font = `600 13px ${theme.font}`;
  ctx.fillText(panel.title, box.left, 10);
}

function drawLine(ctx, line, range, { px, py }, log) {
  const { x, y, n } = line;
  const [from, to] = indicesIn(line, range);
  const ok = (value) => value === value && value !== null && (!log || value > 0);
  ctx.strokeStyle = line.color;
  ctx.globalAlpha = line.faint ? 0.4 : 1;
  ctx.lineWidth = line.faint ? 1 : 2;
  ctx.setLineDash(line.dash ?? []);
  ctx.lineJoin = "round";
  ctx.beginPath();
  let open = false;
  const point = (a, b) => {
    if (open) ctx.lineTo(a, b);
    else ctx.moveTo(a, b);
    open = true;
  };
  if (to - from <= 3 * ctx.canvas.clientWidth) {
    for (let i = from; i < to; i++) {
      if (ok(y[i])) point(px(x[i]), py(y[i]));
      else open = false;
    }
  } else {
    // the first, lowest, highest and last value of each pixel column
    let i = from;
    while (i < to) {
      const column = Math.floor(px(x[i]));
      let [low, high, first, last] = [Infinity, -Infinity, NaN, NaN];
      for (; i < to && Math.floor(px(x[i])) === column; i++) {
        const value = y[i];
        if (!ok(value)) continue;
        if (first !== first) first = value;
        last = value;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (first === first) for (const value of [first, low, high, last]) point(column + 0.5, py(value));
    }
  }
  ctx.stroke();
  ctx.setLineDash([]);
  const spacing = n > 1 ? (px(x[n - 1]) - px(x[0])) / (n - 1) : 99;
  if (line.dots && spacing > 7) {
    ctx.fillStyle = line.color;
    for (let i = from; i < to; i++) if (ok(y[i])) drawDot(ctx, px(x[i]), py(y[i]), line.dots === "square");
  } else if (line.dots && to - from === 1 && ok(y[from])) {
    ctx.fillStyle = line.color;
    drawDot(ctx, px(x[from]), py(y[from]), line.dots === "square");
  }
  ctx.globalAlpha = 1;
}

function drawDot(ctx, x, y, square) {
  ctx.beginPath();
  if (square) ctx.rect(x - 3, y - 3, 6, 6);
  else ctx.arc(x, y, 3.2, 0, 2 * Math.PI);
  ctx.fill();
}

function drawStars(ctx, stars, { px, py, box }, theme) {
  const isInside = ({ x, y }) => px(x) >= box.left && px(x) <= box.right && py(y) >= box.top && py(y) <= box.bottom;
  for (const { x, y } of stars.filter(isInside)) {
    ctx.beginPath();
    for (let i = 0; i < 10; i++) {
      const angle = -Math.PI / 2 + (i * Math.PI) / 5;
      const radius = i % 2 ? 3.6 : 8.5;
      ctx.lineTo(px(x) + radius * Math.cos(angle), py(y) + radius * Math.sin(angle));
    }
    ctx.closePath();
    ctx.fillStyle = theme.orange;
    ctx.strokeStyle = theme.background;
    ctx.lineWidth = 1.5;
    ctx.stroke();
    ctx.fill();
  }
}

function drawMark(ctx, mark, { px, box }) {
  const x = px(mark.x);
  drawVertical(ctx, x, box, mark.color, [4, 3], 0.9);
  ctx.fillStyle = mark.color;
  ctx.beginPath();
  ctx.moveTo(x - 5, box.top);
  ctx.lineTo(x + 5, box.top);
  ctx.lineTo(x, box.top + 8);
  ctx.fill();
}

function drawVertical(ctx, x, box, color, dash, alpha) {
  if (x < box.left - 1 || x > box.right + 1) return;
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.setLineDash(dash);
  strokeLine(ctx, Math.round(x) + 0.5, box.top, Math.round(x) + 0.5, box.bottom);
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function strokeLine(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
