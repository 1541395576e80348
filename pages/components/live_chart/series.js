// What the panels show: their titles and lines, and the marks, placed on the chosen x axis.

import { markColor } from "./marks.js";

// A line: {name, color, faint, dash, dots, stars, hidden, n, x, y} with x and y arrays of at least n numbers.
//   options: {kind, log, hidden}; returns {panels: {loss, score, lr, cpu, ram}, x: [low, high] of all, marks, best}
export function seriesOf(columns, options, stepsPerEpoch, theme) {
  const { n, epochs } = columns;
  const { kind } = options;
  const hidden = (name) => options.hidden.includes(name);
  const x = columns.xValues(kind, stepsPerEpoch);
  const xOf = (item) => columns.xOf(item, kind, stepsPerEpoch);
  const ends = epochs.map(xOf);
  const byStep = (name, y, style) => ({ name, n, x, y, hidden: hidden(name), ...style });
  const byEpoch = (name, field, style) =>
    ({ name, n: epochs.length, x: ends, y: epochs.map((epoch) => epoch[field] ?? NaN), hidden: hidden(name), ...style });
  const best = epochs.filter((epoch) => epoch.best && epoch.dice !== null).pop();
  const stars = best ? [{ x: xOf(best), y: best.dice }] : [];
  const panels = {
    loss: { title: options.log ? "Loss (log scale)" : "Loss", log: options.log, lines: [
      byStep("batch", columns.loss, { color: theme.gray, faint: true }),
      byStep("smoothed", columns.smooth, { color: theme.gray }),
      byEpoch("train", "train", { color: theme.blue, dots: "round" }),
      byEpoch("validation", "val", { color: theme.orange, dots: "square", dash: [6, 3] }),
    ] },
    score: { title: "Validation scores", fixed: [0, 1], lines: [
      byEpoch("Dice", "dice", { color: theme.green, dots: "round", stars }),
      byEpoch("IoU", "iou", { color: theme.blue, dots: "square", dash: [6, 3] }),
    ] },
    lr: { title: "Learning rate", lines: [byStep("lr", columns.lr, { color: theme.purple, hidden: false })] },
  };
  Object.assign(panels, loadPanels(columns.load, columns.load.map(xOf), hidden, theme));
  const last = Math.max(n ? x[n - 1] : 0, ends.length ? ends[ends.length - 1] : 0);
  const start = kind === "step" ? Math.min(1, last) : 0;
  const marks = columns.marks
    .filter((mark) => mark.kind !== "best") // the star shows it
    .map((mark) => ({ ...mark, x: xOf(mark), color: markColor(mark.kind, theme) }));
  return { panels, marks, best, x: [start, last > start ? last : start + 1] };
}

// CPU and memory, and of a GPU where there is one; from 0, so that their height tells how much it is.
function loadPanels(load, x, hidden, theme) {
  const gigabytes = (megabytes) => (megabytes === null ? NaN : megabytes / 1024);
  const line = (name, values, color, style) => ({ name, n: load.length, x, y: values, color, hidden: hidden(name), ...style });
  const panel = (title, lines) => {
    const shown = lines.filter((item, i) => !i || item.y.some((value) => value === value));
    const highest = Math.max(0, ...shown.flatMap((item) => item.y.filter((value) => value === value)));
    return { title, lines: shown, fixed: [0, 1.1 * highest || 1] };
  };
  const dashed = { dash: [6, 3] };
  return {
    cpu: panel("Use (%, 100 = one CPU core)", [
      line("CPU", load.map(({ cpu }) => cpu ?? NaN), theme.blue),
      line("GPU", load.map(({ gpu }) => gpu ?? NaN), theme.orange, dashed),
    ]),
    ram: panel("Memory (GB)", [
      line("RAM", load.map(({ ram }) => gigabytes(ram)), theme.blue),
      line("GPU memory", load.map(({ gpuMemory }) => gigabytes(gpuMemory)), theme.orange, dashed),
    ]),
  };
}
