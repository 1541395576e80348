// The progress of a run above its curves: epoch, step, speed. How much time is left stands in the row above them.

import { setText } from "../shared/dom.js";
import { duration, memory, number } from "../shared/format.js";
import { showStages } from "./stages.js";

// The text of each item; `now` is the `standing` of the server's answer.
export function progressTexts(now) {
  const begun = now.step !== undefined;
  const training = ["running", "stopping"].includes(now.state);
  const { best } = now; // [epoch, Dice, IoU, second since 1970]
  const ago = best && now.active ? `, ${duration(Math.max(0, now.now - best[3]))} ago` : "";
  return {
    epoch: begun ? `${now.epoch} of ${now.epochs}` : "–",
    step: begun ? `${now.step} of ${now.total}` : "–",
    speed: now.speed && training ? number(Number(now.speed.toPrecision(3))) : "–",
    lr: begun ? number(now.lr) : "–",
    device: begun ? now.device : "–",
    memory: memory(now.memory),
    best: best ? `Dice ${best[1] === null ? "–" : best[1].toFixed(3)} (epoch ${best[0]}${ago})` : "–",
  };
}

// `find` looks up elements; `empty`: there are no points yet.
export function showProgress(find, now, empty) {
  for (const [name, text] of Object.entries(progressTexts(now))) setText(find("now-" + name), text);
  const begun = now.step !== undefined;
  showStages(find, now.stages ?? []);
  find("now").hidden = !now.active || !begun || !now.step; // of a run that is over the page shows more
  find("curves").hidden = empty;
  find("empty").hidden = now.active || !empty; // the page says what an active one waits for
  setText(find("empty"), "This run ended before its first step.");
}
