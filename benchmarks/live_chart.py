"""The live curves of a long run in Chromium: `python -m benchmarks.live_chart`.

Fabricates a run of 50,000 steps that goes on, starts the server and opens its page: seconds until the curve is drawn,
from the navigation on, with a server that has just started and with one that knows the run; bytes and server time of
an update; time of the fragment behind the page; whether a zoom outlives the updates.
"""

import argparse
import gzip
import math
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from filelock import FileLock
from playwright.sync_api import Page, sync_playwright

from benchmarks.report import report
from tests.helpers.browser import ARGUMENTS, CHROMIUM, Server, poll, wait_until
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, Event, RunStarted, StepFinished, encode

PER_EPOCH = 500
DRAWN = "(steps) => window.__drawn() >= steps"
ASK = """() => { window.__drawn = () => {
  for (const host of document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')) {
    const root = host.shadowRoot?.querySelector('.live');
    if (root && +root.dataset.ms > 0) return +root.dataset.steps || 0;
  }
  return 0; }; }"""


class Trainer:
    """Writes the events of a run as a trainer would, and holds its lock."""

    def __init__(self, run: runs.Run) -> None:
        self.run, self.seq, self.step = run, 0, 0
        self.lock = FileLock(run.folder / "lock", thread_local=False)
        self.lock.acquire()
        self.done = threading.Event()
        self.file = run.events.open("ab", buffering=0)

    def lines(self, count: int, began: float) -> bytes:
        """So many steps, a tenth of a second each, with the epochs among them."""
        told = []
        for _ in range(count):
            self.step += 1
            at = began + self.step / 10
            epoch, loss = (self.step - 1) // PER_EPOCH + 1, math.exp(-self.step / 9000) + random.random() / 10
            told.append(self.line(StepFinished(epoch, self.step, loss, 0.01 * math.cos(self.step / 4e4), 812), at))
            if self.step % PER_EPOCH == 0:
                dice = 1 - math.exp(-self.step / 9000)
                scores = EpochFinished(epoch, self.step, loss, loss, dice, dice, 0.01, 160.0, 50.0, best=epoch % 7 == 0)
                told.append(self.line(scores, at))
        return "".join(told).encode()

    def line(self, event: Event, at: float) -> str:
        self.seq += 1
        return encode(event, self.seq, at)

    def go_on(self, began: float) -> None:
        """Ten steps a second."""
        while not self.done.wait(0.1):
            self.run.beat()
            self.file.write(self.lines(1, began))


def fetch(url: str) -> tuple[bytes, float]:
    """A route's answer and the milliseconds that it took."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as reply:
        body = reply.read()
    return body, 1000 * (time.perf_counter() - started)


def opened(page: Page, url: str, steps: int) -> tuple[float, float]:
    """Seconds from the navigation until Streamlit shows the page's title, and until the curve has so many points."""
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    wait_until(page, "document.querySelector('h1')", seconds=120)
    titled = time.perf_counter() - started
    wait_until(page, DRAWN, arg=steps, seconds=120)
    return titled, time.perf_counter() - started


def fragment_ms(run: runs.Run, count: int = 20) -> float:
    """The body of the fragment that watches a run, without Streamlit's own part."""
    from streamlit.testing.v1 import AppTest

    def script(folder: str) -> None:
        import time
        from pathlib import Path

        import streamlit as st

        from pages.views.train import live_run
        from unet_core.runs import run as runs

        started = time.perf_counter()
        live_run.watch(runs.Run(Path(folder)), True)
        st.session_state["ms"] = 1000 * (time.perf_counter() - started)

    app = AppTest.from_function(script, kwargs={"folder": str(run.folder)}, default_timeout=60)
    times = []
    for _ in range(count):
        app.run()
        assert not app.exception, app.exception
        times.append(app.session_state["ms"])
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="live-"))
    server = Server(folder)
    sample = synthetic.write(folder / "sample")
    run = runs.create(server.runs_dir, RunConfig().replace(root=str(sample)))
    trainer = Trainer(run)
    began = time.time() - parsed.steps / 10
    epochs = 2 * parsed.steps // PER_EPOCH
    start = RunStarted("cpu", "bf16", 1, 485_000, 3, 1, 144, 36, 0, epochs, PER_EPOCH)
    trainer.file.write(trainer.line(start, began).encode() + trainer.lines(parsed.steps, began))
    run.beat()
    threading.Thread(target=trainer.go_on, args=(began,), daemon=True).start()
    cold, warm, titles, sizes, server_ms = [], [], [], [], []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for _ in range(parsed.rounds):
                server.start()
                for times in (cold, warm):
                    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
                    page.add_init_script(f"({ASK})()")
                    titled, drawn = opened(page, f"{server.url}/train?run={run.id}", parsed.steps)
                    titles.append(titled)
                    times.append(drawn)
                    if len(warm) < parsed.rounds or times is cold:
                        page.context.close()
                if len(warm) < parsed.rounds:
                    server.kill()
            live = page.locator(".live")
            canvas = live.locator("canvas").first.bounding_box()
            assert canvas is not None
            page.mouse.move(canvas["x"] + 150, canvas["y"] + 100)
            page.mouse.down()
            page.mouse.move(canvas["x"] + 250, canvas["y"] + 105)
            page.mouse.up()
            poll(lambda: live.get_attribute("data-zoom"), 20, "a zoom")
            zoom, polls = live.get_attribute("data-zoom"), int(live.get_attribute("data-polls") or 0)
            draws = []
            poll(lambda: int(live.get_attribute("data-polls") or 0) >= polls + 10, 60, "ten updates")
            draws.append(float(live.get_attribute("data-ms") or 0))
            kept = live.get_attribute("data-zoom") == zoom
            url = f"{server.url}/api/runs/{run.id}/events"
            whole, whole_ms = fetch(url)
            at = trainer.seq
            for _ in range(20):
                time.sleep(0.5)  # as often as the browser asks
                body, milliseconds = fetch(f"{url}?since={at}")
                at = trainer.seq
                sizes.append(len(body))
                server_ms.append(milliseconds)
            page.keyboard.press("Escape")
            live.locator("canvas").first.dblclick()
            poll(lambda: live.get_attribute("data-zoom") == "", 20, "the whole curve")
            poll(lambda: int(live.get_attribute("data-polls") or 0) >= polls + 14, 60, "more updates")
            draws.append(float(live.get_attribute("data-ms") or 0))
            os.environ["UNET_RUNS"] = str(server.runs_dir)
            fragment = fragment_ms(run)
            browser.close()
    finally:
        trainer.done.set()
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    rows = [
        {
            "what": "page open until the curve is drawn, new server (s)",
            "median": statistics.median(cold),
            "most": max(cold),
        },
        {"what": "the same, server knows the run (s)", "median": statistics.median(warm), "most": max(warm)},
        {"what": "of which Streamlit until the title (s)", "median": statistics.median(titles), "most": max(titles)},
        {"what": "an update (bytes)", "median": statistics.median(sizes), "most": max(sizes)},
        {"what": "an update, request to answer (ms)", "median": statistics.median(server_ms), "most": max(server_ms)},
        {"what": "drawing an update, zoomed / whole (ms)", "median": draws[0], "most": draws[1]},
        {"what": "body of the fragment (ms)", "median": fragment, "most": fragment},
        {"what": "first answer (bytes sent, ms)", "median": len(whole), "most": whole_ms},
    ]
    report(
        "live_chart",
        rows,
        steps=parsed.steps,
        whole_answer=len(gzip.decompress(whole)),
        zoom_kept=kept,
        opens_in_3_s=statistics.median(cold) < 3,
        update_below_1_kb=max(sizes) < 1024,
        load=os.getloadavg()[0],
    )


if __name__ == "__main__":
    main()
