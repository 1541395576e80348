"""Nothing is cut, outside of the window or covered, on any page and main state, 380 to 1440 px wide; touch works."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.overlay_frames import FIND
from pages import PAGES
from pages.views import data as sections
from pages.views import train as views
from pages.views.train.settings.sections import SECTIONS
from tests.browser.test_live import Trainer
from tests.helpers.browser import ROOT, Server, wait_until
from tests.helpers.layout import find_faults, settle
from unet_core.data import synthetic
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

HEIGHTS = {380: 760, 700: 900, 1024: 768, 1440: 900}
VIEWS = [views.PREFLIGHT, views.ARCHITECTURE, views.CROPS, views.SWEEP, views.RUNS]
SMALL = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "32", "--crops-per-image", "1"]
TRAINED, GOLDEN = "20261102-100000-trained", "20261101-100000-golden"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With two finished runs, of which one has the images that it was trained on."""
    from unet_core.cli.parser import main

    server = Server(tmp_path_factory.mktemp("layout"))
    data = synthetic.write(server.folder / "cells", images=8)
    assert main(["train", str(data), "--runs-dir", str(server.runs_dir), *SMALL]) == 0
    runs.find(server.runs_dir)[0].folder.rename(server.runs_dir / TRAINED)
    golden = ROOT / "tests" / "golden" / "release_0_1" / "run"
    shutil.copytree(golden, server.runs_dir / GOLDEN)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def training_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With one run, which trains: Home has its guide."""
    server = Server(tmp_path_factory.mktemp("training"))
    trainer = Trainer(server.runs_dir, synthetic.write(server.folder / "cells", images=8))
    server.start()
    yield server
    server.kill()
    trainer.end()


def make_page(browser: Browser, width: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": HEIGHTS[width]}, has_touch=width < 800)
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def open_address(page: Page, server: Server, address: str) -> None:
    page.goto(f"{server.url}/{address}")
    page.get_by_role("heading", level=1).first.wait_for()
    settle(page)
    expect(page.get_by_test_id("stSpinner")).to_have_count(0)


def open_examples(page: Page, server: Server) -> None:
    open_address(page, server, "predict")
    page.get_by_role("button", name="example image").click()
    page.locator(".viewer[data-state=ready]").wait_for()
    settle(page)


def open_settings(page: Page, server: Server) -> None:
    open_examples(page, server)
    page.get_by_role("button", name="Images and settings").click()
    page.get_by_role("button", name="Hide settings").wait_for()
    settle(page)


def open_image(page: Page, server: Server) -> None:
    open_address(page, server, "data?data_view=Gallery&image=cells_001")
    page.locator(".viewer[data-state=ready]").wait_for()
    settle(page)


def open_scores(page: Page, server: Server) -> None:
    open_address(page, server, f"evaluate?run={TRAINED}")
    page.locator(".viewer[data-state=ready]").wait_for()
    settle(page)


def open_duel(page: Page, server: Server) -> None:
    open_address(page, server, f"compare?compare_view=Duel&duel_a={TRAINED}&duel_b={TRAINED}")
    expect(page.locator(".viewer[data-state=ready]")).to_have_count(3)
    settle(page)


def open_popover(name: str, address: str) -> Callable[[Page, Server], None]:
    def reach(page: Page, server: Server) -> None:
        open_address(page, server, address)
        page.get_by_role("button", name=name).first.click()
        page.get_by_test_id("stPopoverBody").wait_for()
        settle(page)

    return reach


def delete_run(page: Page, server: Server) -> None:
    """A copy of one: its undo and the list of what was deleted are shown."""
    copied = "20261103-100000-copied"
    if not (server.runs_dir / copied).exists():
        shutil.copytree(server.runs_dir / GOLDEN, server.runs_dir / copied)
    open_address(page, server, f"train?view=Runs&runs={copied}")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Undo").wait_for()
    page.get_by_text("Recently deleted").first.click()
    page.get_by_role("button", name="Restore").first.wait_for()
    settle(page)


def open_sections(page: Page, server: Server) -> None:
    open_address(page, server, f"train?run={TRAINED}&epochs=33")
    for section in SECTIONS:
        page.locator(f".st-key-section_{section} summary").click()
    settle(page)


ADDRESSES = [page.url_path for page in PAGES.values()]
ADDRESSES += [f"data?data_view={name}" for name in sections.VIEWS] + [f"train?view={name}" for name in VIEWS]
ADDRESSES += [f"compare?runs={TRAINED},{GOLDEN}", f"compare?compare_view=Duel&duel_a={TRAINED}&duel_b=gone"]
ADDRESSES += [f"train?run={TRAINED}", "train?run=gone", f"train?view=Runs&runs={TRAINED},{GOLDEN}"]
STATES: dict[str, Callable[[Page, Server], None]] = {
    "predict, a result": open_examples,
    "predict, a result and its settings": open_settings,
    "data, an image": open_image,
    "evaluate, scores": open_scores,
    "compare, a duel": open_duel,
    "train, all sections": open_sections,
    "train, the suggestions": open_popover("Why?", "train"),
    "train, the export of a chart": open_popover("Export", f"train?run={TRAINED}"),
    "train, a deleted run": delete_run,
    "train, the dataset": open_popover("Details", "train"),
}


@pytest.mark.parametrize("width", HEIGHTS)
@pytest.mark.parametrize("addresses", [ADDRESSES[:8], ADDRESSES[8:]], ids=["pages", "views"])
def test_nothing_is_cut_outside_or_covered(browser: Browser, server: Server, width: int, addresses: list[str]) -> None:
    page = make_page(browser, width)
    faults: dict[str, list[str]] = {}
    for address in addresses:
        open_address(page, server, address)
        faults[address] = find_faults(page)
    page.context.close()
    assert {name: lines for name, lines in faults.items() if lines} == {}


@pytest.mark.parametrize("width", HEIGHTS)
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_outside_or_covered_in_a_state(browser: Browser, server: Server, state: str, width: int) -> None:
    page = make_page(browser, width)
    STATES[state](page, server)
    faults = find_faults(page)
    page.context.close()
    assert faults == []


@pytest.mark.parametrize("width", HEIGHTS)
def test_nothing_is_cut_while_a_run_trains(browser: Browser, training_server: Server, width: int) -> None:
    page = make_page(browser, width)
    faults: dict[str, list[str]] = {}
    for address in ("", "train", "train?view=Runs", "predict", "evaluate"):
        open_address(page, training_server, address)
        page.locator(".st-key-activity").get_by_role("link").wait_for()
        faults[address] = find_faults(page)
    page.context.close()
    assert {name: lines for name, lines in faults.items() if lines} == {}


def test_the_helper_finds_what_is_wrong(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 300})
    page.set_content("""<body style="margin:0"><main data-testid="stMain">
      <button style="width:60px; overflow:hidden; white-space:nowrap">Far too long for it</button>
      <button title="Whole at hand" style="width:60px; overflow:hidden; white-space:nowrap">Whole at hand</button>
      <button style="position:absolute; left:380px; width:60px">Out</button>
      <button style="position:absolute; left:0; top:100px; width:60px">Below</button>
      <div style="position:absolute; left:0; top:90px; width:90px; height:60px; background:red" class="cover"></div>
      <div id="host"></div>
      </main></body>""")
    page.evaluate("""() => { const root = document.querySelector("#host").attachShadow({ mode: "open" });
      root.innerHTML = '<button style="padding:0; width:12px; height:12px; position:absolute; top:200px">x</button>';
    }""")
    faults = find_faults(page)
    kinds = [
        (line.partition(":")[0], word) for line in faults for word in ("Far too", "Out", "Below", '"x"') if word in line
    ]
    assert kinds == [("cut", "Far too"), ("cut", "Out"), ("outside", "Out"), ("covered", "Below"), ("small", '"x"')]
    assert "Whole at hand" not in "".join(faults)
    assert any("scrolls sideways" in line for line in faults)


def test_the_menu_works_by_touch_on_a_narrow_screen(browser: Browser, server: Server) -> None:
    page = make_page(browser, 380)
    open_address(page, server, "")
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Predict")
    expect(link).to_be_hidden()  # nothing that is folded away takes the focus
    page.get_by_test_id("stExpandSidebarButton").tap()
    link.tap()
    expect(page.get_by_role("heading", level=1, name="Predict")).to_be_visible()
    expect(link).to_be_hidden()
    page.context.close()


class Fingers:
    """Touches a page, in one session: the browser forgets the fingers of one that has ended."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def go(self, kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def view(page: Page) -> dict[str, float]:
    return page.evaluate(f"(({{ scale, x, y }}) => ({{ scale, x, y }}))({FIND}.viewer.view)")


def box_of(locator: Locator) -> dict[str, float]:
    box = locator.bounding_box()
    assert box is not None
    return box


def test_the_viewer_zooms_and_moves_by_fingers_and_its_sliders_too(browser: Browser, server: Server) -> None:
    page = make_page(browser, 380)
    open_examples(page, server)
    stage = page.locator(".viewer .stage")
    stage.scroll_into_view_if_needed()
    box = box_of(stage)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before, fingers = view(page), Fingers(page)
    fingers.go("touchStart", (x - 30, y), (x + 30, y))
    for step in range(1, 6):
        fingers.go("touchMove", (x - 30 - 10 * step, y), (x + 30 + 10 * step, y))
    fingers.go("touchEnd")
    zoomed = view(page)
    assert zoomed["scale"] == pytest.approx(before["scale"] * 160 / 60, rel=0.05)
    fingers.go("touchStart", (x, y))
    for step in range(1, 6):
        fingers.go("touchMove", (x + 8 * step, y + 6 * step))
    fingers.go("touchEnd")
    moved = view(page)
    assert moved["scale"] == zoomed["scale"]
    assert moved["x"] != zoomed["x"]
    assert moved["y"] != zoomed["y"]
    slider = page.get_by_role("slider", name="Opacity")
    slider.scroll_into_view_if_needed()
    box = box_of(slider)
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    wait_until(page, f"{FIND}.viewer.settings.opacity > 0.8")
    page.context.close()
