// The two old ways of packing in TIFF 6.0: LZW (section 13) and PackBits (section 9).

const CLEAR = 256;
const END = 257;

// Throws where a code cannot be.
export function unpackLzw(packed, length) {
  const out = new Uint8Array(length);
  const prefix = new Uint16Array(4097);
  const suffix = new Uint8Array(4097);
  const lengths = new Uint16Array(4097).fill(1, 0, CLEAR);
  for (let value = 0; value < CLEAR; value++) suffix[value] = value;
  let [at, bits, next, previous, written] = [0, 9, 258, -1, 0];
  while (written < length && at + bits <= packed.length * 8) {
    const code = bitsAt(packed, at, bits);
    at += bits;
    if (code === END) break;
    if (code === CLEAR) {
      [bits, next, previous] = [9, 258, -1];
      continue;
    }
    if (code > next || (code === next && previous < 0) || (code >= CLEAR && previous < 0)) throw new Error("LZW");
    if (previous >= 0 && next < 4096) {
      prefix[next] = previous;
      lengths[next] = lengths[previous] + 1;
      suffix[next] = firstOf(code === next ? previous : code, prefix);
      next += 1;
    }
    const size = lengths[code];
    for (let place = written + size - 1, entry = code; place >= written; place--) {
      if (place < length) out[place] = suffix[entry];
      entry = prefix[entry];
    }
    written += size;
    previous = code;
    bits = next >= 4095 ? 12 : next >= 2047 ? 12 : next >= 1023 ? 11 : next >= 511 ? 10 : 9; // a code early, as TIFF has it
  }
  return out.subarray(0, Math.min(length, written));
}

function bitsAt(packed, at, bits) {
  const byte = at >> 3;
  const word = (packed[byte] << 16) | ((packed[byte + 1] ?? 0) << 8) | (packed[byte + 2] ?? 0);
  return (word >> (24 - bits - (at & 7))) & ((1 << bits) - 1);
}

function firstOf(code, prefix) {
  let entry = code;
  while (entry >= 258) entry = prefix[entry];
  return entry;
}

export function unpackBits(packed, length) {
  const out = new Uint8Array(length);
  let [at, written] = [0, 0];
  while (written < length && at < packed.length) {
    const count = (packed[at++] << 24) >> 24; // with its sign
    if (count >= 0) {
      out.set(packed.subarray(at, at + Math.min(count + 1, length - written)), written);
      at += count + 1;
      written += count + 1;
    } else if (count !== -128) {
      out.fill(packed[at++], written, Math.min(length, written + 1 - count));
      written += 1 - count;
    }
  }
  return out.subarray(0, Math.min(length, written));
}
