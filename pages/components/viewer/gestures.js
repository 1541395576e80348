// The viewer's hands: mouse, fingers and keys on the picture and on the wipe's divider.

const STILL = 4; // screen pixels: a press that moves less is a click

export const gestures = {
  listen() {
    const { stage, divider } = this;
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
    };
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
      const step = Math.max(-240, Math.min(240, event.deltaY * lines));
      this.zoom(Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0018)), ...at(event));
      this.hover(...at(event));
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.button || event.target.closest(".divider, .notice")) return;
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.moved = this.pointers.size > 1 ? STILL + 1 : 0;
    });
    stage.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = this.pointers.get(event.pointerId);
      if (!before) return this.hover(...now);
      this.moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (this.pointers.size === 2) {
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
        const spread = (a, b) => Math.max(10, Math.hypot(a[0] - b[0], a[1] - b[1]));
        const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
        const [from, to] = [middle(before, other), middle(now, other)];
        this.move(() => {
          this.view.pan(to[0] - from[0], to[1] - from[1]);
          this.view.zoom(spread(now, other) / spread(before, other), ...to);
        });
      } else if (this.moved > STILL) {
        stage.classList.add("held");
        const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
        this.move(() => this.view.pan(dx, dy));
      } else return;
      this.pointers.set(event.pointerId, now);
    });
    const end = (event) => {
      const known = this.pointers.delete(event.pointerId);
      stage.classList.remove("held");
      if (known && event.type === "pointerup" && this.moved <= STILL) this.pick(...at(event));
    };
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
    stage.addEventListener("pointerleave", () => this.hover());
    stage.addEventListener("dblclick", (event) => {
      if (event.target.closest(".divider, .notice")) return;
      if (this.view.fitted) this.zoom(1 / this.view.scale, ...at(event));
      else this.move(() => this.view.fit());
    });
    stage.addEventListener("keydown", (event) => {
      if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = (event.shiftKey ? 0.5 : 0.1) * Math.min(stage.clientWidth, stage.clientHeight);
      const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) this.move(() => this.view.pan(...moves[event.key]));
      else if (event.key === "+" || event.key === "=") this.zoom(1.25);
      else if (event.key === "-" || event.key === "_") this.zoom(1 / 1.25);
      else if (event.key === "0") this.move(() => this.view.fit());
      else if (event.key === "1") this.zoom(1 / this.view.scale);
      else if (event.key === "Escape" && this.root.classList.contains("full")) this.full();
      else if (event.key === "Enter") this.pick(stage.clientWidth / 2, stage.clientHeight / 2);
      else return;
      event.preventDefault();
      this.hover(stage.clientWidth / 2, stage.clientHeight / 2, true);
    });
    const wipe = (event, final) => {
      const share = Math.min(1, Math.max(0, at(event)[0] / stage.clientWidth));
      this.change("wipe", Math.round(share * 1000) / 1000, final);
    };
    divider.addEventListener("pointerdown", (event) => {
      divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) wipe(event, false);
    });
    divider.addEventListener("pointerup", (event) => wipe(event, true));
    divider.addEventListener("dblclick", () => this.change("wipe", 0.5, true));
    divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.change("wipe", Math.min(1, Math.max(0, this.settings.wipe + step)), "soon");
    });
    this.onFull = () => {
      if (!document.fullscreenElement) this.root.classList.remove("full");
      this.resize();
    };
    document.addEventListener("fullscreenchange", this.onFull);
  },
};
