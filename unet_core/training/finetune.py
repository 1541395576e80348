"""Where a run's weights begin: those of another run, of a checkpoint folder or of a model of the Hub.

The architecture and the normalization of images are then those of that model. The run's own settings keep what has no
weights (`dropout`, `image_size`, `threshold`) and what follows the data (`num_classes`, `in_channels`, `channels`).
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.errors import CheckpointError, ConfigError, HubError, RunError, UnetError

if TYPE_CHECKING:
    from torch import Tensor

    from unet_core.data.groups.training_images import TrainingImages

OF_DATA = ("in_channels", "channels", "source_channels", "channel_names", "num_classes", "class_names")
FROM_RUN = (*OF_DATA, "dropout", "image_size", "threshold")
# How the names of the layers begin that follow the data, of a plain encoder and of a ResNet.
FIRST, LAST = ("encoder.0.0.", "encoder.conv1."), ("head.", "deep_heads.", "segmentation_head.")


def resolve_init(config: RunConfig, runs_dir: Path) -> RunConfig:
    """The settings of a new run with the architecture of `init` instead of its own: config.json then says what trains.

    Reads no weights. A model of the Hub is left for the trainer to download. Raises CheckpointError where `init` names
    no model, ConfigError where its architecture does not go with `image_size`.
    """
    if not config.train.init:
        return config
    from unet_core.hub import repo_id, resolve

    name = config.train.init
    try:
        added = runs_dir / resolve.MODELS / Path(name).name
        is_added = name == added.name and added.is_dir()
        folder, run = resolve.local_checkpoint(str(added) if is_added else name, runs_dir)
    except RunError as unknown:
        if not Path(name).exists():
            with contextlib.suppress(HubError):
                repo_id.parse(name)
                return config
        raise CheckpointError(f"init {name!r}: {unknown}") from unknown
    init = name if run is not None and run.id == name else str(folder.resolve())
    return replace(config, model=adopt(config.model, folder), train=replace(config.train, init=init))


def origin(name: str, runs_dir: Path) -> Path:
    """The checkpoint folder that `init` names; a model of the Hub is downloaded first. Raises CheckpointError."""
    from unet_core.hub import resolve

    try:
        return resolve.find_checkpoint(name, runs_dir)[0]
    except UnetError as error:
        raise CheckpointError(f"init {name!r}: {error}") from error


def trained_images(folder: Path, runs_dir: Path) -> "TrainingImages":
    """The images that a checkpoint and those before it have seen, see `hub.lineage`."""
    from unet_core.data.groups.training_images import UNKNOWN
    from unet_core.hub import lineage, resolve

    try:
        run = resolve.local_checkpoint(str(folder), runs_dir)[1]
        return lineage.find_training_images(folder, run, runs_dir)
    except (RunError, KeyError):
        return UNKNOWN


def adopt(config: ModelConfig, folder: Path) -> ModelConfig:
    """The architecture of a checkpoint, adapted to the data of a run. Raises CheckpointError, ConfigError.

    Automatic channels (0) become three where the checkpoint has three, since a gray image fills them as well.
    """
    source = _model_config(folder)
    if source.members > 1:
        raise CheckpointError(
            f"{folder}: an ensemble of {source.members} models cannot be fine-tuned. Fine-tune one of its members."
        )
    changes = {name: getattr(config, name) for name in FROM_RUN}
    if config.channels_or(1) == 1 and config.in_channels == 0 and source.in_channels == 3:
        changes["in_channels"] = 3
    return replace(source, **changes)


def merged(
    stored: "Mapping[str, Tensor]", fresh: "Mapping[str, Tensor]", folder: Path
) -> "tuple[dict[str, Tensor], list[str]]":
    """The weights to start from, and messages about those that are not taken from the checkpoint.

    They are those `stored`, but `fresh` ones in the first layer where the channels differ and in the last (with the
    heads of deep supervision) where the classes do. Raises CheckpointError where more than that differs.
    """
    weights, messages = dict(stored), []
    for layer, which, axis, what in ((FIRST, "first", 1, "channels"), (LAST, "last", 0, "classes")):
        starts = tuple(start + end for start in layer for end in ("weight", "0.weight"))
        weight = next(name for name in stored if name in starts)
        before, now = stored[weight].shape[axis], fresh[weight].shape[axis]
        if before != now:
            weights |= {name: tensor for name, tensor in fresh.items() if name.startswith(layer)}
            messages.append(f"The {which} layer starts untrained: {folder} has {before} {what}, the dataset has {now}.")
    wrong = sorted(weights.keys() ^ fresh.keys()) or [
        name for name in fresh if weights[name].shape != fresh[name].shape
    ]
    if wrong:
        raise CheckpointError(f"{folder}: its weights do not fit its config.json ({', '.join(wrong[:3])}).")
    return weights, messages


def _model_config(folder: Path) -> ModelConfig:
    """That of a checkpoint, or of the one before it where it is missing or damaged."""
    reason: Exception = CheckpointError("missing")
    for path in (folder, folder.with_name(folder.name + ".old")):
        try:
            return ModelConfig.from_dict(json.loads((path / "config.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, ConfigError) as error:
            reason = error
    raise CheckpointError(f"{folder / 'config.json'}: cannot be read ({reason}).")
