"""The table of runs that belong together, from fabricated events."""

import math
import os

import pytest

from unet_core.config.schema import RunConfig
from unet_core.runs import leaderboard, time_estimate
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFinished, RunStarted
from unet_core.runs.leaderboard import Row


def run_of(runs_dir, dice=None, finished=True, **settings):
    """A run with two epochs, the first of them the best with a Dice of `dice`."""
    run = runs.create(runs_dir, RunConfig().replace(**settings))
    if dice is not None:
        log = EventLog(run.events)
        log.append(RunStarted("cpu", "fp32", 1, 4321, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3))
        log.append(EpochFinished(1, 3, 0.9, 0.8, dice, dice / 2, 0.01, 9.0, 4.0, best=True))
        log.append(EpochFinished(2, 6, 0.8, 0.9, dice / 3, 0.1, 0.01, 9.0, 8.0, best=False))
        if finished:
            log.append(RunFinished("completed", 1, dice, dice / 2, 9.0, 8.0))
        log.close()
    run.beat()
    return run


def test_a_row_is_what_the_events_say(tmp_path):
    run = run_of(tmp_path, 0.7, series="sweep-7 dice, seed 1", loss="dice")
    assert leaderboard.rows([run]) == [
        Row("dice, seed 1", run.id, "finished", 0.7, 0.35, 0.8, 1, 2, 8.0, 4321, {}),
    ]


def test_a_run_without_events_has_a_row_of_its_own(tmp_path):
    run = run_of(tmp_path)
    assert leaderboard.rows([run]) == [Row(run.id, run.id, "interrupted", None, None, None, None, 0, None, None, {})]


def test_what_sets_runs_apart_is_found_in_their_settings(tmp_path):
    found = [
        run_of(tmp_path, 0.5, root="/a", loss="bce", seed=0, series="s x"),
        run_of(tmp_path, 0.5, root="/a", loss="dice", seed=0, series="s y"),
        run_of(tmp_path, 0.5, root="/a", loss="dice", seed=4, series="s z"),
    ]
    assert [row.settings for row in leaderboard.rows(found)] == [
        {"loss": "bce", "seed": 0}, {"loss": "dice", "seed": 0}, {"loss": "dice", "seed": 4},
    ]  # fmt: skip
    (found[1].folder / "config.json").write_text("{")
    assert [row.settings for row in leaderboard.rows(found)] == [
        {"loss": "bce", "seed": 0},
        {},
        {"loss": "dice", "seed": 4},
    ]


def test_a_page_can_hand_in_the_histories(tmp_path):
    run = run_of(tmp_path, 0.7)
    history = leaderboard.read(run)
    run.events.unlink()
    assert leaderboard.rows([run], lambda asked: {run.id: history}[asked.id])[0].val_dice == 0.7


def test_sweeps_and_their_members_are_in_the_order_of_their_filing(tmp_path):
    for number, (series, loss) in enumerate(
        [("sweep-20261121-1 b", "iou"), ("sweep-20261121-1 a", "bce"), ("series-20261120-1 x", "bce"), ("", "dice")]
    ):
        run = run_of(tmp_path, series=series, loss=loss)
        os.utime(run.folder / "config.json", (number, number))
    assert leaderboard.names(tmp_path) == ["sweep-20261121-1", "series-20261120-1"]
    assert [leaderboard.series_and_name(run)[1] for run in leaderboard.members(tmp_path, "sweep-20261121-1")] == [
        "b",
        "a",
    ]
    assert leaderboard.members(tmp_path, "nothing") == []
    assert leaderboard.names(tmp_path / "none") == []


def test_mean_and_spread_over_seeds(tmp_path):
    found = [
        run_of(tmp_path, 0.6, loss="bce", seed=0),
        run_of(tmp_path, 0.8, loss="bce", seed=1),
        run_of(tmp_path, 0.9, loss="dice", seed=0),
        run_of(tmp_path, 0.1, loss="dice", seed=1, finished=False),
        run_of(tmp_path, loss="iou", seed=0),
    ]
    dice, bce = leaderboard.over_seeds(leaderboard.rows(found))
    assert (bce.name, bce.runs, bce.settings) == ("bce", 2, {"loss": "bce"})
    assert bce.dice == pytest.approx(0.7)
    assert bce.dice_sd == pytest.approx(0.2 / math.sqrt(2))
    assert (bce.iou, bce.iou_sd) == (pytest.approx(0.35), pytest.approx(0.1 / math.sqrt(2)))
    assert (dice.name, dice.runs, dice.dice, dice.dice_sd) == ("dice", 1, 0.9, None), "one that is not done counts not"
    assert leaderboard.over_seeds(leaderboard.rows(found[:1])) == []
    only_seeds = leaderboard.over_seeds(leaderboard.rows(found[:2]))
    assert [(mean.name, mean.runs) for mean in only_seeds] == [("all seeds", 2)]
    assert {mean.images for mean in (dice, bce, *only_seeds)} == {"the same validation images"}


def test_seeds_of_older_runs_drew_their_own_validation_images(tmp_path):
    old = [
        run_of(tmp_path, dice, loss=loss, seed=seed, split_seed=seed)
        for loss, seed, dice in (("bce", 0, 0.6), ("bce", 1, 0.8), ("dice", 0, 0.5), ("dice", 1, 0.4))
    ]
    means = leaderboard.over_seeds(leaderboard.rows(old))
    assert [(mean.name, mean.runs, mean.settings) for mean in means] == [
        ("bce", 2, {"loss": "bce"}),
        ("dice", 2, {"loss": "dice"}),
    ]
    assert {mean.images for mean in means} == {"other validation images for each seed"}


def test_splits_that_are_varied_of_themselves_set_runs_apart(tmp_path):
    runs_ = [run_of(tmp_path, 0.5, seed=seed, split_seed=split) for seed in (0, 1) for split in (0, 1)]
    means = leaderboard.over_seeds(leaderboard.rows(runs_))
    assert sorted((mean.settings["split_seed"], mean.runs) for mean in means) == [(0, 2), (1, 2)]
    assert {mean.images for mean in means} == {"the same validation images"}


def test_how_long_is_told_from_a_run_on_the_same_data(tmp_path):
    run_of(tmp_path, 0.5, root="/other", epochs=9)
    assert time_estimate.past_step_times(tmp_path, "/data") == []
    run_of(tmp_path, 0.5, root="/data", epochs=9, image_size=64, crops_per_image=2)
    known = time_estimate.past_step_times(tmp_path, "/data")
    [(config, seconds)] = known
    assert (config.train.epochs, seconds) == (2, 8.0), "two epochs were made in 8 seconds"
    assert time_estimate.estimate_seconds([config], known) == 8.0
    assert time_estimate.estimate_seconds([config.replace(epochs=6), config], known) == pytest.approx(32.0)
    assert time_estimate.estimate_seconds([config.replace(image_size=128)], known) == pytest.approx(32.0)
    other = config.replace(precision="fp32")
    assert time_estimate.estimate_seconds([other], [*known, (other, 20.0)]) == 20.0, "at the pace of the same precision"
    assert math.isnan(time_estimate.estimate_seconds([config], []))
