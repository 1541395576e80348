// What the chip, the tab and a notification say.

import { duration } from "../shared/format.js";

const STATES = { running: "Training", starting: "Starting", paused: "Paused", stopping: "Stopping" };
const ENDS = {
  finished: "Training finished",
  stopped: "Training stopped",
  failed: "Training failed",
  interrupted: "Training was interrupted",
};
const MARK = /^(\(\d+%\)|✓|⚠) /;

export const isBad = (state) => state === "failed" || state === "interrupted";

// {text, spoken, percent, mark, tone} of the chip; null where nothing goes on. `short`: the screen is narrow.
// `spoken` changes with the state alone, so that not every percent is read out.
export function chipOf({ run, waiting, jobs, ended }, short = false) {
  if (run) {
    const begun = run.percent !== null;
    const word = begun || run.state !== "running" ? (STATES[run.state] ?? run.state) : "Starting";
    const parts = [begun ? `${word} ${run.percent}%` : word];
    if (!short) {
      if (!begun && run.stage) parts.push(run.stage);
      else if (run.left !== null && run.state === "running") parts.push(`${roughly(run.left)} left`);
      if (waiting) parts.push(`${waiting} queued`);
    }
    return { text: parts.join(" · "), spoken: word, percent: run.percent, mark: begun ? `(${run.percent}%)` : "", tone: "", run: run.id };
  }
  if (ended) {
    const words = ENDS[ended.state] ?? ended.state;
    const bad = isBad(ended.state);
    const text = `${bad ? "⚠" : "✓"} ${short ? words.split(" ").pop() : words}`;
    return { text, spoken: words, percent: null, mark: bad ? "⚠" : "✓", tone: bad ? "bad" : "good", run: ended.id };
  }
  if (jobs.length) {
    const { label, percent } = jobs[0];
    const more = jobs.length > 1 ? ` +${jobs.length - 1}` : "";
    const text = short ? `${label.split(" ")[0]} ${percent}%` : `${label} ${percent}%${more}`;
    return { text, spoken: label, percent, mark: "", tone: "", run: null };
  }
  return null;
}

// Minutes are enough for what takes some: a number that changes each second draws the eye.
export function roughly(seconds) {
  if (seconds < 90) return `${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  return duration(Math.round(seconds / 60) * 60);
}

// The title of the tab with a mark in front, in place of an earlier one.
export function titleWith(title, mark) {
  const plain = title.replace(MARK, "");
  return mark ? `${mark} ${plain}` : plain;
}

// [heading, text] of the notification about a run that is over.
export function notificationOf({ name, state, dice }) {
  const score = dice === null ? "" : ` Best Dice ${dice.toFixed(3)}.`;
  return [ENDS[state] ?? state, `${name}.${score}`];
}
