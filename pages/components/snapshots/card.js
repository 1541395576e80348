// One example: its image, ground truth and prediction, the Dice, and how that went over the epochs.

import { element, setText } from "../shared/dom.js";
import { blend } from "./blend.js";
import { drawSparkline, indexAt } from "./sparkline.js";
import { trendText } from "./trend.js";

export class Card {
  // `number` counts from 1; `look`: {colors, bare} of the masks; `choose(offset, width)`: the curve was clicked there.
  constructor(example, number, look, choose) {
    Object.assign(this, { example, number, look });
    const canvas = (label) => element("canvas", { role: "img", "aria-label": label });
    const image = canvas(`Validation image ${number}`);
    const truth = canvas(`Ground truth of validation image ${number}`);
    this.prediction = canvas("");
    const column = (target, words) => element("div", {}, target, element("span", {}, words));
    const row = [column(image, "image"), column(truth, "ground truth"), column(this.prediction, "prediction")];
    this.dice = element("b");
    const name = element("span", { class: "name", title: example.name ?? "" }, example.name || `image ${number}`);
    this.curve = element("canvas", { class: "spark", role: "img", title: "Dice over the epochs. Click to show an epoch." });
    this.curve.addEventListener("click", (event) => {
      const { left, width } = this.curve.getBoundingClientRect();
      choose((count) => indexAt(event.clientX - left, width, count));
    });
    this.trend = element("p", { class: "words" });
    this.root = element("figure", {}, element("div", { class: "row" }, ...row),
      element("figcaption", {}, name, this.dice), this.curve, this.trend);
    this.#paint(image, null);
    this.#paint(truth, example.truth);
  }

  // The prediction after an epoch; `score`: its Dice, null where that is undefined.
  showPrediction(mask, epoch, score) {
    const text = score === null || score === undefined ? "–" : score.toFixed(3);
    this.#paint(this.prediction, mask);
    const label = `Prediction on validation image ${this.number} after epoch ${epoch}, Dice ${text}`;
    this.prediction.setAttribute("aria-label", label);
    this.dice.textContent = `Dice ${text}`;
  }

  showTrend(values, epochs, index, style) {
    const text = trendText(values, epochs);
    setText(this.trend, text);
    this.curve.setAttribute("aria-label", `Dice of validation image ${this.number} over the epochs. ${text}`);
    drawSparkline(this.curve, values, index, style);
  }

  #paint(canvas, mask) {
    const drawn = blend(this.example.image, mask, this.look.colors, this.look.bare);
    if (!drawn) return;
    Object.assign(canvas, { width: drawn.width, height: drawn.height });
    canvas.getContext("2d").putImageData(new ImageData(drawn.data, drawn.width, drawn.height), 0, 0);
  }
}
