"""What the viewer does while a slider is dragged, and what goes over the wire: `python -m benchmarks.overlay_frames`.

A mouse drags a slider to and fro in Chromium without a graphics card; the time between two of its animation frames is
measured in the page, Streamlit's websocket messages are counted outside. `ms to picture` is from the viewer's first
line to a whole picture; `ms to draw` the viewer's own share of a frame.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import report
from tests.helpers.browser import ARGUMENTS, CHROMIUM, Server, wait_until

FIND = (
    "[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]"
    ".map((each) => each.shadowRoot?.querySelector('.viewer')).find(Boolean)"
)
RECORD = """() => { window.frames_ = []; let last = 0; window.recording_ = true;
    const next = (now) => { if (last) window.frames_.push(now - last); last = now;
                            if (window.recording_) requestAnimationFrame(next); };
    requestAnimationFrame(next); }"""


def drag(page: Page, slider: str, steps: int) -> None:
    """Hold the slider's knob and move it to and fro; let go at the end."""
    box = page.locator(f"input[name={slider}]").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(steps):
        share = abs((step / 40) % 2 - 1)
        page.mouse.move(box["x"] + 4 + share * (box["width"] - 8), middle)


def still(page: Page, messages: list[int]) -> None:
    """Wait until no script runs and the server has said nothing for a second."""
    before = -1
    while len(messages) != before:
        before = len(messages)
        page.wait_for_timeout(1000)
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def measure(page: Page, case: str, action: str, style: str, steps: int, messages: list[int]) -> dict[str, Any]:
    page.evaluate(f"(style) => {FIND}.viewer.change('style', style, true)", style)
    still(page, messages)
    page.evaluate(f"() => {{ {FIND}.viewer.stats.splice(0); }}")
    before = len(messages)
    page.evaluate(RECORD)
    if action == "pan":
        box = page.locator(".stage").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        for step in range(steps):
            page.mouse.move(box["x"] + 200 + 150 * abs((step / 40) % 2 - 1), box["y"] + 200 + step % 60)
    else:
        drag(page, action, steps)
    page.evaluate("() => { window.recording_ = false; }")
    during = len(messages) - before
    frames = sorted(page.evaluate("() => window.frames_"))
    drawn = sorted(page.evaluate(f"() => {FIND}.viewer.stats"))
    size = sum(messages)
    page.mouse.up()
    still(page, messages)
    return {
        "picture": case,
        "drag": action,
        "style": style,
        "frames": len(frames),
        "ms (median)": statistics.median(frames),
        "ms (95 %)": frames[int(0.95 * len(frames))],
        "ms to draw": statistics.median(drawn),
        "draw 95 %": drawn[int(0.95 * len(drawn))],
        "messages": during,
        "on release": len(messages) - before - during,
        "bytes": sum(messages) - size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=240, help="moves of the mouse in each drag")
    parser.add_argument("--url", help="a demo that runs already")
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="frames-"))
    server = Server(folder, "benchmarks/overlay_demo.py")
    if not parsed.url:
        server.start()
    rows, first = [], {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for case in ("1024", "4096"):
                page = browser.new_context(viewport={"width": 1200, "height": 1620}).new_page()
                messages: list[int] = []  # the size of each
                page.on(
                    "websocket",
                    lambda socket, messages=messages: (
                        socket.on("framesent", lambda data: messages.append(len(data))),
                        socket.on("framereceived", lambda data: messages.append(len(data))),
                    ),
                )
                page.goto(f"{parsed.url or server.url}/?case={case}")
                wait_until(page, f"{FIND}?.dataset.state === 'ready'", seconds=60)
                first[case] = page.evaluate(f"() => {FIND}.viewer.shownAt - {FIND}.viewer.bornAt")
                first[f"{case} canvas"] = page.evaluate(
                    f"() => `${{{FIND}.viewer.canvas.width}} x ${{{FIND}.viewer.canvas.height}}`"
                )
                for action in ("threshold", "opacity", "pan"):
                    for style in ("fill", "outline"):
                        steps = parsed.steps + 12 * (style == "fill")  # it ends at another value
                        rows.append(measure(page, case, action, style, steps, messages))
                page.context.close()
            browser.close()
    finally:
        if not parsed.url:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    report("overlay_frames", rows, first_picture=first)


if __name__ == "__main__":
    main()
