import assert from "node:assert/strict";
import { test } from "node:test";

import { drawCurves } from "../../pages/components/chart_export/live_curves.js";
import { escape, SvgContext } from "../../pages/components/chart_export/svg_context.js";
import { addressOf } from "../../pages/components/copy_link/address.js";

test("a link has what the defaults of a page leave out, and keeps the rest", () => {
  assert.equal(addressOf("http://a/evaluate?split=All&run=old#x", { model: "new", image: "a b&c" }),
    "http://a/evaluate?split=All&model=new&image=a+b%26c");
  assert.equal(addressOf("http://a/b/?x=1", {}), "http://a/b/?x=1");
});

test("markup in names is inert, and what XML cannot hold is left out", () => {
  assert.equal(escape('<b> & "c"\u0001'), "&lt;b&gt; &amp; &quot;c&quot;");
});

test("what is drawn is written as SVG", () => {
  const context = new SvgContext(100, 50);
  context.strokeStyle = "#ff0000";
  context.setLineDash([4, 2]);
  context.beginPath();
  context.moveTo(1, 2);
  context.lineTo(3.14159, 4);
  context.stroke();
  context.globalAlpha = 0.5;
  context.font = "600 13px Sans";
  context.textAlign = "right";
  context.fillText("a < b", 5, 6);
  assert.equal(String(context),
    '<path d="M1 2L3.14 4" fill="none" stroke="#ff0000" stroke-width="1" stroke-linejoin="miter" stroke-dasharray="4 2"/>' +
    '<text x="5" y="6" font-size="13" font-family="Sans" font-weight="600" text-anchor="end" dominant-baseline="alphabetic" ' +
    'fill="#000" opacity="0.5">a &lt; b</text>');
});

test("a clip ends with its restore", () => {
  const context = new SvgContext(9, 9);
  context.save();
  context.beginPath();
  context.rect(0, 0, 5, 5);
  context.clip();
  context.fillRect(1, 1, 2, 2);
  context.restore();
  assert.match(String(context), /^<clipPath id="[^"]+"><path d="M0 0h5v5h-5Z"\/><\/clipPath><g clip-path="url\(#[^)]+\)"><rect .*<\/g>$/);
});

test("the live curves are drawn with all their panels, and hidden lines are left out", () => {
  globalThis.window = { devicePixelRatio: 2 };
  const theme = { grid: "#eee", soft: "#555", text: "#111", background: "#fff", font: "Sans", orange: "#e69f00" };
  const line = (name, hidden) => ({ name, color: `#${name}`, hidden, n: 3, x: [1, 2, 3], y: [0.5, 0.4, 0.3] });
  const panel = (title, ...lines) => ({ title, lines, y: null, canvas: { clientWidth: 400, clientHeight: 200 } });
  const panels = [panel("Loss", line("aaa111", false), line("bbb222", true), line("ccc333", false)), panel("Dice", line("ddd444", false))];
  const view = { x: [1, 3], kind: "step", marks: [], cursor: 2, picked: null, theme };
  const svg = drawCurves({ panels, view });
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="400" height="442"/);
  for (const word of [">Loss<", ">Dice<", "#aaa111", "#ccc333", "#ddd444", ">aaa111<"]) assert.ok(svg.includes(word), word);
  assert.ok(!svg.includes("#bbb222"));
  assert.equal(svg.split("<g").length, svg.split("</g>").length);
  assert.equal(panels[0].scale, undefined, "what the page shows is left as it was");
});
