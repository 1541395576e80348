"""Row F06: the app as a Space, in a frame of the Hub's page; no other site may frame it."""
# ruff: noqa: N802 - the rows of the table have capital letters

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import ROOT, Server
from tests.helpers.processes import picture, png

pytestmark = pytest.mark.browser

SPACE = {
    "SPACE_ID": "me/cells",
    "SPACE_HOST": "me-cells.hf.space",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the settings of a Space."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SPACE.items():
            patch.setenv(name, value)
        server = Server(tmp_path_factory.mktemp("space"))
        server.start()
        shutil.copytree(ROOT / "tests" / "golden" / "release_0_1" / "run", server.runs_dir / "20261101-100000-golden")
        yield server
        server.kill()


def frame(page: Page, site: str, address: str) -> None:
    """Open a page of another site that shows the app."""
    text = f'<!doctype html><title>Hub</title><iframe src="{address}" width="1300" height="900"></iframe>'
    page.route(f"{site}/**", lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto(f"{site}/spaces/me/cells")


def test_F06_an_image_is_uploaded_inside_a_frame_of_the_hub(page: Page, space: Server) -> None:
    statuses: list[int] = []
    page.on("response", lambda got: statuses.append(got.status) if got.request.method == "PUT" else None)
    frame(page, "https://huggingface.co", f"{space.url}/predict")
    app = page.frame_locator("iframe")
    field = app.locator('[class*="st-key-uploads"] input[type="file"]')
    field.set_input_files({"name": "cells.png", "mimeType": "image/png", "buffer": png(picture(1, 96, 96)[0])})
    expect(app.locator(".viewer[data-state=ready]")).to_be_visible()
    assert statuses == [204]


def test_F06_a_dataset_is_uploaded_inside_a_frame_of_the_hub(page: Page, space: Server, tmp_path: Path) -> None:
    for kind, index in (("images", 0), ("masks", 1)):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "cells" / kind / f"{number}.png").write_bytes(png(picture(number)[index]))
    archive = shutil.make_archive(str(tmp_path / "cells"), "zip", tmp_path / "cells")
    frame(page, "https://huggingface.co", f"{space.url}/data")
    app = page.frame_locator("iframe")
    app.locator("input[type=file]").first.set_input_files(archive)
    expect(app.get_by_text("4 images").first).to_be_visible()
    assert [path.name for path in (space.folder / "datasets").iterdir() if not path.name.startswith(".")] == ["cells"]


def test_F06_no_other_site_may_frame_it(page: Page, space: Server) -> None:
    refused: list[str] = []
    page.on("requestfailed", lambda sent: refused.append(str(sent.failure)))
    frame(page, "https://evil.example", f"{space.url}/predict")
    expect(page.locator("iframe")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert refused == ["net::ERR_BLOCKED_BY_RESPONSE"]
