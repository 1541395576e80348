// The live curves of a run as one SVG: the panels above one another, by the functions that draw them on the page.

import { drawPanel } from "../live_chart/plot.js";
import { escape, SvgContext } from "./svg_context.js";

const LEGEND = 26; // pixels below a panel

// `chart`: {panels, view} of a LiveChart, see live_chart.js.
export function drawCurves({ panels, view }) {
  const parts = [];
  let top = 8;
  let widest = 0;
  for (const panel of panels) {
    const { clientWidth: width, clientHeight: height } = panel.canvas;
    if (!width || !height) continue;
    const context = new SvgContext(width, height);
    const canvas = { clientWidth: width, clientHeight: height, width: 0, height: 0, getContext: () => context };
    drawPanel({ ...panel, canvas, drag: null }, { ...view, cursor: null });
    parts.push(`<g transform="translate(0 ${top})">${context}</g>`);
    top += height;
    const lines = panel.lines.filter((line) => !line.hidden);
    if (lines.length > 1) {
      parts.push(`<g transform="translate(0 ${top})">${drawLegend(lines, view.theme)}</g>`);
      top += LEGEND;
    }
    widest = Math.max(widest, width);
  }
  return wrap(parts.join(""), widest, top + 8, view.theme.background);
}

function drawLegend(lines, theme) {
  let left = 52;
  const context = new SvgContext(0, 0);
  Object.assign(context, { font: `12px ${theme.font}`, textBaseline: "middle" });
  for (const line of lines) {
    Object.assign(context, { strokeStyle: line.color, lineWidth: line.faint ? 1 : 2, fillStyle: theme.text });
    context.setLineDash(line.dash ?? []);
    context.beginPath();
    context.moveTo(left, LEGEND / 2);
    context.lineTo(left + 22, LEGEND / 2);
    context.stroke();
    context.fillText(line.name, left + 28, LEGEND / 2);
    left += 44 + 7 * line.name.length;
  }
  return String(context);
}

export function wrap(inside, width, height, background) {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>` +
    `<rect width="${width}" height="${height}" fill="${escape(background)}"/>${inside}</svg>`;
}
