// What the reader chose, and how Python learns of it: at once when a control is let go, when keys rest, and never while
// something is dragged.

const REST = 350; // ms after the last key until a slider counts as let go

export class SettingsSync {
  // `send(values)` tells Python; `changed()`: something is to be drawn; `adopted(before, values)`: Python's values were
  // taken, after those `before`.
  constructor({ send, changed, adopted }) {
    Object.assign(this, { send, changed, adopted });
    this.values = null;
    this.dragged = null; // the name of the setting that is being moved
    this.count = undefined; // of the news that were sent last: Python echoes it once it has heard them
  }

  // Python's settings count, unless it has not heard yet what was sent last. `data`: {settings, count} as it sent them.
  adopt(data) {
    this.data = data;
    if (this.dragged || (this.count !== undefined && data.count !== this.count)) return;
    const before = this.values;
    this.values = { ...data.settings };
    this.sent = JSON.stringify(this.values);
    this.adopted(before, this.values);
  }

  // `final`: true (let go), false (still moving), "soon" (a key: more may follow).
  change(name, value, final) {
    this.values = { ...this.values, [name]: value };
    clearTimeout(this.timer);
    this.dragged = final === true ? null : name;
    if (final === "soon") this.timer = setTimeout(() => this.report(), REST);
    if (final === true) this.report();
    this.changed();
  }

  report() {
    clearTimeout(this.timer);
    this.dragged = null;
    this.changed();
    const values = JSON.stringify(this.values);
    if (values === this.sent) return this.adopt(this.data);
    this.sent = values;
    this.count = Math.max(Date.now(), (this.count ?? 0) + 1);
    this.send({ ...this.values, count: this.count });
  }

  stop() {
    clearTimeout(this.timer);
  }
}
