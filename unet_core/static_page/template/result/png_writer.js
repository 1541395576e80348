// A gray PNG of 8 bits with exactly these values; a canvas would write colors.

import { deflate } from "../reading/inflate.js";

export async function writePng(values, width, height) {
  const lines = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) lines.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 0, 0, 0, 0], 8);
  const parts = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10)];
  for (const [name, body] of [["IHDR", header], ["IDAT", await deflate(lines)], ["IEND", new Uint8Array()]]) {
    const chunk = new Uint8Array(body.length + 12);
    const numbers = new DataView(chunk.buffer);
    numbers.setUint32(0, body.length);
    chunk.set(new TextEncoder().encode(name), 4);
    chunk.set(body, 8);
    numbers.setUint32(body.length + 8, checksum(chunk.subarray(4, body.length + 8)));
    parts.push(chunk);
  }
  return new Blob(parts, { type: "image/png" });
}

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let bits = value;
  for (let step = 0; step < 8; step++) bits = bits & 1 ? 0xedb88320 ^ (bits >>> 1) : bits >>> 1;
  return bits;
});

// CRC-32 of PNG.
function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
