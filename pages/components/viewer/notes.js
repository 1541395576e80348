// What the viewer writes over the picture: numbers, the chosen object's box, the scale bar, the key of the colours.

import { barLength, RAMPS } from "./paint.js";

export const notes = {
  notes(context, width, height, look) {
    const { data, settings, view } = this;
    const font = getComputedStyle(this.root).fontFamily;
    const write = (text, x, y, align = "left") => {
      context.textAlign = align;
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeStyle = "#000c";
      context.strokeText(text, x, y);
      context.fillStyle = "#fff";
      context.fillText(text, x, y);
    };
    context.font = `600 11px ${font}`;
    context.textBaseline = "middle";
    if (settings.numbers && this.objectsHold && this.objects.length) {
      let written = 0;
      for (const [id, x, y, left, top, right, bottom] of this.objects) {
        const [sx, sy] = view.onStage(x, y);
        if (sx < 0 || sy < 0 || sx > width || sy > height) continue;
        if (Math.max(right - left, bottom - top) * view.scale < 9 || written++ > 1500) continue;
        write(String(id), sx, sy, "center");
      }
    }
    const chosen = settings.selected !== null && this.objectsHold && this.byId?.get(settings.selected);
    if (chosen) {
      const [left, top] = view.onStage(chosen[3], chosen[4]);
      const [right, bottom] = view.onStage(chosen[5], chosen[6]);
      const box = [left - 4, top - 4, right - left + 8, bottom - top + 8];
      const small = Math.max(box[2], box[3]) < 40; // its rim alone would be overlooked
      for (const [colour, line] of this.hasRim && !small ? [] : [["#000b", 4], ["#fff", 2]]) {
        context.lineWidth = line;
        context.strokeStyle = colour;
        context.strokeRect(...box);
      }
      write(String(chosen[0]), right + 8, top + 4);
    }
    if (this.cross && this.cursor) {
      const [x, y] = [width / 2, height / 2];
      for (const [colour, line] of [["#000c", 4], ["#fff", 2]]) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.beginPath();
        context.moveTo(x - 8, y);
        context.lineTo(x + 8, y);
        context.moveTo(x, y - 8);
        context.lineTo(x, y + 8);
        context.stroke();
      }
    }
    context.font = `600 12px ${font}`;
    if (data.pixel_size) {
      const [length, words] = barLength((0.25 * width * data.pixel_size) / view.scale);
      const across = (length / data.pixel_size) * view.scale;
      context.fillStyle = "#0009";
      context.fillRect(width - across - 28, height - 44, across + 20, 36);
      context.fillStyle = "#fff";
      context.fillRect(width - across - 18, height - 19, across, 4);
      write(words, width - 18 - across / 2, height - 31, "center");
      this.bar = { length, across, words };
    }
    if (RAMPS[look.mode]) {
      context.fillStyle = "#0009";
      context.fillRect(8, height - 46, 176, 38);
      for (let x = 0; x < 160; x++) {
        const value = RAMPS[look.mode][Math.round((x / 159) * 255)];
        context.fillStyle = `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
        context.fillRect(16 + x, height - 24, 1, 10);
      }
      write("0", 16, height - 35);
      write("1", 176, height - 35, "right");
      const words = look.mode === "uncertainty" ? "uncertainty" : data.multiclass ? "confidence" : "probability";
      write(words, 96, height - 35, "center");
      if (look.mode === "heat" && !data.multiclass) {
        context.fillStyle = "#fff";
        context.fillRect(15 + settings.threshold * 160, height - 27, 2, 16);
      }
    }
  },
};
