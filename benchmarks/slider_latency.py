"""From a release of Predict's threshold to the new measures: `python -m benchmarks.slider_latency`.

The viewer itself redraws without the server (`benchmarks.overlay_frames`); this is what follows from Python: the mask,
its objects, their table. With and without a trainer, in Chromium, in alternation: a round without a trainer, a round
with one, and so on; the medians and their ratio.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import report
from tests.helpers.browser import ARGUMENTS, CHROMIUM, Server, poll
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.runs import run as runs
from unet_core.training import launch

TOLD = "text=/ foreground · /"  # the line under the viewer: it says the share at the threshold
VALUES = ("0.3", "0.7")


def moves(page: Page, count: int) -> list[float]:
    """Seconds of each of `count` moves of the threshold, between two values in turn."""
    slider, told = page.get_by_role("slider", name="Threshold"), page.locator(TOLD).first
    seconds = []
    for _ in range(count):
        before = told.inner_text()
        started = time.perf_counter()
        slider.dispatch_event("pointerdown")  # as the mouse does; keys are told of when they rest, after 350 ms
        slider.fill(VALUES[slider.input_value() == VALUES[0]])
        while told.inner_text() == before:
            page.wait_for_timeout(5)
        seconds.append(time.perf_counter() - started)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--moves", type=int, default=15)
    parser.add_argument("--image", type=Path, help="the image to show; by default one of the built-in set")
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="slider-"))
    sample = synthetic.write(folder / "sample")
    server = Server(folder)
    config = RunConfig().replace(root=str(sample))
    first = launch.launch(config.replace(epochs=1), server.runs_dir)
    poll(lambda: not first.state().active, 300, "the first run")
    server.start()
    times: dict[str, list[float]] = {"no trainer": [], "trainer running": []}
    try:
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page()
            page.goto(f"{server.url}/predict?run={first.id}")
            image = parsed.image or next((sample / "images").iterdir())
            page.locator('.st-key-uploads-0 input[type="file"]').set_input_files(str(image))
            page.locator(".viewer[data-state=ready]").wait_for()
            moves(page, 5)
            for _ in range(parsed.rounds):
                times["no trainer"] += moves(page, parsed.moves)
                run = launch.launch(config.replace(epochs=1000), server.runs_dir)
                poll(lambda run=run: run.events.exists() and run.events.stat().st_size > 3000, 120, "its first steps")
                times["trainer running"] += moves(page, parsed.moves)
                run.request_stop()
                poll(lambda run=run: run.state() == runs.RunState.STOPPED, 60, "its end")
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        {"case": name, "ms (median)": 1000 * medians[name], "ms (95 %)": 1000 * sorted(values)[int(0.95 * len(values))]}
        for name, values in times.items()
    ]
    ratio = medians["trainer running"] / medians["no trainer"]
    report("slider_latency", rows, ratio=ratio, moves=len(times["no trainer"]))


if __name__ == "__main__":
    main()
