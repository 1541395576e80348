"""WCAG 2.2, levels A and AA, by axe-core on every page and state in both themes; and no page asks another host.

Beyond that each page has one heading of the first level and one main part.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pages import PAGES
from pages.views import data as sections
from tests.browser.test_live import Trainer
from tests.helpers.browser import ROOT, Server, wait_until
from tests.helpers.datasets import copy_faulty
from tests.helpers.pages import EPOCH, STARTED, make_run
from tests.helpers.untrained import make_untrained
from unet_core.data import synthetic
from unet_core.data.library.library import Library
from unet_core.runs.events import RunFailed

pytestmark = pytest.mark.browser

AXE = (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BEST = ["page-has-heading-one", "landmark-one-main", "landmark-unique"]
TRAIN_VIEWS = ["Check", "Model", "Augmentation", "Sweep", "Runs"]
PAGE_ADDRESSES = [entry.url_path for entry in PAGES.values()]
DATA_ADDRESSES = [f"data?data_view={name}" for name in sections.VIEWS]
# The theme has been taken, and no color is on its way to another.
IS_DRAWN = """(scheme) => getComputedStyle(document.querySelector("[data-testid=stApp]")).colorScheme === scheme
  && document.getAnimations().every((each) => !(each instanceof CSSTransition) || each.playState !== "running")"""


class Watch:
    """A page that gathers the hosts it asks, and what axe-core says of what it shows, in both themes."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light").new_page()
        self.page.set_default_timeout(60_000)
        self.hosts: set[str] = set()
        self.violations: dict[str, list[str]] = {}
        self.page.on("request", lambda sent: self.hosts.add(host_of(sent.url)))

    def open(self, server: Server, address: str) -> None:
        self.page.goto(f"{server.url}/{address}")
        self.page.get_by_role("heading", level=1).first.wait_for()
        self.check(address)

    def check(self, name: str) -> None:
        """Of the page as it is now."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        wait_until(self.page, "!document.querySelector('[data-testid=stSkeleton]')")
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            wait_until(self.page, IS_DRAWN, arg=scheme)
            if lines := self.run_axe():
                self.violations[f"{name}, {scheme}"] = lines

    def run_axe(self) -> list[str]:
        """A line for each element that violates a rule."""
        violations = self.page.evaluate(
            """async ([tags, rules]) => {
              const results = [await axe.run({ runOnly: { type: "tag", values: tags } }),
                await axe.run({ runOnly: { type: "rule", values: rules } })];
              return results.flatMap((each) => each.violations);
            }""",
            [LEVELS, BEST],
        )
        return [
            f"{violation['id']}: {node['html'][:120]} ({node['failureSummary'][:200]})"
            for violation in violations
            for node in violation["nodes"]
        ]

    def end(self) -> None:
        self.page.context.close()
        assert self.violations == {}
        assert self.hosts - {""} == {"127.0.0.1"}  # "" of data: addresses


def host_of(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].partition(":")[0]


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    watch = Watch(browser)
    yield watch
    watch.end()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """A server that is not started, over folders of its own."""
    server = Server(tmp_path)
    yield lambda: server
    if server.process is not None:
        server.kill()
        assert "Traceback" not in server.log.read_text()


def test_without_a_run_and_with_the_sheet_of_keys(watch: Watch, make_server: Callable[[], Server]) -> None:
    server = make_server()
    server.start()
    for address in PAGE_ADDRESSES:
        watch.open(server, address)
    watch.page.keyboard.press("?")
    watch.page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    watch.check("the sheet of keys")


def test_while_a_run_trains(watch: Watch, make_server: Callable[[], Server]) -> None:
    server = make_server()
    trainer = Trainer(server.runs_dir, synthetic.write(server.folder / "sample"))
    server.start()
    try:
        for address in ("", f"train?run={trainer.run.id}", "train?view=Runs"):
            watch.open(server, address)
        watch.page.goto(f"{server.url}/train?run={trainer.run.id}")
        watch.page.get_by_role("button", name="Change…").click()
        watch.page.get_by_test_id("stPopoverBody").wait_for()
        watch.check("what a run can change")
    finally:
        trainer.end()


def test_with_a_failed_and_an_interrupted_run(watch: Watch, make_server: Callable[[], Server]) -> None:
    server = make_server()
    data = synthetic.write(server.folder / "cells", images=8)
    failed = make_run(server.runs_dir, data, STARTED, EPOCH, RunFailed("Out of memory. Use a smaller batch."))
    interrupted = make_run(server.runs_dir, data, STARTED, EPOCH)
    server.start()
    for address in ("", f"train?run={failed.id}", f"train?run={interrupted.id}", "train?run=gone", "predict?run=gone"):
        watch.open(server, address)
        if address.endswith(failed.id):
            expect(watch.page.get_by_role("alert").filter(has_text="Out of memory").first).to_be_visible()


def test_with_finished_runs_scores_a_result_and_its_popovers(watch: Watch, make_server: Callable[[], Server]) -> None:
    from unet_core.cli.parser import main

    server = make_server()
    data = synthetic.write(server.folder / "cells", images=8)
    small = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "32", "--crops-per-image", "1"]
    assert main(["train", str(data), "--runs-dir", str(server.runs_dir), *small]) == 0
    golden = ROOT / "tests" / "golden" / "release_0_1" / "run"
    shutil.copytree(golden, server.runs_dir / "20261101-100000-golden")
    server.start()
    for address in ["", "train", "predict", "evaluate", *(f"train?view={view}" for view in TRAIN_VIEWS)]:
        watch.open(server, address)
    watch.page.goto(f"{server.url}/evaluate")
    watch.page.get_by_test_id("stDataFrame").first.wait_for()
    watch.check("scores")
    watch.page.goto(f"{server.url}/predict")
    watch.page.get_by_role("button", name="example image").click()
    watch.page.locator(".viewer[data-state=ready]").wait_for()
    watch.check("a result")
    watch.page.get_by_role("button", name="Images and settings").click()
    watch.page.get_by_role("button", name="Hide settings").wait_for()
    watch.check("a result with its settings")
    watch.page.get_by_test_id("stPopover").get_by_role("button").first.click()
    watch.page.get_by_test_id("stPopoverBody").wait_for()
    watch.check("the export of all images")


def test_runs_side_by_side_and_a_duel(watch: Watch, make_server: Callable[[], Server]) -> None:
    server = make_server()
    data = synthetic.write(server.folder / "cells", images=8)
    for seed in (1, 2):
        make_untrained(server.runs_dir, data, range(2), [2, 3], seed)
    server.start()
    watch.open(server, "compare")
    watch.page.goto(f"{server.url}/compare?compare_view=Duel")
    expect(watch.page.locator(".viewer[data-state=ready]")).to_have_count(3)
    watch.check("a duel")


def test_every_view_of_data_with_findings_and_its_popovers(watch: Watch, make_server: Callable[[], Server]) -> None:
    server = make_server()
    faulty = copy_faulty(synthetic.write(server.folder / "cells", images=8), server.folder / "faulty")
    name = Library(server.folder / "datasets").link(faulty).name
    server.start()
    for address in DATA_ADDRESSES:
        watch.open(server, f"{address}&dataset={name}")
    watch.page.goto(f"{server.url}/data?data_view=Gallery&dataset={name}&image=cells_001")
    watch.page.locator(".viewer[data-state=ready]").wait_for()
    watch.check("an image of the gallery")
    for label in ("Rename…", "Remove…"):
        watch.page.get_by_role("button", name=label).click()
        watch.page.get_by_test_id("stPopoverBody").wait_for()
        watch.check(label)
        watch.page.keyboard.press("Escape")
        expect(watch.page.get_by_test_id("stPopoverBody")).to_be_hidden()
