"""Behind the scores: where labels may be wrong, what a model cannot stand, how it does on other kinds of images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.api.models import load
from unet_core.errors import DataError
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.evaluation.analysis.kinds import Shift
    from unet_core.evaluation.analysis.robustness import Point
    from unet_core.evaluation.label_errors import Suspect
    from unet_core.evaluation.selection import Selection
    from unet_core.inference.predictor import Predictor


@dataclass(frozen=True)
class LabelErrors:
    """Suspected label errors of a dataset, the most suspect first.

    Each of `suspects` has `image`, `kind` ("unlabeled", "not seen", "class"), `score` (0..1), and its box in pixels:
    `left`, `top`, `width`, `height`. `subsets` says for each image whether it is "train", "val", "test" or "new".
    `skipped` names files that cannot be read, `warnings` and `notes` say what else to know.
    """

    suspects: "list[Suspect]"
    subsets: dict[str, str]
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_csv(self) -> str:
        """A table with one line for each suspect."""
        from unet_core.evaluation.analysis.suspects import to_csv

        return to_csv(self.suspects, self.subsets)


@dataclass(frozen=True)
class Robustness:
    """The mean Dice at each severity of each corruption.

    `points`: the first is of the images as they are, then five of each corruption; each has `corruption`, `severity`
    (0..5), `mean`, `dice` of each image, and an `interval` of the mean with `low` and `high`.
    """

    points: "list[Point]"
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """Which corruption costs most Dice."""
        from unet_core.evaluation.analysis.robustness import describe

        return describe(self.points)

    def to_csv(self) -> str:
        """A table with one line for each severity."""
        from unet_core.evaluation.analysis.robustness import to_csv

        return to_csv(self.points)


def find_label_errors(
    model: "str | Path | Run | Predictor",
    data: str | Path | None = None,
    *,
    split: str = "held-out",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
    tta: str = "flips",
    tile: int | None = None,
    most: int = 10_000,
    **settings: Any,
) -> LabelErrors:
    """List places where labels may be wrong: the model is sure, stable under augmentation, and the label disagrees.

    A model has learned the labels of the images that it was trained on, the wrong ones too: look in other images.

    Args:
        model: Whatever `load` takes.
        data: Folder with images and masks; None for the dataset of the run.
        split: Which images, as for `evaluate`.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.
        tta: Test-time augmentation of several views: "mirror", "flips" or "d4".
        tile: Side of the tiles in pixels, as for `Predictor.predict`; None for what fits into memory.
        most: How many to list at most.
        settings: Settings of the data that differ from those of the training.

    Returns:
        A `LabelErrors`; `.to_csv()` is a table.

    Raises:
        DataError: The folder cannot be used, no image is left, or the model is not of a run and no folder is named.
        ConfigError: A setting or an option is unknown or out of range.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from unet_core import find_label_errors
        >>> result = find_label_errors("runs/" + run_id, split="all", most=5)
        >>> len(result.suspects) <= 5
        True
    """
    from unet_core.evaluation import scores
    from unet_core.evaluation.analysis import suspects

    suspects.check_options(tta, most)
    predictor = load(model, runs_dir=runs_dir, device=device, precision=precision)
    selection = select_images(predictor, data, split, Path(runs_dir), settings)
    dataset = scores.load(selection, predictor.model.config)
    ranking = suspects.Ranking(most)
    for item in suspects.scan(dataset, lambda sample, image: predictor.answer(image, tta, tile)):
        ranking.add(item.suspects)
    notes = [*selection.explain(), *([suspects.HIDDEN] if selection.chosen["train"] else [])]
    return LabelErrors(ranking.best(), selection.subset_of(), dataset.skipped, dataset.warnings, notes)


def measure_robustness(
    model: "str | Path | Run | Predictor",
    data: str | Path | None = None,
    *,
    corruptions: Sequence[str] = (),
    images: int = 50,
    seed: int = 0,
    split: str = "held-out",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
    **settings: Any,
) -> Robustness:
    """Measure the Dice on images that are blurred, noisy, brighter, darker and so on, at five severities each.

    The corruptions are defined in docs/evaluation.md. Images without any foreground are left out.

    Args:
        model: Whatever `load` takes.
        data: Folder with images and masks; None for the dataset of the run.
        corruptions: Some of "blur", "noise", "brighter", "darker", "contrast", "jpeg", "scale"; () for all.
        images: How many images at most, drawn at random by `seed`.
        seed: Of the drawing and of the noise.
        split: Which images, as for `evaluate`.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.
        settings: Settings of the data that differ from those of the training.

    Returns:
        A `Robustness`; `.sentence` says what hurts most, `.to_csv()` is a table.

    Raises:
        DataError: The folder cannot be used, no image is left, or the model is not of a run and no folder is named.
        ConfigError: A corruption, a setting or an option is unknown or out of range.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from unet_core import measure_robustness
        >>> result = measure_robustness("runs/" + run_id, corruptions=["blur"], images=2, split="all")
        >>> [(point.corruption, point.severity) for point in result.points[:3]]
        [('', 0), ('blur', 1), ('blur', 2)]
    """
    from unet_core.evaluation.analysis import robustness
    from unet_core.evaluation.analysis.corruptions import check_names

    names = check_names(corruptions)
    robustness.check_number(images)
    predictor = load(model, runs_dir=runs_dir, device=device, precision=precision)
    selection = select_images(predictor, data, split, Path(runs_dir), settings)
    dataset = robustness.load_images(selection, images, predictor.model.config, seed)
    steps = robustness.run(dataset, lambda sample, image: predictor.mask(image), names, seed)
    return Robustness(robustness.summarize(steps), dataset.skipped, dataset.warnings, selection.explain())


def compare_kinds(
    model: "str | Path | Run | Predictor",
    data: str | Path | None = None,
    *,
    group_by: str = "folder",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
    **settings: Any,
) -> "Shift":
    """Score a model at home and abroad: on kinds of images that it was trained on, and on kinds it has never seen.

    Images that it was trained on are not scored. The dataset must hold them all the same: they say what is home.

    Args:
        model: Whatever `load` takes.
        data: Folder with images and masks; None for the dataset of the run.
        group_by: What names the kind of an image: "folder", or a regular expression whose first group in the image's
            id names it, such as "^(mouse[0-9]+)_".
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.
        settings: Settings of the data that differ from those of the training.

    Returns:
        A `Shift`: `home` and `abroad` have `mean`, `interval`, `dice` of each image, and `kinds`; `sentence` says both.

    Raises:
        DataError: The folder cannot be used, or no kind of image is known.
        ConfigError: `group_by` or a setting is wrong.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from unet_core import compare_kinds
        >>> shift = compare_kinds("runs/" + run_id, group_by="(cells)")
        >>> shift.home.kinds, shift.abroad.kinds
        (('cells',), ())
    """
    from unet_core.evaluation import scores
    from unet_core.evaluation.analysis import kinds

    predictor = load(model, runs_dir=runs_dir, device=device, precision=precision)
    selection = select_images(predictor, data, "held-out", Path(runs_dir), settings)
    results, _ = scores.evaluate(predictor, selection)
    return kinds.compare_kinds(selection, results, group_by)


def select_images(
    predictor: "Predictor", data: str | Path | None, split: str, runs_dir: Path, settings: dict[str, Any]
) -> "Selection":
    """The images below a folder, or of the dataset of the model's run where it is None.

    Raises DataError as `selection.select_folder`, and where there is no such run.
    """
    from unet_core.evaluation.selection import Source, select_folder
    from unet_core.hub import lineage, resolve

    run, images = None, predictor.training_images
    if predictor.checkpoint is not None:
        run = resolve.local_checkpoint(str(predictor.checkpoint), runs_dir)[1]
    if images is None:
        images = lineage.find_training_images(predictor.checkpoint, run, runs_dir)
    if data is None:
        if run is None:
            raise DataError("This model is not of a run, so its dataset is not known. Name a folder of images.")
        data = run.data.root
    return select_folder(Source(predictor.checkpoint, run, images), Path(data), split, settings)
