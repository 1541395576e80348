// Contrast of the viewer: intensities to gray levels, limits, the range of the sliders, tiles that come as differences.

import assert from "node:assert/strict";
import { test } from "node:test";

import { intensityText, rangeOf } from "../../pages/components/viewer/contrast.js";
import { limitsOf, paintTone, sumUp, tableOf, toneOf } from "../../pages/components/viewer/drawing/tone.js";

const LAYER = { auto: [100, 300], bounds: [0, 4000], shown: "uint16" };

test("intensities between the limits go from black to white", () => {
  const levels = [0, 100, 150, 200, 300, 4000].map((value) => toneOf(value, [100, 300], 1, false));
  assert.deepEqual(levels, [0, 0, 64, 128, 255, 255]);
  assert.deepEqual([100, 200, 300].map((value) => toneOf(value, [100, 300], 1, true)), [255, 128, 0]);
  assert.equal(toneOf(150, [100, 300], 2, false), 128); // the root of a quarter
  assert.deepEqual([4, 5, 6].map((value) => toneOf(value, [5, 5], 1, false)), [0, 0, 255]);
});

test("a table holds the same for every level of a type of integers", () => {
  const table = tableOf("uint8", [10, 200], 1.5, true);
  assert.deepEqual(Array.from(table), Array.from({ length: 256 }, (_, value) => toneOf(value, [10, 200], 1.5, true)));
  assert.equal(tableOf("uint16", [0, 65535], 1, false)[65535], 255);
  assert.equal(tableOf("float32", [0, 1], 1, false), null);
});

test("full range shows 8 bits as they are stored", () => {
  assert.deepEqual(Array.from(tableOf("uint8", [0, 255], 1, false)), Array.from({ length: 256 }, (_, value) => value));
});

test("gray is painted gray and RGB in its colors, without transparency", () => {
  const out = new Uint32Array(2);
  paintTone(out, Float32Array.of(0.5, 7), 1, { table: null, limits: [0, 1], gamma: 1, inverted: false });
  assert.deepEqual([...new Uint8Array(out.buffer)], [128, 128, 128, 255, 255, 255, 255, 255]);
  const table = tableOf("uint8", [0, 255], 1, false);
  paintTone(out, Uint8Array.of(1, 2, 3, 250, 0, 9), 3, { table, limits: [0, 255], gamma: 1, inverted: false });
  assert.deepEqual([...new Uint8Array(out.buffer)], [1, 2, 3, 255, 250, 0, 9, 255]);
});

test("differences add up to the pixels, row by row and channel by channel", () => {
  const rows = Uint8Array.of(250, 10, 0, 10, 246, 1, 7, 7, 7, 1, 0, 255);
  assert.deepEqual([...sumUp(rows, 2, 3)], [250, 10, 0, 4, 0, 1, 7, 7, 7, 8, 7, 6]);
  assert.deepEqual([...sumUp(Uint16Array.of(65535, 2, 5, 1), 2, 1)], [65535, 1, 5, 6]);
});

test("the limits are the reader's unless the image lies outside them", () => {
  assert.deepEqual(limitsOf(LAYER, { limits: null }), [100, 300]);
  assert.deepEqual(limitsOf(LAYER, { limits: [5, 50] }), [5, 50]);
  assert.deepEqual(limitsOf(LAYER, { limits: [5000, 9000] }), [100, 300]);
});

test("the sliders reach a little beyond the automatic limits, never beyond the image", () => {
  assert.deepEqual(rangeOf(LAYER, LAYER.auto), [0, 550]);
  assert.deepEqual(rangeOf(LAYER, [100, 3000]), [0, 3000]);
  assert.deepEqual(rangeOf({ auto: [5, 250], bounds: [0, 255] }, [5, 250]), [0, 255]);
  assert.equal(intensityText(12.6, "uint16"), "13");
  assert.equal(intensityText(0.123456, "float32"), "0.1235");
});
