// The part of a 2D canvas context that the live curves are drawn with, writing SVG: what is drawn twice is the same.

const number = (value) => String(Math.round(value * 100) / 100);

export function escape(text) {
  const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  // Control characters are none that XML can hold.
  return String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"]/g, (sign) => signs[sign]);
}

const ANCHORS = { left: "start", center: "middle", right: "end" };
const BASELINES = { top: "hanging", middle: "central", alphabetic: "alphabetic" };

export class SvgContext {
  constructor(width, height) {
    this.canvas = { clientWidth: width, clientHeight: height };
    this.parts = [];
    this.path = [];
    this.dash = [];
    this.clips = 0;
    this.open = []; // for each save: how many groups were opened since
    Object.assign(this, { strokeStyle: "#000", fillStyle: "#000", lineWidth: 1, lineJoin: "miter", globalAlpha: 1,
      font: "10px sans-serif", textAlign: "left", textBaseline: "alphabetic" });
  }

  setTransform() {} // the size of the SVG is in CSS pixels already

  clearRect() {}

  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(`M${number(x)} ${number(y)}`);
  }

  lineTo(x, y) {
    this.path.push(`${this.path.length ? "L" : "M"}${number(x)} ${number(y)}`);
  }

  closePath() {
    this.path.push("Z");
  }

  rect(x, y, width, height) {
    this.path.push(`M${number(x)} ${number(y)}h${number(width)}v${number(height)}h${number(-width)}Z`);
  }

  // Whole circles only.
  arc(x, y, radius) {
    const r = number(radius);
    this.path.push(`M${number(x - radius)} ${number(y)}a${r} ${r} 0 1 0 ${number(2 * radius)} 0a${r} ${r} 0 1 0 ${number(-2 * radius)} 0Z`);
  }

  fillRect(x, y, width, height) {
    this.parts.push(`<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}"${this.#fill()}/>`);
  }

  fill() {
    if (this.path.length) this.parts.push(`<path d="${this.path.join("")}"${this.#fill()}/>`);
  }

  stroke() {
    if (!this.path.length) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(number).join(" ")}"` : "";
    const look = `stroke="${escape(this.strokeStyle)}" stroke-width="${number(this.lineWidth)}" stroke-linejoin="${this.lineJoin}"`;
    this.parts.push(`<path d="${this.path.join("")}" fill="none" ${look}${dash}${this.#alpha()}/>`);
  }

  fillText(text, x, y) {
    const [, weight, size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    const look = `font-size="${size ?? 10}" font-family="${escape(family ?? "sans-serif")}"${weight ? ` font-weight="${weight}"` : ""}`;
    const place = `text-anchor="${ANCHORS[this.textAlign] ?? "start"}" dominant-baseline="${BASELINES[this.textBaseline] ?? "alphabetic"}"`;
    this.parts.push(`<text x="${number(x)}" y="${number(y)}" ${look} ${place}${this.#fill()}>${escape(text)}</text>`);
  }

  save() {
    this.open.push(0);
  }

  // Only before anything is drawn in a `save`, as the curves do.
  clip() {
    const id = `clip${this.clips++}-${SvgContext.count++}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path.join("")}"/></clipPath><g clip-path="url(#${id})">`);
    if (this.open.length) this.open[this.open.length - 1] += 1;
  }

  restore() {
    this.parts.push("</g>".repeat(this.open.pop() ?? 0));
  }

  toString() {
    return this.parts.join("");
  }

  #fill() {
    return ` fill="${escape(this.fillStyle)}"${this.#alpha()}`;
  }

  #alpha() {
    return this.globalAlpha === 1 ? "" : ` opacity="${number(this.globalAlpha)}"`;
  }
}

SvgContext.count = 0;
