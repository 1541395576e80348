"""Whether a packed model (`proof.write_proof`) gives its numbers on this machine, and what differs by how much."""

import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.groups import identity
from unet_core.data.groups.training_images import TrainingImages
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import FILE
from unet_core.errors import ConfigError, DataError, RunError, UnetError
from unet_core.evaluation.selection import NothingToScoreError, select_from
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.io.images import decode
from unet_core.io.zip_reader import Archive
from unet_core.models import weight_file
from unet_core.sharing.proof import CHECKPOINT, CODING, PROBES, PROOF, SETTINGS, VERSION
from unet_core.sharing.scoring import Measured, score

COMPARED = ("dice", "iou")
MOST_SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """One image: `kind` is same, close (within the tolerance), score, truth (other ground truth) or missing.

    `by` is how far the score is off, the larger of Dice and IoU; NaN where it has none on one side.
    """

    name: str
    kind: str
    by: float = 0.0
    before: float = math.nan  # Dice
    now: float = math.nan


@dataclass(frozen=True)
class Report:
    """What `verify` found. `probes` are shares of pixels that differ, of each packed image."""

    run: str
    images: tuple[Difference, ...]
    probes: Mapping[str, float]
    mean_before: float
    mean_now: float
    tolerance: float
    checked_data: bool
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Images by kind of difference."""
        counted = Counter(item.kind for item in self.images)
        return {kind: counted[kind] for kind in ("same", "close", "score", "truth", "missing")}

    @property
    def reproduced(self) -> bool:
        """Whether everything that was checked came out the same, up to the tolerance."""
        good = all(item.kind in ("same", "close") for item in self.images)
        return good and all(share <= self.tolerance for share in self.probes.values())

    def lines(self) -> list[str]:
        """The report for people, the verdict last."""
        lines = [*self.notes]
        bad = [item for item in self.images if item.kind not in ("same", "close")]
        for item in sorted(bad, key=lambda item: -item.by if item.by == item.by else -math.inf)[:MOST_SHOWN]:
            lines.append(_sentence(item))
        if len(bad) > MOST_SHOWN:
            lines.append(f"and {len(bad) - MOST_SHOWN} more images that differ")
        for name, share in self.probes.items():
            lines.append(f"packed image {name}: " + ("same mask" if not share else f"{share:.4%} of the pixels differ"))
        if self.checked_data:
            counts = self.counts
            lines.append(
                f"{len(self.images)} scored images: {counts['same']} exactly the same, {counts['close']} within "
                f"{self.tolerance:g}, {counts['score']} with other scores, {counts['truth']} with another ground "
                f"truth, {counts['missing']} missing"
            )
            lines.append(f"mean Dice {_text(self.mean_before)} in the file, {_text(self.mean_now)} here")
        else:
            lines.append("Without --data only the packed images were predicted; no score was checked.")
        if not self.checked_data and not self.probes:
            lines.append("Nothing was checked: the file holds no images. Give the dataset with --data.")
        elif self.reproduced:
            lines.append("Numbers reproduced." if self.checked_data else "Masks reproduced.")
        else:
            lines.append("NOT reproduced.")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `skipped` makes the exit status 1."""
        checked = self.checked_data or bool(self.probes)
        bad = [item for item in self.images if item.kind not in ("same", "close")]
        return {
            "run": self.run,
            "reproduced": self.reproduced and checked,
            "images": len(self.images),
            **self.counts,
            "mean_dice_before": self.mean_before,
            "mean_dice": self.mean_now,
            "probes": dict(self.probes),
            "differences": {item.name: item.by for item in bad},
            "skipped": 0 if self.reproduced and checked else max(1, len(bad)),
        }


def verify(
    path: Path,
    data: Path | None = None,
    tolerance: float = 0.001,
    device: str = "auto",
    precision: str = "auto",
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """Predict the packed images, and with `data` all scored images of that folder, and compare.

    Images of the folder are recognized by their content, whatever their names.

    Raises:
        RunError: the file is no packed run, is damaged, or of a newer version.
        CheckpointError: its weights are damaged.
        DataError: the folder cannot be read, or holds none of the scored images.
        ConfigError: the tolerance is out of range, or the device is not available.
    """
    if not 0 <= tolerance < 1:
        raise ConfigError(f"Expected --tolerance to be 0 or more and below 1, got {tolerance:g}.")
    with tempfile.TemporaryDirectory() as folder:
        proof, files = _unpack(path, Path(folder))
        # "auto" is what the file says: bf16 and fp32 differ in the third decimal.
        if precision == "auto" and device in ("auto", proof["device"]):
            precision = proof["precision"]
        predictor, _ = load_predictor(Path(folder) / CHECKPOINT, device, precision)
        probes = {
            PurePosixPath(name).stem: _compare_probe(predictor, content, files[f"{name[:-4]}-mask.png"])
            for name, content in files.items()
            if name.startswith(f"{PROBES}/") and f"{name[:-4]}-mask.png" in files
        }
        images: list[Difference] = []
        notes: list[str] = []
        if data is not None:
            measured, notes = _score(proof, files, predictor, data, Path(folder), progress)
            images = [_compare(entry, measured, tolerance) for entry in proof["images"]]
    now = [item.now for item in images if item.kind != "missing"]
    return Report(
        run=str(proof["run"]),
        images=tuple(images),
        probes=probes,
        mean_before=_number(proof["mean_dice"]),
        mean_now=float(np.nanmean(now)) if any(value == value for value in now) else math.nan,
        tolerance=tolerance,
        checked_data=data is not None,
        notes=tuple(notes),
    )


def _unpack(path: Path, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The proof and all files by their names in the run's folder; the checkpoint is written to `folder`."""
    try:
        archive = Archive(path, str(path))
        files = {
            member.name.partition("/")[2]: archive.read(member) for member in archive.members if "/" in member.name
        }
    except (OSError, UnetError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"{path}: cannot be read ({reason}). Give a file that `pack --verifiable` wrote.") from error
    try:
        proof = json.loads(files[PROOF])
        version = proof["version"]
        fine = {"run", "mean_dice", "device", "precision"} <= proof.keys()
        fine &= all(
            {"name", "record", "counts", "scores", "mask", "truth"} <= entry.keys() for entry in proof["images"]
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path}: has no readable {PROOF}, so there is nothing to check. Write it with `pack --verifiable`."
        ) from error
    if version != VERSION or not fine:
        raise RunError(f"{path}: its {PROOF} is of version {version!r}, {VERSION} can be read. Update UNet Studio.")
    checkpoint = folder / CHECKPOINT
    checkpoint.mkdir()
    for name in ("config.json", "model.safetensors", "sha256", *weight_file.EXTRAS):
        if (data := files.pop(f"{CHECKPOINT}/{name}", None)) is not None:
            (checkpoint / name).write_bytes(data)
    return proof, files


def _compare_probe(predictor: Predictor, image: bytes, mask: bytes) -> float:
    """The share of pixels (0..1) of a packed image whose prediction is another one."""
    pixels = decode(image, "packed image")
    expected = decode(mask, "packed mask")[:, :, 0]
    predicted = predictor.mask(pixels)
    return 1.0 if predicted.shape != expected.shape else float((predicted != expected).mean())


def _score(
    proof: dict[str, Any],
    files: Mapping[str, bytes],
    predictor: Predictor,
    root: Path,
    folder: Path,
    progress: Callable[[str], None],
) -> tuple[list[Measured], list[str]]:
    """The scored images of the proof as they are in the folder `root`, scored with the model, and remarks."""
    try:
        settings = RunConfig.from_json(files[SETTINGS].decode()).data
        coding = MaskCoding.from_json(files[CODING].decode()) if CODING in files else None
    except (KeyError, ValueError, UnetError) as error:
        raise RunError(f"The packed {SETTINGS} or {CODING} cannot be read ({error}).") from error
    recipe = recipes.NONE
    if FILE in files:
        (folder / FILE).write_bytes(files[FILE])
        recipe = str(folder / FILE)
    data: DataConfig = replace(settings, root=str(root.resolve()), recipe=recipe)
    # All that were scored, whatever part they were in, are "test" here; other images are new and left out.
    records = frozenset(str(entry["record"]) for entry in proof["images"])
    try:
        selection = select_from(discovery.search_data(data), data, TrainingImages(test=records), "test", coding)
    except NothingToScoreError as error:
        raise DataError(
            f"{root}: none of its images is one of the {len(records)} that were scored. Choose the dataset of the run."
        ) from error
    return score(selection, predictor, progress)


def _compare(entry: Mapping[str, Any], measured: list[Measured], tolerance: float) -> Difference:
    name, record = str(entry["name"]), str(entry["record"])
    before = {key: _number(entry["scores"].get(key)) for key in COMPARED}
    item = next((item for item in measured if identity.is_same(item.record, record)), None)
    if item is None:
        return Difference(name, "missing", math.nan, before["dice"])
    now = item.score.scores
    same = {key: getattr(item.score.counts, key).tolist() for key in ("tp", "fp", "fn")} == entry["counts"]
    gaps = [_gap(before[key], now[key]) for key in COMPARED]
    by = max(gaps) if all(gap == gap for gap in gaps) else math.nan
    if item.truth_digest != entry["truth"]:
        kind = "truth"
    elif same and item.mask_digest == entry["mask"]:
        kind = "same"
    else:
        kind = "close" if by <= tolerance else "score"
    return Difference(name, kind, by, before["dice"], now["dice"])


def _gap(before: float, now: float) -> float:
    """How far two scores are apart; 0 where both are undefined, NaN where one is."""
    return 0.0 if math.isnan(before) and math.isnan(now) else abs(before - now)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _sentence(item: Difference) -> str:
    if item.kind == "missing":
        return f"{item.name}: not in the dataset"
    if item.kind == "truth":
        return f"{item.name}: its ground truth is another one (Dice {_text(item.before)}, here {_text(item.now)})"
    return f"{item.name}: Dice {_text(item.before)} in the file, {_text(item.now)} here"


def _text(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4f}"
