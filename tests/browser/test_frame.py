"""Row F06: the app as a Space, in a frame of the Hub's page; no other site may frame it."""
# ruff: noqa: N802 - the rows of the table have capital letters

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import ROOT, Server, poll
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
    inner = f'<iframe src="{address}" allow="local-network-access" width="1300" height="900"></iframe>'
    text = f"<!doctype html><title>Hub</title>{inner}"
    # Chromium asks before a page of the network shows one of this machine; a real Space is on the network too.
    page.context.grant_permissions(["local-network-access"], origin=site)
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
    app.locator(".uploader[data-state]").wait_for()
    app.locator("[data-is=files]").set_input_files(archive)
    app.get_by_role("button", name="Upload", exact=True).click()
    visitors = space.folder / "datasets" / ".visitors"
    added = poll(lambda: next(visitors.glob("*/cells"), None), what="the dataset")
    assert len(list(added.rglob("*.png"))) == 8


def test_F06_no_other_site_may_frame_it(browser: Browser, space: Server) -> None:
    refused: list[str] = []
    page = browser.new_page()  # the usual one fails where the policy refuses something
    page.on("requestfailed", lambda sent: refused.append(str(sent.failure)))
    frame(page, "https://evil.example", f"{space.url}/predict")
    poll(lambda: refused or page.wait_for_timeout(50), what="the refusal")
    assert refused == ["net::ERR_BLOCKED_BY_RESPONSE"]
    page.context.close()
