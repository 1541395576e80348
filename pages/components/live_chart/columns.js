// The points of a run as the browser keeps them: typed arrays that grow; what the server answers is taken in as it comes.

class Columns {
  constructor() {
    this.weight = 0.9; // of the smoothing
    this.clear();
  }

  clear() {
    this.n = 0;
    this.step = new Float64Array(1024);
    this.time = new Float64Array(1024); // seconds spent in training
    this.loss = new Float32Array(1024);
    this.lr = new Float32Array(1024);
    this.smooth = new Float32Array(1024);
    this.sum = 0;
    this.power = 1;
    this.epochs = []; // {epoch, step, train, val, dice, iou, lr, time, best}
    this.marks = []; // {kind, step, text}
    this.life = 0;
    this.to = 0;
  }

  // Take in an answer of /events; see unet_core/curves.py for what it holds.
  take(answer) {
    if (answer.reset) this.clear();
    this.life = answer.life;
    this.to = answer.to;
    if (answer.steps) this.extend(answer.steps);
    for (const [epoch, step, train, val, dice, iou, lr, time, best] of answer.epochs ?? []) {
      this.epochs.push({ epoch, step, train, val, dice, iou, lr, time: time / 100, best });
    }
    for (const [kind, step, text] of answer.marks ?? []) this.marks.push({ kind, step, text });
  }

  extend({ n: stretches, loss, lr, t }) {
    const count = this.n + loss.length;
    if (count > this.step.length) {
      for (const name of ["step", "time", "loss", "lr", "smooth"]) {
        const larger = new this[name].constructor(Math.max(count, 2 * this.step.length));
        larger.set(this[name].subarray(0, this.n));
        this[name + "Larger"] = larger;
      }
      for (const name of ["step", "time", "loss", "lr", "smooth"]) {
        this[name] = this[name + "Larger"];
        delete this[name + "Larger"];
      }
    }
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

  // The moving average that forgets exponentially, freed of its bias towards the start as TensorBoard's is:
  // s = w s + (1 - w) x, shown as s / (1 - w^k) after k values.
  smoothen(from, to) {
    const w = this.weight;
    for (let i = from; i < to; i++) {
      const value = this.loss[i];
      if (!Number.isNaN(value)) {
        this.sum = w * this.sum + (1 - w) * value;
        this.power *= w;
      }
      this.smooth[i] = this.power < 1 ? this.sum / (1 - this.power) : NaN;
    }
  }

  setWeight(weight) {
    this.weight = weight;
    this.sum = 0;
    this.power = 1;
    this.smoothen(0, this.n);
  }

  get lastStep() {
    return this.n ? this.step[this.n - 1] : 0;
  }
}

// The first index in a sorted array's first n entries whose value is not below x.
function lowerBound(values, n, x) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The index whose value is nearest to x; -1 where there is none.
function nearest(values, n, x) {
  const at = lowerBound(values, n, x);
  if (!n) return -1;
  if (at === 0) return 0;
  return at < n && values[at] - x < x - values[at - 1] ? at : at - 1;
}
