// Pixel values to what the model takes, and its logits to probabilities, as unet_core has them. No canvas, no network.

// What 1 stands for: an image is {width, height, channels, data}, the data Uint8Array or Uint16Array, channels last.
export function fullRange(image) {
  return image.data instanceof Uint16Array ? 65535 : 255;
}

// The channels that the model takes, as `rules.channels` says for an image with so many: {positions, number, note}.
// Throws an Error with a message for the user.
export function fitChannels(image, rules) {
  const choice = rules.channels[image.channels];
  if (!choice || choice.error) throw new Error(choice?.error ?? `The image has ${image.channels} channels.`);
  let fitted = image;
  if (choice.positions) fitted = pick(image, choice.positions);
  if (fitted.channels === choice.number) return fitted;
  return choice.number === 3 ? pick(fitted, [0, 0, 0]) : luminance(fitted);
}

function like(image, channels) {
  const data = new image.data.constructor(image.width * image.height * channels);
  return { width: image.width, height: image.height, channels, data };
}

function pick(image, positions) {
  const picked = like(image, positions.length);
  const { data, channels } = image;
  for (let from = 0, to = 0; from < data.length; from += channels) {
    for (const position of positions) picked.data[to++] = data[from + position];
  }
  return picked;
}

// ITU-R BT.601 in whole numbers of 1/32768, as OpenCV computes it.
function luminance(image) {
  const gray = like(image, 1);
  const { data } = image;
  for (let from = 0, to = 0; to < gray.data.length; from += 3, to++) {
    gray.data[to] = Math.floor((data[from] * 9798 + data[from + 1] * 19235 + data[from + 2] * 3735 + 16384) / 32768);
  }
  return gray;
}

// Mean and deviation of each channel, in the image's own levels: `statistics` of unet_core/data/normalization.py.
export function statisticsOf(image, normalization) {
  const { channels } = image;
  const most = fullRange(image);
  const all = (value) => new Array(channels).fill(value);
  let [mean, deviation] = [all(0), all(most)];
  if (normalization === "imagenet") {
    mean = [0.485, 0.456, 0.406].map((share) => share * most);
    deviation = [0.229, 0.224, 0.225].map((share) => share * most);
  } else if (normalization === "zscore_per_channel" && channels > 1) {
    const parts = all(0).map((_, channel) => meanAndDeviation(image.data, channel, channels, 1));
    [mean, deviation] = [parts.map((part) => part[0]), parts.map((part) => part[1])];
  } else if (normalization !== "unit") {
    const [together, spread] = meanAndDeviation(image.data, 0, 1, most / 255);
    [mean, deviation] = [all(together), all(spread)];
  }
  return { mean: mean.map(Math.fround), deviation: deviation.map(Math.fround) };
}

function meanAndDeviation(data, first, step, floor) {
  let [sum, squares] = [0, 0];
  const count = (data.length - first) / step;
  for (let at = first; at < data.length; at += step) sum += data[at];
  const mean = sum / Math.ceil(count);
  for (let at = first; at < data.length; at += step) squares += (data[at] - mean) ** 2;
  return [mean, Math.max(Math.sqrt(squares / Math.ceil(count)), floor)];
}

// A tile (channels, rows, columns) float32 of the pixels `rows` and `columns` of an image.
export function tileOf(image, rows, columns, { mean, deviation }) {
  const { channels, data, width } = image;
  const plane = rows.length * columns.length;
  const tile = new Float32Array(channels * plane);
  for (let channel = 0; channel < channels; channel++) {
    const [middle, spread] = [mean[channel], deviation[channel]];
    let to = channel * plane;
    for (const y of rows) {
      const start = y * width;
      for (const x of columns) tile[to++] = Math.fround(data[(start + x) * channels + channel] - middle) / spread;
    }
  }
  return tile;
}

// 0..1 to the nearest whole number of 0..most; a half goes down (`to_levels` of unet_core/inference/prediction.py).
export function toLevel(share, most) {
  return Math.ceil(Math.fround(Math.fround(share * most) - 0.5));
}

export class Answer {
  // Of one image: `levels` (probability in 1/65535) of a binary model, else `classes` and `confidence` (in 1/255).
  constructor(width, height, classes) {
    Object.assign(this, { width, height, number: classes });
    const size = width * height;
    if (classes === 1) this.levels = new Uint16Array(size);
    else Object.assign(this, { classes: new Uint8Array(size), confidence: new Uint8Array(size) });
  }

  // Finished logits (classes, rows, width) of the rows from `top`.
  store(top, rows, logits) {
    const plane = rows * this.width;
    const start = top * this.width;
    if (this.levels) {
      for (let at = 0; at < plane; at++) {
        this.levels[start + at] = toLevel(Math.fround(1 / (1 + Math.exp(-logits[at]))), 65535);
      }
      return;
    }
    for (let at = 0; at < plane; at++) {
      let best = 0;
      for (let index = 1; index < this.number; index++) {
        if (logits[index * plane + at] > logits[best * plane + at]) best = index;
      }
      let sum = 0;
      for (let index = 0; index < this.number; index++) sum += Math.exp(logits[index * plane + at] - logits[best * plane + at]);
      this.classes[start + at] = best;
      this.confidence[start + at] = toLevel(1 / sum, 255);
    }
  }
}

// The numbers that the check of the model runs on: uniform in -1.7..1.7, the same as in Python (probe.py).
export function probeInput(length) {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 4294967296) * 3.4 - 1.7;
  });
}
