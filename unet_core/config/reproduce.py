"""The command line and the Python program that repeat a run."""

import shlex
from collections.abc import Collection
from typing import Any

from unet_core.config.schema import RunConfig, all_fields

NOT_REPEATED = ("root", "series")  # the first is an argument of its own; a repeated run is not part of the old series


def changed_settings(config: RunConfig, exclude: Collection[str] = NOT_REPEATED) -> dict[str, Any]:
    """The settings that differ from their defaults, by name."""
    changes = {}
    for option in all_fields():
        value = getattr(getattr(config, option.section), option.name)
        if option.name not in exclude and value != option.default:
            changes[option.name] = value
    return changes


def flags(config: RunConfig, exclude: Collection[str] = NOT_REPEATED) -> list[str]:
    """The same as options of the command line, for example ["--epochs=3", "--no-tensorboard"]."""
    words = []
    for name, value in changed_settings(config, exclude).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag}={value}")
    return words


def command_line(config: RunConfig) -> str:
    """The shell command that trains with the same settings."""
    return shlex.join(["python", "-m", "unet_core", "train", config.data.root, *flags(config)])


def python_code(config: RunConfig) -> str:
    """A program that trains the same run and prints what it reaches."""
    settings = "".join(f"    {name}={value!r},\n" for name, value in changed_settings(config).items())
    return f"""from pathlib import Path

from unet_core.cli.train import follow
from unet_core.config.schema import RunConfig
from unet_core.training import launch

config = RunConfig().replace(
    root={config.data.root!r},
{settings})
run = launch.launch(config, Path("runs"))  # in a process of its own, which outlives this one
print(follow(run))
"""
