"""Lines from one process to another."""

import math
from dataclasses import replace

import pytest

from tests.core.planning.test_planner import NUCLEI
from unet_core.planning.report import LrRange, Progress, Refused, Report, decode, encode

REPORT = Report(
    device="cpu",
    precision="bf16",
    threads=1,
    images=180,
    train_images=144,
    val_images=36,
    crops=576,
    steps=36,
    epochs=15,
    batch_size=16,
    step_seconds=0.3,
    train_seconds=10.8,
    val_seconds=2.0,
    save_seconds=0.5,
    start_seconds=3.0,
    memory_mb=800.0,
    free_mb=20000.0,
    largest_batch=64,
    largest_by="time",
    memory_batch=900,
    receptive_field=204,
    image_size=128,
    fingerprint=NUCLEI,
    warnings=("Few images.", "Large objects."),
    seconds=12.0,
)


def test_an_epoch_and_a_run_add_up():
    assert math.isclose(REPORT.epoch_seconds, 13.3)
    assert math.isclose(REPORT.total_seconds(), 3 + 15 * 13.3)
    assert math.isclose(REPORT.total_seconds(2), 3 + 2 * 13.3)


@pytest.mark.parametrize(
    ("by", "memory", "says"),
    [
        ("data", 851, "A batch of 64 fits and holds all crops of an epoch: a larger one would change nothing."),
        ("memory", 66, "A batch of 64 fits in memory, the next larger one that was tested does not."),
        ("setting", 851, "A batch of 64 fits, the largest that can be set."),
        (
            "time",
            851,
            "A batch of 64 fits; there was no time to test larger ones. By their memory, about 851 would fit.",
        ),
        ("time", 0, "A batch of 64 fits; there was no time to test larger ones."),
    ],
)
def test_of_the_largest_batch_one_thing_is_said(by, memory, says):
    assert replace(REPORT, largest_by=by, memory_batch=memory).explain_batch() == says


def test_everything_comes_back_as_it_was():
    curve = LrRange((0.1, 0.2), (1.0, 0.5), None, 0.2, 0.02, "end", 3.0)
    for told in (Progress(0.5, "looking"), REPORT, curve, Refused("Run a trains; wait.")):
        line = encode(told)
        assert "\n" not in line
        assert decode(line) == told


def test_what_is_not_finite_becomes_null():
    assert '"share": null' in encode(Progress(math.nan, ""))


def test_a_torn_line_and_one_of_another_release_are_passed_over():
    line = encode(REPORT)
    for odd in ("", "{}", "[]", "3", line[:-5], '{"type": "dream"}', '{"type": "progress", "odd": 1}'):
        assert decode(odd) is None
