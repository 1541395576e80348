// An exponential moving average without bias towards its start, as TensorBoard shows it:
// s = w s + (1 - w) x, shown as s / (1 - w^k) after k values.
export class DebiasedAverage {
  constructor(weight) {
    this.weight = weight;
    this.sum = 0;
    this.power = 1; // w^k
  }

  // Take the next value in and return the average; NaN is skipped, and is the average before the first value.
  add(value) {
    const { weight } = this;
    if (!Number.isNaN(value)) {
      this.sum = weight * this.sum + (1 - weight) * value;
      this.power *= weight;
    }
    return this.power < 1 ? this.sum / (1 - this.power) : NaN;
  }
}
