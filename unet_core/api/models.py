"""`load` and `evaluate`: a trained model, wherever it comes from, and its scores."""

import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.evaluation.measures.registry import MeasureMeans
    from unet_core.evaluation.record import Record
    from unet_core.evaluation.selection import Source
    from unet_core.evaluation.summary import ImageScore, Summary
    from unet_core.inference.predictor import Predictor

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".zip")


def load(
    model: "str | Path | Run | Predictor",
    *,
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
) -> "Predictor":
    """Load a model to predict with.

    Args:
        model: A run, its id or folder (its best checkpoint is taken); a checkpoint folder; a file of weights
            (`.safetensors`, a ZIP of a checkpoint, or `.pth` of milesial/Pytorch-UNet); or a model of the Hugging Face
            Hub as `org/name` or `hf:org/name@revision`, which is downloaded and checked once.
        runs_dir: Folder of all runs, in which ids are looked up and models of the Hub are kept.
        device: "auto" (CUDA, then Apple MPS, then CPU), "cuda", "mps" or "cpu".
        precision: "auto", "fp32", "bf16" or "fp16" (CUDA only).

    Returns:
        A `Predictor`; `predict` takes the path of an image or an array.

    Raises:
        RunError: There is no such run or folder, or the run has no checkpoint yet.
        CheckpointError: The weights are damaged or do not fit their settings.
        HubError: The model cannot be downloaded.
        ConfigError: The device or the precision is not available.

    Example:
        >>> from unet_core import load
        >>> model = load("runs/" + run_id)
        >>> model.predict("cells/images/cells_000.png").mask().shape
        (301, 274)
    """
    from unet_core.hub import resolve
    from unet_core.inference import predictor

    if isinstance(model, predictor.Predictor):
        return model
    if isinstance(model, Run):
        name = str(model.folder)
    else:
        path = Path(model)
        if path.suffix.lower() in WEIGHT_FILES and path.is_file():
            return _load_file(path, device, precision)
        name = str(model)
    folder, _ = resolve.find_checkpoint(name, Path(runs_dir))
    return _predictor(folder, device, precision)


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on a dataset: each image's, and what they add up to.

    `images` are the scores of each image, `skipped` one sentence for each file that could not be read, `warnings` what
    else one should know of the data, such as how mask values were read, `summary` the means. `images_by_split` and
    `evaluated_by_split`: how many of all images, and of those that were scored, are "train", "val" and "test" images of
    the model, and how many are "new". `left_out` names those that were not scored, by the same words, and `notes` says
    in sentences what was left out and what the model has seen. `mean`, `pooled`: by metric ("dice", "iou", "precision",
    "recall", "accuracy"), see docs/scores.md.
    """

    images: "list[ImageScore]"
    summary: "Summary"
    skipped: list[str] = field(default_factory=list)
    images_by_split: dict[str, int] = field(default_factory=dict)
    evaluated_by_split: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    record: "Record | None" = field(default=None, repr=False, compare=False)  # all of it, as the report has it

    @property
    def mean(self) -> dict[str, float]:
        """The mean over images of each metric, 0..1; NaN where no image has a defined score."""
        return self.summary.mean

    @property
    def pooled(self) -> dict[str, float]:
        """Each metric with the pixels of all images counted together, 0..1."""
        return self.summary.pooled

    @property
    def measures(self) -> "MeasureMeans | None":
        """The means of all other measures, where `evaluate` was asked for metrics="all": `measures.mean["hd95"]`."""
        return self.summary.measures

    def to_csv(self) -> str:
        """A table with one line for each image."""
        from unet_core.evaluation.summary import to_csv

        return to_csv(self.images)

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON, as `unet-studio evaluate --json` writes it: model, options, images, scores, versions."""
        return {} if self.record is None else self.record.to_dict()


def evaluate(
    model: "str | Path | Run | Predictor",
    data: str | Path,
    *,
    split: str = "held-out",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
    tta: str = "none",
    tile: int | None = None,
    threshold: float | None = None,
    metrics: str = "basic",
    tolerance: float = 2.0,
    pixel_size: float | None = None,
    report: str | Path | None = None,
    **settings: Any,
) -> Evaluation:
    """Score a model on a folder of images and masks.

    Args:
        model: Whatever `load` takes.
        data: Folder with images and masks.
        split: Which images: "held-out" (all that the model was not trained on), "all", "train", "val" or "test". An
            image is recognized by its pixels, whatever its name and file format, and also where the model was copied
            or downloaded, or fine-tuned from one that was trained on it. `warnings` says where that is not known.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.
        tta: Test-time augmentation, as for `Predictor.predict`.
        tile: Side of the tiles in pixels, as for `Predictor.predict`; None for what fits into memory.
        threshold: Probability above which a pixel is foreground, above 0 to 1; None for the model's. Binary only.
        metrics: "basic" (Dice, IoU, precision, recall, accuracy) or "all": also outlines, objects, regions and causes
            of errors, in `Evaluation.measures` and as columns of `to_csv`. See docs/evaluation.md.
        tolerance: By how much outlines may differ for NSD, in pixels, or in micrometers with `pixel_size`.
        pixel_size: Micrometers per pixel, for HD95 and NSD in micrometers.
        report: HTML file to write: one file with scores, worst images, model and data, to send to somebody.
        settings: Settings of the data that differ from those of the training, for example `ignore_index=255`. The
            `recipe` of repairs is that of the training where the folder is the same, else the folder's own.

    Returns:
        An `Evaluation`; `evaluation.mean["dice"]` is the mean Dice over images.

    Raises:
        DataError: The folder cannot be used, or no image is left to score.
        ConfigError: A setting or an option is unknown or out of range.
        RunError, CheckpointError, HubError: As for `load`.
        OSError: The report cannot be written.

    Example:
        >>> from unet_core import evaluate
        >>> result = evaluate("runs/" + run_id, "cells", split="all")
        >>> 0 <= result.mean["dice"] <= 1
        True
    """
    from unet_core.evaluation.measures.registry import choose_measures
    from unet_core.evaluation.recording import evaluate_selection
    from unet_core.evaluation.scores import Options
    from unet_core.evaluation.selection import count_images, select_folder

    measures = choose_measures(metrics, tolerance, pixel_size)
    predictor, source = open_source(model, runs_dir=runs_dir, device=device, precision=precision)
    selection = select_folder(source, Path(data), split, settings)
    record = evaluate_selection(
        predictor,
        source,
        selection,
        split,
        Options(tta, tile, threshold),
        measures,
        settings,
        report=None if report is None else Path(report),
    )
    return Evaluation(
        record.scores,
        record.summary,
        record.skipped,
        warnings=record.remarks,
        notes=selection.explain(),
        left_out=selection.left_out(),
        record=record,
        **count_images(selection.groups, record.scores),
    )


def open_source(
    model: "str | Path | Run | Predictor", *, runs_dir: str | Path, device: str, precision: str
) -> "tuple[Predictor, Source]":
    """The model, and what evaluation knows of it: its checkpoint, its run, the images it has seen. Raises as `load`."""
    from unet_core.evaluation.selection import Source
    from unet_core.hub import lineage, resolve

    predictor = load(model, runs_dir=runs_dir, device=device, precision=precision)
    run, images = None, predictor.training_images
    if predictor.checkpoint is not None:
        run = resolve.local_checkpoint(str(predictor.checkpoint), Path(runs_dir))[1]
    if images is None:
        images = lineage.find_training_images(predictor.checkpoint, run, Path(runs_dir))
    return predictor, Source(predictor.checkpoint, run, images)


def _load_file(path: Path, device: str, precision: str) -> "Predictor":
    """From a copy that was checked as an upload is; nothing of it stays on the disk."""
    from unet_core.data.groups import training_images
    from unet_core.models import import_weights

    beside = path.parent / "config.json"
    files: dict[str, Any] = {path.name: path}
    if path.suffix.lower() == ".safetensors" and beside.is_file():
        files["config.json"] = beside
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = import_weights.import_model(files, Path(folder))
        predictor = _predictor(checkpoint, device, precision)
        predictor.training_images = training_images.load(checkpoint)
    predictor.checkpoint = path.parent if path.name == "model.safetensors" else None
    return predictor


def _predictor(folder: Path, device: str, precision: str) -> "Predictor":
    from unet_core.inference.predictor import load_predictor

    predictor, warning = load_predictor(folder, device, precision)
    if warning:
        warnings.warn(warning, stacklevel=3)
    return predictor
