"""The main job in a real Chromium: from the first visit to the table of scores, with a reload in the middle."""

import csv

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, poll
from unet_core.io import images
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events

pytestmark = pytest.mark.browser

SMALL = "base_channels=4&depth=2&image_size=64&crops_per_image=2&precision=fp32"


def points(page: Page, what: str) -> int:
    """How many "steps" or "epochs" the live curves hold, once they are drawn; see live_chart/live_chart.js."""
    found = page.evaluate(
        """(what) => {
            const hosts = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')];
            const root = hosts.map((host) => host.shadowRoot?.querySelector('.live')).find(Boolean);
            return root && root.dataset.ms ? root.dataset[what] : 0;
        }""",
        what,
    )
    return int(found or 0)


def state(page: Page):
    return page.locator(".st-key-standing")


def start_training(page: Page, server: Server, settings: str) -> runs.Run:
    page.goto(f"{server.url}/train?{settings}")
    before = len(runs.find(server.runs_dir))
    page.get_by_role("button", name="Start training").click()
    poll(lambda: len(runs.find(server.runs_dir)) > before, what="a new run")
    return runs.find(server.runs_dir)[0]


@pytest.mark.timeout(900)  # twenty epochs of a trainer that lets everything else go first
def test_from_the_first_visit_to_the_table_of_scores(page: Page, server: Server, tmp_path):
    page.goto(server.url)
    expect(page.get_by_role("heading", name="UNet Studio")).to_be_visible()
    expect(page.get_by_text("No runs yet.")).to_be_visible()
    page.get_by_role("link", name="Open Train").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_text("48 images with masks")).to_be_visible()

    run = start_training(page, server, f"epochs=20&{SMALL}")
    config = run.config
    assert (config.train.epochs, config.model.depth, config.model.base_channels) == (20, 2, 4)
    expect(state(page)).to_contain_text("running")
    poll(lambda: points(page, "steps") > 3, what="points of the loss curve")

    page.reload()  # in the middle
    expect(state(page)).to_contain_text("running")
    seen = poll(lambda: points(page, "steps"), what="the same curve after a reload")
    second = page.context.new_page()
    second.goto(f"{server.url}/train")
    poll(lambda: points(second, "steps") >= seen, what="the same curve in a second tab")
    expect(second.get_by_role("button", name="Add to the queue")).to_be_enabled()
    second.close()

    expect(state(page)).to_contain_text("finished", timeout=400_000)
    poll(lambda: points(page, "epochs") == 20, what="every epoch")
    assert run.state() == runs.RunState.FINISHED

    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    expect(page.get_by_role("link", name="Predict with this model")).to_have_count(1)
    page.get_by_role("link", name="Predict with this model").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    picture = next((server.folder / "sample" / "images").iterdir())
    text = tmp_path / "notes.png"
    text.write_text("just text")
    page.locator('.st-key-uploads-0 input[type="file"]').set_input_files([str(picture), str(text)])
    expect(page.get_by_text("notes").first).to_be_visible()
    expect(page.locator(".viewer[data-state=ready]")).to_be_visible()
    with page.expect_download() as download:
        page.locator(".st-key-download_one button").click()
    download.value.save_as(tmp_path / "mask.png")
    assert download.value.suggested_filename == f"{picture.stem}.png"
    assert images.read_mask(tmp_path / "mask.png").shape == images.read(picture).shape[:2]
    assert set(images.read_mask(tmp_path / "mask.png").ravel().tolist()) <= {0, 255}

    page.get_by_role("link", name="Evaluate").first.click()
    expect(page.get_by_role("heading", name="Evaluate")).to_be_visible()
    expect(page.get_by_text("Mean Dice", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="All scores (CSV)").click()
    download.value.save_as(tmp_path / "scores.csv")
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert {row["image"] for row in rows} == set(run.split()["val"])
    assert all(0 <= float(row["dice"]) <= 1 for row in rows)
    expect(page.locator(".viewer[data-state=ready]")).to_be_visible()


def test_the_server_is_killed_and_the_run_goes_on(page: Page, server: Server):
    run = start_training(page, server, f"epochs=500&{SMALL}")
    poll(lambda: points(page, "steps") > 3, what="points of the loss curve")
    server.kill()
    steps = len(read_events(run.events)[0])
    poll(lambda: len(read_events(run.events)[0]) > steps + 3, what="more steps without a server")
    server.start()
    page.reload()
    expect(state(page)).to_contain_text("running")
    poll(lambda: points(page, "steps") > steps // 8, what="the curve on the new server")
    page.get_by_role("button", name="Stop").click()
    expect(state(page)).to_contain_text("stopped")
    assert run.state() == runs.RunState.STOPPED
    assert run.has_best
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


@pytest.mark.timeout(700)  # four trainers, one after the other
def test_variants_are_compared_by_one_click(page: Page, server: Server):
    before = {run.id for run in runs.find(server.runs_dir)}
    page.goto(f"{server.url}/train?view=Sweep&epochs=1&image_size=32&crops_per_image=1")
    page.get_by_role("button", name="Compare four U-Net variants").click()

    def finished() -> bool:
        new = [run for run in runs.find(server.runs_dir) if run.id not in before]
        return len(new) == 4 and all(run.state() == runs.RunState.FINISHED for run in new)

    poll(finished, 500, "the end of four runs")
    expect(page.get_by_role("figure", name="Dice of each run by epoch")).to_be_visible()
