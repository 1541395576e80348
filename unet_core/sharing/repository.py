"""The files of a shared model: a checkpoint folder with its model card, curves and scores, the same for Hub and ZIP."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unet_core.data.groups import training_images
from unet_core.errors import RunError
from unet_core.evaluation.summary import to_csv
from unet_core.io.files import replacement
from unet_core.models import weight_file
from unet_core.sharing import curves, model_card, tensorboard_file
from unet_core.sharing.evidence import Evidence
from unet_core.sharing.model_card import CURVES, SCORES, CardOptions

CARD, WEIGHTS, CONFIG, SUMS = "README.md", "model.safetensors", "config.json", "sha256"
ONNX = model_card.ONNX
IMAGES = "images.json"
TEXTS = (".md", ".json", ".csv", SUMS)
OWN = (
    CARD,
    WEIGHTS,
    CONFIG,
    SUMS,
    CURVES,
    SCORES,
    ONNX,
    *weight_file.EXTRAS,
)  # names that a push writes, and takes away
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # of files in a ZIP: the same model gives the same bytes


@dataclass(frozen=True)
class Item:
    """One file: its name in the repository and its content, or where that lies and its SHA-256."""

    name: str
    source: bytes | Path
    digest: str = ""

    @property
    def data(self) -> bytes:
        """Its content. Raises OSError, and RunError where it is no longer what was looked at."""
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        if self.digest and hashlib.sha256(data).hexdigest() != self.digest:
            raise RunError(f"{self.name}: the training has saved a better epoch meanwhile. Look at the files again.")
        return data

    @property
    def size(self) -> int:
        """Bytes. Raises OSError."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    @property
    def text(self) -> str | None:
        """What a preview shows of a text file; None of others."""
        return self.data.decode("utf-8", "replace") if self.name.endswith(TEXTS) else None


def make_items(evidence: Evidence, options: CardOptions, repo: str = "", onnx: bytes = b"") -> list[Item]:
    """All files of a model, the card first. `repo` is the repository they are meant for, named in the card.

    `onnx` is the model as ONNX (`sharing.portable`), b"" for none.

    Raises RunError where the checkpoint cannot be read.
    """
    items = read_checkpoint(evidence.folder)
    if onnx:
        items.append(Item(ONNX, onnx))
    if (picture := curves.draw(evidence.history)) is not None:
        items.append(Item(CURVES, picture))
    if options.per_image and evidence.images:
        items.append(Item(SCORES, _scores(evidence, options.named).encode("utf-8", "replace")))
    if (events := tensorboard_file.write_events(evidence.events)) is not None:
        items.append(Item(*events))
    card = model_card.write_card(evidence, options, repo, [item.name for item in items])
    return [Item(CARD, card.encode("utf-8", "replace")), *items]


def read_checkpoint(folder: Path) -> list[Item]:
    """The files of a checkpoint with their check sums. Raises RunError where they cannot be read."""
    try:
        names = [name for name in (CONFIG, WEIGHTS, *weight_file.EXTRAS) if (folder / name).is_file()]
        items = [_item(folder / name) for name in names]
    except OSError as error:
        raise RunError(f"{folder}: the checkpoint cannot be read ({error.strerror or error}).") from error
    sums = "".join(f"{item.digest}  {item.name}\n" for item in items)
    return [*items, Item(SUMS, sums.encode("ascii"))]


def write_zip(items: Sequence[Item], path: Path, folder: str) -> None:
    """Write the files as a ZIP that unpacks into a folder of that name, whole or not at all. Raises RunError."""
    try:
        with (
            replacement(path) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        ):
            for item in items:
                entry = zipfile.ZipInfo(f"{folder}/{item.name}", FIXED_TIME)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                packed.writestr(entry, item.data)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}). Free some space.") from error


def write_folder(items: Sequence[Item], folder: Path) -> None:
    """Write the files into a folder, which may exist. Raises RunError."""
    try:
        for item in items:
            path = folder / item.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.data)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror or error}). Free some space.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _item(path: Path) -> Item:
    """A file of the checkpoint; the weights are read when they are sent. Raises OSError."""
    if path.name == WEIGHTS:
        return Item(WEIGHTS, path, _sha256(path))
    data = path.read_bytes()
    if path.name == IMAGES and (images := training_images.read(data)) is not None:
        # A look shows a little of an image, a digest nothing.
        data = json.dumps(images.without_looks().to_values(), indent=0).encode() + b"\n"
    return Item(path.name, data, hashlib.sha256(data).hexdigest())


def _scores(evidence: Evidence, named: bool) -> str:
    """The table of `evaluate`, with the images called as in the card."""
    text = to_csv([image.score for image in evidence.images])
    if named:
        return text
    rows = list(csv.reader(io.StringIO(text)))
    for row, image in zip(rows[1:], evidence.images, strict=True):
        row[0] = image.label(named=False)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
