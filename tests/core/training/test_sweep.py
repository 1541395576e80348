"""Lists of settings become runs: combinations, names, refusals, presets; filed in the line in their order."""

import pytest

from tests.helpers.processes import make_data, quick, wait_for
from tests.helpers.processes import sweep as end_all
from unet_core.config.presets import FOUR
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, DataError
from unet_core.runs import leaderboard, queue
from unet_core.runs import run as runs
from unet_core.training import sweep


def test_every_combination_once_named_by_what_differs():
    wanted = sweep.grid(RunConfig().replace(epochs=3), {"loss": ["bce", "dice"], "seed": [0, 1], "lr": [0.01]})
    assert list(wanted) == ["bce, seed 0", "bce, seed 1", "dice, seed 0", "dice, seed 1"]
    assert [(config.train.loss, config.train.seed) for config in wanted.values()] == [
        ("bce", 0), ("bce", 1), ("dice", 0), ("dice", 1),
    ]  # fmt: skip
    assert {(config.train.lr, config.train.epochs) for config in wanted.values()} == {(0.01, 3)}


@pytest.mark.parametrize(
    ("lists", "names"),
    [
        ({"norm": ["none", "batch"], "augment": ["none", "flips"]},
         ["norm none, augment none", "norm none, flips", "batch, augment none", "batch, flips"]),
        ({"seed": [3]}, ["seed 3"]),
        ({}, ["as set"]),
        ({"deep_supervision": [False, True], "ignore_index": [None, 255]},
         ["deep_supervision False, ignore_index none", "deep_supervision False, ignore_index 255",
          "deep_supervision True, ignore_index none", "deep_supervision True, ignore_index 255"]),
        ({"lr": [0.1, 0.1000000000001]}, ["lr 0.1", "lr 0.1000000000001"]),
    ],
)  # fmt: skip
def test_names_tell_runs_apart(lists, names):
    assert list(sweep.grid(RunConfig(), lists)) == names


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"loss": []}, "loss: no value"),
        ({"seed": [0, 1, 0]}, "seed: 0 is listed more than once"),
        ({"seed": range(97)}, "97 runs; at most 96"),
        ({"root": ["/a"]}, "'root' cannot be varied"),
        ({"series": ["x"]}, "'series' cannot be varied"),
        ({"los": ["bce"]}, "'los' cannot be varied; the settings that can are"),
        ({"loss": ["bce", "dise"], "seed": [0, 1]}, "dise, seed 0: Expected loss to be one of"),
        ({"depth": [2, 7], "image_size": [128]}, "depth 7, image_size 128: image_size 128 is too small for depth 7"),
        (
            {"padding": ["same", "valid"], "image_size": [130]},
            "valid, image_size 130: An input side of 130 pixels does not fit",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(lists, message):
    with pytest.raises(ConfigError, match=message):
        sweep.grid(RunConfig(), lists)


def test_of_many_combinations_that_cannot_be_three_are_named():
    with pytest.raises(ConfigError, match=r"depth 8, seed 0: .*depth 8, seed 2: .*\(and 2 more\)"):
        sweep.grid(RunConfig(), {"depth": [8], "seed": [0, 1, 2, 3, 4]})


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("loss", "bce, dice", ["bce", "dice"]),
        ("seed", "0-3, 7", [0, 1, 2, 3, 7]),
        ("lr", "0.01,3e-3", [0.01, 0.003]),
        ("lr", "1", [1.0]),
        ("deep_supervision", "yes,false", [True, False]),
        ("ignore_index", "none, 255", [None, 255]),
        ("seed", " , ", []),
    ],
)
def test_values_from_text(name, text, values):
    found = sweep.parse_values(name, text)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("loss", "bce,dise", "Expected loss to be one of"),
        ("seed", "one", "seed: expected int, got 'one'"),
        ("seed", "3-1", "expected a stretch such as 0-4"),
        ("seed", "0-999999999", "expected a stretch such as 0-4 of at most 96"),
        ("deep_supervision", "perhaps", "expected true or false"),
        ("epochs", "0", "Expected epochs to be at least 1"),
        ("nothing", "1", "'nothing' cannot be varied"),
    ],
)
def test_text_that_gives_no_values(name, text, message):
    with pytest.raises(ConfigError, match=message):
        sweep.parse_values(name, text)


def test_the_four_share_data_length_and_device_and_nothing_else():
    base = RunConfig().replace(
        root="/data", val_fraction=0.4, ignore_index=7, epochs=3, seed=5, image_size=64, base_channels=3, lr=0.5
    )
    wanted = sweep.presets(FOUR, base)
    assert list(wanted) == ["mp-tr-bce", "mp-tr-dice", "strconv-tr-bce", "strconv-ups-dice"]
    for config in wanted.values():
        assert (config.data.root, config.data.val_fraction, config.data.ignore_index) == ("/data", 0.4, 7)
        assert (config.train.epochs, config.train.seed, config.model.image_size) == (3, 5, 64)
        assert (config.model.base_channels, config.train.lr, config.train.optimizer) == (16, 0.001, "adam")
    assert [(config.model.down, config.model.up, config.train.loss) for config in wanted.values()] == [
        ("maxpool", "transposed", "bce"), ("maxpool", "transposed", "dice"),
        ("strided_conv", "transposed", "bce"), ("strided_conv", "bilinear", "dice"),
    ]  # fmt: skip
    seeded = sweep.presets(FOUR, base, [0, 1])
    assert len(seeded) == 8
    assert seeded["mp-tr-dice, seed 1"].train.seed == 1
    with pytest.raises(ConfigError, match="Unknown preset 'x'"):
        sweep.presets(["x"], base)
    with pytest.raises(ConfigError, match="120 runs; at most 96"):
        sweep.presets(FOUR, base, range(30))


def test_nothing_is_written_where_something_is_wrong(tmp_path, sample_folder):
    with pytest.raises(ConfigError, match="at least one run"):
        sweep.start({}, tmp_path / "runs")
    good = RunConfig().replace(root=str(sample_folder))
    with pytest.raises(DataError, match="no such folder"):
        sweep.start({"a": good, "b": good.replace(root=str(tmp_path / "none"))}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_sweep_is_filed_in_its_order_and_trained_by_itself(tmp_path, quick_trainer):
    wanted = sweep.grid(quick(make_data(tmp_path / "data"), epochs=1), {"loss": ["iou", "bce"], "seed": [0, 1]})
    try:
        with queue.hold_device(tmp_path / "runs"):
            name = sweep.start(wanted, tmp_path / "runs")
            assert [leaderboard.series_and_name(run) for run in queue.waiting(tmp_path / "runs")] == [
                (name, key) for key in wanted
            ]
            assert sweep.start({"one": quick(tmp_path / "data")}, tmp_path / "runs") != name
            queue.remove(queue.waiting(tmp_path / "runs")[-1])
        members = leaderboard.members(tmp_path / "runs", name)
        wait_for(lambda: not any(run.state().active for run in members), "the end of the sweep", 120)
    finally:
        end_all(tmp_path)
    rows = leaderboard.rows(members)
    assert [row.name for row in rows] == list(wanted)
    assert [row.state for row in rows] == ["finished"] * 4
    assert [row.settings for row in rows] == [
        {"loss": "iou", "seed": 0}, {"loss": "iou", "seed": 1}, {"loss": "bce", "seed": 0}, {"loss": "bce", "seed": 1},
    ]  # fmt: skip
    assert runs.find_active(tmp_path / "runs") is None
