"""The code that repeats a run: the exact command line, and the same in Python."""

import shlex
from typing import Any

from unet_core.config.schema import RunConfig, all_fields

NOT_REPEATED = ("root", "series")


def changed_settings(config: RunConfig) -> dict[str, Any]:
    """The settings that are not at their default, by name."""
    found = {}
    for option in all_fields():
        value = getattr(getattr(config, option.section), option.name)
        if option.name not in NOT_REPEATED and value != option.default:
            found[option.name] = value
    return found


def command_line(config: RunConfig) -> str:
    """For a shell; `python -m unet_core train` reads it back to the same settings."""
    words = ["python", "-m", "unet_core", "train", config.data.root]
    for name, value in changed_settings(config).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag}={value}")
    return shlex.join(words)


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
