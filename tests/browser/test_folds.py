"""A cross-validation from the click to its table and its ensemble, which then predicts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, poll
from tests.helpers.processes import make_data, quick, sweep
from unet_core.data.library.library import Library
from unet_core.experiments import cross_validation
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.run import Run, RunState
from unet_core.training import runner

pytestmark = pytest.mark.browser


@pytest.fixture
def tiny(server: Server) -> Run:
    """A run with tiny settings on a dataset of the list, whose settings the folds take."""
    root = make_data(server.folder / "squares", 6)
    Library(server.folder / "datasets").link(root)
    run = runs.create(server.runs_dir, quick(root.resolve(), epochs=1))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return run


def test_folds_are_queued_scored_and_joined(page: Page, server: Server, tiny: Run) -> None:
    try:
        page.goto(f"{server.url}/compare?compare_view=Folds&dataset=squares")
        page.get_by_label("Folds", exact=True).fill("2")
        page.get_by_label("Folds", exact=True).press("Enter")
        page.get_by_role("combobox", name=re.compile("Settings")).click()
        page.get_by_role("option", name=tiny.id).click()
        expect(page.get_by_text("2 runs, 2 epochs in total")).to_be_visible()
        page.get_by_role("button", name="Queue 2 folds").click()
        poll(lambda: len(runs.find(server.runs_dir)) == 3, what="the runs of two folds")
        expect(page.get_by_text("2 of 2 folds finished and scored")).to_be_visible(timeout=180_000)
        members = [run for run in runs.find(server.runs_dir) if run.id != tiny.id]
        assert all(run.state() is RunState.FINISHED for run in members)
        [name] = cross_validation.names(server.runs_dir)
        table = cross_validation.read(name, server.runs_dir)
        spread = table.spread["dice"]
        expect(page.get_by_text(f"{spread.mean:.3f} ± {spread.sd:.3f}").first).to_be_visible()
        page.get_by_role("button", name="Make the ensemble of 2 folds").click()
        page.get_by_role("link", name="Predict with the ensemble").click()
        expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value(f"ensemble-{name}")
        assert (server.runs_dir / "models" / f"ensemble-{name}" / "images.json").is_file()
    finally:
        sweep(server.runs_dir)
