// Where one looks: zoom and pan of a picture in its stage, kept for each picture over every other change and F5.

export const CLOSEST = 64; // screen pixels for one of the picture
const KEPT = 200; // pictures
const NAME = "unet-overlay-views";

const views = (window.unetOverlayViews ??= remembered());

function remembered() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(NAME) ?? "[]"));
  } catch {
    return new Map();
  }
}

// `scale`: screen (CSS) pixels for one of the picture; `x`, `y`: the place of the picture in the middle of the stage.
export class View {
  constructor(key, width, height) {
    this.key = key;
    this.width = width;
    this.height = height;
    this.stage = { width: 1, height: 1 };
    const kept = views.get(key);
    this.known = !!kept;
    this.fitted = kept?.fitted ?? true;
    this.scale = kept?.scale ?? 1;
    this.x = kept?.x ?? width / 2;
    this.y = kept?.y ?? height / 2;
  }

  get fitting() {
    return Math.min(this.stage.width / this.width, this.stage.height / this.height);
  }

  // The stage has got another size: what fitted goes on fitting, else the middle and the zoom stay.
  resize(width, height) {
    this.stage = { width, height };
    if (this.fitted) this.#fit();
    else this.#set(this.scale, this.x, this.y);
  }

  #fit() {
    Object.assign(this, { scale: this.fitting, x: this.width / 2, y: this.height / 2, fitted: true });
  }

  #set(scale, x, y) {
    const low = Math.min(1, this.fitting) / 2;
    this.scale = Math.min(CLOSEST, Math.max(low, scale));
    this.x = Math.min(this.width, Math.max(0, x));
    this.y = Math.min(this.height, Math.max(0, y));
    this.fitted = false;
  }

  fit() {
    this.#fit();
    this.keep();
  }

  // `factor` times closer, the place under the stage's point (sx, sy) stays there.
  zoom(factor, sx = this.stage.width / 2, sy = this.stage.height / 2) {
    const [px, py] = this.place(sx, sy);
    const low = Math.min(1, this.fitting) / 2;
    const scale = Math.min(CLOSEST, Math.max(low, this.scale * factor));
    const [mx, my] = [sx - this.stage.width / 2, sy - this.stage.height / 2];
    this.#set(scale, px - mx / scale, py - my / scale);
    this.keep();
  }

  // Move the picture by screen pixels.
  pan(dx, dy) {
    this.#set(this.scale, this.x - dx / this.scale, this.y - dy / this.scale);
    this.keep();
  }

  // Bring a box [left, top, right, bottom] of the picture into view; nothing happens where it can be seen already.
  reveal(box) {
    const [left, top] = this.place(0, 0);
    const [right, bottom] = this.place(this.stage.width, this.stage.height);
    if (box[0] >= left && box[1] >= top && box[2] <= right && box[3] <= bottom) return;
    this.#set(this.scale, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    this.keep();
  }

  place(sx, sy) {
    return [
      this.x + (sx - this.stage.width / 2) / this.scale,
      this.y + (sy - this.stage.height / 2) / this.scale,
    ];
  }

  onStage(x, y) {
    return [
      (x - this.x) * this.scale + this.stage.width / 2,
      (y - this.y) * this.scale + this.stage.height / 2,
    ];
  }

  keep() {
    views.delete(this.key);
    views.set(this.key, { scale: this.scale, x: this.x, y: this.y, fitted: this.fitted });
    while (views.size > KEPT) views.delete(views.keys().next().value);
    clearTimeout(View.later);
    View.later = setTimeout(() => {
      try {
        sessionStorage.setItem(NAME, JSON.stringify([...views]));
      } catch {
        // a browser that keeps nothing: then F5 forgets
      }
    }, 150);
  }
}
