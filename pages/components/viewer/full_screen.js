// The viewer over the whole screen; where a frame may not do that, over the whole frame.

// `root` gets the class "full" while it fills the screen; `changed()`: its size is another one. Returns
// {isOn(), toggle()}. `signal` ends it.
export function fullScreen(root, changed, signal) {
  const isOn = () => root.classList.contains("full");
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement) root.classList.remove("full");
    changed();
  }, { signal });
  const toggle = () => {
    if (document.fullscreenElement || isOn()) {
      root.classList.remove("full");
      if (document.fullscreenElement) document.exitFullscreen();
      return;
    }
    root.classList.add("full");
    root.requestFullscreen?.().catch(() => {}); // refused: then it fills the frame
  };
  return { isOn, toggle };
}
