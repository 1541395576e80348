"""The settings of a run: every bound of every option, what contradicts itself, JSON old and new."""

import json
import math
import re
from typing import Any

import pytest

from unet_core.config import choices
from unet_core.config.fields import Field
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig, TrainConfig, all_fields
from unet_core.errors import ConfigError

OPTIONS = list(all_fields())
BESIDE: dict[str, dict[str, Any]] = {  # what else must be set for a bound to be reached without a contradiction
    "image_size": {"depth": 1},
    "depth": {"image_size": 4096},
    "test_fraction": {"val_fraction": 0.0},
    "encoder": {"depth": 5, "up": "nearest"},
    "fold": {"folds": 20},
}


def set_to(option: Field, value: Any) -> Any:
    """The value as a RunConfig holds it in the end."""
    run_config = RunConfig().replace(**{option.name: value}, **BESIDE.get(option.name, {}))
    return getattr(getattr(run_config, option.section), option.name)


def next_to(value: float, towards: float, kind: type) -> float:
    return value + int(math.copysign(1, towards)) if kind is int else math.nextafter(value, towards)


def bounds() -> list[Any]:
    """(option, value, whether it is allowed): each bound, and the nearest value on its other side."""
    cases = []
    for option in OPTIONS:
        for bound, outwards, inside in (
            (option.ge, -math.inf, True),
            (option.le, math.inf, True),
            (option.gt, math.inf, False),
        ):
            if bound is None:
                continue
            value = option.kind(bound)
            cases += [(option, value, inside), (option, next_to(value, outwards, option.kind), not inside)]
    return [pytest.param(*case, id=f"{case[0].name}={case[1]!r}") for case in cases]


@pytest.mark.parametrize(("option", "value", "allowed"), bounds())
def test_every_bound(option: Field, value: float, allowed: bool) -> None:
    if allowed:
        assert set_to(option, value) == value
    else:
        with pytest.raises(
            ConfigError, match=re.escape(f"Expected {option.name} to be {option.bounds}, got {value!r}.")
        ):
            set_to(option, value)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option(option: Field) -> None:
    assert option.description.endswith(".")
    assert set_to(option, option.default) == option.default
    if option.kind in (int, float):
        for value in (True, "1", math.nan, math.inf, -math.inf, [1]):
            with pytest.raises(ConfigError, match=option.name):
                set_to(option, value)
    if option.kind is int:
        with pytest.raises(ConfigError, match=f"Expected {option.name} to be int, got 64.0"):
            set_to(option, 64.0)
    if option.optional:
        assert set_to(option, None) is None
    else:
        with pytest.raises(ConfigError, match=f"Expected {option.name} to be {option.kind.__name__}, got None"):
            set_to(option, None)
    if option.choices is not None:
        assert [set_to(option, name) for name in option.choices] == list(option.choices)
        with pytest.raises(ConfigError, match=f"one of {', '.join(option.choices)}, got 'nonsense'"):
            set_to(option, "nonsense")


def test_the_bounds_are_those_that_were_agreed() -> None:
    """By hand, so that a bound that was dropped is noticed by more than its own absence."""
    told = {f"{option.section}.{option.name}": option.bounds for option in OPTIONS}
    agreed = {
        "data.val_fraction": "at least 0 and at most 0.9",
        "data.test_fraction": "at least 0 and at most 0.9",
        "data.split_seed": "at least 0 and at most 2147483647",
        "data.ignore_index": "at least 0 and at most 255",
        "data.cache_mb": "at least 0",
        "model.in_channels": "at least 0 and at most 32",
        "model.num_classes": "at least 0 and at most 254",
        "model.base_channels": "at least 1 and at most 256",
        "model.depth": "at least 1 and at most 8",
        "model.image_size": "at least 8 and at most 4096",
        "model.threshold": "above 0 and at most 1",
        "train.epochs": "at least 1 and at most 100000",
        "train.batch_size": "at least 1 and at most 4096",
        "train.crops_per_image": "at least 0 and at most 1024",
        "train.lr": "above 0 and at most 10",
        "train.weight_decay": "at least 0 and at most 10",
        "train.seed": "at least 0 and at most 2147483647",
        "train.threads": "at least 0 and at most 1024",
    }
    assert {name: told[name] for name in agreed} == agreed
    unbound = [option.name for option in OPTIONS if option.kind in (int, float) and not option.bounds]
    assert not unbound


def test_each_name_belongs_to_one_section_only() -> None:
    names = [option.name for option in OPTIONS]
    assert len(names) == len(set(names)), "replace() could not tell them apart"


@pytest.mark.parametrize(("image_size", "depth"), [(8, 3), (31, 4), (32, 5), (128, 7)])
def test_a_picture_too_small_for_the_depth(image_size: int, depth: int) -> None:
    with pytest.raises(ConfigError) as refusal:
        ModelConfig(image_size=image_size, depth=depth)
    assert str(refusal.value).startswith(f"image_size {image_size} is too small for depth {depth}:")
    assert f"Use image_size {2 ** (depth + 1)} or more" in str(refusal.value)
    assert ModelConfig(image_size=2 ** (depth + 1), depth=depth).depth == depth


@pytest.mark.parametrize(
    ("channels", "in_channels", "reason"),
    [
        ("0,,2", 0, "numbers from 0 or names"),
        ("-1", 0, "numbers from 0 or names"),
        ("0,1,0", 0, "'0' is twice"),
        (",".join(f"c{number}" for number in range(33)), 0, "at most 32 channels, got 33"),
        ("0,2", 3, "names 2 of them, but in_channels is 3. Set in_channels to 2"),
    ],
)
def test_channels_that_cannot_be(channels: str, in_channels: int, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        ModelConfig(channels=channels, in_channels=in_channels)


@pytest.mark.parametrize(
    ("channels", "in_channels"), [("0,2", 0), ("0,2", 2), ("DAPI, 488", 2), ("0", 3), (" ", 5), ("", 32)]
)
def test_channels_that_can_be(channels: str, in_channels: int) -> None:
    config = ModelConfig(channels=channels, in_channels=in_channels)
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert json.loads(json.dumps(config.to_dict())) == config.to_dict()


@pytest.mark.parametrize("value", [None, 3, "RGB", [3.0], [True], [["a"]]])
@pytest.mark.parametrize("name", ["source_channels", "channel_names"])
def test_what_was_found_of_channels_is_checked_where_it_comes_from_a_file(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"Expected {name} to be a list"):
        ModelConfig.from_dict({name: value})


def test_fractions_that_leave_nothing_to_train_on() -> None:
    assert DataConfig(val_fraction=0.4, test_fraction=0.5).test_fraction == 0.5
    with pytest.raises(ConfigError, match=r"val_fraction 0\.5 \+ test_fraction 0\.5 leave less than a tenth"):
        DataConfig(val_fraction=0.5, test_fraction=0.5)


RUN = RunConfig(
    DataConfig(root='C:\\Bilder "neu"\n細胞', layout="paired", val_fraction=0.1, ignore_index=255),
    ModelConfig(in_channels=3, num_classes=5, threshold=0.25),
    TrainConfig(epochs=3, lr=1e-4, loss="dice", seed=2**31 - 1),
)


@pytest.mark.parametrize(("folds", "fold"), [(1, 1), (5, 6), (2, 3)])
def test_a_fold_that_is_not_there_is_refused(folds: int, fold: int) -> None:
    with pytest.raises(ConfigError, match=f"fold at most as large, got {folds} and {fold}"):
        DataConfig(folds=folds, fold=fold)
    assert DataConfig(folds=0, fold=fold).fold == fold  # kept for later, as a form does


def test_what_is_held_out_is_a_regular_expression() -> None:
    assert DataConfig(hold_out="^plate3/").hold_out == "^plate3/"
    with pytest.raises(ConfigError, match=r"Expected hold_out to be a regular expression, got '\('"):
        DataConfig(hold_out="(")


@pytest.mark.parametrize("group_by", ["auto", "none", "folder", "^(.+)_", r"(\d+)-\d"])
def test_what_groups_images(group_by: str) -> None:
    assert DataConfig(group_by=group_by).group_by == group_by


@pytest.mark.parametrize(
    ("group_by", "reason"),
    [
        ("(a", r"got '\(a', which is not a regular expression \(missing \), unterminated subpattern at position 0\)\."),
        ("folders", r"got 'folders', which has no group\. Put parentheses around what names the group, such as"),
        ("", r"got '', which has no group\."),
    ],
)
def test_a_pattern_without_a_group_or_sense_is_refused(group_by: str, reason: str) -> None:
    known = "Expected group_by to be one of auto, none, folder or a regular expression with a group, "
    with pytest.raises(ConfigError, match=f"^{known}{reason}"):
        DataConfig(group_by=group_by)


def test_json_and_back() -> None:
    text = RUN.to_json()
    assert RunConfig.from_json(text) == RUN
    assert RunConfig.from_json(text).to_json() == text
    assert list(json.loads(text)) == ["data", "model", "train"]
    assert text.startswith('{\n  "data": {\n    "root": ')
    assert text.endswith("}\n")


def test_a_root_that_is_not_utf8_survives_json() -> None:
    run_config = RunConfig(DataConfig(root="/data/\udcff"))
    assert RunConfig.from_json(run_config.to_json().encode().decode()) == run_config


OLD = """
{
  "data": {"root": "/data/cells", "val_fraction": 0.25},
  "model": {"in_channels": 1, "num_classes": 1, "image_size": 64},
  "train": {"epochs": 2, "lr": 1, "loss": "bce_dice"}
}
"""


def test_an_older_config_is_read_and_what_it_does_not_know_takes_its_default() -> None:
    assert RunConfig.from_json(OLD) == RunConfig(
        DataConfig(root="/data/cells", val_fraction=0.25, group_by="none"),  # older releases knew no groups
        ModelConfig(in_channels=1, num_classes=1, image_size=64),
        TrainConfig(epochs=2, lr=1.0, loss="bce_dice"),
    )
    assert RunConfig.from_json("{}") == RunConfig()


def test_an_older_config_has_the_split_of_its_seed() -> None:
    """Older releases drew the split by the seed of the training, whose repetition must score the same images."""
    old = json.loads(OLD)
    old["train"]["seed"] = 5
    config = RunConfig.from_json(json.dumps(old))
    assert (config.train.seed, config.data.split_seed, config.data.group_by) == (5, 5, "none")
    assert (
        RunConfig.from_json(config.replace(seed=6, group_by="folder").to_json()).data
        == config.replace(group_by="folder").data
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.json is not valid JSON"),
        ('{"data": ', "config.json is not valid JSON"),
        ("[]", r"Expected an object with the settings of RunConfig, got \[\]"),
        ("null", "Expected an object with the settings of RunConfig, got None"),
        ('{"modell": {}}', "Unknown setting 'modell'; did you mean 'model'?"),
        ('{"train": {"epoch": 3}}', "Unknown setting 'epoch'; did you mean 'epochs'?"),
        ('{"train": {"epochs": "3"}}', "Expected epochs to be int, got '3'"),
        ('{"train": {"epochs": true}}', "Expected epochs to be int, got True"),
        ('{"train": {"lr": NaN}}', "Expected lr to be above 0 and at most 10, got nan"),
        ('{"train": {"lr": 1e999}}', "Expected lr to be above 0 and at most 10, got inf"),
        ('{"train": {"lr": 1' + 400 * "0" + "}}", "Expected lr to be float"),
        ('{"model": []}', r"Expected an object with the settings of ModelConfig, got \[\]"),
        ('{"model": {"image_size": 16}}', "image_size 16 is too small for depth 4"),
    ],
)
def test_a_config_json_that_is_none(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        RunConfig.from_json(text)


def test_replace_finds_the_section_and_leaves_the_rest() -> None:
    changed = RUN.replace(epochs=7, depth=2, image_size=16, layout="auto")
    assert changed == RunConfig(
        DataConfig(root=RUN.data.root, layout="auto", val_fraction=0.1, ignore_index=255),
        ModelConfig(in_channels=3, num_classes=5, threshold=0.25, depth=2, image_size=16),
        TrainConfig(epochs=7, lr=1e-4, loss="dice", seed=2**31 - 1),
    )
    assert RUN.train.epochs == 3
    assert RUN.replace() == RUN


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "Unknown setting 'epoch'; did you mean 'epochs'?"),
        ({"data": DataConfig()}, "Unknown setting 'data'"),
        ({"epochs": 0}, "Expected epochs to be at least 1 and at most 100000, got 0"),
        ({"image_size": 16}, "image_size 16 is too small for depth 4"),
    ],
)
def test_replace_checks_what_it_is_given(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        RUN.replace(**changes)


def test_every_split_names_known_parts() -> None:
    assert set(choices.SPLITS["all"]) == {"train", "val", "test", "new"}
    assert "train" not in choices.SPLITS["held-out"]
    assert all(set(parts) <= set(choices.SPLITS["all"]) for parts in choices.SPLITS.values())
