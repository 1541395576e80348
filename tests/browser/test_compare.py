"""Compare in a real Chromium: from Train to runs side by side, a duel, a click on its scatter, linked viewers, link."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, wait_until
from tests.helpers.untrained import make_untrained
from unet_core import duel
from unet_core.data import synthetic
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

VIEWS = """[...document.querySelectorAll("[class*=st-key-duel_images_row] *")].map((each) => each.shadowRoot)
  .filter(Boolean).map((root) => root.querySelector(".viewer")?.viewer).filter(Boolean)
  .map(({ view: { scale, x, y } }) => [scale, x, y].map((value) => Math.round(1000 * value)))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("compare"))
    data = synthetic.write(server.folder / "data" / "cells", images=8)
    make_untrained(server.runs_dir, data, range(2), [2, 3], seed=1)
    make_untrained(server.runs_dir, data, range(2), [2, 3], seed=2)
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def find_pair(server: Server) -> list[runs.Run]:
    return runs.find(server.runs_dir)[::-1]


def open_duel(page: Page, server: Server, address: str = "") -> None:
    first, second = find_pair(server)
    page.goto(f"{server.url}/compare?compare_view=Duel&duel_a={first.id}&duel_b={second.id}{address}")
    expect(page.locator(".viewer[data-state=ready]")).to_have_count(3)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_from_the_runs_of_train_to_the_page_that_compares(page: Page, server: Server) -> None:
    ids = ",".join(run.id for run in find_pair(server))
    page.goto(f"{server.url}/train?view=Runs&runs={ids}")
    page.locator(".st-key-run_compare").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", level=1, name="Compare")).to_be_visible()
    expect(page.get_by_text("They differ in: Random seed (1, 2).")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["runs"] == [ids]
    expect(page.locator(".st-key-compare_leaderboard").get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_role("radio", name="Minute").click()
    expect(page.locator(".js-plotly-plot").get_by_text("training time (minutes)")).to_be_visible()
    page.reload()
    expect(page.get_by_text("They differ in: Random seed (1, 2).")).to_be_visible()
    expect(page.locator(".js-plotly-plot").get_by_text("training time (minutes)")).to_be_visible()


def test_a_duel_a_click_on_a_point_and_its_image_after_a_reload(page: Page, server: Server) -> None:
    open_duel(page, server)
    match = duel(*find_pair(server))
    expect(page.get_by_text(match.sentence)).to_be_visible()
    order = sorted(range(len(match.duel.ids)), key=lambda index: -abs(match.duel.differences[index]))
    shown = page.locator(".st-key-duel_images_row").get_by_text("They disagree on")
    expect(shown).to_contain_text(match.duel.ids[order[0]])
    other = match.duel.ids[order[-1]]
    point = page.evaluate(
        """(name) => {
          const plot = document.querySelector(".js-plotly-plot");
          const trace = plot.data.find((each) => each.customdata?.includes(name));
          const index = trace.customdata.indexOf(name);
          const { left, top } = plot.querySelector(".nsewdrag").getBoundingClientRect();
          const { xaxis, yaxis } = plot._fullLayout;
          return [left + xaxis.d2p(trace.x[index]), top + yaxis.d2p(trace.y[index])];
        }""",
        other,
    )
    page.mouse.move(*point)
    page.mouse.click(*point)
    expect(shown).to_contain_text(other)
    assert parse_qs(urlsplit(page.url).query)["image"] == [other]
    page.reload()
    expect(shown).to_contain_text(other)


def test_the_three_viewers_zoom_and_move_together(page: Page, server: Server) -> None:
    open_duel(page, server)
    before = page.evaluate(VIEWS)
    assert len(before) == 3
    page.locator(".viewer").first.get_by_role("button", name="Zoom in").click()
    wait_until(
        page,
        f"(() => {{ const views = {VIEWS}; return new Set(views.map(String)).size === 1"
        f" && views[0][0] > {before[0][0]}; }})()",
    )
    stage = page.locator(".viewer .stage").nth(2)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 120, steps=3)
    page.mouse.up()
    moved = page.evaluate(VIEWS)
    assert moved[0] == moved[1] == moved[2]
    assert moved[0][1] < before[0][1]
    page.locator(".viewer").nth(1).get_by_role("button", name="Fit").click()
    wait_until(page, f"String({VIEWS}) === '{','.join(str(value) for view in before for value in view)}'")


def test_the_same_duel_again_needs_no_second_scoring(page: Page, server: Server, tmp_path: Path) -> None:
    open_duel(page, server)
    page.locator("[class*=st-key-export-duel_scatter]").get_by_role("button", name="Export").click()
    scores = page.get_by_role("button", name="CSV", exact=True)
    with page.expect_download() as download:
        scores.click()
    download.value.save_as(tmp_path / "duel.csv")
    assert (tmp_path / "duel.csv").read_text() == duel(*find_pair(server)).to_csv()
    page.get_by_role("radio", name="Runs").click()
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    page.get_by_role("radio", name="Duel").click()
    expect(page.locator(".viewer[data-state=ready]")).to_have_count(3)
