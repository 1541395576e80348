"""The report on an evaluation in a browser without a network: its policy lets its own style and script in, no more."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.core.evaluation.report.test_page import evaluate, make_pairs, write_images

pytestmark = pytest.mark.browser

COLUMN = "rows => rows.map(row => row.cells[{}].textContent)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    nothing = np.zeros((24, 32), np.uint8)
    root = write_images(folder / "cells", make_pairs(4) | {"empty": (nothing, nothing)})
    evaluate(root, folder / "report.html")
    return folder / "report.html"


def column(page: Page, number: int) -> list[str]:
    cells: list[str] = page.locator("table.sortable tbody tr").evaluate_all(COLUMN.format(number))
    return cells


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_offline_and_its_table_sorts(browser: Browser, report: Path, scheme: str) -> None:
    context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": 700, "height": 900})  # type: ignore[arg-type]
    page, problems = context.new_page(), []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda request: problems.extend([request.url] * (not request.url.startswith(("file:", "data:"))))
    )
    page.goto(report.as_uri())
    assert column(page, 0) == ["image_00", "image_01", "image_02", "image_03", "empty"]
    page.get_by_role("button", name="Dice", exact=True).click()
    assert column(page, 0) == ["image_00", "image_01", "image_02", "image_03", "empty"]
    page.get_by_role("button", name="Dice", exact=True).click()
    assert column(page, 0) == ["image_03", "image_02", "image_01", "image_00", "empty"]
    assert column(page, 1)[-1] == "–"
    page.get_by_role("button", name="Image", exact=True).click()
    assert column(page, 0) == ["empty", "image_00", "image_01", "image_02", "image_03"]
    page.get_by_role("link", name="image_02").click()
    assert page.locator("article:target h3").text_content() == "image_02 new"
    loaded = page.locator("article img").evaluate_all("images => images.every(image => image.naturalWidth === 168)")
    assert loaded
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert problems == []
    context.close()
