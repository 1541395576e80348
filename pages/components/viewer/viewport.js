// Where one looks: zoom and pan of an image in its stage, remembered for each image over every other change and F5.

import { load, save } from "../shared/session.js";

export const CLOSEST = 64; // screen pixels for one of the image
const REMEMBERED = 200; // images
const NAME = "unet-overlay-views";
const SAVE_DELAY = 150; // ms

const remembered = (globalThis.unetOverlayViews ??= new Map(load(NAME, [])));
const groups = new Map(); // {name of a link: Map of {key of a viewer: its viewport}}
let saving;

// `scale`: screen (CSS) pixels for one of the image; `x`, `y`: the position in the image at the middle of the stage.
// Viewers with the same `link` look at the same part of images of one size: `follow()` is called where another was moved.
export class Viewport {
  constructor(key, width, height, viewer = {}, follow = () => {}) {
    this.key = key;
    this.follow = follow;
    if (viewer.link) this.#join(viewer);
    this.width = width;
    this.height = height;
    this.stage = { width: 1, height: 1 };
    const before = remembered.get(key);
    this.isRemembered = before !== undefined;
    this.fitted = before?.fitted ?? true;
    this.scale = before?.scale ?? 1;
    this.x = before?.x ?? width / 2;
    this.y = before?.y ?? height / 2;
  }

  // In place of the viewport of the same viewer for another image.
  #join({ link, key }) {
    if (!groups.has(link)) groups.set(link, new Map());
    this.group = groups.get(link).set(key, this);
  }

  get fitting() {
    return Math.min(this.stage.width / this.width, this.stage.height / this.height);
  }

  // The stage has got another size: what fitted still fits, else the middle and the zoom stay.
  resize(width, height) {
    this.stage = { width, height };
    if (this.fitted) this.#fit();
    else this.#set(this.scale, this.x, this.y);
  }

  #fit() {
    Object.assign(this, { scale: this.fitting, x: this.width / 2, y: this.height / 2, fitted: true });
  }

  // From half of what fits (or of 1:1) to CLOSEST.
  #limit(scale) {
    return Math.min(CLOSEST, Math.max(Math.min(1, this.fitting) / 2, scale));
  }

  #set(scale, x, y) {
    this.scale = this.#limit(scale);
    this.x = Math.min(this.width, Math.max(0, x));
    this.y = Math.min(this.height, Math.max(0, y));
    this.fitted = false;
  }

  fit() {
    this.#fit();
    this.#remember();
  }

  // `factor` times closer; the position under the stage's point (sx, sy) stays there.
  zoom(factor, sx = this.stage.width / 2, sy = this.stage.height / 2) {
    const [x, y] = this.place(sx, sy);
    const scale = this.#limit(this.scale * factor);
    this.#set(scale, x - (sx - this.stage.width / 2) / scale, y - (sy - this.stage.height / 2) / scale);
    this.#remember();
  }

  // Move the image by screen pixels.
  pan(dx, dy) {
    this.#set(this.scale, this.x - dx / this.scale, this.y - dy / this.scale);
    this.#remember();
  }

  // Bring a box [left, top, right, bottom] of the image into view; nothing happens where it can be seen already.
  reveal(box) {
    const [left, top] = this.place(0, 0);
    const [right, bottom] = this.place(this.stage.width, this.stage.height);
    if (box[0] >= left && box[1] >= top && box[2] <= right && box[3] <= bottom) return;
    this.#set(this.scale, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    this.#remember();
  }

  // The position in the image under a point of the stage.
  place(sx, sy) {
    return [this.x + (sx - this.stage.width / 2) / this.scale, this.y + (sy - this.stage.height / 2) / this.scale];
  }

  // The pixel [x, y] of the image under a point of the stage, null beside it.
  pixelAt(sx, sy) {
    const [x, y] = this.place(sx, sy).map(Math.floor);
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? [x, y] : null;
  }

  // The point of the stage over a position in the image.
  onStage(x, y) {
    return [(x - this.x) * this.scale + this.stage.width / 2, (y - this.y) * this.scale + this.stage.height / 2];
  }

  #remember() {
    this.#keep();
    for (const other of this.group?.values() ?? []) {
      if (other === this) continue;
      if (this.fitted) other.#fit();
      else other.#set(this.scale, this.x, this.y);
      other.#keep();
      other.follow();
    }
  }

  #keep() {
    remembered.delete(this.key);
    remembered.set(this.key, { scale: this.scale, x: this.x, y: this.y, fitted: this.fitted });
    while (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
    clearTimeout(saving);
    saving = setTimeout(() => save(NAME, [...remembered]), SAVE_DELAY);
  }
}

const MAIN = "[data-testid=stMain]"; // what scrolls
export const PAGE = `${MAIN}, [data-testid=stMainBlockContainer]`; // their size says that the stage may have moved
const LEAST = 240; // CSS pixels

// The height of the stage for an image that would be `natural` pixels high at full width. `below`: how much of the first
// screen what follows it takes, so that all of both is seen without scrolling; null: where it stands does not matter.
export function fittingHeight(stage, natural, below) {
  const usual = Math.max(360, 0.66 * window.innerHeight);
  const top = stage.getBoundingClientRect().top + (document.querySelector(MAIN)?.scrollTop ?? 0);
  const room = below === null ? usual : window.innerHeight - top - below;
  return Math.min(room < LEAST ? usual : room, Math.max(LEAST, natural));
}
