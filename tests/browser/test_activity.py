"""The chip of the header, the title of the tab, the stages of a start and the row that stays, in a real Chromium."""

import pytest
from filelock import FileLock
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, wait_until
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.runs import run as runs
from unet_core.runs import stages
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, Load, RunFinished, RunStarted, StepFinished

pytestmark = pytest.mark.browser

PER_EPOCH, EPOCHS = 10, 4
NOTIFICATIONS = """
const real = Notification;
window.shown = [];
window.Notification = class {
  constructor(title, options) { window.shown.push([title, options.body]); }
  static get permission() { return real.permission; }
  static requestPermission() { return real.requestPermission(); }
};
"""


class Trainer:
    """Does what the test says, step by step, and holds the run's lock; its heartbeat is fresh enough for a test."""

    def __init__(self, server: Server) -> None:
        self.run = runs.create(
            server.runs_dir, RunConfig().replace(root=str(synthetic.write(server.folder / "sample")))
        )
        self.lock = FileLock(self.run.folder / "lock", thread_local=False)
        self.lock.acquire()
        self.run.beat()
        self.log = EventLog(self.run.events)
        self.recorder = stages.Recorder(self.run.folder)
        self.step = 0

    def start(self) -> None:
        self.recorder.end()
        sizes = {"parameters": 1000, "in_channels": 1, "num_classes": 1}
        images = {"train_images": 6, "val_images": 2, "test_images": 0}
        self.log.append(RunStarted("cpu", "fp32", 1, **sizes, **images, epochs=EPOCHS, steps_per_epoch=PER_EPOCH))

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.step += 1
            epoch = (self.step - 1) // PER_EPOCH + 1
            load = Load(98.0 + self.step, 700, None, None)
            self.log.append(StepFinished(epoch, self.step, 1 / self.step, 0.01, 700, load))
            if self.step % PER_EPOCH == 0:
                dice = 1 - 1 / (epoch + 1)
                scores = {"train_loss": 0.5, "val_loss": 0.4, "val_dice": dice, "val_iou": dice / 2}
                self.log.append(
                    EpochFinished(epoch, self.step, **scores, lr=0.01, images_per_second=12.5, seconds=4.0, best=True)
                )

    def finish(self) -> None:
        self.log.append(RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0))
        self.end()

    def end(self) -> None:
        self.log.close()
        self.lock.release()


@pytest.fixture
def trainer(server: Server):
    trainer = Trainer(server)
    yield trainer
    trainer.end()


def test_from_the_start_to_the_end_of_a_run(page: Page, server: Server, trainer: Trainer):
    trainer.recorder.begin(stages.IMPORT)
    page.goto(f"{server.url}/train?model={trainer.run.id}")
    listed = page.locator(".stages")
    expect(listed.locator("li.lasts span")).to_have_text("Loading PyTorch")
    before = listed.locator("li.lasts b").inner_text()
    expect(listed.locator("li.lasts b")).not_to_have_text(before)  # it ticks
    trainer.recorder.begin(stages.READ)
    trainer.run.reading.write_text("[12, 180]")
    expect(listed.locator("li.lasts span")).to_have_text("Reading images 12 of 180")
    expect(listed.locator("li.done")).to_have_count(1)
    chip = page.locator(".activity .chip")
    expect(chip).to_contain_text("Starting")

    trainer.start()
    trainer.train(12)
    expect(listed).to_be_hidden()
    expect(page).to_have_title("(30%) Train · UNet Studio")
    expect(chip).to_contain_text("Training 30%")
    expect(page.locator(".activity [role=status]")).to_have_text("Training")
    assert chip.get_attribute("href") == f"{server.url}/train?model={trainer.run.id}"
    expect(page.get_by_test_id("stProgress")).to_contain_text("epoch 2 of 4")

    page.get_by_test_id("stTopNav").get_by_role("link", name="Evaluate").click()
    expect(page).to_have_title("(30%) Evaluate · UNet Studio")
    expect(chip).to_contain_text("Training 30%")
    chip.click()
    expect(page).to_have_title("(30%) Train · UNet Studio")

    trainer.train(28)
    trainer.run.best.mkdir(parents=True)
    trainer.finish()
    expect(page).to_have_title("✓ Train · UNet Studio")
    expect(chip).to_have_text("✓ Training finished")
    expect(page.locator(".st-key-go_predict a")).to_be_visible()
    page.reload()
    expect(page).to_have_title("✓ Train · UNet Studio")
    page.get_by_role("button", name="Dismiss").click()
    expect(chip).to_be_hidden()
    expect(page).to_have_title("Train · UNet Studio")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (380, 760)])
def test_the_row_stays_in_view_and_the_chip_hides_nothing(page: Page, server: Server, trainer: Trainer, width, height):
    page.set_viewport_size({"width": width, "height": height})
    trainer.recorder.begin(stages.IMPORT)
    trainer.start()
    trainer.train(25)
    page.goto(f"{server.url}/train?model={trainer.run.id}")
    row = page.locator(".st-key-run_bar")
    expect(row.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_text("Settings and details").scroll_into_view_if_needed()
    page.mouse.move(width - 60, height - 60)
    page.mouse.wheel(0, 5000)
    expect(row.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    expect(row.get_by_test_id("stProgress")).to_be_in_viewport(ratio=1)
    expect(page.locator(".activity .chip")).to_be_visible()
    chip = page.locator(".activity").bounding_box()
    assert chip["x"] + chip["width"] <= width
    for link in page.get_by_test_id("stTopNav").get_by_role("link").all():
        box = link.bounding_box()
        assert box is None or box["x"] + box["width"] <= chip["x"]


def test_the_load_of_the_machine_folds_out(page: Page, server: Server, trainer: Trainer):
    trainer.start()
    trainer.train(15)
    page.goto(f"{server.url}/train?model={trainer.run.id}")
    chart = page.locator(".live")
    expect(chart.locator("canvas[data-is=cpu]")).to_be_hidden()
    chart.get_by_text("CPU, GPU and memory").click()
    expect(chart.locator("canvas[data-is=cpu]")).to_be_visible()
    expect(chart.locator("[data-is=legend-cpu] button")).to_have_text("CPU")
    lines = (
        "(root) => root.unetChart.panels.find((panel) => panel.name === 'cpu').lines"
        ".map((line) => [line.name, line.y.length])"
    )
    assert chart.evaluate(lines) == [["CPU", 15]]


def test_a_notification_only_where_it_was_switched_on(page: Page, server: Server, trainer: Trainer):
    page.context.grant_permissions(["notifications"], origin=server.url)
    page.add_init_script(NOTIFICATIONS)
    trainer.start()
    trainer.train(10)
    page.goto(server.url)
    bell = page.locator("[data-is=bell]")
    expect(bell).to_have_attribute("aria-pressed", "false")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    trainer.finish()
    wait_until(page, "window.shown.length > 0")
    assert page.evaluate("window.shown") == [["Training finished", f"{trainer.run.id}. Best Dice 0.500."]]
