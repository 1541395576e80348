// Binary search in sorted arrays that are longer than what they hold.

// The first index among the first n entries whose value is not below x; n where there is none.
export function lowerBound(values, n, x) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The index among the first n entries whose value is nearest to x; -1 where there are no entries.
export function nearest(values, n, x) {
  const at = lowerBound(values, n, x);
  if (!n) return -1;
  if (at === 0) return 0;
  return at < n && values[at] - x < x - values[at - 1] ? at : at - 1;
}
