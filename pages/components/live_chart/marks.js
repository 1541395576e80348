// Events of a run that are marked on its curves: the words and the color of each kind (unet_core/runs/history.py).

export const MARKS = {
  best: "new best",
  lr: "learning rate changed",
  epochs: "number of epochs changed",
  paused: "paused",
  unpaused: "resumed",
  resumed: "restarted after an interruption",
  continued: "training continued",
  warning: "warning",
};

export function markWords(kind) {
  return MARKS[kind] ?? kind;
}

export function markColor(kind, theme) {
  const { orange, purple, blue, gray, green, red } = theme;
  const colors = { best: orange, lr: purple, epochs: blue, paused: gray, unpaused: gray, resumed: green, continued: green,
    warning: red };
  return colors[kind] ?? theme.text;
}
