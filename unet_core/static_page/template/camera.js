// The camera of the device: a live picture and a button that takes the frame it shows.

import { readFrame } from "./reading/browser.js";

const REFUSALS = {
  NotAllowedError: "The camera may not be used. Allow it for this page in the browser's settings, or choose a file.",
  NotFoundError: "No camera was found. Connect one, or choose a file.",
  NotReadableError: "The camera is used by another program. Close that one, or choose a file.",
};

export class Camera {
  // `elements`: {dialog, video, take, close}; `taken(image)`; `failed(message)`.
  constructor({ dialog, video, take, close }, taken, failed) {
    Object.assign(this, { dialog, video, taken, failed, count: 0 });
    take.addEventListener("click", () => this.#take());
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#end());
  }

  // Whether this browser lets this page use a camera at all: only over https and from the same machine.
  static get isPossible() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  async open() {
    try {
      const video = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      this.failed(REFUSALS[error.name] ?? `The camera could not be started (${error.message}). Choose a file instead.`);
      return;
    }
    this.video.srcObject = this.stream;
    this.dialog.showModal();
    await this.video.play();
  }

  #take() {
    if (!this.video.videoWidth) return;
    try {
      this.count += 1;
      this.taken({ name: `camera-${this.count}.png`, ...readFrame(this.video) });
    } catch (error) {
      this.failed(`Camera: ${error.message}`);
    }
    this.dialog.close();
  }

  #end() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
  }
}
