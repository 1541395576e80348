"""The live curves in a real Chromium over a run that the test itself writes: no step is lost, whatever happens."""

import threading

import pytest
from filelock import FileLock
from playwright.sync_api import Locator, Page, expect

from tests.helpers.browser import Server, poll
from tests.helpers.pages import shoot
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, LrChanged, RunFinished, RunStarted, StepFinished, Warned

pytestmark = pytest.mark.browser

PER_EPOCH = 20
STEPS = "(root) => Array.from(root.unetChart.columns.step.subarray(0, root.unetChart.columns.n))"


class Trainer:
    """Writes events as a trainer would, holds the run's lock and beats; obeys nothing."""

    def __init__(self, runs_dir, data) -> None:
        self.run = runs.create(runs_dir, RunConfig().replace(root=str(data)))
        self.lock = FileLock(self.run.folder / "lock", thread_local=False)
        self.lock.acquire()
        self.log = EventLog(self.run.events)
        self.step, self.done = 0, threading.Event()
        self.log.append(RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=500, steps_per_epoch=PER_EPOCH))
        self.train(2 * PER_EPOCH)
        self.log.append(LrChanged(2, self.step, 0.01, 0.005))
        self.log.append(Warned("<b>odd</b> image"))
        self.run.beat()
        self.thread = threading.Thread(target=self.go_on)
        self.thread.start()

    def train(self, count: int) -> None:
        for _ in range(count):
            self.step += 1
            epoch = (self.step - 1) // PER_EPOCH + 1
            self.log.append(StepFinished(epoch, self.step, 1 / self.step, 0.01))
            if self.step % PER_EPOCH == 0:
                dice = 1 - 1 / (epoch + 1)
                self.log.append(EpochFinished(epoch, self.step, 0.5, 0.4, dice, dice / 2, 0.01, 12.5, 4.0, best=True))

    def go_on(self) -> None:
        while not self.done.wait(0.05):
            self.run.beat()
            self.train(1)

    def end(self) -> None:
        if not self.done.is_set():
            self.done.set()
            self.thread.join()
            self.log.append(RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0))
            self.log.close()
            self.lock.release()


@pytest.fixture
def trainer(server: Server):
    trainer = Trainer(server.runs_dir, synthetic.write(server.folder / "sample"))
    yield trainer
    trainer.end()


def open_chart(page: Page, server: Server, trainer: Trainer) -> Locator:
    page.goto(f"{server.url}/train?run={trainer.run.id}")
    chart = page.locator(".live")
    poll(lambda: held(chart) >= 2 * PER_EPOCH, what="the curve")
    return chart


def held(chart: Locator) -> int:
    return int(chart.get_attribute("data-steps") or 0)


def follows(chart: Locator, trainer: Trainer) -> None:
    """The chart gets what is written from now on, and has every step from the first."""
    target = trainer.step + 5
    poll(lambda: held(chart) >= target, what="new points")
    steps = chart.evaluate(STEPS)
    assert steps == list(range(1, len(steps) + 1))


def test_the_same_curve_whatever_happens(page: Page, server: Server, trainer: Trainer):
    chart = open_chart(page, server, trainer)
    follows(chart, trainer)
    # A busy machine asks seldom and gets many steps at once; the whole curve has always more bytes than this.
    poll(lambda: int(chart.get_attribute("data-bytes")) < 1024, what="an answer with new points only")
    expect(page.locator(".now")).to_contain_text("of 500")

    page.reload()
    follows(chart, trainer)

    second = page.context.new_page()
    follows(open_chart(second, server, trainer), trainer)
    second.close()

    menu = page.get_by_test_id("stTopNav")
    menu.get_by_role("link", name="Predict").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    menu.get_by_role("link", name="Train").click()
    follows(chart, trainer)

    server.kill()
    expect(page.locator(".connection").first).to_have_text("Connection lost, trying again…")
    server.start()
    follows(chart, trainer)
    expect(page.locator(".connection").first).to_have_text("")

    trainer.end()
    expect(page.locator(".st-key-standing")).to_contain_text("finished")
    poll(lambda: held(chart) == trainer.step, what="the last step")
    expect(page.get_by_text("Best Dice")).to_be_visible()
    # The last step may come an answer before the end of the run.
    poll(lambda: chart.evaluate("(root) => root.unetChart.feed.over"), what="that it asks no more")


def test_zoom_and_options_outlive_updates_and_a_reload(page: Page, server: Server, trainer: Trainer):
    chart = open_chart(page, server, trainer)
    box = chart.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 104, steps=3)
    page.mouse.up()
    zoom = poll(lambda: chart.get_attribute("data-zoom"), what="a zoom")
    low, high = map(float, zoom.split(","))
    assert 0 < low < high < trainer.step
    chart.get_by_label("Logarithmic loss").check()
    chart.get_by_role("slider", name="Smoothing").fill("0.5")
    follows(chart, trainer)
    assert chart.get_attribute("data-zoom") == zoom
    page.reload()
    follows(chart, trainer)
    assert chart.get_attribute("data-zoom") == zoom
    assert chart.get_by_label("Logarithmic loss").is_checked()
    assert chart.evaluate("(root) => root.unetChart.columns.weight") == 0.5
    smooth = chart.evaluate("(root) => Array.from(root.unetChart.columns.smooth.subarray(0, 3))")
    assert smooth == pytest.approx([1, (0.5 * 1 + 1 * 0.5) / 1.5, (0.25 * 1 + 0.5 * 0.5 + 1 / 3) / 1.75], rel=1e-3)
    chart.locator("canvas").first.dblclick()
    poll(lambda: chart.get_attribute("data-zoom") == "", what="the whole curve again")
    chart.get_by_label("X axis").select_option("time")
    follows(chart, trainer)


def test_marks_and_values_are_told_and_an_epoch_is_chosen_by_click(page: Page, server: Server, trainer: Trainer):
    for epoch, dice in ((1, 0.9), (2, 0.3), (3, 0.5)):
        shoot(trainer.run, epoch, [dice, None])
    chart, film = open_chart(page, server, trainer), page.locator(".snapshots")
    expect(film).to_have_attribute("data-epoch", "3")
    expect(film).to_contain_text("Dice reached 0.8 at epoch 1. Fell from 0.90 to 0.30 at epoch 2.")
    expect(film).to_contain_text("Dice is undefined.")
    expect(page.locator(".marks")).to_contain_text("learning rate changed")
    canvas = chart.locator("canvas").nth(1)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(chart.locator(".spoken")).to_contain_text("after epoch 2 (step 40):, Dice 0.6667 · IoU 0.3333")
    expect(page.locator(".tip")).to_contain_text("learning rate 0.01 to 0.005")
    expect(page.locator(".tip")).to_contain_text("<b>odd</b> image")
    page.keyboard.press("Enter")
    expect(film).to_have_attribute("data-epoch", "2")
    where = canvas.evaluate(
        """(canvas) => { const chart = canvas.getRootNode().querySelector('.live').unetChart;
        return chart.panels[1].scale.px(chart.xOf(chart.columns.epochs[0])); }"""
    )
    canvas.click(position={"x": where + 1, "y": 150})
    expect(film).to_have_attribute("data-epoch", "1")
    expect(film).to_have_attribute("data-latest", "false")
    shoot(trainer.run, 4, [0.6, None])
    expect(film).to_have_attribute("data-epochs", "4")
    expect(film).to_have_attribute("data-epoch", "1")  # the reader looks at it
    page.reload()
    expect(film).to_have_attribute("data-epoch", "1")
    film.get_by_role("slider", name="Epoch").press("ArrowRight")
    expect(film).to_have_attribute("data-epoch", "2")
    film.get_by_role("button", name="Latest").click()
    expect(film).to_have_attribute("data-epoch", "4")
    shoot(trainer.run, 5, [0.7, 0.1])
    expect(film).to_have_attribute("data-epoch", "5")


def test_commands_reach_the_trainer_also_from_an_open_popover(page: Page, server: Server, trainer: Trainer):
    chart, control = open_chart(page, server, trainer), trainer.run.control
    page.get_by_role("button", name="Pause", exact=True).click()
    poll((control / "pause").exists, what="the wish to pause")
    expect(page.locator(".st-key-standing")).to_contain_text("paused")
    page.get_by_role("button", name="Resume").click()
    poll(lambda: not (control / "pause").exists(), what="the wish to go on")
    expect(page.locator(".st-key-standing")).to_contain_text("running")
    page.get_by_role("button", name="Change…").click()
    field = page.get_by_label("Learning rate", exact=True).last
    expect(field).to_have_value("0.01")  # what holds
    opened = trainer.step + 20
    poll(lambda: held(chart) >= opened, what="the run of the fragment that opened the popover")
    field.fill("0.0007")
    target = trainer.step + 40
    poll(lambda: held(chart) >= target, what="two runs of the fragment")
    assert field.input_value() == "0.0007"
    field.press("Enter")
    page.get_by_role("button", name="Set learning rate").click()
    poll((control / "lr").exists, what="the wish for a learning rate")
    assert float((control / "lr").read_text()) == 0.0007
    page.get_by_role("button", name="Stop", exact=True).click()
    poll((control / "stop").exists, what="the wish to stop")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
