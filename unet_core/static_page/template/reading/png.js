// PNG files as they are stored: 1 to 16 bits, gray, color, palette, interlaced. A browser would cut 16 bits to 8, apply
// color profiles and mix transparent pixels. Alpha is dropped, as unet_core does. No canvas in here.

import { inflate } from "./inflate.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // of a pixel, by color type
const DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
const WHOLE = [[0, 0, 1, 1]];
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

export function isPng(bytes) {
  return SIGNATURE.every((value, at) => bytes[at] === value);
}

// {width, height, channels, data}; `limit(width, height)` throws where the header says that it is too large. Throws an
// Error that says what is wrong with the file.
export async function readPng(bytes, limit) {
  const { header, palette, parts } = chunksOf(bytes);
  const { width, height, depth, type, isInterlaced } = header;
  limit(width, height);
  if (!parts.length) throw new Error("the image is damaged (it has no pixels).");
  let raw;
  try {
    raw = await inflate(joined(parts));
  } catch {
    throw new Error("the image is damaged (its pixels cannot be unpacked).");
  }
  const samples = SAMPLES[type];
  const values = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * samples);
  let start = 0;
  for (const [x, y, across, down] of isInterlaced ? ADAM7 : WHOLE) {
    const columns = Math.ceil((width - x) / across);
    const rows = Math.ceil((height - y) / down);
    if (columns <= 0 || rows <= 0) continue;
    const length = Math.ceil((columns * samples * depth) / 8);
    if (start + rows * (length + 1) > raw.length) throw new Error("the image is damaged (pixels are missing).");
    unfilter(raw, start, rows, length, Math.max(1, (samples * depth) >> 3));
    for (let row = 0; row < rows; row++) {
      const line = start + row * (length + 1) + 1;
      const target = ((y + row * down) * width + x) * samples;
      spread(raw, line, columns, samples, depth, values, target, across * samples);
    }
    start += rows * (length + 1);
  }
  return shaped(header, values, palette);
}

function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  let [header, palette] = [null, null];
  const parts = [];
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length) break;
    if (name === "IHDR") header = headerOf(view, at + 8);
    else if (name === "PLTE") palette = body;
    else if (name === "IDAT") parts.push(body);
    else if (name === "acTL" && view.getUint32(at + 8) > 1) throw new Error("it is an animation. Save one frame of it.");
    else if (name === "eXIf" && orientationOf(body) > 1) throw new Error("it is stored turned. Save it upright.");
    else if (name === "IEND") break;
    at += 12 + length;
  }
  if (!header) throw new Error("the image is damaged (it has no header).");
  if (header.type === 3 && !palette) throw new Error("the image is damaged (it has no palette).");
  return { header, palette, parts };
}

// Of the EXIF block of a camera, 1 to 8; 1 (upright) where it says nothing or is damaged.
function orientationOf(body) {
  try {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const little = body[0] === 0x49;
    const start = view.getUint32(4, little);
    for (let number = 0; number < view.getUint16(start, little); number++) {
      const entry = start + 2 + 12 * number;
      if (view.getUint16(entry, little) === 0x112) return view.getUint16(entry + 8, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

function headerOf(view, at) {
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const [depth, type, , , interlace] = [0, 1, 2, 3, 4].map((step) => view.getUint8(at + 8 + step));
  if (!width || !height || !DEPTHS[type]?.includes(depth) || interlace > 1) {
    throw new Error("the image is damaged (its header is not valid).");
  }
  return { width, height, depth, type, isInterlaced: interlace === 1 };
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

// Undo the filters of PNG in place. `step`: bytes from a pixel to the one on its left.
function unfilter(raw, start, rows, length, step) {
  for (let row = 0; row < rows; row++) {
    const line = start + row * (length + 1) + 1;
    const above = row ? line - length - 1 : -1;
    const kind = raw[line - 1];
    if (kind > 4) throw new Error("the image is damaged (a filter is not known).");
    for (let at = 0; kind && at < length; at++) {
      const left = at >= step ? raw[line + at - step] : 0;
      const up = above >= 0 ? raw[above + at] : 0;
      let guess = kind === 1 ? left : kind === 2 ? up : (left + up) >> 1;
      if (kind === 4) guess = paeth(left, up, at >= step && above >= 0 ? raw[above + at - step] : 0);
      raw[line + at] += guess;
    }
  }
}

function paeth(left, up, corner) {
  const base = left + up - corner;
  const [a, b, c] = [Math.abs(base - left), Math.abs(base - up), Math.abs(base - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

// The samples of a line, `step` values of `out` from pixel to pixel.
function spread(raw, line, columns, samples, depth, out, target, step) {
  for (let column = 0; column < columns; column++) {
    for (let sample = 0; sample < samples; sample++) {
      const number = column * samples + sample;
      let value;
      if (depth === 8) value = raw[line + number];
      else if (depth === 16) value = (raw[line + 2 * number] << 8) | raw[line + 2 * number + 1];
      else {
        const bit = number * depth;
        value = (raw[line + (bit >> 3)] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
      }
      out[target + column * step + sample] = value;
    }
  }
}

// Without alpha, palettes as colors, few bits stretched to 0..255.
function shaped({ width, height, depth, type }, values, palette) {
  const samples = SAMPLES[type];
  const channels = type === 0 || type === 4 ? 1 : 3;
  const count = width * height;
  if (channels === samples && type !== 3) {
    if (depth < 8) values.forEach((value, at) => (values[at] = value * (255 / ((1 << depth) - 1))));
    return { width, height, channels, data: values };
  }
  const data = new values.constructor(count * channels);
  for (let at = 0; at < count; at++) {
    for (let channel = 0; channel < channels; channel++) {
      data[at * channels + channel] =
        type === 3 ? (palette[3 * values[at] + channel] ?? 0) : values[at * samples + channel];
    }
  }
  return { width, height, channels, data };
}
