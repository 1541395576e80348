// A Plotly figure of the page as one SVG: Plotly draws it in layers of SVG, whose looks are all written in them.

import { escape } from "./svg_context.js";

// The element that Plotly draws into, below the element of the page that has this key.
export function findFigure(key) {
  return document.querySelector(`.st-key-${CSS.escape(key)} .js-plotly-plot`);
}

export function drawFigure(figure, background) {
  const layers = [...figure.querySelectorAll("svg.main-svg")];
  const { width, height } = figure.getBoundingClientRect();
  const serializer = new XMLSerializer();
  const inside = layers.map((layer) => {
    const copy = layer.cloneNode(true);
    copy.querySelectorAll(".hoverlayer, .zoomlayer > *, .dragcover").forEach((part) => part.remove());
    copy.removeAttribute("style"); // its background hides the layers below
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return serializer.serializeToString(copy);
  });
  const [across, down] = [Math.round(width), Math.round(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${across}" height="${down}" viewBox="0 0 ${across} ${down}">` +
    `<rect width="${across}" height="${down}" fill="${escape(background)}"/>${inside.join("")}</svg>`;
}
