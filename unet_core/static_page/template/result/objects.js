// The objects of a mask: connected pixels (8 neighbors) of one class, as unet_core/postprocessing/objects.py numbers and
// measures them. Plain numbers, no canvas.

// `mask`: class indices, 0 the background, 255 ignored. Returns {labels (Int32Array), list}; each of the list has id,
// class, area, left, top, width, height, x, y (the centroid; the center of the first pixel is 0.5) and touches.
export function findObjects(mask, width, height) {
  const { labels, parent } = componentsOf(mask, width, height);
  const found = new Map();
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!labels[at]) continue;
      const root = rootOf(parent, labels[at]);
      labels[at] = root;
      let object = found.get(root);
      if (!object) {
        object = { root, class: mask[at], area: 0, left: x, right: x, top: y, bottom: y, sumX: 0, sumY: 0 };
        found.set(root, object);
      }
      object.area += 1;
      object.sumX += x;
      object.sumY += y;
      if (x < object.left) object.left = x;
      if (x > object.right) object.right = x;
      object.bottom = y;
    }
  }
  const order = [...found.values()].sort((a, b) => a.class - b.class || a.top - b.top || a.left - b.left);
  const numbers = new Int32Array(parent.length);
  order.forEach((object, at) => (numbers[object.root] = at + 1));
  for (let at = 0; at < labels.length; at++) labels[at] = numbers[labels[at]];
  return { labels, list: order.map((object, at) => measured(object, at + 1, width, height)) };
}

function measured({ class: index, area, left, right, top, bottom, sumX, sumY }, id, width, height) {
  return {
    id,
    class: index,
    area,
    left,
    top,
    width: right - left + 1,
    height: bottom - top + 1,
    x: sumX / area + 0.5,
    y: sumY / area + 0.5,
    touches: left === 0 || top === 0 || right === width - 1 || bottom === height - 1,
  };
}

// A label for each pixel, with the labels that are of one object joined in `parent`.
function componentsOf(mask, width, height) {
  const labels = new Int32Array(width * height);
  const parent = [0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const value = mask[at];
      if (value === 0 || value === 255) continue;
      let label = 0;
      const join = (other) => {
        if (mask[other] !== value) return;
        label = label ? unite(parent, label, labels[other]) : labels[other];
      };
      if (x) join(at - 1);
      if (y && x) join(at - width - 1);
      if (y) join(at - width);
      if (y && x + 1 < width) join(at - width + 1);
      if (!label) {
        label = parent.length;
        parent.push(label);
      }
      labels[at] = label;
    }
  }
  return { labels, parent };
}

function rootOf(parent, label) {
  let root = label;
  while (parent[root] !== root) root = parent[root] = parent[parent[root]];
  return root;
}

function unite(parent, a, b) {
  const [first, second] = [rootOf(parent, a), rootOf(parent, b)];
  parent[Math.max(first, second)] = Math.min(first, second);
  return Math.min(first, second);
}

// The mask without objects of fewer than `least` pixels, and the objects that are left, numbered anew.
export function withoutSmall(mask, width, height, least) {
  const all = findObjects(mask, width, height);
  if (least <= 1 || all.list.every((object) => object.area >= least)) return { mask, ...all };
  const cleaned = Uint8Array.from(mask, (value, at) => (all.labels[at] && all.list[all.labels[at] - 1].area < least ? 0 : value));
  return { mask: cleaned, ...findObjects(cleaned, width, height) };
}

// The mean of `levels` (whole numbers of 1/most) in each object, in 0..1.
export function meansOf({ labels, list }, levels, most) {
  const sums = new Float64Array(list.length + 1);
  for (let at = 0; at < labels.length; at++) sums[labels[at]] += levels[at];
  return list.map(({ id, area }) => sums[id] / area / most);
}
