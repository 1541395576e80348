"""Weights on disk: a folder that is complete, checked and never a pickle.

    config.json         the ModelConfig
    model.safetensors   the weights
    state.json          for resuming only: epoch, step, best scores
    state.safetensors   for resuming only: the optimizer's tensors
    training.json       where it is available: what the training images were like and what the model scored
    images.json         where it is available: which images these were, see `data.groups.training_images`
    sha256              a line for each of the files above

It is written as `<name>.new`, flushed to the disk, read back and renamed; the previous folder stays beside it as
`<name>.old`. `load_model` and `load_state` fall back to that one when the newer is damaged or missing. No pickle is
used anywhere, as loading one may run code.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save  # not load_file: it refuses folders whose name is not UTF-8
from torch import Tensor

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, ConfigError
from unet_core.io.files import flush_to_disk
from unet_core.models import weight_file
from unet_core.models.encoders import build_model
from unet_core.models.unet import UNet

MODEL_FILES = ("config.json", "model.safetensors")
STATE_FILES = ("state.json", "state.safetensors")
ABOUT_FILE, IMAGES_FILE = weight_file.EXTRAS


@dataclass(frozen=True)
class SavedState:
    """What resuming needs beside the weights: JSON values and the optimizer's tensors by name."""

    values: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


def save_checkpoint(
    folder: Path,
    model: UNet,
    state: SavedState | None = None,
    about: Mapping[str, Any] | None = None,
    images: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint and keep the previous one; a full disk (OSError) or a crash at any point leaves one to use.

    `about` has facts about the training for JSON: the `fingerprint` of its images, `val_dice`, `val_iou`, `epoch`;
    `images` are the digests of its images (`TrainingImages.to_values`).
    Raises OSError where the disk refuses, CheckpointError where it stores something else than was written.
    """
    config = _config_text(model.config)
    files = {
        "config.json": config.encode() + b"\n",
        "model.safetensors": _tensor_bytes(
            model.state_dict(), {weight_file.CONFIG_KEY: config}
        ),  # so that this file alone can be loaded
    }
    if state is not None:
        files["state.json"] = json.dumps(state.values, allow_nan=False).encode() + b"\n"
        files["state.safetensors"] = _tensor_bytes(state.tensors)
    if about is not None:
        files[ABOUT_FILE] = _about_bytes(about)
    if images is not None:
        files[IMAGES_FILE] = json.dumps(images, indent=0, allow_nan=False).encode() + b"\n"
    _publish(folder, files)


def rewrite_config(folder: Path, config: ModelConfig, about: Mapping[str, Any]) -> None:
    """Give a checkpoint another config.json and training.json; all else keeps its bytes, the weights too.

    For settings that the weights do not depend on, such as the threshold. `about` {} leaves no training.json. The
    checkpoint as it was stays beside it as `.old`, and a full disk (OSError) or a crash at any point leaves one of
    both. Raises CheckpointError where it is damaged.
    """
    source, _ = usable(folder)
    text = _config_text(config)
    try:
        files = {path.name: path.read_bytes() for path in sorted(source.iterdir()) if path.is_file()}
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be read ({error}).") from error
    files["config.json"] = text.encode() + b"\n"
    files["model.safetensors"] = weight_file.with_config(files["model.safetensors"], text)
    for name in ("sha256", ABOUT_FILE):
        files.pop(name, None)
    if about:
        files[ABOUT_FILE] = _about_bytes(about)
    _publish(folder, files)


def _publish(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a checkpoint with their sums, read them back, and put them in place of the previous one."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["sha256"] = _sums(digests).encode()
    fresh, old = folder.with_name(folder.name + ".new"), _old(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        for name, data in files.items():
            (fresh / name).write_bytes(data)
            flush_to_disk(fresh / name)
        flush_to_disk(fresh)  # after a power cut a rename may survive without the content that it was to publish
        verify(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    # A rename cannot replace a folder, so for a moment there is only `.old`, which must be a good one then. A damaged
    # checkpoint is therefore deleted, not moved over the last good one, which stays until the next save.
    if old.exists() and not _is_complete(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    flush_to_disk(folder.parent)


def verify(folder: Path) -> None:
    """Raise CheckpointError unless every file is there and has the content that was written."""
    try:
        sums = (folder / "sha256").read_text(encoding="ascii")
        expected = {name: digest for digest, _, name in (line.partition("  ") for line in sums.splitlines())}
        # The list of sums must itself be complete: cut off after a line it would vouch for a folder that lacks files.
        needed = {*MODEL_FILES, *(name for name in (*STATE_FILES, *weight_file.EXTRAS) if (folder / name).exists())}
        if not needed <= expected.keys() or sums != _sums(expected):
            raise CheckpointError(f"{folder / 'sha256'}: damaged, its list of files is incomplete.")
        for name, digest in expected.items():
            # A name with a path in it would read outside the folder: sums come with uploads, too.
            if Path(name).name != name or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                raise CheckpointError(f"{folder / name}: damaged, its content does not match its SHA-256 sum.")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder}: not a complete checkpoint ({error}).") from error


def usable(folder: Path) -> tuple[Path, str]:
    """(the folder to load, a warning or ""): the checkpoint itself, or the previous one. Raises CheckpointError."""
    try:
        verify(folder)
        return folder, ""
    except CheckpointError as damaged:
        try:
            verify(_old(folder))
        except CheckpointError:
            raise damaged from None
        return _old(folder), f"{damaged} The previous checkpoint was used instead."


def load_model(folder: Path) -> tuple[UNet, str]:
    """(the model with its weights on the CPU, a warning or ""). Raises CheckpointError."""
    folder, warning = usable(folder)
    try:
        config = ModelConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        data = (folder / "model.safetensors").read_bytes()
        weight_file.guard(config, data, str(folder / "model.safetensors"))
        model = build_model(config)
        tensors = load(data)
    except (ConfigError, ValueError, OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be loaded ({error}).") from error
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = str(error).replace("\n\t", " ")
        raise CheckpointError(f"{folder}: the weights do not fit config.json ({reason[:500]}).") from error
    return model, warning


def load_config(folder: Path) -> ModelConfig:
    """The settings of a checkpoint alone. Raises CheckpointError."""
    folder, _ = usable(folder)
    try:
        return ModelConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (ConfigError, ValueError, OSError) as error:
        raise CheckpointError(f"{folder / 'config.json'}: cannot be read ({error}).") from error


def load_state(folder: Path) -> SavedState:
    """What `save_checkpoint` was given for resuming. Raises CheckpointError where there is none."""
    folder, _ = usable(folder)
    if not (folder / "state.json").is_file():
        raise CheckpointError(
            f"{folder}: contains weights for prediction only, so training cannot be resumed. Fine-tune from it instead."
        )
    return SavedState(
        json.loads((folder / "state.json").read_text()), load((folder / "state.safetensors").read_bytes())
    )


def load_about(folder: Path) -> dict[str, Any]:
    """The facts about the training that `save_checkpoint` was given; {} where there are none that can be read."""
    return load_facts(folder, ABOUT_FILE)


def load_facts(folder: Path, name: str) -> dict[str, Any]:
    """The content of one of `weight_file.EXTRAS`; {} where there is none that can be read."""
    try:
        facts = json.loads((usable(folder)[0] / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, CheckpointError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _config_text(config: ModelConfig) -> str:
    return json.dumps(config.to_dict(), indent=2, allow_nan=False)


def _about_bytes(about: Mapping[str, Any]) -> bytes:
    return json.dumps(about, indent=1, allow_nan=False).encode() + b"\n"


def _old(folder: Path) -> Path:
    return folder.with_name(folder.name + ".old")


def _is_complete(folder: Path) -> bool:
    try:
        verify(folder)
    except CheckpointError:
        return False
    return True


def _sums(digests: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def _tensor_bytes(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
