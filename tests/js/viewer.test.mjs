import assert from "node:assert/strict";
import test from "node:test";

import { viewFileName } from "../../pages/components/viewer/download.js";
import { Objects } from "../../pages/components/viewer/objects.js";
import { className, readoutText, readValues } from "../../pages/components/viewer/readout.js";
import { SettingsSync } from "../../pages/components/viewer/settings.js";
import { levelsOf, Tiles, tileShape } from "../../pages/components/viewer/tiles.js";
import { CLOSEST, Viewport } from "../../pages/components/viewer/viewport.js";

const near = (actual, expected) =>
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) < 1e-9, `${actual} is not ${expected}`));

function viewport(key = String(Math.random())) {
  const view = new Viewport(key, 200, 100);
  view.resize(400, 400);
  return view;
}

test("an image fits at first, and what fits still fits in a stage of another size", () => {
  const view = viewport();
  assert.deepEqual([view.scale, view.x, view.y, view.fitted], [2, 100, 50, true]);
  view.resize(100, 100);
  assert.deepEqual([view.scale, view.fitted], [0.5, true]);
});

test("linked viewers look at the same place, whichever is moved, and others stay", () => {
  const followed = [];
  const linked = (name, link = "duel") => {
    const view = new Viewport(`${name} of linked`, 200, 100, { link, key: name }, () => followed.push(name));
    view.resize(400, 400);
    return view;
  };
  const [first, second, third, alone] = [linked("a"), linked("b"), linked("c", "another"), linked("d", "")];
  first.zoom(4, 100, 150);
  near([second.scale, second.x, second.y], [first.scale, first.x, first.y]);
  assert.equal(second.fitted, false);
  second.pan(-40, 20);
  near([first.scale, first.x, first.y], [second.scale, second.x, second.y]);
  assert.deepEqual(followed, ["b", "a"]);
  for (const other of [third, alone]) assert.deepEqual([other.scale, other.fitted], [2, true]);
  const next = new Viewport("a of another image", 200, 100, { link: "duel", key: "a" }, () => followed.push("next"));
  next.resize(400, 400);
  second.fit();
  assert.deepEqual(followed, ["b", "a", "next"]);
  assert.equal(first.fitted, false);
});

test("zooming leaves the position under the pointer where it is", () => {
  const view = viewport();
  const before = view.place(300, 180);
  view.zoom(3, 300, 180);
  assert.equal(view.scale, 6);
  near(view.place(300, 180), before);
  near(view.onStage(...before), [300, 180]);
});

test("zoom and pan have bounds", () => {
  const view = viewport();
  view.zoom(1e9);
  assert.equal(view.scale, CLOSEST);
  view.zoom(1e-9);
  assert.equal(view.scale, 0.5); // half of 1:1, since it fits at 2
  view.pan(1e6, -1e6);
  assert.deepEqual([view.x, view.y], [0, 100]);
});

test("pixels under the stage, null beside the image", () => {
  const view = viewport(); // the image covers 0..400, 100..300
  assert.deepEqual(view.pixelAt(0, 100), [0, 0]);
  assert.deepEqual(view.pixelAt(399, 299), [199, 99]);
  assert.equal(view.pixelAt(10, 99), null);
  assert.equal(view.pixelAt(400, 200), null);
});

test("a hidden object is brought to the middle, a visible one moves nothing", () => {
  const view = viewport();
  view.zoom(8, 0, 100);
  view.reveal([180, 80, 190, 90]);
  assert.deepEqual([view.x, view.y, view.scale], [185, 85, 16]);
  view.reveal([184, 84, 186, 86]);
  assert.deepEqual([view.x, view.y], [185, 85]);
});

test("a view is remembered for its image", () => {
  const view = viewport("one image");
  view.zoom(2, 10, 10);
  const again = viewport("one image");
  assert.deepEqual([again.isRemembered, again.scale, again.x, again.y], [true, view.scale, view.x, view.y]);
  assert.equal(viewport("another").isRemembered, false);
  view.fit();
  assert.equal(viewport("one image").fitted, true);
});

test("the coarsest level is one tile; tiles at the edge are smaller", () => {
  assert.deepEqual([[512, 512], [513, 10], [1024, 1024], [2100, 1100]].map((size) => levelsOf(size, 512)), [0, 1, 1, 3]);
  const size = [1100, 700];
  assert.deepEqual(tileShape(size, 512, 0, 0, 0), [512, 512]);
  assert.deepEqual(tileShape(size, 512, 0, 2, 1), [76, 188]);
  assert.deepEqual(tileShape(size, 512, 1, 1, 0), [38, 350]);
  assert.deepEqual(tileShape([1101, 701], 512, 2, 0, 0), [276, 176]); // a pixel at the edge may stand for fewer
});

const LAYERS = { image: { id: "a", dtype: "uint8", channels: 3 }, labels: { id: "b", dtype: "int32" } };

// Tiles of 4 x 4 true values over an image of 6 x 5, whose server answers with `reply(url)`.
function tilesOf(reply) {
  const told = [];
  const tiles = new Tiles(() => told.push("changed"), () => told.push("lost"));
  tiles.set("http://server/viewer", LAYERS, [6, 5], 4, 4);
  globalThis.fetch = async (url) => {
    told.push(url);
    return reply(url);
  };
  const settle = async () => {
    while (!tiles.idle) await new Promise((done) => setTimeout(done));
  };
  return { tiles, told, settle };
}

test("the value of a pixel is fetched with its tile, once", async () => {
  const numbers = Int32Array.from({ length: 8 }, (_, i) => 100 + i); // 2 wide, 4 high: at the right edge
  const { tiles, told, settle } = tilesOf(() => ({ status: 200, ok: true, arrayBuffer: async () => numbers.buffer }));
  assert.equal(tiles.at("labels", 5, 2), null);
  await settle();
  assert.deepEqual(tiles.at("labels", 5, 2), [105]);
  assert.deepEqual(tiles.at("labels", 4, 0), [100]);
  assert.deepEqual(told, ["http://server/viewer/values/b/1/0", "changed"]);
});

test("lost pixels are reported and not asked for again until retried", async () => {
  const { tiles, told, settle } = tilesOf(() => ({ status: 404 }));
  tiles.at("labels", 0, 0);
  await settle();
  assert.deepEqual(told, ["http://server/viewer/values/b/0/0", "lost", "changed"]);
  assert.equal(tiles.problem, "The server no longer has this image.");
  tiles.at("labels", 0, 0);
  assert.equal(tiles.idle, true);
  tiles.retry();
  tiles.at("labels", 0, 0);
  assert.equal(tiles.idle, false);
  await settle();
});

function syncOf(settings = { threshold: 0.5, selected: null }) {
  const told = [];
  const sync = new SettingsSync({
    send: ({ count, ...values }) => told.push(values),
    changed: () => {},
    adopted: (before, values) => told.push([before?.selected, values.selected]),
  });
  sync.adopt({ settings, count: null });
  told.length = 0;
  return { sync, told };
}

test("settings are sent when a control is let go, not while it moves, and not twice", () => {
  const { sync, told } = syncOf();
  sync.change("threshold", 0.6, false);
  sync.change("threshold", 0.7, false);
  assert.deepEqual([told, sync.dragged], [[], "threshold"]);
  sync.change("threshold", 0.7, true);
  assert.deepEqual([told, sync.dragged], [[{ threshold: 0.7, selected: null }], null]);
  sync.change("threshold", 0.7, true);
  assert.equal(told.filter((item) => !Array.isArray(item)).length, 1);
});

test("Python's settings count unless they are older than what was sent or something is dragged", () => {
  const { sync, told } = syncOf();
  sync.change("threshold", 0.7, true);
  sync.adopt({ settings: { threshold: 0.5, selected: null }, count: null }); // it has not heard yet
  assert.equal(sync.values.threshold, 0.7);
  sync.adopt({ settings: { threshold: 0.7, selected: 4 }, count: sync.count });
  assert.deepEqual([sync.values.selected, told.at(-1)], [4, [null, 4]]);
  sync.change("threshold", 0.2, false);
  sync.adopt({ settings: { threshold: 0.9, selected: null }, count: sync.count });
  assert.equal(sync.values.threshold, 0.2);
  const first = sync.count;
  sync.report();
  assert.ok(sync.count > first);
});

test("keys are sent when they rest", async () => {
  const { sync, told } = syncOf();
  const sent = new Promise((done) => (sync.send = (values) => done(values)));
  sync.change("threshold", 0.51, "soon");
  sync.change("threshold", 0.52, "soon");
  assert.deepEqual([told, sync.dragged], [[], "threshold"]);
  assert.equal((await sent).threshold, 0.52);
});

test("objects that come too late are not taken for others", async () => {
  const told = [];
  const objects = new Objects({ changed: () => told.push("changed"), lost: () => told.push("lost"), failed: () => told.push("failed") });
  const answers = {};
  globalThis.fetch = (url) => new Promise((done) => (answers[url] = (list) => done({ status: 200, json: async () => list })));
  const first = objects.load("root", "one");
  const second = objects.load("root", "two");
  answers["root/data/two"]([[7, 1, 1, 0, 0, 2, 2]]);
  answers["root/data/one"]([[1, 1, 1, 0, 0, 2, 2]]);
  await Promise.all([first, second]);
  assert.deepEqual([[...objects.byId.keys()], told], [[7], ["changed"]]);
  globalThis.fetch = async () => ({ status: 404 });
  await objects.load("root", "three");
  globalThis.fetch = async () => {
    throw new TypeError("offline");
  };
  await objects.load("root", "four");
  assert.deepEqual([objects.list, told], [[], ["changed", "lost", "failed"]]);
});

const BINARY = { layers: { image: {}, probability: { dtype: "float32" }, mask: {}, truth: {} }, multiclass: false,
  class_names: ["background", "cell"], pixel_size: 0.5 };

test("the read-out says what is drawn: the mask, or the probability against the threshold", () => {
  const arrays = { image: [1000], probability: [0.6], mask: [255], truth: [0] };
  const read = (look, threshold, values = arrays) =>
    readValues(BINARY, { threshold }, look, [3, 4], (name) => values[name] ?? null, 7);
  const settled = read({ settled: true }, 0.9);
  assert.deepEqual(settled, { x: 3, y: 4, intensity: [1000], probability: 0.6, uncertainty: null, class: 1, truth: 0, object: 7 });
  assert.equal(readoutText(settled, BINARY), "x 3, y 4  ·  1.50, 2.00 µm  ·  intensity 1000  ·  probability 0.600  ·  cell  ·  " +
    "ground truth: background  ·  object 7");
  assert.equal(read({ settled: false }, 0.59).class, 1);
  assert.equal(read({ settled: false }, 0.61).class, 0);
  const waiting = read({ settled: false }, 0.5, {});
  assert.deepEqual([waiting.class, waiting.truth, waiting.probability], [null, undefined, null]);
  assert.match(readoutText(waiting, BINARY), /·  …/);
});

test("the read-out of several classes, and of 8-bit probabilities", () => {
  const data = { layers: { image: {}, classes: {}, probability: { dtype: "uint8" } }, multiclass: true, class_names: ["sky"] };
  const arrays = { image: [1, 2, 0.123456789], classes: [2], probability: [51] };
  const values = readValues(data, { threshold: 0.5 }, {}, [0, 0], (name) => arrays[name], null);
  assert.equal(readoutText(values, data), "x 0, y 0  ·  red 1, green 2, blue 0.12346  ·  confidence 0.200  ·  class 2");
  const stack = { ...data, channels: [[2, "DAPI"], [0, "channel 0"]] };
  assert.match(readoutText(values, stack), /·  DAPI 0\.12346, channel 0 1  ·/);
  assert.deepEqual([0, 1, 255].map((index) => className(index, ["sky"])), ["sky", "class 1", "ignored"]);
});

test("the name of a download has no character that a file system refuses", () => {
  assert.equal(viewFileName("plate/cell 1.tif"), "plate_cell 1-view.png");
  assert.equal(viewFileName('a<b>:"c".png'), "a_b_c_-view.png");
  assert.equal(viewFileName(".png"), "image-view.png");
});
