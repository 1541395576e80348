"""The list of scored images in a real Chromium: names on hover, sort by the head, clicks on bars, cells and slices."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_evaluate import LONG, make_run, open_evaluate, settle, shown
from tests.helpers.browser import Server, wait_until
from unet_core.data import synthetic
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

HEAD, ROW = 35, 40  # pixels of the table


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("list"))
    data = synthetic.write(server.folder / "data" / "cells", images=8)
    for kind in ("images", "masks"):
        for path in sorted((data / kind).iterdir()):
            path.rename(path.with_name(f"{LONG}_{path.name}"))
    make_run(server.runs_dir, data)
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def names(server: Server) -> list[str]:
    return sorted(runs.find(server.runs_dir)[-1].split()["val"])


def table(page: Page) -> Locator:
    return page.locator("[class*=st-key-scores_table] [data-testid=stDataFrame]")


def test_a_long_name_is_whole_on_hover(page: Page, server: Server, names: list[str]) -> None:
    open_evaluate(page, server, "?sort=Sort+by+name")
    for row, name in enumerate(names[:3]):
        table(page).hover(position={"x": 120, "y": HEAD + ROW * row + 20})
        expect(table(page)).to_have_attribute("title", name)
    table(page).hover(position={"x": 120, "y": 10})
    expect(table(page)).to_have_attribute("title", "")


def test_a_click_on_a_head_sorts_on_the_server_and_a_second_one_turns_the_order(
    page: Page, server: Server, names: list[str]
) -> None:
    open_evaluate(page, server)
    for query, first in (("sort=Sort+by+name", names[0]), ("reverse=true", names[-1])):
        table(page).click(position={"x": 100, "y": 15})
        wait_until(page, "(text) => location.search.includes(text)", query)
        settle(page)
        expect(page.locator(".st-key-evaluate_shown strong")).to_have_text(first)


def test_a_click_on_a_row_shows_its_image(page: Page, server: Server, names: list[str]) -> None:
    open_evaluate(page, server, "?sort=Sort+by+name")
    assert shown(page) == names[0]
    table(page).click(position={"x": 15, "y": HEAD + ROW * 2 + 20})
    expect(page.locator(".st-key-evaluate_shown strong")).to_have_text(names[2])


def test_a_click_on_a_bar_lists_its_images_and_the_filter_is_removed(page: Page, server: Server) -> None:
    open_evaluate(page, server)
    bars = page.locator(".st-key-histogram .barlayer path")
    bars.first.wait_for(state="attached")
    settle(page)
    index = bars.evaluate_all("(paths) => paths.findIndex((path) => path.getBoundingClientRect().height > 4)")
    bars.nth(index).scroll_into_view_if_needed()
    box = bars.nth(index).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    chip = page.locator(".st-key-drop_picked button").first  # Streamlit has a second one for its tooltip
    expect(chip).to_contain_text("Dice 0")
    chip.click()
    expect(page.locator(".st-key-drop_picked")).to_have_count(0)


def test_a_click_on_a_cell_of_the_matrix_lists_its_images(page: Page, server: Server) -> None:
    open_evaluate(page, server, "?evaluate_view=Classes")
    cells = page.locator(".st-key-confusion .scatterlayer path.point")
    cells.first.wait_for(state="attached")
    settle(page)
    box = cells.first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text("background rightly predicted")).to_be_visible()
    page.get_by_role("button", name="List these images").first.click()
    expect(page.locator(".st-key-drop_picked button").first).to_contain_text("background → background")


def test_a_click_on_a_slice_opens_the_list_with_its_images(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/evaluate?evaluate_view=Slices")
    slices = page.locator("[class*=st-key-slices_table] [data-testid=stDataFrame]")
    slices.wait_for()
    settle(page)
    slices.click(position={"x": 15, "y": HEAD + 15})
    expect(page.locator(".st-key-drop_picked button").first).to_be_visible()
    expect(page.get_by_text("filtered from 4")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_the_columns_fit(page: Page, server: Server, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    open_evaluate(page, server)
    sizes = table(page).locator(".dvn-scroller").evaluate("(box) => [box.scrollWidth, box.clientWidth]")
    assert sizes[0] <= sizes[1] + (0 if width == 1440 else 222), "subset and the link to Predict lie beyond 1024"
