// The canvas as a PNG file.

import { element } from "../shared/dom.js";

const KEPT = 10_000; // ms that the browser has to begin the download

// "a/b.tif" -> "a_b-view.png": no character that a file system refuses.
export function viewFileName(name) {
  const stem = name.replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|\x00-\x1f]+/g, "_") || "image";
  return `${stem}-view.png`;
}

export async function downloadCanvas(canvas, name) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: viewFileName(name) }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT);
}
