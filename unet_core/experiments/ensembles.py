"""One model of several, such as the folds of a cross-validation: a checkpoint folder like any other.

    make_ensemble(["runs/a", "runs/b"], Path("models/both"), runs_dir)

The folder holds the weights of all members. Their training images are those of all of them: of k folds every image of
the dataset trains some member, so that this dataset cannot score the ensemble; the table of the folds can be quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.config.model import MOST_MEMBERS, ModelConfig
from unet_core.data.groups import training_images
from unet_core.data.groups.training_images import TrainingImages
from unet_core.errors import CheckpointError, ConfigError, RunError
from unet_core.hub import lineage, resolve

if TYPE_CHECKING:
    from unet_core.models.unet import UNet

MAY_DIFFER = ("threshold", "image_size", "dropout", "members")  # no weights, and nothing that an image goes through


@dataclass(frozen=True)
class Ensemble:
    """What was written: the folder, the names of its members, and sentences that a user should know."""

    folder: Path
    members: tuple[str, ...]
    notes: tuple[str, ...]


def make_ensemble(models: Sequence[str | Path], output: Path, runs_dir: Path) -> Ensemble:
    """Write the ensemble of models (runs, checkpoint folders, models of the Hub) to a new folder.

    Its threshold is the mean of theirs.

    Raises:
        ConfigError: There are fewer than two models or one is named twice.
        CheckpointError: A checkpoint is damaged, is an ensemble itself, or differs in architecture, channels,
            normalization, classes or the meaning of mask values.
        RunError: There is no such model, or `output` exists or cannot be written.
    """
    from unet_core.models import checkpoint

    if not 2 <= len(models) <= MOST_MEMBERS:
        raise ConfigError(f"An ensemble has 2 to {MOST_MEMBERS} members, got {len(models)}.")
    if output.exists():
        raise RunError(f"{output} already exists. Name a new folder.")
    names, loaded, seen, digests = list[str](), list["UNet"](), list[TrainingImages](), set[str]()
    about: dict[str, object] = {}
    for model in map(str, models):
        folder, run = resolve.find_checkpoint(model, runs_dir)
        name = run.id if run is not None else folder.name
        network, warning = checkpoint.load_model(folder)
        if warning:
            raise CheckpointError(f"{warning} An ensemble is made of whole checkpoints.")
        sums = (folder / "sha256").read_text(encoding="ascii").splitlines()
        digest = next(line for line in sums if line.endswith("  model.safetensors"))
        if digest in digests:
            raise ConfigError(f"{name} is named twice. Name each member once.")
        digests.add(digest)
        facts = checkpoint.load_about(folder)
        if loaded:
            _check_alike(loaded[0].config, network.config, names[0], name)
        if loaded and facts.get("mask_coding") != about.get("mask_coding"):
            raise CheckpointError(f"{name}: mask values meant other things in its training than in that of {names[0]}.")
        if network.config.members > 1:
            raise CheckpointError(f"{name}: it is an ensemble itself. Name its members instead.")
        # What the images were like is told of the first: members are trained on images of one kind.
        about = about or {key: facts[key] for key in ("fingerprint", "looks", "mask_coding") if key in facts}
        names.append(name)
        loaded.append(network)
        seen.append(lineage.find_training_images(folder, run, runs_dir))
    images = training_images.unite(seen)
    combined = _combine(loaded)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save_checkpoint(output, combined, None, about | {"members": names}, images.to_values())
    except OSError as error:
        raise RunError(f"{output}: cannot be written ({error.strerror or error}). Free some space.") from error
    return Ensemble(output, tuple(names), tuple(_explain(images, [model.config.threshold for model in loaded])))


def _check_alike(first: ModelConfig, other: ModelConfig, first_name: str, name: str) -> None:
    differing = [
        f"{item.name} {getattr(other, item.name)!r} instead of {getattr(first, item.name)!r}"
        for item in fields(ModelConfig)
        if item.name not in MAY_DIFFER and getattr(first, item.name) != getattr(other, item.name)
    ]
    if differing:
        raise CheckpointError(
            f"{name} cannot join an ensemble with {first_name}: it has {', '.join(differing[:3])}. Members share "
            "architecture, channels, normalization and classes."
        )


def _combine(models: "Sequence[UNet]") -> "UNet":
    from unet_core.models.encoders import build_model

    configs = [model.config for model in models]
    threshold = sum(config.threshold for config in configs) / len(configs)
    size = max(config.image_size for config in configs)
    ensemble = build_model(replace(configs[0], members=len(models), threshold=threshold, image_size=size))
    tensors = {
        f"members.{number}.{name}": tensor
        for number, model in enumerate(models)
        for name, tensor in model.state_dict().items()
    }
    ensemble.load_state_dict(tensors, strict=True)
    return ensemble.eval()


def _explain(images: TrainingImages, thresholds: Sequence[float]) -> list[str]:
    notes = []
    if images.train and not images.val and not images.test:
        notes.append(
            "Every image of the dataset trained some member, so it cannot score the ensemble. Use images that no "
            "member has seen, or the table of the folds, which scores each image by a model that did not train on it."
        )
    if "train" in images.unknown:
        notes.append(
            "It is not known on which images all members were trained: scores of the ensemble may be too high."
        )
    if len(set(thresholds)) > 1:
        listed = ", ".join(f"{value:g}" for value in thresholds)
        notes.append(
            f"The thresholds of the members differ ({listed}); the ensemble has their mean, "
            f"{sum(thresholds) / len(thresholds):.3g}."
        )
    return notes
