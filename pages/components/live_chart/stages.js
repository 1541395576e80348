// The stages of a start, each with its seconds; those of the current one tick in the browser.

import { element, setText } from "../shared/dom.js";

const TICK = 250; // ms
const COMING = [["import", "Loading PyTorch"], ["read", "Reading images"], ["prepare", "Preparing the model"],
  ["first_step", "First step"]];

// "0.4 s" of what is quick, else whole seconds and minutes.
export function secondsText(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

// Rows {words, seconds, kind} of all stages, those that are still to come too. `stages`: [name, words, seconds, whether
// it lasts] of each that has begun; `since`: seconds since the server said so.
export function stageRows(stages, since = 0) {
  const last = COMING.findIndex(([name]) => name === stages.at(-1)?.[0]);
  const begun = stages.map(([, words, seconds, lasts]) =>
    ({ words, seconds: secondsText(seconds + (lasts ? since : 0)), kind: lasts ? "lasts" : "done" }));
  return [...begun, ...COMING.slice(last + 1).map(([, words]) => ({ words, seconds: "", kind: "waits" }))];
}

// Show them in the list `stages`, hidden once the run trains; a change of stage is read out.
export function showStages(find, stages) {
  const list = find("stages");
  list.hidden = !stages.length;
  clearInterval(list.unetTimer);
  if (!stages.length) return;
  const asked = performance.now();
  const draw = () => {
    if (!list.isConnected) return clearInterval(list.unetTimer);
    const rows = stageRows(stages, (performance.now() - asked) / 1000);
    while (list.children.length > rows.length) list.lastChild.remove();
    while (list.children.length < rows.length) list.append(element("li", {}, element("span"), element("b")));
    rows.forEach(({ words, seconds, kind }, i) => {
      const item = list.children[i];
      if (item.className !== kind) item.className = kind;
      setText(item.firstChild, words);
      setText(item.lastChild, seconds);
    });
    return undefined;
  };
  draw();
  list.unetTimer = setInterval(draw, TICK);
  const [name, words] = stages.at(-1);
  if (list.dataset.stage !== name) setText(find("spoken"), words);
  list.dataset.stage = name;
}
