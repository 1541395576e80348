// A file or a camera frame to the pixels that the model was trained on: {name, width, height, channels, data}.

import { readByBrowser } from "./browser.js";
import { kindOfJpeg, kindOfWebp } from "./headers.js";
import { isPng, readPng } from "./png.js";
import { isTiff, readTiff } from "./tiff.js";

export const FORMATS = "PNG (8 and 16 bits), TIFF (8 and 16 bits, gray or RGB), JPEG and WebP";
const MOST_PIXELS = 50_000_000;

// Throws an Error with a message for the user that begins with the file's name.
export async function readFile(file) {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { name: file.name, ...(await decode(bytes, file)) };
  } catch (error) {
    throw new Error(`${file.name}: ${error.message}`);
  }
}

async function decode(bytes, file) {
  if (isPng(bytes)) return readPng(bytes, limit);
  if (isTiff(bytes)) return readTiff(bytes, limit);
  const kind = kindOfJpeg(bytes) ?? kindOfWebp(bytes);
  if (!kind) throw new Error(`not a file that this page reads. It reads ${FORMATS}.`);
  if (kind.problem) throw new Error(kind.problem);
  limit(kind.width, kind.height);
  return readByBrowser(file, kind.channels);
}

export function limit(width, height) {
  if (width * height <= MOST_PIXELS) return;
  const size = `${width} × ${height}`;
  throw new Error(`${size} pixels are over the limit of ${MOST_PIXELS / 1e6} million. Split the image into parts.`);
}
