"""Three runs from two tabs wait in the queue, one is removed, the server dies: the others run one by one."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, poll
from tests.helpers.processes import sweep
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.run import RunState

pytestmark = pytest.mark.browser

TINY = "base_channels=2&depth=1&image_size=16&crops_per_image=1&precision=fp32"


def file_run(page: Page, server: Server, epochs: int) -> runs.Run:
    """Press the form's button in a tab; the run it made."""
    before = {run.id for run in runs.find(server.runs_dir)}
    page.goto(f"{server.url}/train?epochs={epochs}&{TINY}")
    button = page.get_by_role("button", name=re.compile("Start training|Add to the queue"))
    expect(button).to_have_count(1)  # while the page is drawn anew there may be an old one beside it
    button.click()
    poll(lambda: {run.id for run in runs.find(server.runs_dir)} - before, what="a new run")
    return next(run for run in runs.find(server.runs_dir) if run.id not in before)


def test_three_runs_from_two_tabs_one_removed_and_the_server_killed(page: Page, server: Server):
    try:
        other = page.context.new_page()
        other.set_default_timeout(60_000)
        first = file_run(page, server, 100_000)
        poll(lambda: first.state() is RunState.RUNNING, what="the first run")
        second, third, fourth = (file_run(tab, server, 1) for tab in (other, page, other))
        assert queue.waiting(server.runs_dir) == [second, third, fourth]

        queued = page.locator(".st-key-queue")
        expect(queued).to_contain_text(re.compile(rf"{first.id}.*3.*in the queue"))
        expect(queued).to_contain_text(fourth.id)  # which the other tab has filed
        queued.get_by_role("button", name="Remove").nth(1).press("Enter")  # by keyboard
        expect(queued).not_to_contain_text(third.id)
        assert not third.folder.exists()
        queued.get_by_role("button", name="Up").nth(1).click()
        poll(lambda: queue.waiting(server.runs_dir) == [fourth, second], what="the fourth before the second")

        server.kill()
        assert [run.state() for run in (first, fourth, second)] == [RunState.RUNNING, RunState.QUEUED, RunState.QUEUED]
        server.start()
        page.goto(f"{server.url}/train")
        expect(page.locator(".st-key-queue")).to_contain_text(re.compile(rf"{fourth.id}.*{second.id}", re.DOTALL))
        first.request_stop()
        poll(lambda: second.state() is RunState.FINISHED, 120, "the end of the last one")
        spans = [[at for _, at in read_events(run.events)[0]] for run in (first, fourth, second)]
        assert (first.state(), fourth.state()) == (RunState.STOPPED, RunState.FINISHED)
        assert spans[0][-1] <= spans[1][0] <= spans[1][-1] <= spans[2][0], "two at a time"
        expect(page.locator(".st-key-queue")).to_have_count(0)
    finally:
        sweep(server.runs_dir)
