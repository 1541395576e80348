"""All that an evaluation was asked and has found: what its report, its JSON and its summary are written from; no torch.

record = Record(source, selection, "held-out", model, options)
record.add(scored, dataset)         # each image, as `scores.score_images` gives it
record.summary, record.to_dict()

Nothing in them says where files lie: folders are called by their last name.
"""

import hashlib
import importlib.metadata
import platform
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unet_core
from unet_core.config.reproduce import NOT_REPEATED, changed_settings
from unet_core.config.schema import ModelConfig
from unet_core.data.groups import identity
from unet_core.errors import CheckpointError, UnetError
from unet_core.evaluation.measures.registry import Settings
from unet_core.evaluation.selection import Selection, Source, count_images
from unet_core.evaluation.summary import ImageScore, Summary, by_class, describe_classes, list_rows, summarize
from unet_core.io.filenames import readable
from unet_core.io.files import finite

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset
    from unet_core.evaluation.scores import Options, ScoredImage

VERSION = 1  # of `to_dict`
PACKAGES = ("torch", "numpy")
OF_ONE_MACHINE = (*NOT_REPEATED, "init", "recipe", "device", "threads")  # settings that say nothing elsewhere
FOLDERS = re.compile(r"(?<![\w.:/])(?:/|~/|[A-Za-z]:[\\/])(?:[^\s\"'`|)(\],;:/\\]+[/\\])+")  # up to the last name


@dataclass(frozen=True)
class ImageFacts:
    """The size of an image in pixels, its channels and the type of its values."""

    height: int
    width: int
    channels: int
    dtype: str


@dataclass
class Record:
    """One evaluation: model, images, options, and the scores so far.

    Args:
        source: the model.
        selection: the images.
        split: the name of `choices.SPLITS` by which they were chosen.
        model: the settings of the model, with its channels and classes.
        options: how images are predicted.
        measures: the settings of all measures, None for the basic ones.
        changes: settings of the data that differ from those of the training.
        computed_on: the device and the precision.
        date: when it began.
    """

    source: Source
    selection: Selection
    split: str
    model: ModelConfig
    options: "Options"
    measures: Settings | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    computed_on: tuple[str, str] = ("", "")
    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    scores: list[ImageScore] = field(default_factory=list)
    images: dict[str, ImageFacts] = field(default_factory=dict)  # by their ids
    pixels: dict[str, str] = field(default_factory=dict)  # digests of the pixels of images, by their ids
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    total: int = 0  # images that can be read
    advice: str = ""  # where the validation images say that another threshold is much better
    weights: Path | None = None  # the folder that the model was loaded from
    weights_warning: str = ""  # where that is not the one that was asked for

    def begin(self, dataset: "Dataset") -> None:
        """Take over what a dataset says of its files, and which weights there are, before its images are scored."""
        from unet_core.models.checkpoint import usable

        self.skipped, self.warnings = dataset.skipped, dataset.warnings
        self.model, self.total = dataset.model, len(dataset)
        if self.source.folder is not None:
            with suppress(CheckpointError):  # weights that were put into a model by a program
                self.weights, self.weights_warning = usable(self.source.folder)

    def add(self, scored: "ScoredImage", dataset: "Dataset") -> None:
        """Take in the next image."""
        name = scored.sample.id
        dtype, channels = dataset.image_types[name]
        self.images[name] = ImageFacts(scored.target.shape[0], scored.target.shape[1], channels, str(dtype))
        self.pixels[name] = identity.key(dataset.records.get(name, ""), "px")
        self.scores.append(scored.score)

    @property
    def remarks(self) -> list[str]:
        """The warnings, and the advice where there is one."""
        return [*self.warnings, self.advice] if self.advice else self.warnings

    @property
    def summary(self) -> Summary:
        """The means of the scores; there is one image at least."""
        return summarize(self.scores)

    def summarize(self) -> dict[str, Any]:
        """What `unet-studio evaluate` prints: `Summary.to_dict`, classes, how many images are of which subset."""
        values: dict[str, Any] = self.summary.to_dict()
        classes = by_class(self.scores)
        if len(classes) > 1:
            values["iou_by_class"] = {item.index: item.iou for item in classes}
            values["class_names"] = {item.index: self.model.class_name(item.index) for item in classes}
        return values | describe_classes(self.scores) | count_images(self.selection.groups, self.scores)

    def explain(self) -> list[str]:
        """What one should know before believing the scores, a sentence each, with folders by their last name."""
        skipped = [self.weights_warning] * bool(self.weights_warning)
        skipped += [f"Not scored: {message}" for message in self.skipped]
        if (scored := len(self.scores)) < self.total:
            skipped.append(f"The evaluation was canceled after {scored} of {self.total} images.")
        return list(map(self.hide_folders, (*self.selection.explain(), *self.remarks, *skipped)))

    @property
    def model_name(self) -> str:
        """The id of the run (of another checkpoint than the best, with its folder), else the name of the folder."""
        run, folder = self.source.run, self.source.folder
        if run is not None:
            if folder is None or folder.name == run.best.name:
                return run.id
            return f"{run.id}/{run.checkpoints.name}/{last_name(folder.name)}"
        return last_name(str(folder)) if folder is not None else "model"

    @property
    def about(self) -> dict[str, Any]:
        """What the checkpoint says of its training: `fingerprint`, `epoch`; {} where it says nothing."""
        if self.weights is None:
            return {}
        from unet_core.models.checkpoint import load_about

        return load_about(self.weights)

    @property
    def dataset_name(self) -> str:
        """The name that its recipe gives it, else that of its folder."""
        return readable(self.selection.search.recipe.name or Path(self.selection.data.root).name)

    @property
    def weights_digest(self) -> str:
        """The start of the SHA-256 of the weights; "" where it is not known."""
        if self.weights is None:
            return ""
        lines = (self.weights / "sha256").read_text(encoding="ascii").splitlines()
        return next((line[:16] for line in lines if line.endswith("  model.safetensors")), "")

    @property
    def images_digest(self) -> str:
        """A digest of the pixels of the scored images, whatever their names; "" where there are none."""
        keys = sorted(filter(None, self.pixels.values()))
        return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16] if keys else ""

    @property
    def parent(self) -> str:
        """The name of the model that this one was fine-tuned from; "" of none, or where it is not known."""
        try:
            return last_name(self.source.run.config.train.init) if self.source.run is not None else ""
        except UnetError:
            return ""

    def training_settings(self) -> dict[str, Any]:
        """The settings that differ from their defaults: of the training where its run is there, else of the model."""
        if self.source.run is not None:
            values = changed_settings(self.source.run.config, OF_ONE_MACHINE)
            return {
                name: self.hide_folders(value) if isinstance(value, str) else value for name, value in values.items()
            }
        defaults = ModelConfig().to_dict()
        return {name: value for name, value in self.model.to_dict().items() if value != defaults[name]}

    def command(self) -> str:
        """The command line that computes the same; model and dataset are called by name."""
        words = ["unet-studio", "evaluate", self.model_name, self.dataset_name]
        flags: dict[str, Any] = {"split": None if self.split == "held-out" else self.split}
        flags |= {"tta": None if self.options.tta == "none" else self.options.tta, "tile": self.options.tile}
        flags |= {"threshold": self.options.threshold}
        if self.measures is not None:
            flags |= {"metrics": "all", "tolerance": f"{self.measures.tolerance:g}"}
            flags |= {"pixel-size": self.measures.pixel_size}
        flags |= {name.replace("_", "-"): self.hide_folders(str(value)) for name, value in self.changes.items()}
        words += [word for name, value in flags.items() if value is not None for word in (f"--{name}", str(value))]
        return shlex.join(words)

    def hide_folders(self, text: str) -> str:
        """A text with folders called by their last name: nobody else needs to know where files lie."""
        folders = [self.selection.data.root, str(Path(self.selection.data.root).resolve()), str(Path.cwd())]
        for folder in (self.source.folder, self.source.run.folder if self.source.run else None):
            folders += [str(folder), str(folder.resolve())] if folder is not None else []
        for folder_name in sorted({*folders, str(Path.home())}, key=len, reverse=True):
            if len(Path(folder_name).parts) > 1:
                text = text.replace(f"{folder_name}/", "").replace(folder_name, last_name(folder_name))
        return readable(FOLDERS.sub("", text))

    def versions(self) -> dict[str, str]:
        """The programs that computed the scores."""
        packages = {name: importlib.metadata.version(name) for name in PACKAGES}
        return {"UNet Studio": unet_core.__version__, "Python": platform.python_version(), **packages}

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON: undefined values are None, folders are called by their last name."""
        chosen = {part: [sample.id for sample in group] for part, group in self.selection.chosen.items() if group}
        values = {
            "version": VERSION,
            "date": self.date.isoformat(timespec="seconds"),
            "versions": self.versions(),
            "command": self.command(),
            "model": {
                "name": self.model_name,
                "weights": self.weights_digest,
                "fine_tuned_from": self.parent,
                "threshold": self.model.threshold,
                "config": self.model.to_dict(),
                "settings": self.training_settings(),
            },
            "options": asdict(self.options)
            | {"device": self.computed_on[0], "precision": self.computed_on[1]}
            | {"metrics": "basic" if self.measures is None else "all"}
            | ({} if self.measures is None else asdict(self.measures)),
            "data": {
                "name": self.dataset_name,
                "layout": self.selection.search.layout,
                "changes": {name: self.hide_folders(str(value)) for name, value in self.changes.items()},
                "images": self.images_digest,
            },
            "selection": {
                "split": self.split,
                "scored": chosen,
                "left_out": self.selection.left_out(),
                "notes": self.selection.explain(),
            },
            "warnings": [self.hide_folders(message) for message in self.remarks],
            "skipped": [self.hide_folders(message) for message in self.skipped],
            "summary": self.summarize(),
            "images": list_rows(self.scores),
        }
        return {key: finite(value) for key, value in values.items()}


def last_name(path: str) -> str:
    """The last part of a path that says something: of the checkpoints of a run its id.

    >>> last_name("/data/runs/20261101-cells/checkpoints/best"), last_name("org/name"), last_name("")
    ('20261101-cells', 'name', '')
    """
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".")]
    if len(parts) > 2 and parts[-2] == "checkpoints":
        parts = parts[:-2]
    return readable(parts[-1]) if parts else ""
