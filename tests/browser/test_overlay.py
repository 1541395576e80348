"""The viewer in a real Chromium: what it draws, that it asks nothing while it is moved, what it remembers."""

import ast
import base64

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from benchmarks.overlay_demo_page import case, mask_at
from benchmarks.overlay_frames import FIND, drag
from tests.helpers.browser import Server, poll, wait_until
from unet_core import overlay
from unet_core.data.masks.coding import IGNORE
from unet_core.io import images
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from unet_core.io.pixels import for_display, with_channels
from unet_core.postprocessing import cleanup, objects

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("demo"), "benchmarks/overlay_demo.py")
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def errors_of(image, pred, target, num_classes: int):
    """(H, W, 3) RGB at opacity 1/2: right pixels of a binary mask green, wrong ones red, missed ones blue.

    Of several classes wrong pixels are red and right ones bare. Pixels with target IGNORE stay bare.
    """
    base = with_channels(for_display(image), 3)
    colors = np.zeros_like(base)
    if num_classes == 1:
        colors[(pred == 1) & (target == 1)] = TRUE_POSITIVE
        colors[(pred == 1) & (target == 0)] = FALSE_POSITIVE
        colors[(pred == 0) & (target == 1)] = FALSE_NEGATIVE
        colored = ((pred == 1) | (target == 1)) & (target != IGNORE)
    else:
        colored = (pred != target) & (target != IGNORE)
        colors[colored] = FALSE_POSITIVE
    return np.where(colored[:, :, None], cv2.addWeighted(base, 0.5, colors, 0.5, 0), base).astype(np.uint8)


def ready(page: Page) -> None:
    wait_until(page, f"{FIND}?.dataset.state === 'ready' && !{FIND}.viewer.dirty.size")


def open_case(page: Page, server: Server, name: str) -> None:
    page.goto(f"{server.url}/?case={name}")
    ready(page)


def ask(page: Page, what: str):
    return page.evaluate(f"() => {{ const viewer = {FIND}.viewer; return {what}; }}")


def known(page: Page) -> dict:
    """What Python knows: the view, and how often the page ran."""
    runs, view = page.get_by_test_id("stCode").inner_text().split("\n", 1)
    return ast.literal_eval(view) | {"runs": int(runs.split()[1])}


def drawn(page: Page, shape: tuple[int, int]) -> np.ndarray:
    """(H, W, 3): the canvas at the middle of each pixel of a picture that is in view as a whole."""
    url = ask(page, "viewer.snapshot()")
    canvas = images.decode(base64.b64decode(url.partition(",")[2]), "canvas")
    left, top = ask(page, "viewer.view.onStage(0, 0)")
    scale = ask(page, "viewer.view.scale")
    rows = ((np.arange(shape[0]) + 0.5) * scale + top).astype(int)
    columns = ((np.arange(shape[1]) + 0.5) * scale + left).astype(int)
    return with_channels(canvas, 3)[rows][:, columns]


def far(one: np.ndarray, other: np.ndarray) -> float:
    """The share of pixels that differ by more than rounding."""
    return float((abs(one.astype(int) - other).max(2) > 2).mean())


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the picture is on the screen."""
    sx, sy = ask(page, f"viewer.view.onStage({x}, {y})")
    box = page.locator(".viewer .stage").bounding_box()
    return box["x"] + 1 + sx, box["y"] + 1 + sy


def view(page: Page) -> dict:
    return ask(page, "({scale: viewer.view.scale, x: viewer.view.x, y: viewer.view.y})")


def test_a_threshold_is_dragged_without_the_server_and_told_when_it_is_let_go(page: Page, server: Server):
    messages: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: messages.append("sent")))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: messages.append("received")))
    open_case(page, server, "small")
    shown = case("small")
    ask(page, "viewer.change('opacity', 0.6, true)")
    poll(lambda: known(page)["opacity"] == 0.6, what="the opacity in Python")
    expected = overlay.draw(shown.image, mask_at(shown, 0.5), 1, 0.6)
    assert far(drawn(page, (256, 256)), expected) == 0
    ask(page, "viewer.zoom(3, 200, 150)")
    runs, requests = known(page)["runs"], []
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.on("request", lambda request: requests.append(request.url))
    messages.clear()
    drag(page, "threshold", 60)
    held = ask(page, "viewer.settings.threshold")
    assert held != 0.5
    ask(page, "viewer.move(() => viewer.view.fit())")
    wait_until(page, f"!{FIND}.viewer.dirty.size")
    expected = overlay.draw(shown.image, mask_at(shown, held), 1, 0.6)
    assert far(drawn(page, (256, 256)), expected) == 0  # while it is held
    ask(page, "viewer.zoom(3, 200, 150)")
    before = view(page)
    assert (messages, requests, known(page)["runs"]) == ([], [], runs)
    page.mouse.up()
    poll(lambda: known(page)["threshold"] == held, what="the threshold in Python")
    ready(page)
    assert known(page)["runs"] == runs + 1
    assert view(page) == before
    ask(page, "viewer.move(() => viewer.view.fit())")
    ready(page)
    assert far(drawn(page, (256, 256)), expected) == 0


def test_the_view_outlives_other_pictures_other_pages_and_a_reload(page: Page, server: Server):
    open_case(page, server, "small")
    page.mouse.move(*place(page, 60, 60))
    for _ in range(4):
        page.mouse.wheel(0, -300)
    wait_until(page, f"{FIND}.viewer.view.scale > 5")
    assert ask(page, "viewer.view.place(0, 0)")[0] > 10
    assert ask(page, "viewer.view.place(viewer.stage.clientWidth, 0)")[0] < 256
    start = place(page, 50, 50)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 90, start[1] + 40, steps=4)
    page.mouse.up()
    assert place(page, 50, 50) == pytest.approx((start[0] + 90, start[1] + 40), abs=1)
    page.locator("input[name=threshold]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    poll(lambda: known(page)["threshold"] == 0.48, what="the threshold in Python")
    kept = view(page)

    page.get_by_role("combobox", name="Picture").click()
    page.get_by_role("option", name="other").click()
    wait_until(page, f"{FIND}?.viewer.view.fitted")
    ready(page)
    page.get_by_role("combobox", name="Picture").click()
    page.get_by_role("option", name="small").click()
    wait_until(page, f"!{FIND}?.viewer.view.fitted")
    ready(page)
    assert view(page) == kept

    page.get_by_role("link", name="Elsewhere").click()
    expect(page.get_by_text("Another page.")).to_be_visible()
    page.get_by_role("link", name="Viewer").click()
    ready(page)
    page.get_by_role("combobox", name="Picture").click()
    page.get_by_role("option", name="small").click()
    ready(page)
    assert view(page) == kept
    assert known(page)["threshold"] == ask(page, "viewer.settings.threshold") == 0.48

    page.reload()
    ready(page)
    assert view(page) == kept


def test_python_sets_a_threshold_and_a_cleaned_mask_is_shown_while_it_stands_there(page: Page, server: Server):
    page.goto(f"{server.url}/?case=small&minimum=60")
    ready(page)
    shown = case("small")
    raw = mask_at(shown, 0.5)
    clean = cleanup.clean(raw, 60)
    assert clean.sum() < raw.sum()
    assert far(drawn(page, (256, 256)), overlay.draw(shown.image, clean, 1)) == 0
    page.get_by_role("button", name="Threshold 0.25").click()
    poll(lambda: ask(page, "viewer.settings.threshold") == 0.25, what="the page's threshold in the viewer")
    poll(lambda: known(page)["threshold"] == 0.25, what="the same in Python")
    ready(page)
    page.keyboard.press("Tab")
    ask(page, "viewer.change('opacity', 0.3, true)")  # the next news do not bring the old threshold back
    poll(lambda: known(page)["opacity"] == 0.3, what="the opacity in Python")
    assert known(page)["threshold"] == 0.25


@pytest.mark.parametrize(("name", "x", "y"), [("deep", 299, 299), ("quarters", 151, 99)])
def test_the_readout_is_what_the_arrays_hold(page: Page, server: Server, name: str, x: int, y: int):
    open_case(page, server, name)
    page.mouse.move(*place(page, x + 0.5, y + 0.5))
    wait_until(page, f"{FIND}.viewer.readout?.intensity && {FIND}.viewer.readout.class !== null")
    shown = case(name)
    if shown.uncertainty is not None:  # it is fetched for itself
        wait_until(page, f"{FIND}.viewer.readout.uncertainty != null")
    read = ask(page, "viewer.readout")
    assert (read["x"], read["y"]) == (x, y)
    assert read["intensity"] == shown.image[y, x].tolist()
    if shown.classes is None:
        assert read["probability"] == pytest.approx(shown.probability[y, x] / 255)
        assert read["class"] == int(shown.probability[y, x] > 127.5)
        assert read["uncertainty"] == pytest.approx(shown.uncertainty[y, x], abs=1e-6)
    else:
        assert read["class"] == shown.classes[y, x]
        expect(page.locator(".viewer .readout")).to_contain_text("<b>sky</b>")
    wait_until(page, f"{FIND}.viewer.readout.truth !== undefined")
    assert ask(page, "viewer.readout.truth") == shown.truth[y, x]
    expect(page.locator(".viewer .readout")).to_contain_text(f"x {x}, y {y}")


def test_classes_are_hidden_by_name_errors_are_red_and_the_download_is_what_is_seen(
    page: Page, server: Server, tmp_path
):
    open_case(page, server, "quarters")
    shown = case("quarters")
    assert far(drawn(page, (200, 300)), overlay.draw(shown.image, shown.classes, 4)) == 0
    button = page.get_by_role("button", name="<b>sky</b>")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    poll(lambda: known(page)["hidden"] == (1,), what="the hidden class in Python")
    ready(page)
    seen = drawn(page, (200, 300))
    assert far(seen[:100, 150:], shown.image[:100, 150:]) == 0
    assert far(seen[100:], overlay.draw(shown.image, shown.classes, 4)[100:]) == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "seen.png")
    assert (
        download.value.suggested_filename == "quarters _b_-view.png" or "quarters" in download.value.suggested_filename
    )
    canvas = base64.b64decode(ask(page, "viewer.snapshot()").partition(",")[2])
    assert (images.read(tmp_path / "seen.png") == images.decode(canvas, "canvas")).all()
    page.get_by_role("combobox", name="Show").select_option("errors")
    ready(page)
    assert far(drawn(page, (200, 300)), errors_of(shown.image, shown.classes, shown.truth, 4)) == 0


def toned(image: np.ndarray, low: float, high: float, gamma: float = 1.0, inverted: bool = False) -> np.ndarray:
    """(H, W, 3) uint8: how an image looks between two intensities."""
    share = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1) ** (1 / gamma)
    return with_channels(np.rint(255 * (1 - share if inverted else share)).astype(np.uint8), 3)


def test_contrast_is_set_in_the_browser_and_told_when_it_is_let_go(page: Page, server: Server):
    open_case(page, server, "small")
    image = case("small").image
    page.get_by_role("combobox", name="Show").select_option("image")
    controls = page.get_by_role("group", name="Contrast")
    expect(controls).to_be_hidden()
    opener = page.get_by_role("button", name="Contrast, brightness and gamma")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    ready(page)
    assert far(drawn(page, image.shape[:2]), with_channels(image, 3)) == 0
    controls.get_by_role("button", name="Auto").click()
    poll(lambda: known(page)["limits"] is None, what="the automatic contrast in Python")
    ready(page)
    low, high = np.percentile(image, (0.5, 99.5))
    assert far(drawn(page, image.shape[:2]), toned(image, low, high)) == 0
    requests: list[str] = []
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.on("request", lambda request: requests.append(request.url))
    white = controls.get_by_role("slider", name="White")
    box = white.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    limits = ask(page, "viewer.settings.limits")
    assert limits[1] < high
    ready(page)
    assert far(drawn(page, image.shape[:2]), toned(image, *limits)) == 0
    assert requests == []
    page.mouse.up()
    poll(lambda: known(page)["limits"] == tuple(limits), what="the limits in Python")
    controls.get_by_role("button", name="Invert").click()
    gamma = controls.get_by_role("slider", name="Gamma")
    gamma.focus()
    gamma.press("End")
    poll(lambda: (known(page)["gamma"], known(page)["inverted"]) == (5, True), what="gamma in Python")
    ready(page)
    assert far(drawn(page, image.shape[:2]), toned(image, *limits, 5, True)) == 0


def test_errors_of_two_classes_have_three_colors_and_the_wipe_bares_the_image(page: Page, server: Server):
    open_case(page, server, "small")
    shown = case("small")
    page.get_by_role("combobox", name="Show").select_option("errors")
    poll(lambda: known(page)["mode"] == "errors", what="the mode in Python")
    ready(page)
    expected = errors_of(shown.image, mask_at(shown), shown.truth, 1)
    assert far(drawn(page, (256, 256)), expected) == 0
    expect(page.get_by_text("false negative")).to_be_visible()
    page.get_by_role("button", name="Compare slider").click()
    divider = page.get_by_role("slider", name="Compare slider")
    box = divider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(place(page, 128, 0)[0], box["y"] + 100)
    page.mouse.move(place(page, 180, 0)[0], box["y"] + 120)
    page.mouse.up()
    poll(lambda: (known(page)["wipe"] or 0.5) > 0.5, what="the wipe in Python")
    seen = drawn(page, (256, 256))
    assert far(seen[:, :177], with_channels(shown.image, 3)[:, :177]) == 0
    assert far(seen[:, 183:], expected[:, 183:]) == 0
    divider.press("ArrowLeft")
    assert ask(page, "viewer.settings.wipe") < known(page)["wipe"]


def test_the_keyboard_and_two_fingers_move_and_zoom(page: Page, server: Server):
    open_case(page, server, "small")
    page.locator(".viewer .stage").focus()
    start = view(page)
    page.keyboard.press("+")
    assert view(page)["scale"] == pytest.approx(1.25 * start["scale"])
    page.keyboard.press("ArrowRight")
    assert view(page)["x"] > start["x"]
    page.keyboard.press("ArrowUp")
    assert view(page)["y"] < start["y"]
    expect(page.locator(".viewer .readout")).to_contain_text("probability")
    page.keyboard.press("1")
    assert view(page)["scale"] == pytest.approx(1)
    page.keyboard.press("-")
    assert view(page)["scale"] == pytest.approx(0.8)
    page.keyboard.press("0")
    assert view(page) == start

    x, y = place(page, 128, 128)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *apart: int) -> None:
        points = [{"x": x + side * half, "y": y, "id": side} for half in apart for side in (-1, 1)]
        points = [point | {"id": point["id"] + 1} for point in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 40)
    fingers("touchMove", 60)
    fingers("touchMove", 80)
    fingers("touchEnd")
    assert view(page)["scale"] == pytest.approx(2 * start["scale"], rel=0.01)
    assert view(page)["x"] == pytest.approx(128, abs=1)
    page.mouse.dblclick(x, y)
    assert view(page) == start
    page.mouse.dblclick(x, y)
    assert view(page)["scale"] == 1

    page.get_by_role("button", name="Full screen").click()
    wait_until(page, f"{FIND}.classList.contains('full') && {FIND}.viewer.stage.clientWidth > 1300")
    page.locator(".viewer .stage").press("Escape")
    wait_until(page, f"!{FIND}.classList.contains('full')")
    runs = known(page)["runs"]
    slider = page.get_by_role("slider", name="Opacity")
    for _ in range(5):
        slider.press("ArrowRight")
    poll(lambda: known(page)["opacity"] == 0.55, what="the opacity in Python")
    assert known(page)["runs"] == runs + 1  # five presses, one run


def test_objects_are_chosen_in_the_picture_and_from_the_page(page: Page, server: Server):
    open_case(page, server, "small")
    shown = case("small")
    found = objects.find(mask_at(shown), shown.image).rows()
    first, last = found[0], found[-1]
    page.mouse.click(*place(page, first["centroid_x_px"], first["centroid_y_px"]))
    poll(lambda: known(page)["selected"] == first["id"], what="the click in Python")
    assert known(page)["clicked"] is True
    ask(page, "viewer.zoom(4, 5, 5)")
    assert ask(page, f"viewer.view.onStage(0, {last['centroid_y_px']})[1] > viewer.stage.clientHeight")
    field = page.get_by_role("spinbutton", name="Object", exact=True)
    field.fill(str(last["id"]))
    field.press("Enter")
    poll(lambda: known(page)["selected"] == last["id"], what="the choice of the page")
    poll(lambda: ask(page, "viewer.settings.selected") == last["id"], what="the same in the viewer")
    middle = f"viewer.view.onStage({last['centroid_x_px']}, {last['centroid_y_px']})"
    x, y, width, height = ask(page, f"[...{middle}, viewer.stage.clientWidth, viewer.stage.clientHeight]")
    assert 0 < x < width
    assert 0 < y < height


def test_a_large_picture_is_shown_reduced_sharp_where_one_looks_and_comes_back_when_it_was_forgotten(
    page: Page, server: Server
):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/pixels/" in request.url else None)
    open_case(page, server, "2048")
    levels = {url.split("/")[-3] for url in asked}
    assert levels == {"1"}  # reduced to the half: one tile a layer
    page.get_by_role("button", name="Forget").click()
    poll(lambda: known(page)["runs"] >= 2, what="the forgetting")
    shown = case("2048")
    with page.expect_response(lambda answer: "/pixels/" in answer.url and answer.status == 404):
        ask(page, "viewer.zoom(2 / viewer.view.scale)")
    wait_until(page, f"{FIND}.viewer.renderer.complete")
    ready(page)
    x, y = (int(value) for value in ask(page, "viewer.view.place(viewer.stage.clientWidth / 2, 100)"))
    page.mouse.move(*place(page, x + 0.5, y + 0.5))
    wait_until(page, f"{FIND}.viewer.readout?.intensity")
    assert ask(page, "viewer.readout.intensity") == shown.image[y, x].tolist()
    assert {url.split("/")[-3] for url in asked} == {"1", "0"}


def choose(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Picture").click()
    page.get_by_role("option", name=name).click()


def test_a_rerun_while_the_program_loads_leaves_one_viewer_with_the_newest_data(page: Page, server: Server):
    waiting: list[Route] = []
    page.route("**/viewer/viewer.js", lambda route: waiting.append(route))
    with page.expect_request("**/viewer/viewer.js"):
        page.goto(f"{server.url}/?case=small")
    choose(page, "deep")
    poll(lambda: page.get_by_test_id("stCode").inner_text().startswith("runs 2"), what="the rerun")
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    for route in waiting:
        route.continue_()
    ready(page)
    assert ask(page, "viewer.data.name") == case("deep").name
    choose(page, "quarters")
    wait_until(page, f"{FIND}?.viewer.data.name === '{case('quarters').name}'")
    ready(page)
    expect(page.locator(".viewer")).to_have_count(1)


def test_a_program_that_cannot_be_loaded_is_named_and_tried_again(page: Page, server: Server):
    page.route("**/viewer/viewer.js", lambda route: route.abort())
    page.goto(f"{server.url}/?case=small")
    text = page.get_by_text("The viewer could not be loaded.")
    expect(text).to_have_count(1)
    page.unroute("**/viewer/viewer.js")
    choose(page, "other")
    ready(page)
    expect(text).to_have_count(0)
