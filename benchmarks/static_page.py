"""The page of plain files in headless Chromium: megabytes, seconds for 512x512 on one wasm thread, IoU to torch.

    python -m benchmarks.static_page [MODEL_RUN] [IMAGE ...]

Without a run it takes the default network (base channels 16, depth 4) with crafted weights, without images blobs.
Targets: at most 25 MB, 2 s, IoU 0.999.
"""

import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright

from tests.helpers.browser import ARGUMENTS, CHROMIUM
from tests.helpers.static_page import craft, load_runtime, publish, serve
from unet_core.config.schema import RunConfig
from unet_core.inference.predictor import Predictor
from unet_core.io import images
from unet_core.runs.run import Run
from unet_core.static_page.rules import IMAGES, tile_side

SIDE, REPEATS = 512, 5


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            run = Run(Path(sys.argv[1]))
        else:
            config = dataclasses.replace(RunConfig().model, in_channels=1, num_classes=1, source_channels=(1,))
            run = craft(folder / "runs", config)
        model = publish(run, folder / "site", load_runtime())
        report_size(folder / "site")
        files = [Path(path) for path in sys.argv[2:]] or [blobs(folder / "blobs.png")]
        predictor = Predictor(model, torch.device("cpu"), "fp32", tile=tile_side(model.config))
        with serve(folder / "site") as (url, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(url)
            page.locator("[data-is=status]").filter(has_text="Ready").wait_for(timeout=120_000)
            print(f"first visit until ready: {time.perf_counter() - start:.1f} s")
            for file in files:
                compare(page, file, predictor)
            browser.close()


def report_size(site: Path) -> None:
    total = sum(path.stat().st_size for path in site.rglob("*"))
    for pattern in ("model.onnx", "runtime/*"):
        for path in sorted(site.glob(pattern)):
            print(f"{path.stat().st_size / 1e6:8.2f} MB  {path.relative_to(site)}")
    print(f"{total / 1e6:8.2f} MB  in all (25)")


def blobs(path: Path) -> Path:
    """A file of SIDE x SIDE gray pixels."""
    rng = np.random.default_rng(0)
    parts = [cv2.resize(rng.random((SIDE // size, SIDE // size)), (SIDE, SIDE)) for size in (8, 16, 64)]
    path.write_bytes(cv2.imencode(".png", (sum(parts) / 3 * 255).astype(np.uint8))[1].tobytes())
    return path


def cpu_seconds() -> float:
    """Of the browser, all its processes: on a busy machine the clock tells of its neighbors."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        parents[int(path.parent.name)], ticks[int(path.parent.name)] = int(words[1]), int(words[11]) + int(words[12])
    total = 0
    for number in ticks:
        above = number
        while above in parents and above != os.getpid():
            above = parents[above]
        total += ticks[number] if above == os.getpid() and number != os.getpid() else 0
    return total / os.sysconf("SC_CLK_TCK")


def compare(page: Page, file: Path, predictor: Predictor) -> None:
    pixels = images.read(file)
    fitted, _ = predictor.fit(pixels, IMAGES[pixels.shape[2]])
    expected = predictor.mask(fitted)
    page.locator("[data-is=files]").set_input_files(str(file))
    page.locator("[data-is=viewer] .about").filter(has_text=file.name).wait_for(timeout=600_000)
    before = cpu_seconds()
    seconds = page.evaluate(
        """async (repeats) => {
          const { engine, image } = document.unetPage;
          const seconds = [];
          for (let number = 0; number < repeats; number++) {
            const start = performance.now();
            await engine.run(image, () => {});
            seconds.push((performance.now() - start) / 1000);
          }
          return seconds;
        }""",
        REPEATS,
    )
    cpu = (cpu_seconds() - before) / REPEATS
    mask = np.array(page.evaluate("[...document.unetPage.result.mask]"), np.uint8).reshape(expected.shape)
    both, either = np.count_nonzero(mask & expected), np.count_nonzero(mask | expected)
    different = np.count_nonzero(mask != expected)
    size = f"{pixels.shape[1]}x{pixels.shape[0]}"
    print(f"{file.name} {size}: {min(seconds):.2f} s at best, {np.median(seconds):.2f} s median of {REPEATS} (2)")
    print(f"    CPU time {cpu:.2f} s, as on a machine that does nothing else")
    print(f"    IoU {both / max(1, either):.5f} (0.999), {different} of {mask.size} pixels differ")


if __name__ == "__main__":
    main()
