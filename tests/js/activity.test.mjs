import assert from "node:assert/strict";
import test from "node:test";

import { Watch } from "../../pages/components/activity/watch.js";
import { chipOf, notificationOf, roughly, titleWith } from "../../pages/components/activity/words.js";

const RUN = { id: "a", name: "Nuclei", state: "running", stage: "", percent: 43, left: 125, };
const IDLE = { run: null, waiting: 0, jobs: [], ended: null };
const ENDED = { id: "a", name: "Nuclei", state: "finished", dice: 0.8712 };

test("a run that trains", () => {
  const chip = chipOf({ ...IDLE, run: RUN, waiting: 2 });
  assert.deepEqual(chip, { text: "Training 43% · 2 min left · 2 queued", spoken: "Training", percent: 43, mark: "(43%)", tone: "", run: "a" });
  assert.equal(chipOf({ ...IDLE, run: RUN, waiting: 2 }, true).text, "Training 43%");
  assert.equal(chipOf({ ...IDLE, run: { ...RUN, left: null } }).text, "Training 43%");
  assert.equal(chipOf({ ...IDLE, run: { ...RUN, state: "paused" } }).text, "Paused 43%");
});

test("the state alone is read out, not each percent", () => {
  const spoken = [42, 43, 44].map((percent) => chipOf({ ...IDLE, run: { ...RUN, percent } }).spoken);
  assert.deepEqual(new Set(spoken), new Set(["Training"]));
});

test("a run that starts names its stage and has no percent", () => {
  const chip = chipOf({ ...IDLE, run: { ...RUN, percent: null, left: null, stage: "Reading images (180)" } });
  assert.deepEqual([chip.text, chip.mark, chip.spoken], ["Starting · Reading images (180)", "", "Starting"]);
});

test("a run that is over, and nothing", () => {
  assert.deepEqual([chipOf({ ...IDLE, ended: ENDED }).text, chipOf({ ...IDLE, ended: ENDED }).mark], ["✓ Training finished", "✓"]);
  const failed = chipOf({ ...IDLE, ended: { ...ENDED, state: "failed" } }, true);
  assert.deepEqual([failed.text, failed.mark, failed.tone], ["⚠ failed", "⚠", "bad"]);
  assert.equal(chipOf({ ...IDLE, run: RUN, ended: ENDED }).mark, "(43%)");
  assert.equal(chipOf(IDLE), null);
});

test("jobs show where no run trains", () => {
  const jobs = [{ label: "Evaluating", percent: 12 }, { label: "Downloading", percent: 50 }];
  assert.equal(chipOf({ ...IDLE, jobs }).text, "Evaluating 12% +1");
  assert.equal(chipOf({ ...IDLE, jobs }, true).text, "Evaluating 12%");
  assert.equal(chipOf({ ...IDLE, jobs: [{ label: "Reading a dataset", percent: 7 }] }, true).text, "Reading 7%");
  assert.equal(chipOf({ ...IDLE, jobs, run: RUN }).text, "Training 43% · 2 min left");
});

test("an estimate is rounded", () => {
  assert.deepEqual([3, 48, 89, 125, 3700, 8000].map(roughly), ["5 s", "50 s", "90 s", "2 min", "1 h 2 min", "2 h 13 min"]);
});

test("a title has one mark", () => {
  assert.equal(titleWith("Train · UNet Studio", "(43%)"), "(43%) Train · UNet Studio");
  assert.equal(titleWith("(43%) Train · UNet Studio", "(44%)"), "(44%) Train · UNet Studio");
  assert.equal(titleWith("(99%) Train · UNet Studio", "✓"), "✓ Train · UNet Studio");
  assert.equal(titleWith("✓ Train · UNet Studio", ""), "Train · UNet Studio");
});

test("a notification says what and how good", () => {
  assert.deepEqual(notificationOf(ENDED), ["Training finished", "Nuclei. Best Dice 0.871."]);
  assert.deepEqual(notificationOf({ ...ENDED, state: "failed", dice: null }), ["Training failed", "Nuclei."]);
});

test("the end of a run is told once", () => {
  const watch = new Watch();
  assert.equal(watch.take({ run: RUN, ended: null }), null);
  assert.equal(watch.watched, "a");
  assert.deepEqual(watch.take({ run: null, ended: ENDED }), ENDED);
  assert.deepEqual(watch.ended, ENDED);
  assert.equal(watch.take({ run: null, ended: null }), null);
  watch.dismiss();
  assert.equal(watch.ended, null);
});

test("the next run of the queue comes after the end of the one before", () => {
  const watch = new Watch({ watched: "a" });
  const next = { ...RUN, id: "b" };
  assert.equal(watch.take({ run: next, ended: null }), null); // it was asked before the first had ended
  assert.equal(watch.watched, "a");
  assert.deepEqual(watch.take({ run: next, ended: ENDED }), ENDED);
  assert.equal(watch.watched, "b");
  watch.take({ run: next, ended: null });
  assert.deepEqual(watch.take({ run: null, ended: { ...ENDED, id: "b", state: "failed" } }).state, "failed");
});

test("a run that was deleted is nothing to tell of, nor is one that nobody watched", () => {
  const watch = new Watch({ watched: "a" });
  assert.equal(watch.take({ run: null, ended: { ...ENDED, state: "gone" } }), null);
  assert.deepEqual([watch.watched, watch.ended], ["", null]);
  assert.equal(watch.take({ run: null, ended: ENDED }), null);
});
