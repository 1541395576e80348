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
    """A program that trains with the same settings and prints where the best checkpoint is."""
    settings = "".join(f"    {name}={value!r},\n" for name, value in changed_settings(config).items())
    return f"""from unet_core import train

run = train(
    {config.data.root!r},
{settings}    progress=print,
)
print(run.best)
"""


def evaluation_code(model: str, data: str, split: str) -> str:
    """A program that scores a model as the Evaluate page does."""
    return f"""from unet_core import evaluate

result = evaluate({model!r}, {data!r}, split={split!r})
print(result.mean["dice"], result.mean["iou"])
"""


def prediction_code(model: str, tta: str, tile: int | None, threshold: float | None) -> str:
    """A program that predicts an image as the Predict page does; `threshold` None for several classes."""
    options = {"tta": tta, "tile": tile, "threshold": threshold}
    arguments = "".join(f", {name}={value!r}" for name, value in options.items() if value not in (None, "none"))
    return f"""from unet_core import load

model = load({model!r})
prediction = model.predict("image.png"{arguments})
prediction.save("image.zip", formats=["mask", "coco", "csv"])
"""
