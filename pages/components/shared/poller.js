// Asks the server again and again, one request at a time, and not while the page is hidden, unless `evenHidden`.
export class Poller {
  // `ask(signal)` makes one request and takes the answer in; `delay(failures)` gives the ms until the next one, or null
  // for none; `failed(error)` is told of each error. `failures`: how many there were in a row.
  constructor({ ask, delay, failed, evenHidden = false }) {
    Object.assign(this, { ask, delay, failed, evenHidden, failures: 0, busy: false, timer: null });
    this.stopping = new AbortController();
  }

  // Ask now, unless a request is on its way.
  async poll() {
    clearTimeout(this.timer);
    const { signal } = this.stopping;
    if (this.busy || signal.aborted || (document.hidden && !this.evenHidden)) return;
    this.busy = true;
    try {
      await this.ask(signal);
      this.failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.failures += 1;
      this.failed(error);
    } finally {
      this.busy = false;
    }
    if (signal.aborted) return;
    const delay = this.delay(this.failures);
    if (delay !== null) this.timer = setTimeout(() => this.poll(), delay);
  }

  stop() {
    this.stopping.abort();
    clearTimeout(this.timer);
  }
}
