// The points of a run as the browser keeps them: typed arrays that grow as the server's answers come in.

import { nearest } from "../shared/search.js";
import { DebiasedAverage } from "./smoothing.js";

const ARRAYS = ["step", "time", "loss", "lr", "smooth"];

export class Columns {
  constructor() {
    this.weight = 0.9; // of the smoothing
    this.clear();
  }

  clear() {
    this.n = 0; // points of the batch loss: the first n entries of each array count
    this.step = new Float64Array(1024);
    this.time = new Float64Array(1024); // seconds spent in training
    this.loss = new Float32Array(1024);
    this.lr = new Float32Array(1024);
    this.smooth = new Float32Array(1024);
    this.average = new DebiasedAverage(this.weight);
    this.epochs = []; // {epoch, step, train, val, dice, iou, lr, time, best}
    this.load = []; // {step, time, cpu, ram, gpu, gpuMemory}: what the training takes of the machine
    this.marks = []; // {kind, step, text}
    this.life = 0; // which file of events the points come from: another one begins anew
    this.to = 0; // the number of the last event
  }

  // Take in an answer of the route /events; see unet_core/runs/chart_data.py for what it holds.
  take(answer) {
    if (answer.reset) this.clear();
    this.life = answer.life;
    this.to = answer.to;
    if (answer.steps) this.extend(answer.steps);
    for (const [epoch, step, train, val, dice, iou, lr, time, best] of answer.epochs ?? []) {
      this.epochs.push({ epoch, step, train, val, dice, iou, lr, time: time / 100, best });
    }
    for (const [step, time, cpu, ram, gpu, gpuMemory] of answer.load ?? []) {
      this.load.push({ step, time: time / 100, cpu, ram, gpu, gpuMemory });
    }
    for (const [kind, step, text] of answer.marks ?? []) this.marks.push({ kind, step, text });
  }

  // `n`: step numbers as [first, count] of each stretch; `t`: hundredths of a second of training, the first since the
  // start, each other one since the point before.
  extend({ n: stretches, loss, lr, t }) {
    const count = this.n + loss.length;
    if (count > this.step.length) this.reserve(Math.max(count, 2 * this.step.length));
    let at = this.n;
    for (const [first, length] of stretches) for (let i = 0; i < length; i++) this.step[at++] = first + i;
    let hundredths = 0;
    for (let i = 0; i < loss.length; i++) {
      hundredths += t[i];
      this.time[this.n + i] = hundredths / 100;
      this.loss[this.n + i] = loss[i] ?? NaN;
      this.lr[this.n + i] = lr[i] ?? NaN;
    }
    this.smoothen(this.n, count);
    this.n = count;
  }

  reserve(length) {
    for (const name of ARRAYS) {
      const larger = new this[name].constructor(length);
      larger.set(this[name].subarray(0, this.n));
      this[name] = larger;
    }
  }

  smoothen(from, to) {
    for (let i = from; i < to; i++) this.smooth[i] = this.average.add(this.loss[i]);
  }

  setWeight(weight) {
    this.weight = weight;
    this.average = new DebiasedAverage(weight);
    this.smoothen(0, this.n);
  }

  get lastStep() {
    return this.n ? this.step[this.n - 1] : 0;
  }

  // The x values of all points on an axis of "step", "epoch" or "time". Epochs are computed once per point.
  xValues(kind, stepsPerEpoch) {
    if (kind === "step") return this.step;
    if (kind === "time") return this.time;
    const stale = this.epochAxis?.per !== stepsPerEpoch || this.epochAxis.step !== this.step || this.epochAxis.n > this.n;
    if (stale) this.epochAxis = { per: stepsPerEpoch, step: this.step, n: 0, values: new Float64Array(this.step.length) };
    const axis = this.epochAxis;
    for (; axis.n < this.n; axis.n++) axis.values[axis.n] = this.step[axis.n] / stepsPerEpoch;
    return axis.values;
  }

  // Where an epoch or a mark lies on such an axis.
  xOf(item, kind, stepsPerEpoch) {
    if (kind === "epoch") return item.step / stepsPerEpoch;
    if (kind === "step") return item.step;
    if (item.time !== undefined) return item.time;
    const at = nearest(this.step, this.n, item.step);
    return at < 0 ? 0 : this.time[at];
  }
}
