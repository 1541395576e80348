// The objects of the mask, from memory: [id, x, y, left, top, right, bottom] of each. It has the place and the interface
// of the app's module of this name.

const lists = new Map();
let last = 0;

// Give a list of objects to the viewer; its id.
export function addObjects(list) {
  lists.clear(); // one set is shown at a time
  last += 1;
  lists.set(last, list.map(({ id, x, y, left, top, width, height }) => [id, x, y, left, top, left + width, top + height]));
  return last;
}

export class Objects {
  constructor({ changed }) {
    this.changed = changed;
    this.load(null, null);
  }

  load(root, id) {
    this.list = lists.get(id) ?? [];
    this.byId = new Map(this.list.map((object) => [object[0], object]));
    if (id !== null) this.changed();
  }
}
