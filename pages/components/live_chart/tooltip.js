// The values under the cursor, beside it.

import { element } from "../shared/dom.js";
import { duration, memory, number } from "../shared/format.js";
import { markWords } from "./marks.js";
import { nearest } from "../shared/search.js";

const MARKS_SHOWN = 5;

// Lines of text for a panel ("loss", "score", "lr", "cpu", "ram") at the position `cursor` of the x axis; `isNear(item)` says
// whether a mark lies close enough to be named.
export function tooltipLines(panel, columns, kind, stepsPerEpoch, cursor, isNear) {
  const at = nearest(columns.xValues(kind, stepsPerEpoch), columns.n, cursor);
  const ends = columns.epochs.map((epoch) => columns.xOf(epoch, kind, stepsPerEpoch));
  const epoch = columns.epochs[nearest(ends, ends.length, cursor)];
  const step = columns.step[at];
  if (panel === "cpu" || panel === "ram") return loadLines(panel, columns, kind, stepsPerEpoch, cursor);
  const lines = [];
  if (panel !== "score") lines.push(`step ${step} · epoch ${Math.ceil(step / stepsPerEpoch)} · ${duration(columns.time[at])}`);
  if (panel === "loss") lines.push(`batch ${number(columns.loss[at])} · smoothed ${number(columns.smooth[at])}`);
  if (panel === "lr") lines.push(`learning rate ${number(columns.lr[at])}`);
  if (epoch && panel === "score") {
    lines.push(`after epoch ${epoch.epoch} (step ${epoch.step}):`, `Dice ${number(epoch.dice)} · IoU ${number(epoch.iou)}`);
  } else if (epoch && panel === "loss") {
    lines.push(`after epoch ${epoch.epoch}:`, `train ${number(epoch.train)} · validation ${number(epoch.val)}`);
  } else if (panel === "score") lines.push("no epoch has finished yet");
  for (const mark of columns.marks.filter(isNear).slice(-MARKS_SHOWN)) {
    lines.push(mark.kind === "best" ? `★ ${mark.text}` : `▼ ${markWords(mark.kind)}: ${mark.text}`);
  }
  return lines;
}

function loadLines(panel, columns, kind, stepsPerEpoch, cursor) {
  const ends = columns.load.map((item) => columns.xOf(item, kind, stepsPerEpoch));
  const at = columns.load[nearest(ends, ends.length, cursor)];
  if (!at) return ["not measured yet"];
  const words = panel === "cpu" ? [["CPU", at.cpu, percent], ["GPU", at.gpu, percent]] : [["RAM", at.ram, memory], ["GPU memory", at.gpuMemory, memory]];
  const known = words.filter(([, value]) => value !== null).map(([name, value, text]) => `${name} ${text(value)}`);
  return [`step ${at.step} · ${duration(at.time)}`, known.join(" · ")];
}

const percent = (value) => `${Math.round(value)}%`;

// Show the lines at (x, y) of a canvas, on the side where there is room.
export function showTooltip(tip, lines, canvas, { x, y }) {
  tip.hidden = false;
  tip.replaceChildren(...lines.map((text, index) => element("div", index ? {} : { class: "first" }, text)));
  const panel = canvas.getBoundingClientRect();
  const wrap = tip.parentElement.getBoundingClientRect();
  const left = panel.left - wrap.left + x;
  tip.style.top = `${panel.top - wrap.top + Math.max(4, Math.min(y, panel.height - tip.offsetHeight - 4))}px`;
  tip.style.left = `${left + 16 + tip.offsetWidth > wrap.width ? left - tip.offsetWidth - 14 : left + 16}px`;
}
