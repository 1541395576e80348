import assert from "node:assert/strict";
import test from "node:test";

import { blend } from "../../pages/components/snapshots/blend.js";
import { SnapshotFeed } from "../../pages/components/snapshots/feed.js";
import { indexAt } from "../../pages/components/snapshots/sparkline.js";
import { trendText } from "../../pages/components/snapshots/trend.js";

test("the trend names the epoch that reached a good Dice, else the best, and the largest fall", () => {
  const epochs = [2, 4, 6, 8];
  assert.equal(trendText([0.1, 0.8, 0.85, 0.9], epochs), "Dice reached 0.8 at epoch 4.");
  assert.equal(trendText([0.1, 0.3, 0.25, null], epochs), "Best Dice 0.30 at epoch 4.");
  assert.equal(trendText([0.9, 0.3, 0.5, 0.2], epochs), "Dice reached 0.8 at epoch 2. Fell from 0.90 to 0.30 at epoch 4.");
  assert.equal(trendText([0.5, null, 0.35, 0.4], epochs), "Best Dice 0.50 at epoch 2. Fell from 0.50 to 0.35 at epoch 6.");
  assert.equal(trendText([null, null, null, null], epochs), "Dice is undefined.");
});

const pixels = (...values) => ({ width: values.length, height: 1, data: Uint8ClampedArray.from(values.flatMap((v) => [v, v, v, 255])) });
const COLORS = [[0, 0, 0], [200, 100, 0]];

test("a mask lies over the image; the ignored and a binary background stay bare", () => {
  const drawn = blend(pixels(100, 100, 100), pixels(0, 1, 255), COLORS, true);
  assert.deepEqual([...drawn.data], [100, 100, 100, 255, 145, 100, 55, 255, 100, 100, 100, 255]);
  const classes = blend(pixels(100, 100), pixels(0, 1), COLORS, false);
  assert.deepEqual([...classes.data].slice(0, 3), [55, 55, 55]);
});

test("what is missing is not drawn", () => {
  assert.deepEqual([...blend(pixels(9, 9), null, COLORS, true).data], [9, 9, 9, 255, 9, 9, 9, 255]);
  assert.deepEqual([...blend(pixels(9, 9), pixels(1), COLORS, true).data], [9, 9, 9, 255, 9, 9, 9, 255]); // another size
  assert.deepEqual([...blend(null, pixels(0, 1), COLORS, true).data].slice(0, 7), [255, 255, 255, 255, 230, 185, 140]);
  assert.equal(blend(null, null, COLORS, true), null);
});

test("a click on the curve chooses the nearest epoch", () => {
  assert.deepEqual([4, 13, 15, 54, 104].map((x) => indexAt(x, 108, 11)), [0, 1, 1, 5, 10]);
});

// A server with these answers in turn; `feed.asked` has what was asked.
function feedOf(...answers) {
  const feed = new SnapshotFeed("run", new AbortController().signal);
  feed.asked = [];
  feed.ask = async (path, query) => {
    feed.asked.push([path, query?.since]);
    return answers.shift();
  };
  return feed;
}

const PROBES = { probes: [{ name: "a", image: null, truth: null }], colors: COLORS, bare: true };

test("a feed adds new epochs in their order and fetches the examples once", async () => {
  const feed = feedOf(
    { count: 2, epochs: [[3, [0.5], 30], [1, [0.1], 10]] }, PROBES,
    { count: 3, epochs: [[5, [0.7], 50]] },
    { count: 3, epochs: [] },
  );
  assert.deepEqual(await feed.update(), { epochs: true, examples: true });
  assert.deepEqual(await feed.update(), { epochs: true, examples: false });
  assert.deepEqual(await feed.update(), { epochs: false, examples: false });
  assert.deepEqual(feed.rows.map((row) => row.epoch), [1, 3, 5]);
  assert.deepEqual(feed.asked, [["", 0], ["/probes", undefined], ["", 30], ["", 50]]);
  assert.deepEqual([0, 2, 3, 4, 5, 99].map((epoch) => feed.indexNear(epoch)), [0, 0, 1, 1, 2, 2]);
});

test("a feed begins anew where epochs are gone", async () => {
  const feed = feedOf(
    { count: 2, epochs: [[1, [0.1], 10], [2, [0.2], 20]] }, PROBES,
    { count: 1, epochs: [] },
    { count: 1, epochs: [[1, [0.1], 10]] },
  );
  await feed.update();
  assert.deepEqual(await feed.update(), { epochs: true, examples: false });
  assert.deepEqual(feed.rows.map((row) => row.epoch), [1]);
  assert.deepEqual(feed.asked.slice(2), [["", 20], ["", 0]]);
});

test("masks are fetched once, and again after a failure", async () => {
  const feed = feedOf({ count: 2, epochs: [[1, [0.1], 10], [2, [0.2], 20]] }, PROBES, { masks: [null] }, { masks: [null] });
  await feed.update();
  feed.prefetch([1, 2, -1]);
  assert.deepEqual(await feed.masksAt(1), [null]);
  assert.deepEqual(await feed.masksAt(1), [null]);
  assert.deepEqual(feed.asked.slice(2), [["/2", undefined]]);
  const { ask } = feed;
  feed.ask = async () => {
    throw new Error("status 500");
  };
  await assert.rejects(feed.masksAt(0), /500/);
  feed.ask = ask;
  assert.deepEqual(await feed.masksAt(0), [null]);
});
