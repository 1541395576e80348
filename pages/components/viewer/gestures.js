// Mouse, fingers and keys on the image and on the compare slider's divider.

const STILL = 4; // screen pixels: a press that moves less is a click
const MOST_WHEEL = 240; // pixels of scrolling that count at once

// `on`: pan(dx, dy), zoom(factor, x, y), pinch(from, to, factor), fit(), natural(x, y), isFitted(), hover(x, y, byKeyboard),
// leave(), pick(x, y), wipe(share, final), wipeBy(step), leaveFull(). Points are in CSS pixels of the stage. `signal`
// ends it.
export function listenToStage(stage, divider, on, signal) {
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
  };
  listenToPointers(stage, at, on, signal);
  listenToKeys(stage, on, signal);
  listenToDivider(stage, divider, at, on, signal);
}

function listenToPointers(stage, at, on, signal) {
  const listen = (type, listener, options = {}) => stage.addEventListener(type, listener, { signal, ...options });
  const isControl = (event) => event.target.closest(".divider, .notice");
  const pointers = new Map(); // where each finger is
  let moved = 0; // how far they went since the press
  listen("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    const step = Math.max(-MOST_WHEEL, Math.min(MOST_WHEEL, event.deltaY * lines));
    on.zoom(Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0018)), ...at(event)); // ctrl: two fingers on a touch pad
    on.hover(...at(event));
  }, { passive: false });
  listen("pointerdown", (event) => {
    if (event.button || isControl(event)) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = pointers.size > 1 ? STILL + 1 : 0;
  });
  listen("pointermove", (event) => {
    const now = at(event);
    const before = pointers.get(event.pointerId);
    if (!before) return on.hover(...now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      on.pinch(middle(before, other), middle(now, other), spread(now, other) / spread(before, other));
    } else if (moved > STILL) {
      stage.classList.add("dragging");
      on.pan(now[0] - before[0], now[1] - before[1]);
    } else return;
    pointers.set(event.pointerId, now);
  });
  const end = (event) => {
    const wasDown = pointers.delete(event.pointerId);
    stage.classList.remove("dragging");
    if (wasDown && event.type === "pointerup" && moved <= STILL) on.pick(...at(event));
  };
  listen("pointerup", end);
  listen("pointercancel", end);
  listen("pointerleave", () => on.leave());
  listen("dblclick", (event) => {
    if (isControl(event)) return;
    if (on.isFitted()) on.natural(...at(event));
    else on.fit();
  });
}

function middle(a, b) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

function spread(a, b) {
  return Math.max(10, Math.hypot(a[0] - b[0], a[1] - b[1]));
}

function listenToKeys(stage, on, signal) {
  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (event.shiftKey ? 0.5 : 0.1) * Math.min(stage.clientWidth, stage.clientHeight);
    const center = [stage.clientWidth / 2, stage.clientHeight / 2];
    const closer = () => on.zoom(1.25);
    const farther = () => on.zoom(1 / 1.25);
    const actions = {
      ArrowLeft: () => on.pan(step, 0),
      ArrowRight: () => on.pan(-step, 0),
      ArrowUp: () => on.pan(0, step),
      ArrowDown: () => on.pan(0, -step),
      "+": closer,
      "=": closer,
      "-": farther,
      _: farther,
      0: () => on.fit(),
      1: () => on.natural(),
      Enter: () => on.pick(...center),
      Escape: () => on.leaveFull(),
    };
    const action = actions[event.key];
    if (!action || action() === false) return;
    event.preventDefault();
    on.hover(...center, true);
  }, { signal });
}

function listenToDivider(stage, divider, at, on, signal) {
  const listen = (type, listener) => divider.addEventListener(type, listener, { signal });
  const move = (event, final) => {
    const share = Math.min(1, Math.max(0, at(event)[0] / stage.clientWidth));
    on.wipe(Math.round(share * 1000) / 1000, final);
  };
  listen("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.stopPropagation();
  });
  listen("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId)) move(event, false);
  });
  listen("pointerup", (event) => move(event, true));
  listen("dblclick", () => on.wipe(0.5, true));
  listen("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    on.wipeBy(step);
  });
}
