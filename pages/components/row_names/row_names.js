// The name of the row under the pointer as the tooltip of a table that draws its cells on a canvas.

import { rowAt } from "./row_at.js";

export default ({ parentElement: parent, data }) => {
  parent.unetEnd?.();
  const end = new AbortController();
  parent.unetEnd = () => end.abort();
  document.addEventListener("pointermove", (event) => {
    const frame = event.target.closest?.(`[class*="st-key-${CSS.escape(data.table)}"] [data-testid=stDataFrame]`);
    if (!frame) return;
    const scrolled = frame.querySelector(".dvn-scroller")?.scrollTop ?? 0;
    const name = data.names[rowAt(event.clientY - frame.getBoundingClientRect().top, scrolled, data, data.names.length)] ?? "";
    if (frame.title !== name) frame.title = name;
  }, { signal: end.signal, passive: true });
  return parent.unetEnd;
};
