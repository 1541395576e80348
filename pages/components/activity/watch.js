// Which run a tab has seen training, and which one has ended since.

export class Watch {
  // `watched`: the id of a run that was active; `ended`: what the server said of one that is over, until it is dismissed.
  constructor({ watched = "", ended = null } = {}) {
    Object.assign(this, { watched, ended });
  }

  // Take an answer of the server in. Returns the run that has just ended, or null.
  take({ run, ended }) {
    let news = null;
    if (ended && ended.id === this.watched) {
      this.watched = "";
      if (ended.state !== "gone") news = this.ended = ended;
    }
    if (run && run.id !== this.watched) {
      if (!this.watched) this.watched = run.id; // the end of one that is still watched is asked for first
      if (!news) this.ended = null;
    }
    return news;
  }

  dismiss() {
    this.ended = null;
  }
}
