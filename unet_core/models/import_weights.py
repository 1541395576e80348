"""Weights that a visitor brings, in whatever way they were taken home, as a checkpoint folder of ours.

| brought | taken as |
|---|---|
| a ZIP of a checkpoint folder, or of a whole run | its `config.json` and `model.safetensors`; of a run the best |
| the files of a checkpoint folder | the same |
| a lone `.safetensors` | its config stands in its own metadata, where UNet Studio wrote it |
| a `.pth` of milesial/Pytorch-UNet | see `milesial` |

Nothing is unpickled but milesial's tensors, and no net is built before its file was found to hold as many values.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from unet_core.errors import CheckpointError, DataError, listing
from unet_core.io import zip_reader
from unet_core.models import milesial, weight_file
from unet_core.models.checkpoint import ABOUT_FILE, load_model, save_checkpoint
from unet_core.models.unet import UNet

PICKLES = (".pth", ".pt")
OTHER_FORMS = (".bin", ".ckpt", ".pkl", ".pickle", ".h5", ".keras", ".onnx", ".npz", ".joblib")
ENDINGS = (".zip", ".safetensors", ".json", *PICKLES)  # what a page lets be chosen; `sha256` has none
CONFIG, TENSORS, SUMS = "config.json", "model.safetensors", "sha256"

Source = bytes | Path
Reader = Callable[[int], bytes]  # the content, if it is not longer than that
MOST = {  # bytes
    CONFIG: weight_file.MOST_CONFIG,
    TENSORS: weight_file.MOST_BYTES,
    ABOUT_FILE: weight_file.MOST_EXTRA,
    SUMS: 2**16,
}


def import_model(files: Mapping[str, Source], models_dir: Path, name: str = "") -> Path:
    """Keep uploaded weights below `models_dir` and give their checkpoint folder; what is there already is not doubled.

    `files` are the uploads by name, of a folder's files with the folder. The model is called `name`, else as what was
    uploaded is. Nothing is kept where anything is wrong. Raises CheckpointError.
    """
    if not files:
        raise CheckpointError("No file was given; give a checkpoint folder, its ZIP, or a file of weights.")
    model, about, own = _read(files)
    return _keep(model, about, models_dir, _safe(name or own))


def _read(files: Mapping[str, Source]) -> tuple[UNet, dict[str, Any] | None, str]:
    """The net, what is told of its training, and a name."""
    first = next(iter(files))
    pickles = [name for name in files if name.lower().endswith(PICKLES)]
    if pickles and len(files) == 1:
        return _of_milesial(files[first], first), None, PurePosixPath(first).stem
    try:
        packed = len(files) == 1 and zip_reader.is_archive(first, files[first])
        archive = zip_reader.Archive(files[first], zip_reader.readable(first)) if packed else None
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if archive is not None:
        readers = {member.name: _reader(archive, member) for member in archive.members}
        return _of_folder(readers, PurePosixPath(first).stem)
    readers = {name.replace("\\", "/"): _file_reader(name, source) for name, source in files.items()}
    return _of_folder(readers, "")


def _of_folder(readers: Mapping[str, Reader], own: str) -> tuple[UNet, dict[str, Any] | None, str]:
    """The checkpoint among files by name, which may lie in folders."""
    place, tensors = _find(readers)
    inside = {PurePosixPath(name).name: read for name, read in readers.items() if PurePosixPath(name).parent == place}
    data = inside[tensors](weight_file.MOST_BYTES)
    where = zip_reader.readable(str(place / tensors))
    header = weight_file.header_of(data, where)
    if CONFIG in inside:
        text, told = inside[CONFIG](MOST[CONFIG]), zip_reader.readable(str(place / CONFIG))
    elif weight_file.CONFIG_KEY in header.metadata:
        text, told = header.metadata[weight_file.CONFIG_KEY].encode(), f"the config in {where}"
    else:
        raise CheckpointError(
            f"{where}: weights without the config.json that lies beside them, and none in their own metadata. Give "
            "both files together, or the ZIP of their folder."
        )
    if SUMS in inside:
        _check_sums(inside, place)
    config = weight_file.config_from(text, told)
    weight_file.check_fit(config, header, where)
    about = _about(inside[ABOUT_FILE](MOST[ABOUT_FILE])) if ABOUT_FILE in inside else None
    model = UNet(config)
    try:
        model.load_state_dict(load(data), strict=True)
    except (RuntimeError, SafetensorError, ValueError, KeyError) as error:
        reason = str(error).replace("\n\t", " ")
        raise CheckpointError(f"{where}: the weights do not fit config.json ({reason[:500]}).") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise CheckpointError(f"{where}: weights that are NaN or infinite; this training had failed.")
    stem = PurePosixPath(tensors).stem
    return model.eval(), about, own or (stem if stem != "model" else "") or _telling(place)


def _find(readers: Mapping[str, Reader]) -> tuple[PurePosixPath, str]:
    """(folder, name of the weights) of the one checkpoint that is meant. Raises CheckpointError."""
    found: dict[PurePosixPath, list[str]] = {}
    for name in readers:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".safetensors" and path.name != "state.safetensors":
            found.setdefault(path.parent, []).append(path.name)
    if not found:
        held = listing([zip_reader.readable(name) for name in readers], 6)
        other = any(name.lower().endswith((*OTHER_FORMS, *PICKLES)) for name in readers)
        cure = (
            "Weights in other forms may run code; convert them to .safetensors. A .pth of milesial/Pytorch-UNet is "
            "given on its own."
            if other
            else "Give config.json and model.safetensors together, or the ZIP of their folder."
        )
        raise CheckpointError(f"No .safetensors among {held or 'what can be read there'}. {cure}")
    newest = {folder: names for folder, names in found.items() if folder.suffix not in (".old", ".new")} or found
    if len(newest) > 1:
        newest = {folder: names for folder, names in newest.items() if folder.name == "best"} or newest
    if len(newest) > 1:
        folders = listing([zip_reader.readable(str(folder)) for folder in sorted(newest)])
        raise CheckpointError(f"{len(newest)} models lie in this: {folders}. Give one of them.")
    ((folder, names),) = newest.items()
    if len(names) > 1 and TENSORS not in names:
        raise CheckpointError(f"{len(names)} files of weights were given: {listing(sorted(names))}. Give one of them.")
    return folder, TENSORS if TENSORS in names else names[0]


def _check_sums(inside: Mapping[str, Reader], place: PurePosixPath) -> None:
    """Hold what was brought against the list of sums beside it; files that were not brought do not matter."""
    for line in inside[SUMS](MOST[SUMS]).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        brought = name in MOST and name in inside
        if brought and hashlib.sha256(inside[name](MOST[name])).hexdigest() != digest:
            where = zip_reader.readable(str(place / name))
            raise CheckpointError(f"{where}: damaged, it is not what its sums (sha256) say; fetch it anew.")


def _about(data: bytes) -> dict[str, Any] | None:
    """What is told of the training, where that can be read."""
    try:
        about = json.loads(data)
        json.dumps(about, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) else None


def _of_milesial(source: Source, name: str) -> UNet:
    if isinstance(source, Path):
        return milesial.load(source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.pth")
        path.write_bytes(source)
        try:
            return milesial.load(path)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(path), zip_reader.readable(name))) from error


def _keep(model: UNet, about: dict[str, Any] | None, models_dir: Path, name: str) -> Path:
    """Write the checkpoint under the name, or under one with a number where another model has it."""
    for number in range(1, 1000):
        folder = models_dir / (name if number == 1 else f"{name}_{number}")
        if not folder.exists():
            try:
                save_checkpoint(folder, model, about=about)
            except OSError as error:
                raise CheckpointError(f"{folder}: cannot be written ({error.strerror or error}).") from error
            return folder
        if _same(folder, model):
            return folder
    raise CheckpointError(f"{models_dir}: too many models are called {name}; give it another name.")


def _same(folder: Path, model: UNet) -> bool:
    try:
        other, warning = load_model(folder)
    except CheckpointError:
        return False
    mine, theirs = model.state_dict(), other.state_dict()
    return (
        not warning
        and other.config == model.config
        and mine.keys() == theirs.keys()
        and all(torch.equal(mine[key], theirs[key]) for key in mine)
    )


def _telling(place: PurePosixPath) -> str:
    """A folder's name that says more than `best`: of a run's checkpoint that of the run."""
    parts = [part for part in place.parts if part not in ("best", "last", "checkpoints", "..", "/")]
    return parts[-1] if parts else "model"


def _safe(name: str) -> str:
    """A folder name. `--` is kept for models of the Hub, `.old` and `.new` for what `checkpoint` does."""
    name = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9.-]+", "_", name)).strip("_.-")[:60].rstrip("_.-")
    return re.sub(r"\.(old|new)$", r"_\1", name) or "model"


def _reader(archive: zip_reader.Archive, member: zip_reader.Member) -> Reader:
    def read(most: int) -> bytes:
        _refuse_size(member.size, most, f"{archive.name}: {zip_reader.readable(member.name)}")
        try:
            return archive.read(member)
        except DataError as error:
            raise CheckpointError(str(error)) from error

    return read


def _file_reader(name: str, source: Source) -> Reader:
    def read(most: int) -> bytes:
        try:
            _refuse_size(len(source) if isinstance(source, bytes) else source.stat().st_size, most, name)
            return source if isinstance(source, bytes) else source.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{name}: cannot be read ({error.strerror or error}).") from error

    return read


def _refuse_size(size: int, most: int, name: str) -> None:
    if size > most:
        raise CheckpointError(f"{name}: {size:,} bytes are more than {most:,} and were not read.")
