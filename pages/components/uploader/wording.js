// Sizes, speeds and sentences for the eye and for screen readers.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

// 1 kB is 1000 bytes, as the browsers and most systems count files.
export function bytes(count) {
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${count === 1 ? "byte" : UNITS[unit]}`;
}

export function files(count) {
  return `${count.toLocaleString("en-US")} ${count === 1 ? "file" : "files"}`;
}

// How fast it goes: over the last seconds, so that a pause is soon forgotten.
export class Speed {
  constructor(span = 5000) {
    Object.assign(this, { span, points: [] });
  }

  // Bytes per second after `count` bytes at `time` in ms; null where it is not known yet.
  add(count, time) {
    if (this.points.length && count < this.points.at(-1)[0]) this.points = []; // it began anew
    this.points.push([count, time]);
    while (this.points.length > 2 && time - this.points[0][1] > this.span) this.points.shift();
    const [first, begun] = this.points[0];
    return time - begun < 200 ? null : ((count - first) / (time - begun)) * 1000;
  }
}

export function progressText({ arrived, total, filesDone, filesTotal, speed }) {
  const done = filesTotal > 1 ? `${filesDone.toLocaleString("en-US")} of ${files(filesTotal)}, ` : "";
  const rate = speed === null ? "" : `, ${bytes(speed)}/s`;
  return `${done}${bytes(arrived)} of ${bytes(total)}${rate}`;
}

// For screen readers: said at each tenth, not at each chunk.
export function spokenProgress(arrived, total) {
  const tenth = total ? Math.floor((10 * arrived) / total) : 10;
  return `${tenth * 10} percent uploaded`;
}
