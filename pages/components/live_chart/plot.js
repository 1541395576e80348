// One panel of curves on a canvas: axes, lines thinned to the lowest and highest value of each pixel column, marks.

const EDGE = { left: 52, right: 12, top: 24, bottom: 30 };

const DURATION = (seconds) => {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min` + (s % 60 ? ` ${s % 60} s` : "");
  return `${Math.floor(s / 3600)} h` + (Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : "");
};

const NUMBER = (value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2).replace("e", "e");
  return String(Number(value.toPrecision(4)));
};

// Round values between low and high, at most about `count` of them.
function ticks(low, high, count, whole) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  let gap = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  if (whole) gap = Math.max(1, Math.round(gap));
  const found = [];
  for (let i = Math.ceil(low / gap - 1e-9); i * gap <= high + gap * 1e-9; i++) found.push(Number((i * gap).toPrecision(12)));
  return found;
}

// The same for seconds: gaps that people use.
function timeTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const gap = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800].find((g) => g >= rough);
  if (!gap || gap <= 1) return ticks(low, high, count, true);
  const found = [];
  for (let i = Math.ceil(low / gap - 1e-9); i * gap <= high; i++) found.push(i * gap);
  return found;
}

// Powers of ten between low and high (both log10), with 2 and 5 where there is room.
function logTicks(low, high) {
  const found = [];
  const between = high - low < 3 ? [1, 2, 5] : [1];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const factor of between) {
      const value = Math.log10(factor) + power;
      if (value >= low - 1e-9 && value <= high + 1e-9) found.push([value, factor * 10 ** power]);
    }
  }
  return found.length > 1 ? found : ticks(low, high, 4).map((value) => [value, 10 ** value]);
}

// Draws a panel and remembers its scales for the pointer.
//   panel: {canvas, title, log, fixed: [low, high] or null, y: [low, high] or null (zoomed), lines: [...]}
//   a line: {name, colour, faint, dash, dots, n, x, y} with x and y arrays of n numbers
//   view: {x: [low, high], kind: "step" | "epoch" | "time", marks: [{x, colour, ...}], cursor, picked, drag, theme}
function drawPanel(panel, view) {
  const { canvas } = panel;
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  const box = { left: EDGE.left, top: EDGE.top, right: width - EDGE.right, bottom: height - EDGE.bottom };
  const [x0, x1] = view.x;
  const [y0, y1] = panel.y ?? panel.fixed ?? rangeOf(panel, x0, x1);
  const px = (x) => box.left + ((x - x0) / (x1 - x0)) * (box.right - box.left);
  const py = (y) => box.bottom - (((panel.log ? Math.log10(y) : y) - y0) / (y1 - y0)) * (box.bottom - box.top);
  panel.scale = {
    box,
    y: [y0, y1],
    xAt: (pixel) => x0 + ((pixel - box.left) / (box.right - box.left)) * (x1 - x0),
    yAt: (pixel) => y0 + ((box.bottom - pixel) / (box.bottom - box.top)) * (y1 - y0),
    px,
    py,
  };
  drawAxes(ctx, panel, view, box, [x0, x1, y0, y1], px);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top - 1, box.right - box.left, box.bottom - box.top + 2);
  ctx.clip();
  for (const mark of view.marks) drawMark(ctx, mark, px(mark.x), box);
  for (const line of panel.lines) if (!line.hidden) drawLine(ctx, line, [x0, x1], px, py, panel.log);
  for (const line of panel.lines) if (line.stars && !line.hidden) drawStars(ctx, line, px, py, view.theme);
  ctx.restore();
  if (view.picked !== null) vertical(ctx, px(view.picked), box, view.theme.text, [], 0.7);
  if (view.cursor !== null) vertical(ctx, px(view.cursor), box, view.theme.text, [2, 3], 0.5);
  if (view.drag && view.drag.panel === panel) {
    const { from, to, tall } = view.drag;
    ctx.fillStyle = view.theme.select;
    const top = tall ? Math.min(from.y, to.y) : box.top;
    const bottom = tall ? Math.max(from.y, to.y) : box.bottom;
    ctx.fillRect(Math.min(from.x, to.x), top, Math.abs(to.x - from.x), bottom - top);
  }
}

function drawAxes(ctx, panel, view, box, [x0, x1, y0, y1], px) {
  const { theme } = view;
  ctx.font = `12px ${theme.font}`;
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.fillStyle = theme.soft;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  const rows = Math.max(2, Math.floor((box.bottom - box.top) / 42));
  const sides = panel.log ? logTicks(y0, y1) : ticks(y0, y1, rows).map((value) => [value, value]);
  for (const [at, value] of sides) {
    const y = Math.round(box.bottom - ((at - y0) / (y1 - y0)) * (box.bottom - box.top)) + 0.5;
    line(ctx, box.left, y, box.right, y);
    ctx.fillText(NUMBER(value), box.left - 6, y);
  }
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const columns = Math.max(2, Math.floor((box.right - box.left) / 90));
  const below = view.kind === "time" ? timeTicks(x0, x1, columns) : ticks(x0, x1, columns, view.kind === "step");
  for (const value of below) {
    const x = px(value);
    ctx.fillText(view.kind === "time" ? DURATION(value) : NUMBER(value), Math.min(x, box.right - 8), box.bottom + 5);
  }
  ctx.textAlign = "right";
  ctx.fillText(view.kind === "time" ? "training time" : view.kind, box.right, box.bottom + 17);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = theme.text;
  ctx.font = `600 13px ${theme.font}`;
  ctx.fillText(panel.title, box.left, 10);
}

// The lowest and highest value in sight; single peaks of the raw batch loss do not flatten the rest.
function rangeOf(panel, x0, x1) {
  let low = Infinity;
  let high = -Infinity;
  const look = (value) => {
    const y = panel.log ? (value > 0 ? Math.log10(value) : NaN) : value;
    if (y < low) low = y;
    if (y > high) high = y;
  };
  for (const line of panel.lines) {
    if (line.hidden) continue;
    const from = Math.max(0, lowerBound(line.x, line.n, x0) - 1);
    const to = Math.min(line.n, lowerBound(line.x, line.n, x1) + 1);
    const every = Math.max(1, Math.floor((to - from) / 4000));
    if (line.faint) {
      const seen = [];
      for (let i = from; i < to; i += every) if (line.y[i] === line.y[i]) seen.push(line.y[i]);
      seen.sort((a, b) => a - b);
      if (seen.length) [0.002, 0.99].forEach((share) => look(seen[Math.floor(share * (seen.length - 1) + 0.5)]));
    } else for (let i = from; i < to; i += every) look(line.y[i]);
  }
  if (!(high >= low)) return panel.log ? [-1, 0] : [0, 1];
  if (!panel.log && low > 0 && low < 0.5 * high) low = 0;
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low === 0 ? 0 : low - room, high + room];
}

function drawLine(ctx, item, [x0, x1], px, py, log) {
  const { x, y, n } = item;
  const from = Math.max(0, lowerBound(x, n, x0) - 1);
  const to = Math.min(n, lowerBound(x, n, x1) + 1);
  const ok = (value) => value === value && value !== null && (!log || value > 0);
  ctx.strokeStyle = item.colour;
  ctx.globalAlpha = item.faint ? 0.4 : 1;
  ctx.lineWidth = item.faint ? 1 : 2;
  ctx.setLineDash(item.dash ?? []);
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
  const apart = n > 1 ? (px(x[n - 1]) - px(x[0])) / (n - 1) : 99;
  if (item.dots && apart > 7) {
    ctx.fillStyle = item.colour;
    for (let i = from; i < to; i++) if (ok(y[i])) dot(ctx, px(x[i]), py(y[i]), item.dots === "square");
  } else if (item.dots && to - from === 1 && ok(y[from])) {
    ctx.fillStyle = item.colour;
    dot(ctx, px(x[from]), py(y[from]), item.dots === "square");
  }
  ctx.globalAlpha = 1;
}

function dot(ctx, x, y, square) {
  ctx.beginPath();
  if (square) ctx.rect(x - 3, y - 3, 6, 6);
  else ctx.arc(x, y, 3.2, 0, 2 * Math.PI);
  ctx.fill();
}

function drawStars(ctx, item, px, py, theme) {
  for (const { x, y } of item.stars) {
    ctx.beginPath();
    for (let i = 0; i < 10; i++) {
      const angle = -Math.PI / 2 + (i * Math.PI) / 5;
      const radius = i % 2 ? 3.6 : 8.5;
      ctx.lineTo(px(x) + radius * Math.cos(angle), py(y) + radius * Math.sin(angle));
    }
    ctx.closePath();
    ctx.fillStyle = theme.orange;
    ctx.strokeStyle = theme.back;
    ctx.lineWidth = 1.5;
    ctx.stroke();
    ctx.fill();
  }
}

function drawMark(ctx, mark, x, box) {
  vertical(ctx, x, box, mark.colour, [4, 3], 0.9);
  ctx.fillStyle = mark.colour;
  ctx.beginPath();
  ctx.moveTo(x - 5, box.top);
  ctx.lineTo(x + 5, box.top);
  ctx.lineTo(x, box.top + 8);
  ctx.fill();
}

function vertical(ctx, x, box, colour, dash, alpha) {
  if (x < box.left - 1 || x > box.right + 1) return;
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.setLineDash(dash);
  line(ctx, Math.round(x) + 0.5, box.top, Math.round(x) + 0.5, box.bottom);
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
