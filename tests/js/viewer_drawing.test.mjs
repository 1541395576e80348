import assert from "node:assert/strict";
import test from "node:test";

import { haloOf, packed, ramp, RAMPS, rgb } from "../../pages/components/viewer/drawing/colors.js";
import { eachTile, everyTile, geometry, geometryOf, levelFor, someTile } from "../../pages/components/viewer/drawing/geometry.js";
import { lookOf } from "../../pages/components/viewer/drawing/look.js";
import { classify, colorize, ERRORS, IGNORE, rim, sample } from "../../pages/components/viewer/drawing/paint.js";
import { barLength } from "../../pages/components/viewer/drawing/scale_bar.js";

const { true_positive: TP, false_positive: FP, false_negative: FN } = ERRORS;

test("colors are packed as a canvas has them in memory: red, green, blue, alpha", () => {
  assert.deepEqual(rgb("#e69f00"), [230, 159, 0]);
  assert.equal(packed([1, 2, 3], 4), 0x04030201);
  assert.deepEqual([...new Uint8Array(Uint32Array.of(packed(rgb("#e69f00"))).buffer)], [230, 159, 0, 255]);
});

test("a ramp goes straight from stop to stop", () => {
  const gray = ramp(["#000000", "#ffffff"]);
  assert.deepEqual([0, 1, 128, 255].map((value) => gray[value] & 255), [0, 1, 128, 255]);
  assert.equal(RAMPS.heat[0], packed(rgb("#440154")));
  assert.equal(RAMPS.heat[255], packed(rgb("#fde725")));
  assert.equal(RAMPS.uncertainty[0], packed([0, 0, 0]));
});

test("the part of a buffer that the image covers", () => {
  const { left, right, top, bottom } = geometry(100, 80, 2, 10, 5, [40, 30]);
  assert.deepEqual([left, right, top, bottom], [0, 60, 0, 50]);
  const around = geometry(100, 80, 1, -30, -20, [40, 30]);
  assert.deepEqual([around.left, around.right, around.top, around.bottom], [30, 70, 20, 50]);
  const g = geometryOf({ scale: 2, x: 20, y: 15 }, [40, 30], 100, 80, 1);
  assert.deepEqual([g.k, g.u, g.v, g.left, g.right], [2, -5, -5, 10, 90]);
});

test("each pixel belongs to one tile: that of its middle", () => {
  for (const [k, u, v] of [[1, 0, 0], [2.7, 3.1, -4.4], [0.31, -20, 7.7], [13, 15.5, 15.9]]) {
    const g = geometry(64, 48, k, u, v, [70, 50]);
    const owner = Array(64 * 48).fill(null);
    eachTile(g, 16, (column, row, left, right, top, bottom) => {
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          assert.equal(owner[y * 64 + x], null);
          owner[y * 64 + x] = [column, row];
        }
      }
    });
    for (let y = 0; y < 48; y++) {
      for (let x = 0; x < 64; x++) {
        const [px, py] = [u + (x + 0.5) / k, v + (y + 0.5) / k];
        const inside = px >= 0 && py >= 0 && px < 70 && py < 50;
        assert.deepEqual(owner[y * 64 + x], inside ? [Math.floor(px / 16), Math.floor(py / 16)] : null);
      }
    }
  }
});

test("every tile is asked, some only until one says yes", () => {
  const g = geometry(32, 32, 1, 0, 0, [32, 32]);
  const asked = [];
  const ask = (answer) => (column, row) => (asked.push([column, row]), answer);
  assert.deepEqual([everyTile(g, 16, ask(false)), asked.length], [false, 4]);
  assert.deepEqual([someTile(g, 16, ask(true)), asked.length], [true, 5]);
  assert.equal(everyTile(geometry(8, 8, 1, 99, 99, [32, 32]), 16, () => false), true); // nothing is in view
});

test("the level is the coarsest that is as fine as the screen", () => {
  assert.deepEqual([4, 1, 0.6, 0.5, 0.49, 0.25, 0.01].map((k) => levelFor(k, 3)), [0, 0, 0, 1, 1, 2, 3]);
});

test("sampling takes the nearest value, and says whether a tile is missing", () => {
  const tile = { data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2 };
  const out = new Uint8Array(16);
  assert.equal(sample(out, geometry(4, 4, 2, 0, 0, [2, 2]), 0, 2, () => tile), true);
  assert.deepEqual([...out], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  const reduced = new Uint8Array(16);
  assert.equal(sample(reduced, geometry(4, 4, 1, 0, 0, [4, 4]), 1, 2, () => tile), true); // the same at half the size
  assert.deepEqual([...reduced], [...out]);
  const partial = new Uint8Array(8).fill(9);
  assert.equal(sample(partial, geometry(4, 2, 1, 0, 0, [4, 2]), 0, 2, (column) => (column ? null : tile)), false);
  assert.deepEqual([...partial], [1, 2, 9, 9, 3, 4, 9, 9]);
});

const ROW = (width) => geometry(width, 1, 1, 0, 0, [width, 1]);
const inside = Uint8Array.from({ length: 256 }, (_, value) => +(value > 127.5));

test("errors of a binary mask: true positive, false positive, false negative, ignored", () => {
  const probability = Uint8Array.of(0, 255, 128, 127, 255, 0);
  const truth = Uint8Array.of(0, 1, 0, 1, IGNORE, IGNORE);
  const kinds = new Uint8Array(6);
  classify(kinds, { probability, truth }, ROW(6), { mode: "errors", inside, settled: false });
  assert.deepEqual([...kinds], [0, TP, FP, FN, 0, 0]);
  classify(kinds, { probability }, ROW(6), { mode: "mask", inside, settled: false });
  assert.deepEqual([...kinds], [0, 1, 1, 0, 1, 0]);
  classify(kinds, { mask: Uint8Array.of(0, 127, 128, 255, 0, 0) }, ROW(6), { mode: "mask", inside, settled: true });
  assert.deepEqual([...kinds], [0, 0, 1, 1, 0, 0]);
});

test("errors of several classes are wrong classes", () => {
  const kinds = new Uint8Array(4);
  const layers = { classes: Uint8Array.of(0, 2, 3, 1), truth: Uint8Array.of(0, 1, 3, IGNORE), probability: Uint8Array.of(5, 6, 7, 8) };
  classify(kinds, layers, ROW(4), { mode: "errors", multiclass: true });
  assert.deepEqual([...kinds], [0, FP, 0, 0]);
  classify(kinds, layers, ROW(4), { mode: "mask", multiclass: true });
  assert.deepEqual([...kinds], [0, 2, 3, 1]);
  classify(kinds, layers, ROW(4), { mode: "heat", multiclass: true });
  assert.deepEqual([...kinds], [5, 6, 7, 8]);
  classify(kinds, layers, ROW(4), { mode: "truth", multiclass: true });
  assert.deepEqual([...kinds], [0, 1, 3, IGNORE]);
});

const ORANGE = packed([230, 159, 0]);
const COLORS = new Uint32Array(256);
COLORS[1] = ORANGE;
const HALOS = new Uint32Array(256);

// A square of 5 x 5 in a buffer of 7 x 7, with what `colorize` makes of it: "." nothing, "#" full, "o" thin.
function drawn(style, labels = null, width = 1) {
  const g = geometry(7, 7, 1, 0, 0, [7, 7]);
  const kinds = new Uint8Array(49);
  for (let y = 1; y < 6; y++) kinds.fill(1, 7 * y + 1, 7 * y + 6);
  const out = new Uint32Array(49);
  colorize(out, kinds, labels, g, { colors: COLORS, halos: HALOS, halo: 1, style, width });
  const sign = (color) => (color === ORANGE ? "#" : color === 0 ? "." : "o");
  return [1, 3].map((y) => [...out.subarray(7 * y, 7 * y + 7)].map(sign).join(""));
}

test("areas are filled, outlined, or both", () => {
  assert.deepEqual(drawn("fill"), [".#####.", ".#####."]);
  assert.deepEqual(drawn("outline"), [".#####.", ".#...#."]);
  assert.deepEqual(drawn("both"), [".#####.", ".#ooo#."]);
  assert.deepEqual(drawn("outline", null, 2), [".#####.", ".##.##."]);
  const out = new Uint32Array(9);
  colorize(out, new Uint8Array(9).fill(1), null, geometry(3, 3, 1, 0, 0, [3, 3]), { colors: COLORS, halos: HALOS, halo: 1, style: "both", width: 1 });
  assert.equal(out[4] >>> 24, 63); // a quarter of opaque
});

test("an outline has a halo on the bare pixels around it, white where its color is dark", () => {
  assert.deepEqual(["#e69f00", "#66ff00", "#0072b2", "#d50032"].map((hex) => haloOf(packed(rgb(hex)))),
    [0xff000000, 0xff000000, 0xffffffff, 0xffffffff]);
  const halos = COLORS.map((color) => color && haloOf(color));
  const g = geometry(7, 7, 1, 0, 0, [7, 7]);
  const kinds = new Uint8Array(49);
  for (let y = 2; y < 5; y++) kinds.fill(1, 7 * y + 2, 7 * y + 5);
  const signs = (halo) => {
    const out = new Uint32Array(49);
    colorize(out, kinds, null, g, { colors: COLORS, halos, halo, style: "outline", width: 1 });
    const sign = { [ORANGE]: "#", 0xff000000: "b" };
    return [0, 1, 3].map((y) => [...out.subarray(7 * y, 7 * y + 7)].map((color) => sign[color] ?? ".").join(""));
  };
  assert.deepEqual(signs(1), [".......", "..bbb..", ".b#.#b."]);
  assert.deepEqual(signs(2), ["..bbb..", "..bbb..", "bb#.#bb"]);
});

test("objects that touch are outlined apart", () => {
  const labels = Int32Array.from({ length: 49 }, (_, i) => (i % 7 < 3 ? 1 : 2));
  assert.deepEqual(drawn("outline", labels), [".#####.", ".###.#."]);
});

test("a rim is white inside the object and black outside", () => {
  const labels = new Int32Array(49);
  for (let y = 2; y < 5; y++) labels.fill(5, 7 * y + 2, 7 * y + 5);
  const out = new Uint32Array(49);
  rim(out, labels, geometry(7, 7, 1, 0, 0, [7, 7]), 5, 1);
  const row = (y) => [...out.subarray(7 * y, 7 * y + 7)].map((color) => ({ 0xffffffff: "w", 0xff000000: "b" })[color] ?? ".").join("");
  assert.deepEqual([row(1), row(2), row(3)], ["..bbb..", ".bwwwb.", ".bw.wb."]);
});

const DATA = { layers: { image: {}, probability: {}, mask: {}, labels: {}, truth: {} }, multiclass: false, mask_threshold: 0.5,
  errors: { true_positive: "#00ff00", false_positive: "#ff0000", false_negative: "#0000ff" } };
const SETTINGS = { threshold: 0.5, style: "outline", color: "#e69f00", selected: null, hidden: [] };
const context = (more = {}) => ({ dragged: null, maskIsLoaded: () => true, width: 2, halo: 1, ...more });

test("Python's mask and objects are drawn at the threshold that they were made at", () => {
  const look = lookOf(DATA, SETTINGS, "mask", context());
  assert.deepEqual([look.settled, look.objectsValid, look.labels, look.needs], [true, true, true, ["mask", "labels"]]);
  const moved = lookOf(DATA, { ...SETTINGS, threshold: 0.6 }, "mask", context());
  assert.deepEqual([moved.settled, moved.objectsValid, moved.needs], [false, false, ["probability"]]);
  const dragged = lookOf(DATA, SETTINGS, "mask", context({ dragged: "threshold" }));
  assert.equal(dragged.settled, false);
  assert.equal(lookOf(DATA, SETTINGS, "mask", context({ dragged: "opacity" })).settled, true);
});

test("until the mask has come the probability is drawn", () => {
  const look = lookOf(DATA, SETTINGS, "errors", context({ maskIsLoaded: () => false }));
  assert.deepEqual([look.settled, look.maskIsAwaited, look.needs], [false, true, ["probability", "truth"]]);
});

test("a pixel is foreground where its probability is above the threshold", () => {
  const { inside: half } = lookOf(DATA, SETTINGS, "mask", context());
  assert.deepEqual([127, 128].map((value) => half[value]), [0, 1]);
  const { inside: none } = lookOf(DATA, { ...SETTINGS, threshold: 1 }, "mask", context());
  assert.equal(none[255], 0);
});

test("each mode has its colors", () => {
  const colors = (mode, data = DATA, settings = SETTINGS) => lookOf(data, settings, mode, context()).colors;
  assert.deepEqual([...colors("mask").subarray(0, 3)], [0, ORANGE, 0]);
  assert.deepEqual([TP, FP, FN].map((kind) => colors("errors")[kind]), ["#00ff00", "#ff0000", "#0000ff"].map((hex) => packed(rgb(hex))));
  assert.deepEqual(colors("heat"), RAMPS.heat);
  assert.equal(lookOf(DATA, SETTINGS, "heat", context()).style, "fill");
  const classes = { ...DATA, multiclass: true, colors: ["#000001", "#000002", "#000003"] };
  assert.deepEqual([...colors("mask", classes, { ...SETTINGS, hidden: [1] }).subarray(0, 3)],
    [packed([0, 0, 1]), 0, packed([0, 0, 3])]);
});

test("a scale bar has a round length", () => {
  assert.deepEqual([7, 30, 10, 0.4, 2500, 999].map(barLength), [[5, "5 µm"], [20, "20 µm"], [10, "10 µm"], [0.2, "200 nm"],
    [2000, "2 mm"], [500, "500 µm"]]);
});
