// JPEG, WebP and camera frames, which the browser decodes: without color profile, upright, as 8 bits.

const CHANGED =
  "this browser changes the pixels that a page reads (protection against fingerprinting). " +
  "Save the image as PNG or TIFF, or turn the protection off for this page.";

let isExact; // whether pixels come back from a canvas as they went in; undefined: not tried yet

export async function readByBrowser(file, channels) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch {
    throw new Error("the image is damaged, or this browser cannot read it. Save it as PNG.");
  }
  const { width, height } = bitmap;
  const context = contextOf(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return shaped(context, width, height, channels);
}

// The frame that a video shows now, as RGB.
export function readFrame(video) {
  const [width, height] = [video.videoWidth, video.videoHeight];
  const context = contextOf(width, height);
  context.drawImage(video, 0, 0);
  return shaped(context, width, height, 3);
}

function contextOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
}

function shaped(context, width, height, channels) {
  isExact ??= tryOut();
  if (!isExact) throw new Error(CHANGED);
  const { data: pixels } = context.getImageData(0, 0, width, height);
  const data = new Uint8Array(width * height * channels);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    // The browser stores colors multiplied by alpha: those of transparent pixels are not what the file has.
    if (pixels[from + 3] !== 255) throw new Error("it has transparent pixels, whose colors a browser changes. Save it as PNG.");
    for (let channel = 0; channel < channels; channel++) data[to++] = pixels[from + channel];
  }
  return { width, height, channels, data };
}

function tryOut() {
  const side = 64;
  const context = contextOf(side, side);
  const image = new ImageData(side, side);
  image.data.forEach((_, at) => (image.data[at] = at % 4 === 3 ? 255 : (at * 37) & 255));
  context.putImageData(image, 0, 0);
  const back = context.getImageData(0, 0, side, side).data;
  return back.every((value, at) => value === image.data[at]);
}
