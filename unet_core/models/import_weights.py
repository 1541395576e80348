"""Uploaded weights as a checkpoint folder.

| upload | read as |
|---|---|
| a ZIP of a checkpoint folder, or of a whole run | its `config.json` and `model.safetensors`; of a run `best` |
| the files of a checkpoint folder | the same |
| a lone `.safetensors` | its config is in its own metadata, where UNet Studio wrote it |
| `.safetensors` of another program, with its `config.json` if it has one | see `foreign` |
| a `.pth` or `.pt` of such a program | see `milesial` |

Nothing is unpickled but tensors, and no network is built before its file was found to have as many values.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from unet_core.errors import CheckpointError, DataError, listing
from unet_core.io import zip_reader
from unet_core.models import convert, foreign, milesial, weight_file
from unet_core.models.checkpoint import ABOUT_FILE, IMAGES_FILE, load_facts, load_model, save_checkpoint
from unet_core.models.unet import UNet

PICKLES = (".pth", ".pt")
OTHER_FORMS = (".bin", ".ckpt", ".pkl", ".pickle", ".h5", ".keras", ".onnx", ".npz", ".joblib")
CONFIG, TENSORS, SUMS = "config.json", "model.safetensors", "sha256"

Source = bytes | Path
Tell = Callable[[str], None]
Reader = Callable[[int], bytes]  # the content, if it is not longer than that
MOST = {  # bytes
    CONFIG: weight_file.MOST_CONFIG,
    TENSORS: weight_file.MOST_BYTES,
    SUMS: 2**16,
    **weight_file.MOST_EXTRAS,
}


class Imported(NamedTuple):
    """A model with the content of its `training.json` and `images.json`, None of none, and a name for it."""

    model: UNet
    about: dict[str, Any] | None
    images: dict[str, Any] | None
    name: str

    def save(self, folder: Path) -> None:
        """Write its checkpoint. Raises OSError, CheckpointError."""
        save_checkpoint(folder, self.model, about=self.about, images=self.images)


def import_model(
    files: Mapping[str, Source],
    models_dir: Path,
    name: str = "",
    normalization: str = "",
    tell: Tell = lambda note: None,
) -> Path:
    """Save uploaded weights below `models_dir` and return their checkpoint folder; an equal model is not saved twice.

    `files` are the uploads by name, of a folder's files with the folder. The model is called `name`, else like the
    upload. `normalization` replaces the one that is assumed of another program's weights, and `tell` gets what is
    assumed. Nothing is saved where anything is wrong. Raises CheckpointError.
    """
    if not files:
        raise CheckpointError("No file was uploaded. Upload a checkpoint folder, its ZIP, or a weight file.")
    imported = read(files, normalization, tell)
    return _save(imported, models_dir, _safe_folder_name(name or imported.name))


def read(files: Mapping[str, Source], normalization: str = "", tell: Tell = lambda note: None) -> Imported:
    """The model in files as `import_model` takes them. Raises CheckpointError."""
    first = next(iter(files))
    pickles = [name for name in files if name.lower().endswith(PICKLES)]
    if pickles and len(files) == 1:
        return Imported(_load_milesial(files[first], first, normalization, tell), None, None, PurePosixPath(first).stem)
    try:
        packed = len(files) == 1 and zip_reader.is_archive(first, files[first])
        archive = zip_reader.Archive(files[first], zip_reader.readable(first)) if packed else None
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if archive is not None:
        readers = {member.name: _reader(archive, member) for member in archive.members}
        return _load_folder(readers, PurePosixPath(first).stem, normalization, tell)
    readers = {name.replace("\\", "/"): _file_reader(name, source) for name, source in files.items()}
    return _load_folder(readers, "", normalization, tell)


def _load_folder(readers: Mapping[str, Reader], default_name: str, normalization: str, tell: Tell) -> Imported:
    """The checkpoint among files by name, which may lie in folders."""
    folder, tensors = _find(readers)
    inside = {PurePosixPath(name).name: read for name, read in readers.items() if PurePosixPath(name).parent == folder}
    data = inside[tensors](weight_file.MOST_BYTES)
    where = zip_reader.readable(str(folder / tensors))
    header = weight_file.header_of(data, where)
    text = inside[CONFIG](MOST[CONFIG]) if CONFIG in inside else header.metadata.get(weight_file.CONFIG_KEY)
    if SUMS in inside:
        _check_sums(inside, folder)
    recognized = foreign.with_normalization(foreign.recognize(text, header.shapes, where), normalization)
    convert.check(recognized, header, where)
    for note in recognized.notes:
        tell(note)
    about, images = (_facts(inside[name](MOST[name])) if name in inside else None for name in (ABOUT_FILE, IMAGES_FILE))
    try:
        model = convert.build(recognized, load(data), where)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{where}: damaged, its tensors cannot be read ({error}).") from error
    stem = PurePosixPath(tensors).stem
    return Imported(model, about, images, default_name or (stem if stem != "model" else "") or _name_of(folder))


def _find(readers: Mapping[str, Reader]) -> tuple[PurePosixPath, str]:
    """(folder, name of the weights) of the one checkpoint among the files. Raises CheckpointError."""
    by_folder: dict[PurePosixPath, list[str]] = {}
    for name in readers:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".safetensors" and path.name != "state.safetensors":
            by_folder.setdefault(path.parent, []).append(path.name)
    if not by_folder:
        content = listing([zip_reader.readable(name) for name in readers], 6)
        other = any(name.lower().endswith((*OTHER_FORMS, *PICKLES)) for name in readers)
        remedy = (
            "Weights in other formats may run code; convert them to .safetensors. Upload a .pth of "
            "milesial/Pytorch-UNet on its own."
            if other
            else "Upload config.json and model.safetensors together, or the ZIP of their folder."
        )
        raise CheckpointError(f"No .safetensors file in the upload ({content or 'no readable files'}). {remedy}")
    # The ZIP of a run has `best`, `last` and perhaps `.old` copies; only one is what a user means by "the model".
    newest = {folder: names for folder, names in by_folder.items() if folder.suffix not in (".old", ".new")}
    newest = newest or by_folder
    if len(newest) > 1:
        newest = {folder: names for folder, names in newest.items() if folder.name == "best"} or newest
    if len(newest) > 1:
        folders = listing([zip_reader.readable(str(folder)) for folder in sorted(newest)])
        raise CheckpointError(f"The upload contains {len(newest)} models: {folders}. Upload one of them.")
    ((folder, names),) = newest.items()
    if len(names) > 1 and TENSORS not in names:
        raise CheckpointError(
            f"The upload contains {len(names)} weight files: {listing(sorted(names))}. Upload one of them."
        )
    return folder, TENSORS if TENSORS in names else names[0]


def _check_sums(inside: Mapping[str, Reader], folder: PurePosixPath) -> None:
    """Compare the uploaded files with the SHA-256 sums beside them; files that were not uploaded do not matter."""
    for line in inside[SUMS](MOST[SUMS]).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        uploaded = name in MOST and name in inside
        if uploaded and hashlib.sha256(inside[name](MOST[name])).hexdigest() != digest:
            where = zip_reader.readable(str(folder / name))
            raise CheckpointError(f"{where}: damaged, it does not match its SHA-256 sum; download it again.")


def _facts(data: bytes) -> dict[str, Any] | None:
    """The JSON of one of `weight_file.EXTRAS`, where it can be read."""
    try:
        facts = json.loads(data)
        json.dumps(facts, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _load_milesial(source: Source, name: str, normalization: str, tell: Tell) -> UNet:
    if isinstance(source, Path):
        return milesial.load(source, tell, normalization)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.pth")
        path.write_bytes(source)
        try:
            return milesial.load(path, tell, normalization)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(path), zip_reader.readable(name))) from error


def _save(imported: Imported, models_dir: Path, name: str) -> Path:
    """Write the checkpoint under the name, or under one with a number where a different model has it."""
    for number in range(1, 1000):
        folder = models_dir / (name if number == 1 else f"{name}_{number}")
        try:
            if not folder.exists() or _lacks_images(folder, imported):
                imported.save(folder)
                return folder
        except OSError as error:
            raise CheckpointError(f"{folder}: cannot be written ({error.strerror or error}).") from error
        if _is_same(folder, imported.model):
            return folder
    raise CheckpointError(f"{models_dir}: too many models are called {name}. Enter another name.")


def _lacks_images(folder: Path, imported: Imported) -> bool:
    """Whether it is the same model, of an upload that did not say which images it was trained on as this one does."""
    return bool(imported.images) and not load_facts(folder, IMAGES_FILE) and _is_same(folder, imported.model)


def _is_same(folder: Path, model: UNet) -> bool:
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


def _name_of(folder: PurePosixPath) -> str:
    """A folder's name that says more than `best`: of a run's checkpoint that of the run."""
    parts = [part for part in folder.parts if part not in ("best", "last", "checkpoints", "..", "/")]
    return parts[-1] if parts else "model"


def _safe_folder_name(name: str) -> str:
    """A folder name. `--` is reserved for models of the Hub, `.old` and `.new` for what `checkpoint` does."""
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
        raise CheckpointError(f"{name}: {size:,} bytes are more than the limit of {most:,}.")
