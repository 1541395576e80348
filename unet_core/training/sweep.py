"""Many runs from lists of settings, filed in the queue, and their table: variants compared in one go.

    python -m unet_core sweep DATA --vary loss=bce,dice --vary seed=0-2
    python -m unet_core sweep DATA --presets mp-tr-bce,mp-tr-dice

The runs are ordinary ones that carry the name of their sweep in `TrainConfig.series`; the queue (see `queue`) does
the rest, and nothing of this module is needed to train them.
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from unet_core.config.fields import Field
from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.runs import leaderboard
from unet_core.runs.leaderboard import name_of, variable_settings
from unet_core.training import launch

MOST = 96  # runs of one sweep; each that waits is a process of 11 MB
SHARED = ("epochs", "seed", "image_size", "batch_size", "crops_per_image", "device", "precision", "threads")


def parse_values(name: str, text: str) -> list[Any]:
    """The values of a setting from text with commas: `bce,dice`, `0.01, 0.003`, `0-4` for whole numbers, `none`.

    Raises ConfigError for a setting that is none or a value that does not fit.
    """
    if name not in (options := variable_settings()):
        raise ConfigError(f"{name!r} cannot be varied; the settings that can are {', '.join(options)}.")
    option, result = options[name], []
    for word in filter(None, (part.strip() for part in text.split(","))):
        stretch = re.fullmatch(r"(\d{1,9})-(\d{1,9})", word) if option.kind is int else None
        if stretch:
            low, high = int(stretch[1]), int(stretch[2])
            if not low <= high < low + MOST:
                raise ConfigError(f"{name}: expected a stretch such as 0-4 of at most {MOST} values, got {word!r}.")
            result += list(range(low, high + 1))
        else:
            result.append(_value(option, word))
    return [option.checked(value) for value in result]


def _value(option: Field, word: str) -> Any:
    if option.optional and word.lower() == "none":
        return None
    if option.kind is bool:
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if word.lower() not in words:
            raise ConfigError(f"{option.name}: expected true or false, got {word!r}.")
        return words[word.lower()]
    try:
        return option.kind(word)
    except ValueError:
        kind = option.kind.__name__
        raise ConfigError(f"{option.name}: expected {kind}, got {word!r}. {option.description}") from None


def grid(base: RunConfig, lists: Mapping[str, Sequence[Any]]) -> dict[str, RunConfig]:
    """Every combination of the lists' values, {what differs: settings}; the first list varies slowest.

    Raises ConfigError that names the list that is empty or has a value twice, the combinations that no run can have, or
    the number of runs where it is over `MOST`.
    """
    options = variable_settings()
    for name, listed in lists.items():
        if name not in options:
            raise ConfigError(f"{name!r} cannot be varied; the settings that can are {', '.join(options)}.")
        if not listed:
            raise ConfigError(f"{name}: no value to try; give at least one.")
        twice = sorted({str(value) for number, value in enumerate(listed) if value in listed[:number]})
        if twice:
            raise ConfigError(f"{name}: {', '.join(twice)} is listed more than once.")
    if (count := math.prod(len(listed) for listed in lists.values())) > MOST:
        raise ConfigError(f"These lists make {count} runs; at most {MOST} go into one sweep. Shorten one of them.")
    configs, refused = {}, []
    for combination in itertools.product(*lists.values()):
        chosen = dict(zip(lists, combination, strict=True))
        name = name_of({key: value for key, value in chosen.items() if len(lists[key]) > 1}) or name_of(chosen)
        try:
            config = base.replace(**chosen)
            architecture.check_size(config.model, config.model.image_size, config.model.image_size)
        except ConfigError as error:
            refused.append(f"{name_of(chosen)}: {error}")
        else:
            configs[name or "as set"] = config
    if refused:
        more = f" (and {len(refused) - 3} more)" if len(refused) > 3 else ""
        raise ConfigError(f"No run can have these settings: {' '.join(refused[:3])}{more}")
    return configs


def presets(names: Iterable[str], base: RunConfig, seeds: Sequence[int] = ()) -> dict[str, RunConfig]:
    """The settings of presets that share the data, the length and the device of `base`, for each of some seeds.

    Raises ConfigError.
    """
    settings = {option.name: (getattr(getattr(base, option.section), option.name), option) for option in all_fields()}
    shared = {
        name: value
        for name, (value, option) in settings.items()
        if (option.section == "data" or name in (*SHARED, "tensorboard")) and value != option.default
    }
    return from_presets(names, shared, seeds)


def from_presets(names: Iterable[str], changes: Mapping[str, Any], seeds: Sequence[int] = ()) -> dict[str, RunConfig]:
    """The settings of presets with the same changes to all. Raises ConfigError."""
    configs = {}
    for name in names:
        config = get_preset(name).replace(**changes)
        for key, one in grid(config, {"seed": seeds} if seeds else {}).items():
            configs[f"{name}, {key}" if len(seeds) > 1 else name] = one
    if len(configs) > MOST:
        raise ConfigError(f"These are {len(configs)} runs; at most {MOST} go into one sweep. Take fewer seeds.")
    return configs


def start(configs: Mapping[str, RunConfig], runs_dir: Path, name: str = "", kind: str = "sweep") -> str:
    """Queue the runs in their order; returns the name of the sweep, which begins with its `kind` if it is not given.

    Raises DataError or RunError before anything is written, ConfigError where there is nothing to start.
    """
    if not configs:
        raise ConfigError("A sweep needs at least one run.")
    if " " in name:
        raise ConfigError(f"The name of a series has no spaces, got {name!r}. Use - instead.")
    name = name or new_name(runs_dir, kind)
    launch.launch_all([config.replace(series=f"{name} {key}") for key, config in configs.items()], runs_dir)
    return name


def new_name(runs_dir: Path, kind: str) -> str:
    """A name that sorts by time and that no sweep has."""
    stem, taken = f"{kind}-{datetime.now():%Y%m%d-%H%M%S}", leaderboard.names(runs_dir)
    return next(name for n in itertools.count(1) if (name := f"{stem}-{n}" if n > 1 else stem) not in taken)
