"""The public functions: train, launch, load, evaluate, plan and open_dataset. `from unet_core import train` gives them.

Nothing heavy is imported before a function is called; torch is loaded by those that need it.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, Event, RunFinished, RunStarted, Warned
from unet_core.runs.run import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unet_core.data import dataset
    from unet_core.evaluation.summary import ImageScore, Summary
    from unet_core.inference.predictor import Predictor
    from unet_core.planning.planner import Advice

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".zip")


def train(
    data: str | Path,
    *,
    runs_dir: str | Path = "runs",
    preset: str = "default",
    progress: Callable[[str], None] | None = None,
    **settings: Any,
) -> Run:
    """Train a U-Net on a folder of images and masks, in this process, and return the finished run.

    The run lies in `runs_dir` as every other: the app shows it, and `resume` continues it if this process is killed. If
    another run of that folder trains, this one waits in the queue first. Ctrl-C stops it and keeps the best epoch.

    Args:
        data: Folder with images and masks, in one of the layouts of docs/data.md.
        runs_dir: Folder of all runs; made if it is missing.
        preset: Settings to start from, a name of `unet_core.config.presets.PRESETS`.
        progress: Called with a line of text for each epoch and warning, for example `print`.
        settings: Any setting of `RunConfig` by its name, for example `epochs=15, loss="dice"`.

    Returns:
        The run. `run.best` is the folder of its best checkpoint; `load(run)` predicts with it.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used; the message says why.
        TrainingError: The training failed, for example by a loss that is not finite.
        RunError: `runs_dir` cannot be written.

    Example:
        >>> from unet_core import train
        >>> run = train("cells", epochs=1, base_channels=2, depth=2, image_size=32, crops_per_image=1)
        >>> run.state().value
        'finished'
    """
    from unet_core.training import worker

    run = _create(data, runs_dir, preset, settings)
    worker.run_in_this_process(run, None if progress is None else _Reporter(progress))
    return run


def launch(data: str | Path, *, runs_dir: str | Path = "runs", preset: str = "default", **settings: Any) -> Run:
    """Start a training in a process of its own, which outlives this one, and return at once.

    Args:
        data: Folder with images and masks, in one of the layouts of docs/data.md.
        runs_dir: Folder of all runs; made if it is missing.
        preset: Settings to start from, a name of `unet_core.config.presets.PRESETS`.
        settings: Any setting of `RunConfig` by its name.

    Returns:
        The run, which trains or waits in the queue. `run.state()` says which, `run.request_stop()` stops it.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used; the message says why.
        RunError: The run cannot be written or its process does not start.

    Example:
        >>> from unet_core import launch
        >>> run = launch("cells", epochs=1, base_channels=2, depth=2, image_size=32, crops_per_image=1)
        >>> run.state().active
        True
        >>> run.request_stop()
    """
    from unet_core.training import launch as launching

    return launching.launch(_config(data, preset, settings), Path(runs_dir))


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
        (128, 128)
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

    `images` are the scores of each image, `skipped` one sentence for each file that could not be read, `summary` the
    means. `mean`, `pooled`: by metric ("dice", "iou", "precision", "recall", "accuracy"), see docs/scores.md.
    """

    images: "list[ImageScore]"
    summary: "Summary"
    skipped: list[str] = field(default_factory=list)

    @property
    def mean(self) -> dict[str, float]:
        """The mean over images of each metric, 0..1; NaN where no image has a defined score."""
        return self.summary.mean

    @property
    def pooled(self) -> dict[str, float]:
        """Each metric with the pixels of all images counted together, 0..1."""
        return self.summary.pooled

    def to_csv(self) -> str:
        """A table with one line for each image."""
        from unet_core.evaluation.summary import to_csv

        return to_csv(self.images)


def evaluate(
    model: "str | Path | Run | Predictor",
    data: str | Path,
    *,
    split: str = "held-out",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
    **data_settings: Any,
) -> Evaluation:
    """Score a model on a folder of images and masks.

    Args:
        model: Whatever `load` takes.
        data: Folder with images and masks.
        split: Which images: "held-out" (all that the model was not trained on), "all", "train", "val" or "test". An
            image is recognized by its content, whatever its name.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.
        data_settings: Settings of the data that differ from those of the training, for example `ignore_index=255`.

    Returns:
        An `Evaluation`; `evaluation.mean["dice"]` is the mean Dice over images.

    Raises:
        DataError: The folder cannot be used, or no image is left to score.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from unet_core import evaluate
        >>> result = evaluate("runs/" + run_id, "cells", split="all")
        >>> 0 <= result.mean["dice"] <= 1
        True
    """
    from unet_core.data import discovery
    from unet_core.evaluation import scores
    from unet_core.evaluation.summary import summarize
    from unet_core.hub.resolve import local_checkpoint

    predictor = load(model, runs_dir=runs_dir, device=device, precision=precision)
    run = None
    if predictor.checkpoint is not None:
        run = local_checkpoint(str(predictor.checkpoint), Path(runs_dir))[1]
    settings = _data_settings(data, data_settings, RunConfig() if run is None else RunConfig(data=run.data))
    samples = discovery.find(Path(data), data_settings.get("layout", "auto"))
    chosen = scores.select(samples, run.split() if run is not None and run.has_split else {}, split)
    images, skipped = scores.evaluate(predictor, chosen, settings.data)
    return Evaluation(images, summarize(images), skipped)


def plan(data: str | Path, **settings: Any) -> "list[Advice]":
    """Suggest settings for a dataset, each with its reason, from the images' own numbers and this machine.

    Args:
        data: Folder with images and masks.
        settings: Settings that stand already, for example `device="cpu"`.

    Returns:
        One `Advice` for each setting: `.setting`, `.value`, `.now` (the value as it stands), `.changes`, `.reason`.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used.

    Example:
        >>> from unet_core import plan, train
        >>> changes = {item.setting: item.value for item in plan("cells") if item.changes}
        >>> isinstance(changes, dict)
        True
    """
    from unet_core.data import discovery, fingerprint
    from unet_core.hardware import Machine
    from unet_core.planning import planner

    config = _config(data, "default", settings)
    samples = discovery.find(Path(config.data.root), config.data.layout)
    numbers = fingerprint.measure_samples(samples, config.data, config.model.num_classes)
    return planner.propose(numbers, Machine.here(config.train.device), config)


@dataclass(frozen=True)
class DatasetItem:
    """One image of a dataset, as training sees it.

    `image` (H, W, C) uint8, uint16 or float32; `mask` (H, W) uint8 class indices, 255 where a pixel does not count (for
    one class: 0 background, 1 foreground); `path` of the image's file; `id`, its name within the dataset.
    """

    image: "NDArray[Any]"
    mask: "NDArray[np.uint8]"
    path: Path
    id: str


class OpenDataset:
    """The images and masks of a folder exactly as training would see them; made by `open_dataset`."""

    def __init__(self, examples: "dataset.Dataset") -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> DatasetItem:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no image {index}; the dataset has {len(self)}.")
        index %= len(self)
        example, sample = self._examples[index], self._examples.samples[index]
        return DatasetItem(example.image, self._examples.target(example.raw_mask), sample.image, sample.id)

    def __iter__(self) -> Iterator[DatasetItem]:
        return (self[index] for index in range(len(self)))

    @property
    def num_classes(self) -> int:
        """1 for binary masks, else the number of classes with the background."""
        return self._examples.model.num_classes

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the data: files that were left out, what was guessed, and by what evidence."""
        return [*self._examples.skipped, *self._examples.warnings]


def open_dataset(folder: str | Path, **data_settings: Any) -> OpenDataset:
    """Read a folder of images and masks exactly as training would.

    Args:
        folder: Folder with images and masks, in one of the layouts of docs/data.md.
        data_settings: Settings of the data or model by name: `layout`, `ignore_index`, `color_map`, `num_classes`,
            `in_channels`, `cache_mb`.

    Returns:
        A sequence of `DatasetItem` (`.image`, `.mask`, `.path`, `.id`) with `.num_classes` and `.warnings`.

    Raises:
        DataError: The folder cannot be used; the message says why and what to do.
        ConfigError: A setting does not exist or is out of range.

    Example:
        >>> from unet_core import open_dataset
        >>> cells = open_dataset("cells")
        >>> len(cells), cells.num_classes, cells[0].image.shape, cells[0].mask.dtype.name
        (48, 1, (128, 128, 1), 'uint8')
    """
    from unet_core.data import dataset, discovery

    config = _data_settings(folder, data_settings, RunConfig())
    samples = discovery.find(Path(folder), config.data.layout)
    return OpenDataset(dataset.load_dataset(samples, config.data, config.model))


def _config(data: str | Path, preset: str, settings: Mapping[str, Any]) -> RunConfig:
    if "root" in settings:
        raise ConfigError("The folder of the data is the first argument; leave out root=.")
    return get_preset(preset).replace(root=str(Path(data).resolve()), **settings)


def _data_settings(data: str | Path, settings: Mapping[str, Any], base: RunConfig) -> RunConfig:
    return base.replace(**{"root": str(Path(data).resolve()), **settings})


def _create(data: str | Path, runs_dir: str | Path, preset: str, settings: Mapping[str, Any]) -> Run:
    """Everything that can be wrong is found before anything is written."""
    from unet_core.data import discovery
    from unet_core.training import finetune

    config = finetune.resolve_init(_config(data, preset, settings), Path(runs_dir))
    discovery.find(Path(config.data.root), config.data.layout)
    return runs.create(Path(runs_dir), config)


def _load_file(path: Path, device: str, precision: str) -> "Predictor":
    """From a copy that was checked as an upload is; nothing of it stays on the disk."""
    from unet_core.models import import_weights

    beside = path.parent / "config.json"
    files: dict[str, Any] = {path.name: path}
    if path.suffix.lower() == ".safetensors" and beside.is_file():
        files["config.json"] = beside
    with tempfile.TemporaryDirectory() as folder:
        predictor = _predictor(import_weights.import_model(files, Path(folder)), device, precision)
    predictor.checkpoint = path.parent if path.name == "model.safetensors" else None
    return predictor


def _predictor(folder: Path, device: str, precision: str) -> "Predictor":
    import warnings

    from unet_core.inference.predictor import load_predictor

    predictor, warning = load_predictor(folder, device, precision)
    if warning:
        warnings.warn(warning, stacklevel=3)
    return predictor


class _Reporter:
    """Turns the events of a run into lines of text."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.progress = progress
        self.epochs = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.epochs = event.epochs
                images = f"{event.train_images} images train, {event.val_images} validate"
                self.progress(f"{event.device}, {event.precision}, {event.parameters:,} parameters; {images}")
            case EpochFinished():
                best = " *" if event.best else ""
                losses = f"train loss {event.train_loss:.4f}  val loss {event.val_loss:.4f}"
                scores = f"Dice {event.val_dice:.4f}  IoU {event.val_iou:.4f}"
                self.progress(f"epoch {event.epoch}/{self.epochs}  {losses}  {scores}{best}")
            case Warned():
                self.progress(f"warning: {event.message}")
            case RunFinished():
                self.progress(f"{event.reason}: best epoch {event.best_epoch}, Dice {event.val_dice:.4f}")


__all__ = ["DatasetItem", "Evaluation", "OpenDataset", "evaluate", "launch", "load", "open_dataset", "plan", "train"]
