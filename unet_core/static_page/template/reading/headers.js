// What the headers of JPEG and WebP files say, before the browser decodes them. No canvas in here.

// {channels, width, height} or {problem}; null of another file.
export function kindOfJpeg(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [precision, components] = [bytes[at + 4], bytes[at + 9]];
      const [height, width] = [5, 7].map((step) => (bytes[at + step] << 8) | bytes[at + step + 1]);
      if (precision !== 8) return { problem: `it has ${precision} bits a channel. Save it as PNG with 16 bits.` };
      if (components === 4) return { problem: "its colors are CMYK. Save it as RGB." };
      return { width, height, channels: components === 1 ? 1 : 3 };
    }
    at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return { problem: "the image is damaged (its header ends early)." };
}

export function kindOfWebp(bytes) {
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (word(0) !== "RIFF" || word(8) !== "WEBP" || bytes.length < 30) return null;
  const three = (at) => bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
  const first = word(12);
  if (first === "VP8X") {
    if (bytes[20] & 2) return { problem: "it is an animation. Save one frame of it." };
    return { channels: 3, width: three(24) + 1, height: three(27) + 1 };
  }
  if (first === "VP8L") {
    const bits = three(21) | (bytes[24] << 24);
    return { channels: 3, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
  }
  if (first === "VP8 ") return { channels: 3, width: three(26) & 0x3fff, height: (three(28) & 0x3fff) };
  return { problem: "the image is damaged (its header is not valid)." };
}
