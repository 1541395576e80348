// The row of a table at `y` pixels below its upper edge, -1 for its head and below the last of `count` rows.
// `scrolled`: how many pixels of the rows are hidden above; `head`, `row`: heights.
export function rowAt(y, scrolled, { head, row }, count) {
  if (y < head) return -1;
  const number = Math.floor((y - head + scrolled) / row);
  return number < count ? number : -1;
}
