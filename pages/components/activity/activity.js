// The chip in the header of every page, the mark in the title of the tab, and the notification about a run that is over.

import { finder, setText } from "../shared/dom.js";
import { fetchWithTimeout } from "../shared/fetch_with_timeout.js";
import { Poller } from "../shared/poller.js";
import { load, save } from "../shared/session.js";
import * as notifications from "./notify.js";
import { Watch } from "./watch.js";
import { chipOf, notificationOf, titleWith } from "./words.js";

const BUSY = 2000; // ms between two requests while something goes on
const IDLE = 6000;
const HIDDEN = 15_000; // while the tab is hidden: its title still tells how far a run is
const LONGEST = 30_000;
const NARROW = 700; // px
const STORED = "unet-activity";

const NOTHING = { run: null, waiting: 0, jobs: [], ended: null };

class Activity {
  constructor(root) {
    this.root = root;
    this.find = finder(root);
    this.watch = new Watch(load(STORED, {}));
    this.answer = NOTHING;
    this.removed = new AbortController();
    this.poller = new Poller({
      ask: (signal) => this.ask(signal),
      delay: (failures) => this.delay(failures),
      failed: () => {},
      evenHidden: true,
    });
    const { signal } = this.removed;
    document.addEventListener("visibilitychange", () => document.hidden || this.poller.poll(), { signal });
    window.addEventListener("unet-standing", () => this.answer.run || this.poller.poll(), { signal }); // a run has started
    window.addEventListener("resize", () => this.show(), { signal });
    this.find("close").addEventListener("click", () => this.dismiss(), { signal });
    this.find("chip").addEventListener("click", () => this.dismiss(), { signal });
    this.find("bell").addEventListener("click", () => this.toggleBell(), { signal });
    // Streamlit sets the title at a change of page: the mark comes back to it.
    this.titles = new MutationObserver(() => this.markTitle());
    this.titles.observe(document.head, { subtree: true, childList: true, characterData: true });
    this.show();
    this.poller.poll();
  }

  async ask(signal) {
    const url = new URL("api/activity", new URL(".", location.href));
    if (this.watch.watched) url.searchParams.set("run", this.watch.watched);
    const answer = await fetchWithTimeout(url, signal);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    this.answer = JSON.parse(answer.text);
    const news = this.watch.take(this.answer);
    if (news) notifications.notify(notificationOf(news), news.id, this.urlOf(news.id));
    save(STORED, { watched: this.watch.watched, ended: this.watch.ended });
    this.show();
  }

  delay(failures) {
    if (failures) return Math.min(LONGEST, BUSY * 2 ** failures);
    if (document.hidden) return HIDDEN;
    return this.answer.run || this.answer.jobs.length ? BUSY : IDLE;
  }

  urlOf(run) {
    const url = new URL("train", new URL(".", location.href));
    url.search = new URLSearchParams({ model: run });
    return url;
  }

  show() {
    const { find } = this;
    const chip = chipOf({ ...this.answer, ended: this.watch.ended }, window.innerWidth <= NARROW);
    this.mark = chip?.mark ?? "";
    this.markTitle();
    this.root.hidden = !chip;
    setText(find("spoken"), chip ? chip.spoken : "");
    if (!chip) return;
    this.root.dataset.tone = chip.tone;
    setText(find("text"), chip.text);
    find("bar").style.width = `${chip.percent ?? 0}%`;
    if (chip.run) find("chip").href = this.urlOf(chip.run);
    else find("chip").removeAttribute("href");
    find("close").hidden = !chip.tone;
    find("bell").hidden = Boolean(chip.tone) || !chip.run || !notifications.isSupported();
    this.showBell();
  }

  showBell() {
    const on = notifications.isOn();
    const blocked = notifications.isSupported() && Notification.permission === "denied";
    const words = blocked ? "The browser blocks notifications of this page" : "Notify me when a run ends";
    const bell = this.find("bell");
    bell.setAttribute("aria-pressed", String(on));
    bell.title = words;
    bell.setAttribute("aria-label", words);
    this.find("off").toggleAttribute("hidden", on);
    this.find("off").style.display = on ? "none" : "";
  }

  async toggleBell() {
    await notifications.toggle();
    this.showBell();
  }

  dismiss() {
    if (!this.watch.ended) return;
    this.watch.dismiss();
    save(STORED, { watched: this.watch.watched, ended: null });
    this.show();
  }

  markTitle() {
    const title = titleWith(document.title, this.mark ?? "");
    if (title !== document.title) document.title = title;
  }

  end() {
    this.removed.abort();
    this.titles.disconnect();
    this.poller.stop();
  }
}

export default function mountActivity(component) {
  const root = component.parentElement.querySelector(".activity");
  root.unetActivity ??= new Activity(root);
  return () => {
    root.unetActivity?.end();
    root.unetActivity = undefined;
  };
}
