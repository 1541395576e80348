"""The curves as columns: everything once, then only news; what a resume takes back; the training clock."""

import json
import math

from unet_core.runs.chart_data import Curves, short
from unet_core.runs.events import (
    EpochFinished,
    Event,
    LrChanged,
    Paused,
    RunFinished,
    RunStarted,
    StepFinished,
    Unpaused,
    Warned,
)

START = RunStarted("cpu", "bf16", 1, 1000, 1, 1, 6, 2, 0, epochs=3, steps_per_epoch=2)


def step(number: int, loss: float | None = 0.5) -> StepFinished:
    return StepFinished((number + 1) // 2, number, loss, 0.01)


def epoch(number: int, dice: float | None = 0.7, best: bool = True) -> EpochFinished:
    return EpochFinished(number, 2 * number, 0.9, 0.8, dice, 0.55, 0.01, 12.5, 4.0, best)


def fed(*told: tuple[float, Event]) -> Curves:
    curves = Curves()
    for time, event in told:
        curves.add(event, time)
    return curves


def test_everything_once_and_then_only_what_is_new():
    curves = fed((100, START), (101, step(1, 0.123456)), (102.5, step(2, math.nan)), (104, epoch(1)))
    whole = curves.since(0)
    assert whole["reset"] and whole["to"] == 4 and whole["life"] == 100_000
    assert whole["steps"] == {"n": [[1, 2]], "loss": [0.1235, None], "lr": [0.01, 0.01], "t": [100, 150]}
    assert whole["epochs"] == [[1, 2, 0.9, 0.8, 0.7, 0.55, 0.01, 400, 1]]
    assert whole["marks"] == [["best", 2, "best so far: epoch 1, Dice 0.7000"]]
    assert curves.since(4, 100_000) == {"life": 100_000, "to": 4, "reset": False}
    curves.add(step(3), 105)
    curves.add(step(4), 106)
    news = curves.since(4, 100_000)
    assert news == {
        "life": 100_000,
        "to": 6,
        "reset": False,
        "steps": {"n": [[3, 2]], "loss": [0.5, 0.5], "lr": [0.01, 0.01], "t": [500, 100]},
    }
    assert curves.since(5)["steps"]["n"] == [[4, 1]]


def test_the_parts_make_the_whole():
    curves, seen = Curves(), []
    told = [
        START,
        *(step(n) for n in range(1, 5)),
        epoch(1),
        Warned("w"),
        *(step(n) for n in range(5, 8)),
        epoch(2),
        step(8),
    ]
    at = 0
    for number, event in enumerate(told):
        curves.add(event, 100 + number)
        if number % 3 == 0:
            answer = curves.since(at, curves.life if at else 0)
            assert answer["reset"] == (at == 0)
            seen += [first + i for first, count in answer.get("steps", {}).get("n", []) for i in range(count)]
            at = answer["to"]
    seen += [first + i for first, count in curves.since(at).get("steps", {}).get("n", []) for i in range(count)]
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_damaged_line_leaves_a_gap_between_two_stretches():
    assert fed((1, START), (2, step(1)), (3, step(3)), (4, step(4))).since(0)["steps"]["n"] == [[1, 1], [3, 2]]


def test_a_reader_of_another_life_or_of_steps_taken_back_gets_all_again():
    curves = fed((100, START), (101, step(1)), (102, step(2)), (103, epoch(1)), (104, step(3)))
    assert curves.since(6)["reset"]  # more than there is
    assert curves.since(3, life=99)["reset"]
    assert not curves.since(5, 100_000)["reset"]
    again = RunStarted("cpu", "bf16", 1, 1000, 1, 1, 6, 2, 0, epochs=3, steps_per_epoch=2, first_epoch=2, first_step=3)
    curves.add(again, 900)
    assert curves.since(5, 100_000)["reset"]
    curves.add(step(3), 901)
    news = curves.since(5, 100_000)
    assert news["reset"] and news["steps"]["n"] == [[1, 3]]
    assert [mark[0] for mark in news["marks"]] == ["best", "resumed"]
    assert not curves.since(6, 100_000)["reset"]  # whoever saw the new start knows
    assert curves.since(6)["steps"]["n"] == [[3, 1]]


def test_a_leg_that_repeats_nothing_resets_nothing():
    curves = fed(
        (100, START), (101, step(1)), (102, step(2)), (103, epoch(1)), (104, RunFinished("stopped", 1, 0.7, 0.5, 1, 3))
    )
    more = RunStarted("cpu", "bf16", 1, 1000, 1, 1, 6, 2, 0, 9, 2, first_epoch=2, stage=2, first_step=3)
    curves.add(more, 900)
    curves.add(step(3), 902)
    news = curves.since(5, 100_000)
    assert not news["reset"]
    assert news["steps"] == {"n": [[3, 1]], "loss": [0.5], "lr": [0.01], "t": [600]}  # 4 s, then 2 more: not 802
    assert news["marks"] == [["continued", 2, "continued until epoch 9"]]
    assert curves.standing(8)["epochs"] == 9


def test_pauses_are_no_training_time():
    curves = fed(
        (100, START),
        (101, step(1)),
        (101, Paused(1, 1)),
        (150, Warned("w")),
        (201, Unpaused(1, 1, 100.0)),
        (202, step(2)),
        (202, LrChanged(1, 2, 0.01, 0.005)),
    )
    answer = curves.since(0)
    assert answer["steps"]["t"] == [100, 100]
    assert [mark[0] for mark in answer["marks"]] == ["paused", "warning", "unpaused", "lr"]
    assert curves.standing(8)["lr"] == 0.005


def test_where_the_run_stands():
    assert Curves().standing(8) == {}
    curves = fed((100, START))
    assert curves.standing(8)["step"] == 0 and curves.standing(8)["best"] is None and curves.standing(8)["left"] is None
    for number in (1, 2):
        curves.add(step(number), 100 + 2 * number)
    curves.add(epoch(1), 105)
    curves.add(StepFinished(2, 3, 0.4, 0.01, memory_mb=321), 106)
    standing = curves.standing(batch_size=8)
    assert standing == {
        "epoch": 2,
        "epochs": 3,
        "step": 3,
        "total": 6,
        "per_epoch": 2,
        "lr": 0.01,
        "speed": 4.0,
        "left": 5.0,  # 1 s a step, and 1 s for each of two validations
        "device": "cpu bf16",
        "memory": 321,
        "best": [1, 0.7, 0.55, 105],
    }


def test_validation_and_pauses_do_not_slow_the_pace():
    curves = fed((100, START), *((100 + n + (30 if n > 5 else 0), step(n)) for n in range(1, 11)))
    assert curves.images_per_second(batch_size=16) == 16.0
    fast = fed((100, START), *((100 + n / 1000, step(n)) for n in range(1, 100)))
    assert 900 < fast.images_per_second(batch_size=1) < 1100


def test_an_update_is_small_and_strict_json():
    curves = fed((1e9, START), *((1e9 + n / 10, step(n, 0.6931471805599453)) for n in range(1, 30)))
    assert len(json.dumps(curves.since(9) | {"standing": curves.standing(8)}, allow_nan=False)) < 1024
    curves.add(Warned("x" * 5000), 1e9 + 9)
    assert len(curves.since(30)["marks"][0][2]) == 300


def test_four_digits():
    assert [short(value) for value in (0.123456, 12345.6, 1e-9, math.nan, math.inf, None)] == [
        0.1235,
        12350.0,
        1e-9,
        None,
        None,
        None,
    ]
