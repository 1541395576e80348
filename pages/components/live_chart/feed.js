// Follows a run: fetches the events after the last one that is known, and says when the connection is lost.

import { fetchWithTimeout, runUrl } from "../shared/fetch_with_timeout.js";
import { Poller } from "../shared/poller.js";

const INTERVAL = 500; // ms between two requests while the run trains
const IDLE_INTERVAL = 1500; // while it is queued or paused
const LONGEST_INTERVAL = 8000; // after failures it asks ever more seldom

export class RunFeed {
  // `take(answer, bytes)` gets what is new, after the columns have taken it in; `say(text)` the state of the connection.
  constructor({ take, say }) {
    Object.assign(this, { take, say, run: null, over: false });
    this.poller = new Poller({
      ask: (signal) => this.ask(signal),
      delay: (failures) => this.delay(failures),
      failed: () => say("Connection lost, trying again…"),
    });
  }

  follow(run, columns) {
    Object.assign(this, { run, columns });
    this.poller.failures = 0;
  }

  // Ask now; also of a run that was over: it may train again.
  wake() {
    this.over = false;
    this.poller.poll();
  }

  stop() {
    this.poller.stop();
  }

  async ask(signal) {
    const { run, columns } = this;
    this.asked = run;
    const answer = await fetchWithTimeout(runUrl(run, "events", { since: columns.to, life: columns.life }), signal);
    if (answer.status === 404) {
      if (run === this.run) this.over = true;
      return this.say("This run no longer exists.");
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if (run === this.run) {
      const news = JSON.parse(answer.text);
      columns.take(news);
      columns.standing = news.standing;
      this.over = !news.standing.active;
      this.take(news, answer.text.length);
      window.dispatchEvent(new CustomEvent("unet-standing", { detail: { run, ...news.standing } }));
    }
    this.say("");
  }

  // How long to wait for the next request, after so many failures in a row; null: for ever.
  delay(failures) {
    if (this.asked !== this.run) return 0; // another run was opened meanwhile
    if (this.over) return null;
    if (failures) return Math.min(LONGEST_INTERVAL, INTERVAL * 2 ** (failures - 1));
    return ["queued", "paused"].includes(this.columns.standing?.state) ? IDLE_INTERVAL : INTERVAL;
  }
}
