// Mouse, fingers and keys on the canvas of a panel.

const CLICK_DELAY = 260; // ms in which a second click makes a double click of it
const FAR = 5; // pixels: a press that moves more is a drag
const TALL = 30; // pixels: a drag that goes up or down as far selects values too

// `on`: hover(point), leave(), drag({from, to, tall} or null), select(drag), click(point), reset(), and for keys
// step(-1 or 1), choose(), zoom(factor), which return false where they do nothing. Points are {x, y} in pixels of the
// canvas. `signal` ends it.
export function listenToPanel(canvas, on, signal) {
  let drag = null;
  let waiting;
  const pointOf = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const listen = (type, listener) => canvas.addEventListener(type, listener, { signal });
  signal.addEventListener("abort", () => clearTimeout(waiting));
  const end = () => {
    drag = null;
    on.drag(null);
  };
  listen("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drag = { from: pointOf(event), to: pointOf(event), far: false, tall: false };
  });
  listen("pointermove", (event) => {
    const to = pointOf(event);
    if (drag) {
      const far = drag.far || Math.abs(to.x - drag.from.x) > FAR;
      drag = { ...drag, to, far, tall: Math.abs(to.y - drag.from.y) > TALL };
      on.drag(drag);
    }
    on.hover(to);
  });
  listen("pointerup", (event) => {
    if (!drag) return;
    const { far } = drag;
    const dragged = drag;
    end();
    if (far) on.select(dragged);
    else {
      const point = pointOf(event);
      clearTimeout(waiting);
      waiting = setTimeout(() => on.click(point), CLICK_DELAY);
    }
  });
  listen("pointercancel", () => {
    end();
    on.leave();
  });
  listen("pointerleave", () => drag || on.leave());
  listen("dblclick", () => {
    clearTimeout(waiting);
    on.reset();
  });
  listen("blur", () => on.leave());
  listen("keydown", (event) => {
    const actions = {
      ArrowLeft: () => on.step(-1),
      ArrowRight: () => on.step(1),
      Enter: () => on.choose(),
      "+": () => on.zoom(0.5),
      "-": () => on.zoom(2),
      Escape: () => on.reset(),
    };
    const action = actions[event.key];
    if (action && action() !== false) event.preventDefault();
  });
}
