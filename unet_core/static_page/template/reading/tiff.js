// TIFF files of one image with 8 or 16 bits: gray or RGB, in strips or tiles; not packed, LZW, Deflate or PackBits.
// All else is refused in words: nothing is cut to 8 bits, and no page, channel or scale is passed over in silence.

import { inflate } from "./inflate.js";
import { unpackBits, unpackLzw } from "./tiff_codecs.js";

const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8 };
const NAMES = {
  256: "width", 257: "height", 258: "bits", 259: "compression", 262: "photometric", 266: "fillOrder", 270: "text",
  273: "offsets", 274: "orientation", 277: "samples", 278: "rowsPerStrip", 279: "counts", 284: "planar",
  317: "predictor", 322: "tileWidth", 323: "tileHeight", 324: "tileOffsets", 325: "tileCounts", 338: "extra",
  339: "formats", 42113: "nodata",
};

export function isTiff(bytes) {
  const word = String.fromCharCode(...bytes.subarray(0, 4));
  return ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(word);
}

// {width, height, channels, data}; `limit(width, height)` throws where it is too large. Throws an Error that says what
// is wrong with the file.
export async function readTiff(bytes, limit) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  if (bytes[little ? 2 : 3] !== 42) throw refusal("is a BigTIFF");
  let tags;
  try {
    tags = tagsOf(view, little);
  } catch (error) {
    throw error instanceof RangeError ? new Error("the image is damaged (its header ends early).") : error;
  }
  const layout = layoutOf(tags);
  limit(layout.width, layout.height);
  return decode(bytes, view, little, tags, layout);
}

function refusal(what) {
  return new Error(`this TIFF ${what}. Save the image as PNG with 8 or 16 bits.`);
}

function tagsOf(view, little) {
  const at = view.getUint32(4, little);
  const count = view.getUint16(at, little);
  const tags = {};
  for (let number = 0; number < count; number++) {
    const entry = at + 2 + 12 * number;
    const [tag, type] = [view.getUint16(entry, little), view.getUint16(entry + 2, little)];
    const length = view.getUint32(entry + 4, little);
    const name = NAMES[tag];
    if (!name || !SIZES[type]) continue;
    const start = SIZES[type] * length <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    tags[name] = Array.from({ length }, (_, index) => {
      const place = start + index * SIZES[type];
      return SIZES[type] === 1 ? view.getUint8(place) : type === 3 ? view.getUint16(place, little) : view.getUint32(place, little);
    });
  }
  if (view.getUint32(at + 2 + 12 * count, little)) throw refusal("holds several pages");
  return tags;
}

// What the pixels are, or an Error.
function layoutOf(tags) {
  const one = (name, usual) => tags[name]?.[0] ?? usual;
  const [width, height, samples] = [one("width", 0), one("height", 0), one("samples", 1)];
  const bits = one("bits", 1);
  const photometric = one("photometric", 1);
  const text = String.fromCharCode(...(tags.text ?? []));
  const pages = Number(/^ImageJ=[^]*?^images=(\d+)/m.exec(text)?.[1] ?? 1);
  const extra = tags.extra?.length ?? 0;
  const channels = samples - extra;
  if (!width || !height) throw new Error("the image is damaged (it has no size).");
  if (pages > 1) throw refusal("holds several pages");
  if (tags.nodata) throw refusal("marks pixels without data");
  if (/<OME/.test(text) && /Size[CZT]="(?!1")/.test(text) && channels === 1) throw refusal("is part of a series of files");
  if (one("formats", 1) !== 1) throw refusal("holds numbers that are not whole or have a sign");
  if (bits !== 8 && bits !== 16) throw refusal(`has ${bits} bits a channel`);
  if ((tags.bits ?? []).some((value) => value !== bits)) throw refusal("has channels of different depths");
  if (!((photometric === 1 && channels === 1) || (photometric === 2 && channels === 3))) {
    throw refusal("is neither gray with dark zero nor RGB");
  }
  if (extra > 1 || tags.extra?.[0] === 0) throw refusal("has further channels");
  if (one("orientation", 1) !== 1) throw refusal("is stored turned");
  if (one("fillOrder", 1) !== 1) throw refusal("stores its bits in reverse");
  const compression = one("compression", 1);
  if (![1, 5, 8, 32946, 32773].includes(compression)) throw refusal("is packed in a way that this page cannot read");
  const predictor = one("predictor", 1);
  if (predictor > 2) throw refusal("is packed in a way that this page cannot read");
  return { width, height, samples, channels, bits, compression, predictor, isPlanar: samples > 1 && one("planar", 1) === 2 };
}

async function decode(bytes, view, little, tags, layout) {
  const { width, height, samples, channels, bits, isPlanar } = layout;
  const isTiled = Boolean(tags.tileOffsets);
  const across = isTiled ? tags.tileWidth[0] : width;
  const down = isTiled ? tags.tileHeight[0] : Math.min(height, tags.rowsPerStrip?.[0] ?? height);
  const [offsets, counts] = isTiled ? [tags.tileOffsets, tags.tileCounts] : [tags.offsets, tags.counts];
  const columns = Math.ceil(width / across);
  const rows = Math.ceil(height / down);
  const planes = isPlanar ? samples : 1;
  const size = isPlanar ? 1 : samples; // samples of a pixel in a part
  if (!offsets || !counts || !across || !down || offsets.length < columns * rows * planes) {
    throw new Error("the image is damaged (parts of it are missing).");
  }
  const data = new (bits === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  for (let part = 0; part < columns * rows * planes; part++) {
    const plane = Math.floor(part / (columns * rows));
    if (plane >= channels) break; // alpha
    const [row, column] = [Math.floor((part % (columns * rows)) / columns), part % columns];
    const lines = isTiled ? down : Math.min(down, height - row * down);
    const packed = bytes.subarray(offsets[part], offsets[part] + counts[part]);
    const raw = await unpack(packed, layout.compression, (lines * across * size * bits) / 8);
    const values = numbers(raw, bits, little, lines * across * size);
    if (layout.predictor === 2) sumUp(values, across * size, size);
    const shown = Math.min(across, width - column * across);
    for (let y = 0; y < Math.min(lines, height - row * down); y++) {
      for (let x = 0; x < shown; x++) {
        const from = (y * across + x) * size;
        const to = ((row * down + y) * width + column * across + x) * channels;
        if (isPlanar) data[to + plane] = values[from];
        else for (let channel = 0; channel < channels; channel++) data[to + channel] = values[from + channel];
      }
    }
  }
  return { width, height, channels, data };
}

async function unpack(packed, compression, length) {
  let raw = packed;
  try {
    if (compression === 8 || compression === 32946) raw = await inflate(packed);
    else if (compression === 5) raw = unpackLzw(packed, length);
    else if (compression === 32773) raw = unpackBits(packed, length);
  } catch {
    throw new Error("the image is damaged (a part cannot be unpacked).");
  }
  if (raw.length < length) throw new Error("the image is damaged (pixels are missing).");
  return raw;
}

function numbers(raw, bits, little, count) {
  if (bits === 8) return raw.slice(0, count);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Uint16Array.from({ length: count }, (_, at) => view.getUint16(2 * at, little));
}

// Undo the differences to the pixel on the left; the arrays wrap as they did.
function sumUp(values, row, step) {
  for (let start = 0; start < values.length; start += row) {
    for (let at = start + step; at < start + row; at++) values[at] += values[at - step];
  }
}
