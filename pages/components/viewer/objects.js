// The objects of the mask: [id, x, y, left, top, right, bottom] of each, fetched when Python names another set.

import { visitorHeaders } from "../shared/visitor.js";

export class Objects {
  // `changed()`: they have come; `lost()`: the server no longer has them; `failed()`: it does not respond.
  constructor({ changed, lost, failed }) {
    Object.assign(this, { changed, lost, failed, id: null });
    this.#set([]);
  }

  #set(list) {
    this.list = list;
    this.byId = new Map(list.map((object) => [object[0], object]));
  }

  // `id`: of the set, or null for none.
  async load(root, id) {
    this.#set([]);
    this.id = id;
    if (!id) return;
    try {
      const answer = await fetch(`${root}/data/${id}`, { headers: visitorHeaders() });
      if (answer.status === 404) return this.lost();
      const list = await answer.json();
      if (this.id !== id) return; // another set is wanted by now
      this.#set(list);
    } catch {
      return this.failed();
    }
    this.changed();
  }
}
