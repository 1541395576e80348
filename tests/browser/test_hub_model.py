"""A model of the Hub in a real Chromium: by the address, looked at, downloaded, used; a silent Hub blocks nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from safetensors.torch import save

from tests.core.models.references import brain_weights
from tests.helpers.browser import Server, poll
from tests.helpers.hub_server import Hub, Repo, running_hub

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        running.repos["org/brain"] = Repo({"unet.safetensors": save(brain_weights(features=8))}, license="mit")
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("app")
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("HF_HOME", str(folder / "hf-home"))
        patch.delenv("HF_TOKEN", raising=False)
        server = Server(folder)
        server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def test_a_silent_hub_blocks_nothing_and_is_told(page: Page, server: Server, hub: Hub) -> None:
    hub.silent.add("/api/models")
    page.goto(f"{server.url}/predict?model=org/brain")
    expect(page.get_by_text("Contacting the Hub")).to_be_visible()
    poll(lambda: any("/api/models" in path for path in hub.paths()), what="the question to the Hub")
    page.get_by_role("button", name="Access token").click()  # the page answers meanwhile
    expect(page.locator("input[type=password]")).to_be_visible()
    expect(page.get_by_text(re.compile("cannot be reached|does not answer"))).to_be_visible()
    expect(page.get_by_role("textbox", name="Hugging Face Hub model")).to_have_value("org/brain")
    assert not list(server.runs_dir.glob("models/*/config.json"))
    hub.silent.clear()
    hub.released.set()


def test_a_model_of_the_address_is_looked_at_downloaded_and_chosen(page: Page, server: Server, hub: Hub) -> None:
    page.goto(f"{server.url}/predict?model=org/brain")
    expect(page.get_by_text("License: mit")).to_be_visible()
    expect(page.get_by_text("mateuszbuda/brain-segmentation-pytorch, 3 input channels")).to_be_visible()
    expect(page.get_by_text("pre-contrast, FLAIR and post-contrast")).to_be_visible()
    assert not list(server.runs_dir.glob("models/*/config.json"))
    page.get_by_role("button", name=re.compile(r"Download \d")).click()
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("org--brain")
    expect(page.get_by_text("org/brain mateuszbuda/brain-segmentation-pytorch, license mit")).to_be_visible()
    page.goto(f"{server.url}/predict?model=org/brain")
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("org--brain")
    page.get_by_text("Add a model", exact=True).click()
    invitation = "(field) => getComputedStyle(field, '::before').content"
    fields = page.get_by_test_id("stFileUploaderDropzone")
    assert page.locator(".st-key-weights").get_by_test_id("stFileUploaderDropzone").evaluate(invitation) == "none"
    assert [fields.nth(number).evaluate(invitation) for number in range(2)].count('"Drop images here"') == 1
