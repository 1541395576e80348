import assert from "node:assert/strict";
import test from "node:test";

import { Columns } from "../../pages/components/live_chart/columns.js";
import { MARKS, markColor, markWords } from "../../pages/components/live_chart/marks.js";
import { progressTexts } from "../../pages/components/live_chart/progress.js";
import { indicesIn, rangeOf, scaleOf } from "../../pages/components/live_chart/scales.js";
import { seriesOf } from "../../pages/components/live_chart/series.js";
import { secondsText, stageRows } from "../../pages/components/live_chart/stages.js";
import { DebiasedAverage } from "../../pages/components/live_chart/smoothing.js";
import { isDark } from "../../pages/components/live_chart/theme.js";
import { logTicks, ticks, timeTicks } from "../../pages/components/live_chart/ticks.js";
import { tooltipLines } from "../../pages/components/live_chart/tooltip.js";

const close = (actual, expected, digits = 9) => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) < 10 ** -digits, `${actual} is not ${expected}`));
};

test("ticks are round", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 0.3, 3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(-1.5, 2, 4), [-1, 0, 1, 2]);
  assert.deepEqual(ticks(120, 930, 4), [500]);
  assert.deepEqual(ticks(1, 49_999, 5), [10_000, 20_000, 30_000, 40_000]);
  assert.deepEqual(ticks(0, 3, 10, true), [0, 1, 2, 3]);
  assert.deepEqual(ticks(0, 3, 10), [0, 0.5, 1, 1.5, 2, 2.5, 3]);
});

test("ticks of time are those of a clock", () => {
  close(timeTicks(0, 600, 5), [0, 120, 240, 360, 480, 600]);
  assert.deepEqual(timeTicks(10, 95, 4), [30, 60, 90]);
  close(timeTicks(0, 7200, 5), [0, 1800, 3600, 5400, 7200]);
  assert.deepEqual(timeTicks(0, 3, 5), [0, 1, 2, 3]);
});

test("logarithmic ticks are powers of ten, with 2 and 5 where there is room", () => {
  close(logTicks(-2, 0).map(([, value]) => value), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
  close(logTicks(-2, 0).map(([at]) => at), [-2, -1.69897, -1.30103, -1, -0.69897, -0.30103, 0], 5);
  close(logTicks(-4, 1).map(([, value]) => value), [1e-4, 1e-3, 0.01, 0.1, 1, 10]);
  assert.ok(logTicks(0.1, 0.2).length > 1); // none of those lies between: then evenly
});

test("smoothing is TensorBoard's moving average without bias", () => {
  const average = new DebiasedAverage(0.5);
  const values = [1, 1 / 2, 1 / 3].map((value) => average.add(value));
  close(values, [1, (0.5 * 1 + 0.5) / 1.5, (0.25 * 1 + 0.5 * 0.5 + 1 / 3) / 1.75]);
  const constant = new DebiasedAverage(0.99);
  close([3, 3, 3].map((value) => constant.add(value)), [3, 3, 3]);
  const none = new DebiasedAverage(0);
  close([1, 5, 2].map((value) => none.add(value)), [1, 5, 2]);
  const gaps = new DebiasedAverage(0.9);
  assert.ok(Number.isNaN(gaps.add(NaN)));
  close([gaps.add(2), gaps.add(NaN)], [2, 2]);
});

const BOX = { left: 50, right: 150, top: 10, bottom: 110 };

test("a scale goes to pixels and back", () => {
  const scale = scaleOf(BOX, [0, 10], [0, 1], false);
  assert.deepEqual([scale.px(0), scale.px(5), scale.px(10)], [50, 100, 150]);
  assert.deepEqual([scale.py(0), scale.py(0.25), scale.py(1)], [110, 85, 10]);
  assert.deepEqual([scale.xAt(100), scale.yAt(85)], [5, 0.25]);
  const log = scaleOf(BOX, [0, 10], [-2, 0], true);
  close([log.py(0.01), log.py(0.1), log.py(1)], [110, 60, 10]);
  assert.equal(log.yAt(60), -1);
});

const line = (y, more = {}) => ({ n: y.length, x: y.map((_, i) => i), y, ...more });

test("the range has room above, begins at 0 where that is near, and takes only what is in view", () => {
  close(rangeOf([line([0.2, 1])], false, [0, 1]), [0, 1.06]);
  close(rangeOf([line([10, 11])], false, [0, 1]), [9.94, 11.06]);
  close(rangeOf([line([0, 1]), line([0, 50], { hidden: true })], false, [0, 1]), [0, 1.06]);
  close(rangeOf([line([9, 1, 2, 1, 9])], false, [1.5, 2.5]), [0.94, 2.06]); // and the points that its line leads to
  close(rangeOf([line([0.01, 1, 0, -3])], true, [0, 9]), [-2.12, 0.12]);
  assert.deepEqual(rangeOf([line([NaN, NaN])], false, [0, 1]), [0, 1]);
  assert.deepEqual(rangeOf([], true, [0, 1]), [-1, 0]);
});

test("a single peak of the batch loss does not flatten the rest", () => {
  const y = Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1000 : 1 + (i % 2)));
  close(rangeOf([line(y, { faint: true })], false, [0, 999]), [0.94, 2.06]);
  assert.deepEqual(indicesIn(line(y), [10, 20]), [9, 21]);
});

// As the route /events answers; see unet_core/runs/chart_data.py.
const ANSWER = {
  reset: true,
  life: 3,
  to: 9,
  steps: { n: [[1, 3], [7, 1]], loss: [1, null, 0.5, 0.25], lr: [0.1, 0.1, 0.1, 0.2], t: [100, 50, 50, 200] },
  epochs: [[1, 3, 0.8, 0.7, 0.5, 0.4, 0.1, 200, true]],
  marks: [["best", 3, "epoch 1"], ["lr", 4, "0.1 to 0.2"]],
};

function columnsOf(answer) {
  const columns = new Columns();
  columns.take(answer);
  return columns;
}

test("columns take in what the server answers", () => {
  const columns = columnsOf(ANSWER);
  assert.deepEqual([columns.n, columns.lastStep, columns.life, columns.to], [4, 7, 3, 9]);
  assert.deepEqual([...columns.step.subarray(0, 4)], [1, 2, 3, 7]);
  assert.deepEqual([...columns.time.subarray(0, 4)], [1, 1.5, 2, 4]);
  assert.ok(Number.isNaN(columns.loss[1]));
  assert.deepEqual(columns.epochs[0], { epoch: 1, step: 3, train: 0.8, val: 0.7, dice: 0.5, iou: 0.4, lr: 0.1, time: 2, best: true });
  assert.deepEqual(columns.marks[1], { kind: "lr", step: 4, text: "0.1 to 0.2" });
  columns.take({ life: 3, to: 10, steps: { n: [[8, 2]], loss: [0.2, 0.1], lr: [0.2, 0.2], t: [500, 100] } });
  assert.deepEqual([...columns.step.subarray(0, columns.n)], [1, 2, 3, 7, 8, 9]);
  assert.equal(columns.time[5], 6);
  columns.take({ ...ANSWER, epochs: undefined, marks: undefined });
  assert.deepEqual([columns.n, columns.epochs.length, columns.marks.length], [4, 0, 0]); // begun anew
});

test("columns grow without losing a point, and smooth the same at once and piece by piece", () => {
  const at = (from, count) => ({ life: 0, to: from, steps: { n: [[from, count]], loss: Array(count).fill(0).map((_, i) =>
    Math.sin(from + i)), lr: Array(count).fill(0.1), t: [from * 10, ...Array(count - 1).fill(10)] } });
  const pieces = new Columns();
  for (let from = 1; from < 5000; from += 1000) pieces.take(at(from, 1000));
  const whole = columnsOf(at(1, 5000));
  assert.equal(pieces.n, 5000);
  assert.deepEqual(pieces.step.slice(0, 5000), whole.step.slice(0, 5000));
  assert.deepEqual(pieces.smooth.slice(0, 5000), whole.smooth.slice(0, 5000));
  pieces.setWeight(0);
  assert.deepEqual(pieces.smooth.slice(0, 5000), pieces.loss.slice(0, 5000));
});

test("x axes of steps, epochs and time", () => {
  const columns = columnsOf(ANSWER);
  assert.deepEqual([...columns.xValues("epoch", 2).subarray(0, 4)], [0.5, 1, 1.5, 3.5]);
  assert.deepEqual([...columns.xValues("epoch", 4).subarray(0, 4)], [0.25, 0.5, 0.75, 1.75]); // another length of epochs
  const [epoch] = columns.epochs;
  assert.deepEqual(["step", "epoch", "time"].map((kind) => columns.xOf(epoch, kind, 3)), [3, 1, 2]);
  assert.equal(columns.xOf({ step: 6.9 }, "time", 3), 4); // a mark has no time: that of the nearest step
  assert.equal(new Columns().xOf({ step: 5 }, "time", 3), 0);
});

const THEME = { orange: "orange", purple: "purple", blue: "blue", gray: "gray", green: "green", red: "red", text: "text" };

test("the panels show the curves, the best epoch and the marks", () => {
  const options = { kind: "step", log: true, hidden: ["train", "lr"] };
  const { panels, marks, best, x } = seriesOf(columnsOf(ANSWER), options, 3, THEME);
  assert.deepEqual(x, [1, 7]);
  assert.equal(best.epoch, 1);
  assert.deepEqual(marks.map(({ kind, x: at, color }) => [kind, at, color]), [["lr", 4, "purple"]]);
  assert.deepEqual(panels.loss.lines.map(({ name, hidden }) => [name, hidden]),
    [["batch", false], ["smoothed", false], ["train", true], ["validation", false]]);
  assert.equal(panels.loss.title, "Loss (log scale)");
  assert.deepEqual(panels.score.lines[0].stars, [{ x: 3, y: 0.5 }]);
  assert.equal(panels.lr.lines[0].hidden, false); // it has no button to show it again
  assert.deepEqual(seriesOf(new Columns(), { ...options, kind: "time" }, 1, THEME).x, [0, 1]);
});

test("marks have the words of the field", () => {
  assert.equal(markWords("unpaused"), "resumed");
  assert.equal(markWords("resumed"), "restarted after an interruption");
  assert.equal(markWords("of a later version"), "of a later version");
  assert.ok(Object.keys(MARKS).every((kind) => markColor(kind, THEME) !== "text"));
  assert.equal(markColor("of a later version", THEME), "text");
});

test("the progress of a run in words", () => {
  const now = { state: "running", active: true, now: 1000, step: 40, total: 200, epoch: 2, epochs: 10, lr: 0.0005, speed: 123.456,
    left: 125, device: "cpu bf16", memory: 2048, best: [1, 0.71234, 0.6, 940] };
  assert.deepEqual(progressTexts(now), { epoch: "2 of 10", step: "40 of 200", speed: "123", lr: "5.00e-4",
    device: "cpu bf16", memory: "2.0 GB", best: "Dice 0.712 (epoch 1, 1 min ago)" });
  const paused = progressTexts({ ...now, state: "paused", best: [1, null, null, 940] });
  assert.deepEqual([paused.speed, paused.best], ["–", "Dice – (epoch 1, 1 min ago)"]);
  assert.ok(Object.values(progressTexts({ state: "queued", active: true })).every((text) => text === "–"));
});

test("the tooltip names the step, the epoch and near marks", () => {
  const columns = columnsOf(ANSWER);
  const lines = (panel, cursor, isNear = () => false) => tooltipLines(panel, columns, "step", 3, cursor, isNear);
  assert.deepEqual(lines("loss", 3.2), ["step 3 · epoch 1 · 2 s", `batch 0.5 · smoothed ${lines("loss", 3)[1].split(" ")[4]}`,
    "after epoch 1:", "train 0.8 · validation 0.7"]);
  assert.deepEqual(lines("score", 3), ["after epoch 1 (step 3):", "Dice 0.5 · IoU 0.4"]);
  assert.deepEqual(lines("lr", 99), ["step 7 · epoch 3 · 4 s", "learning rate 0.2"]);
  assert.deepEqual(lines("lr", 99, () => true).slice(2), ["★ epoch 1", "▼ learning rate changed: 0.1 to 0.2"]);
  assert.deepEqual(tooltipLines("score", new Columns(), "step", 3, 0, () => false), ["no epoch has finished yet"]);
});

test("a dark background is told from a light one", () => {
  assert.deepEqual(["#10161d", "#ffffff", "#0000ff", "#00ff00", "rgb(0, 0, 0)"].map(isDark), [true, false, true, false, false]);
});

test("the stages of a start: done, lasting and still to come", () => {
  const begun = [["process", "Starting the process", 0.4, false], ["import", "Loading PyTorch", 2.3, false],
    ["read", "Reading images 12 of 180", 1.5, true]];
  assert.deepEqual(stageRows(begun, 0.75), [
    { words: "Starting the process", seconds: "0.4 s", kind: "done" },
    { words: "Loading PyTorch", seconds: "2.3 s", kind: "done" },
    { words: "Reading images 12 of 180", seconds: "2.3 s", kind: "lasts" },
    { words: "Preparing the model", seconds: "", kind: "waits" },
    { words: "First step", seconds: "", kind: "waits" },
  ]);
  assert.equal(stageRows([["queue", "Waiting in the queue", 59, true]]).length, 5);
  assert.deepEqual(stageRows([["first_step", "First step", 1, true]]).map((row) => row.kind), ["lasts"]);
  assert.deepEqual([0, 9.94, 12.4, 75].map(secondsText), ["0.0 s", "9.9 s", "12 s", "1 min 15 s"]);
});

test("steps and epochs have whole numbers on their axis", () => {
  assert.deepEqual(ticks(0, 3, 10, true), [0, 1, 2, 3]);
  assert.deepEqual(ticks(1.2, 2.8, 8, true), [2]);
  assert.deepEqual(ticks(0, 25, 9, true), [0, 5, 10, 15, 20, 25]);
});

test("the load of the machine: from 0, and a GPU only where there is one", () => {
  const columns = new Columns();
  columns.take({ reset: true, life: 1, to: 3, load: [[1, 150, 163.5, 512, null, null], [3, 320, 98, 1024, null, null]] });
  assert.deepEqual(columns.load[0], { step: 1, time: 1.5, cpu: 163.5, ram: 512, gpu: null, gpuMemory: null });
  const theme = { blue: "b", orange: "o" };
  const options = { kind: "step", log: false, hidden: [] };
  const { cpu, ram } = seriesOf(columns, options, 2, theme).panels;
  assert.deepEqual(cpu.lines.map((line) => line.name), ["CPU"]);
  assert.deepEqual([cpu.lines[0].x, cpu.lines[0].y, cpu.fixed[0]], [[1, 3], [163.5, 98], 0]);
  assert.ok(Math.abs(cpu.fixed[1] - 1.1 * 163.5) < 1e-9);
  assert.deepEqual(ram.lines[0].y, [0.5, 1]);
  assert.deepEqual(tooltipLines("cpu", columns, "step", 2, 2.9, () => false), ["step 3 · 3 s", "CPU 98%"]);
  columns.take({ to: 4, life: 1, load: [[4, 400, 90, 1024, 87, 2048]] });
  const withGpu = seriesOf(columns, options, 2, theme).panels;
  assert.deepEqual([withGpu.cpu.lines, withGpu.ram.lines].map((lines) => lines.map((line) => line.name)), [["CPU", "GPU"], ["RAM", "GPU memory"]]);
  assert.deepEqual(tooltipLines("ram", columns, "step", 2, 4, () => false), ["step 4 · 4 s", "RAM 1.0 GB · GPU memory 2.0 GB"]);
  columns.clear();
  assert.deepEqual(tooltipLines("ram", columns, "step", 2, 4, () => false), ["not measured yet"]);
  assert.deepEqual(seriesOf(columns, options, 2, theme).panels.ram.fixed, [0, 1]);
});
