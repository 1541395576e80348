// Saves a chart of the page as PNG or SVG.

import { element, setText } from "../shared/dom.js";
import { themeOf } from "../live_chart/theme.js";
import { drawCurves } from "./live_curves.js";
import { drawFigure, findFigure } from "./plotly_figure.js";

const SHARPNESS = 2; // pixels of the PNG for each of the screen
const GONE = "The chart is not on the page.";

class ChartExport {
  constructor(parent) {
    const button = (format) => element("button", { type: "button", onclick: () => this.save(format) }, format.toUpperCase());
    this.said = element("span", { role: "status" });
    this.root = element("div", { class: "chart-export" }, button("png"), button("svg"), this.said);
    parent.append(this.root);
  }

  update({ data }) {
    this.data = data;
  }

  // The SVG; null where the chart is not on the page.
  draw() {
    const { chart, kind } = this.data;
    if (kind === "plotly") {
      const figure = findFigure(chart);
      return figure && drawFigure(figure, themeOf(this.root).background);
    }
    const live = findLive(chart);
    return live?.view ? drawCurves(live) : null;
  }

  async save(format) {
    try {
      const svg = this.draw();
      if (!svg) return setText(this.said, GONE);
      const drawn = new Blob([svg], { type: "image/svg+xml" });
      download(format === "svg" ? drawn : await toPng(drawn), `${this.data.name}.${format}`);
      return setText(this.said, "Saved.");
    } catch (error) {
      console.error(error);
      return setText(this.said, "The chart could not be saved. Try the other format.");
    }
  }

  end() {
    this.root.remove();
  }
}

// The live curves keep their chart on their root, in a shadow tree of their own.
function findLive(key) {
  for (const host of document.querySelectorAll(`.st-key-${CSS.escape(key)} *`)) {
    const root = host.shadowRoot?.querySelector(".live") ?? (host.matches(".live") ? host : null);
    if (root?.unetChart) return root.unetChart;
  }
  return null;
}

async function toPng(svg) {
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: image.width * SHARPNESS, height: image.height * SHARPNESS });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const png = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!png) throw new Error("the canvas is too large");
    return png;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const mounted = new WeakMap();

export default function mountChartExport(component) {
  const { parentElement } = component;
  let buttons = mounted.get(parentElement);
  if (!buttons) mounted.set(parentElement, (buttons = new ChartExport(parentElement)));
  buttons.update(component);
  return () => {
    mounted.delete(parentElement);
    buttons.end();
  };
}
