// What happens when the server no longer has the pixels, or does not respond: Python is asked to put them back, and the
// reader is told where that does not help.

import { element } from "../shared/dom.js";

const MOST_REQUESTS = 3; // for lost pixels, in a row
const PATIENCE = 5000; // ms until a problem is shown that may still be solved

export class Recovery {
  // `request()` asks Python for a rerun, which puts the pixels back and echoes the request as the data's `lost`;
  // `retry()` has the tiles fetched again; `isEnded()`: the element has gone; `gaveUp()`.
  constructor(tiles, { request, retry, isEnded, gaveUp }) {
    Object.assign(this, { tiles, request, retry, isEnded, gaveUp, requests: 0, echo: undefined, requestedAt: undefined });
    this.notice = element("div", { class: "notice", role: "status", hidden: true });
  }

  // What Python echoed. Returns whether it has put pixels back since.
  update(echo, first) {
    const isAnswer = !first && echo !== this.echo;
    this.echo = echo;
    return isAnswer;
  }

  // Another image is shown.
  reset() {
    this.notice.hidden = true;
    this.requests = 0;
  }

  // Pixels are lost.
  lost() {
    if (this.#isWaiting) return;
    this.requests += 1;
    if (this.requests > MOST_REQUESTS) {
      this.gaveUp();
      this.say("The server no longer has this image.", true);
      return;
    }
    this.requestedAt = { echo: this.echo };
    this.request();
    setTimeout(() => {
      if (!this.isEnded() && this.tiles.problem && this.tiles.idle) this.say(this.tiles.problem, true);
    }, PATIENCE);
  }

  // Whether a request has not been answered yet.
  get #isWaiting() {
    return this.requestedAt !== undefined && this.requestedAt.echo === this.echo;
  }

  // After each drawing; `complete`: all of it could be drawn, `before`: also at the drawing before.
  drawn(complete, before) {
    if (complete && !before) this.solved();
    const isStuck = !complete && this.tiles.idle && this.tiles.problem && !this.#isWaiting;
    if (isStuck && this.notice.hidden) this.say(this.tiles.problem, true);
  }

  solved() {
    this.requests = 0;
    this.say("");
  }

  // Show a text over the image, with a button to try again; an empty text takes it away.
  say(text, withButton = false) {
    this.notice.hidden = !text;
    this.notice.replaceChildren(text);
    if (!withButton) return;
    const press = () => {
      this.reset();
      this.request();
      this.retry();
    };
    this.notice.append(element("button", { type: "button", onclick: press }, "Load again"));
  }
}
