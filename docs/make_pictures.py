"""Make the pictures of the README from the real app: `python -m docs.make_pictures` (Chromium, some minutes).

A server of its own is started on fresh folders, a run of the sample dataset is trained while it is filmed for the GIF,
and each page is opened and photographed. All files together stay under a megabyte.
"""

import io
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.overlay_frames import FIND
from tests.helpers.browser import ARGUMENTS, CHROMIUM, Server, poll, wait_until
from unet_core.data import synthetic
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs
from unet_core.runs.run import RunState

PICTURES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1280, 860
GIF_WIDTH = 760
FRAMES, FRAME_SECONDS = 24, 1.0
CURVES_DRAWN = """() => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')].some(
  (host) => Number(host.shadowRoot?.querySelector(".live")?.dataset.ms ?? 0) > 0)"""
SETTINGS = "epochs=6&base_channels=8&depth=3&image_size=96&crops_per_image=2&device=cpu"


def small(data: bytes, width: int, colors: int) -> Image.Image:
    """A photo of the screen, narrower and with few colors: text stays sharp and the file small."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    return image.quantize(colors, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn all it has to draw."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")


def photograph(page: Page, name: str) -> None:
    settle(page)
    small(page.screenshot(), WIDTH, 96).save(PICTURES / f"{name}.png", optimize=True)


def film_training(page: Page, url: str) -> None:
    """Start a run and take a frame a second until it is over; the frames become the GIF."""
    page.goto(f"{url}/train?{SETTINGS}")
    settle(page)
    page.get_by_role("button", name="Start training").click()
    page.get_by_test_id("stBidiComponentIsolated").first.wait_for()
    page.get_by_test_id("stMain").evaluate("element => element.scrollTo(0, 0)")
    frames: list[Image.Image] = []
    begun = time.monotonic()
    for number in range(FRAMES):
        poll(lambda due=begun + number * FRAME_SECONDS: time.monotonic() >= due, what="the next frame")
        frames.append(small(page.screenshot(), GIF_WIDTH, 48))
    frames[0].save(
        PICTURES / "training.gif", save_all=True, append_images=frames[1:], duration=250, loop=0, optimize=True
    )


def plant_faults(folder: Path) -> Path:
    """A dataset with three shifted masks and one of another size."""
    root = synthetic.write(folder / "nuclei")
    for number, path in enumerate(sorted((root / "masks").iterdir())[:4]):
        mask = images.read_mask(path)
        path.write_bytes(encode_png(np.roll(mask, (9, 6), (0, 1)) if number else mask[:-8, :-8]))
    return root


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        server.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.set_default_timeout(120_000)
            film_training(page, server.url)
            poll(lambda: runs.find(server.runs_dir)[0].state() is RunState.FINISHED, 600, "the end of the run")
            page.goto(f"{server.url}/train")
            wait_until(page, CURVES_DRAWN)
            photograph(page, "train")
            page.goto(f"{server.url}/predict?way=Examples")
            settle(page)
            page.get_by_role("button", name="1", exact=True).click()
            wait_until(page, f"{FIND}?.dataset.state === 'ready' && !{FIND}.viewer.dirty.size")
            photograph(page, "predict")
            page.goto(f"{server.url}/evaluate")
            page.get_by_text("Mean Dice").first.wait_for(timeout=300_000)
            wait_until(page, f"{FIND}?.dataset.state === 'ready' && !{FIND}.viewer.dirty.size")
            photograph(page, "evaluate")
            page.goto(f"{server.url}/data?source=Local folder&root={plant_faults(Path(folder))}&data_view=Mask Doctor")
            page.get_by_role("button", name="Repair all suggested").wait_for()
            photograph(page, "data")
        finally:
            browser.close()
            server.kill()


if __name__ == "__main__":
    main()
