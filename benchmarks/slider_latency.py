"""From a move of a slider on Predict to the new picture: `python -m benchmarks.slider_latency`.

With and without a trainer, in Chromium, in alternation: a round without a trainer, a round with one, and so on; the
medians and their ratio.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import report
from tests.browser.conftest import ARGUMENTS, CHROMIUM, Server, poll
from unet_core import runs, synthetic, worker
from unet_core.config import RunConfig

WAIT = """(before) => { const now = document.querySelector('img[alt^="Mask over"]'); return now && now.src !== before
          && now.complete; }"""


def moves(page: Page, count: int) -> list[float]:
    """Seconds of each of `count` moves of the opacity slider, up and down in turn."""
    slider = page.get_by_role("slider", name="Opacity")
    seconds = []
    for number in range(count):
        before = page.locator('img[alt^="Mask over"]').get_attribute("src")
        started = time.perf_counter()
        slider.press("ArrowRight" if number % 2 else "ArrowLeft")
        page.wait_for_function(WAIT, arg=before, polling="raf")
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
    first = worker.launch(config.replace(epochs=1), server.runs_dir)
    poll(lambda: not first.state().active, 300, "the first run")
    server.start()
    times: dict[str, list[float]] = {"no trainer": [], "trainer running": []}
    try:
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page()
            page.goto(f"{server.url}/predict?run={first.id}")
            image = parsed.image or next((sample / "images").iterdir())
            page.locator('.st-key-uploads input[type="file"]').set_input_files(str(image))
            page.get_by_role("img", name="Mask over").wait_for()
            moves(page, 5)
            for _ in range(parsed.rounds):
                times["no trainer"] += moves(page, parsed.moves)
                run = worker.launch(config.replace(epochs=1000), server.runs_dir)
                poll(lambda run=run: run.events.exists() and run.events.stat().st_size > 3000, 120, "its first steps")
                times["trainer running"] += moves(page, parsed.moves)
                run.request_stop()
                poll(lambda run=run: run.state() == runs.State.STOPPED, 60, "its end")
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
