"""The tables of a run's curves hold every point, as it was logged."""

import csv
import io

from unet_core.runs import chart_data
from unet_core.runs.events import EpochFinished, RunStarted, StepFinished
from unet_core.runs.history import History

STARTED = RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3000)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_no_step_is_left_out_or_rounded() -> None:
    history = History()
    history.add(STARTED, 0.0)
    for step in range(1, 6001):
        history.add(StepFinished(1 + (step - 1) // 3000, step, 1 / step, 0.1 / step, 512), float(step))
    rows = read(chart_data.steps_to_csv(history))
    assert [int(row["step"]) for row in rows] == list(range(1, 6001))
    assert all(float(row["loss"]) == 1 / step for step, row in enumerate(rows, 1))
    assert rows[-1] == {
        "step": "6000",
        "epoch": "2",
        "loss": repr(1 / 6000),
        "learning_rate": repr(0.1 / 6000),
        "memory_mib": "512",
    }


def test_an_epoch_has_its_scores_and_undefined_ones_are_empty() -> None:
    history = History()
    history.add(EpochFinished(1, 3, 0.9, float("nan"), None, 0.55, 0.01, 12.5, 4.0, best=True), 0.0)
    (row,) = read(chart_data.epochs_to_csv(history))
    assert row == {
        "epoch": "1", "step": "3", "train_loss": "0.9", "val_loss": "", "val_dice": "", "val_iou": "0.55",
        "learning_rate": "0.01", "seconds": "4.0", "best": "1",
    }  # fmt: skip


def test_a_run_without_points_has_a_table_without_lines() -> None:
    assert chart_data.steps_to_csv(History()) == ",".join(chart_data.STEP_COLUMNS) + "\n"
    assert chart_data.epochs_to_csv(History()) == ",".join(chart_data.EPOCH_COLUMNS) + "\n"
