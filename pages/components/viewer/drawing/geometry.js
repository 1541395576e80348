// Where the pixels of an image lie in a buffer of screen pixels, and in which tiles. Plain numbers, no canvas.

// What of the image lies under a buffer of `width` x `height`: `k` of its pixels for one of the image's, whose position
// (u, v) is at the buffer's upper left corner. left..right, top..bottom: the buffer's pixels that the image covers.
export function geometry(width, height, k, u, v, size) {
  const edge = (position, start, most) => Math.min(most, Math.max(0, Math.ceil((position - start) * k - 0.5)));
  return {
    width,
    height,
    k,
    u,
    v,
    left: edge(0, u, width),
    right: edge(size[0], u, width),
    top: edge(0, v, height),
    bottom: edge(size[1], v, height),
  };
}

// The same for a viewport whose middle is the buffer's; `sharp`: pixels of the buffer for one CSS pixel.
export function geometryOf(view, size, width, height, sharp) {
  const k = view.scale * sharp;
  return geometry(width, height, k, view.x - width / 2 / k, view.y - height / 2 / k, size);
}

// The level (reduced 2**level times) whose pixels come nearest to the screen's and are never coarser; `k` as above.
export function levelFor(k, levels) {
  return Math.max(0, Math.min(levels, Math.floor(-Math.log2(k) + 1e-9)));
}

// The tiles under a buffer: calls visit(column, row, left, right, top, bottom) with the part of the buffer of each.
// `side`: of a tile, in pixels of the image. A pixel belongs to the tile that its middle lies in, so that each belongs
// to exactly one.
export function eachTile(g, side, visit) {
  const edge = (position, start) => Math.ceil((position - start) * g.k - 0.5);
  if (g.right <= g.left || g.bottom <= g.top) return;
  const [firstColumn, lastColumn] = [g.left, g.right - 1].map((x) => Math.floor((g.u + (x + 0.5) / g.k) / side));
  const [firstRow, lastRow] = [g.top, g.bottom - 1].map((y) => Math.floor((g.v + (y + 0.5) / g.k) / side));
  for (let row = Math.max(0, firstRow); row <= lastRow; row++) {
    const top = Math.max(g.top, edge(row * side, g.v));
    const bottom = Math.min(g.bottom, edge((row + 1) * side, g.v));
    for (let column = Math.max(0, firstColumn); column <= lastColumn; column++) {
      const left = Math.max(g.left, edge(column * side, g.u));
      const right = Math.min(g.right, edge((column + 1) * side, g.u));
      if (right > left && bottom > top) visit(column, row, left, right, top, bottom);
    }
  }
}

// Whether `test(column, row)` holds for all tiles under a buffer; every tile is asked, since asking may fetch it.
export function everyTile(g, side, test) {
  let all = true;
  eachTile(g, side, (column, row) => {
    if (!test(column, row)) all = false;
  });
  return all;
}

// Whether it holds for one of them.
export function someTile(g, side, test) {
  let any = false;
  eachTile(g, side, (column, row) => (any ||= test(column, row)));
  return any;
}
