"""`cross_validate`, `learning_curve`, `make_ensemble`, `label_next`: several runs, and what to do with them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.api.settings import run_settings
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.config.schema import RunConfig
    from unet_core.experiments.cross_validation import CrossValidation
    from unet_core.experiments.ensembles import Ensemble
    from unet_core.experiments.label_next import Ranking
    from unet_core.experiments.learning_curve import LearningCurve


def cross_validate(
    data: str | Path,
    *,
    folds: int = 5,
    runs_dir: str | Path = "runs",
    preset: str = "default",
    progress: Callable[[str], None] | None = None,
    **settings: Any,
) -> "CrossValidation":
    """Train as many runs as folds, one after the other, each validating on other images, and score every image once.

    Groups of images stay together and folds are alike in looks; they are a function of `split_seed`. Test images, of a
    folder or by `test_fraction`, are set apart from all folds. The runs lie in `runs_dir` as every other.

    Args:
        data: Folder with images and masks.
        folds: Number of folds, 2 to 20.
        runs_dir: Folder of all runs.
        preset: Settings to start from, as for `train`.
        progress: Called with a line of text for each epoch and warning, for example `print`.
        settings: Any setting of `RunConfig` by its name.

    Returns:
        A `CrossValidation`: `spread["dice"]` has mean, sd, low and high over folds; `summary` is of all images, each
        scored by the model that did not train on it; `problems` name the folds that failed and are left out.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used, or has fewer groups of images than folds.
        RunError: `runs_dir` cannot be written.

    Example:
        >>> from unet_core import cross_validate
        >>> result = cross_validate("cells", folds=2, epochs=1, base_channels=2, depth=2, image_size=32)
        >>> result.spread["dice"].folds, result.summary.images, result.problems
        (2, 48, ())
    """
    from unet_core.experiments import cross_validation

    configs = cross_validation.configure(run_settings(data, preset, settings), folds)
    return cross_validation.read(_train_all(configs, Path(runs_dir), cross_validation.KIND, progress), Path(runs_dir))


def learning_curve(
    data: str | Path,
    *,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    runs_dir: str | Path = "runs",
    preset: str = "default",
    progress: Callable[[str], None] | None = None,
    **settings: Any,
) -> "LearningCurve":
    """Train on shares of the training images, one run after the other, and estimate the gain from more labels.

    A smaller share lies within a larger one, no group of images is divided, all runs validate on the same images and
    take about as many steps.

    Args:
        data: Folder with images and masks.
        shares: Shares of the training images, above 0 to 1; two or more.
        runs_dir: Folder of all runs.
        preset: Settings to start from, as for `train`.
        progress: Called with a line of text for each epoch and warning, for example `print`.
        settings: Any setting of `RunConfig` by its name.

    Returns:
        A `LearningCurve`: `points` with images and scores, `extrapolation` by a power law, `sentence` in words.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used.
        RunError: `runs_dir` cannot be written.

    Example:
        >>> from unet_core import learning_curve
        >>> curve = learning_curve("cells", shares=[0.5, 1], epochs=1, base_channels=2, depth=2, image_size=32)
        >>> [point.images for point in curve.points]
        [19, 38]
        >>> curve.sentence
        'No extrapolation: it takes 3 numbers of images or more, and 2 are finished.'
    """
    from unet_core.experiments import learning_curve as curves

    configs = curves.configure(run_settings(data, preset, settings), shares)
    return curves.read(_train_all(configs, Path(runs_dir), curves.KIND, progress), Path(runs_dir))


def make_ensemble(models: Sequence[str | Path | Run], path: str | Path, *, runs_dir: str | Path = "runs") -> "Ensemble":
    """Make one model of several that share architecture, channels, normalization and classes.

    It is a checkpoint folder like any other: `load`, `evaluate` and `export_model` take it. The probabilities of the
    members are averaged. All images that trained a member count as its training images, so that the dataset of a
    cross-validation cannot score the ensemble of its folds.

    Args:
        models: Runs, their ids or folders (their best checkpoints are taken), checkpoint folders, or models of the Hub.
        path: Folder to write; it must not exist.
        runs_dir: Folder of all runs.

    Returns:
        An `Ensemble` with `folder`, the names of its `members`, and `notes` on what its scores can mean.

    Raises:
        ConfigError: There are fewer than two models, or one is named twice.
        CheckpointError: A checkpoint is damaged, or does not go with the others.
        RunError: There is no such model, or `path` exists or cannot be written.

    Example:
        >>> from unet_core import load, make_ensemble, train
        >>> other = train("cells", epochs=1, base_channels=2, depth=2, image_size=32, crops_per_image=1, seed=1)
        >>> ensemble = make_ensemble(["runs/" + run_id, other], "both")
        >>> load("both").predict("cells/images/cells_000.png").mask().shape
        (301, 274)
    """
    from unet_core.experiments import ensembles

    names = [model.folder if isinstance(model, Run) else model for model in models]
    return ensembles.make_ensemble(names, Path(path), Path(runs_dir))


def label_next(
    model: str | Path | Run,
    folder: str | Path,
    *,
    count: int = 20,
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
) -> "Ranking":
    """Rank unlabeled images by how unsure a model is of them and how unlike one another they are.

    Args:
        model: A run, its id or folder, a checkpoint folder, or a model of the Hub.
        folder: Folder with images. Those with a mask, and those that the model has seen, are left out.
        count: How many images to choose.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.

    Returns:
        A `Ranking`: `chosen` are the images to label, the first one first; `notes` say what was left out.

    Raises:
        DataError: There is no such folder, or no image in it to choose from.
        ConfigError: `count` is under 1.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from PIL import Image
        >>> from unet_core import label_next
        >>> Path("unlabeled").mkdir()
        >>> for level in (40, 90, 200):
        ...     Image.fromarray(np.full((40, 50), level, np.uint8)).save(f"unlabeled/{level}.png")
        >>> ranking = label_next("runs/" + run_id, "unlabeled", count=2)
        >>> len(ranking.chosen), ranking.candidates
        (2, 3)
    """
    from unet_core.experiments import label_next as labels
    from unet_core.hub import lineage, resolve
    from unet_core.inference.predictor import load_predictor

    name = str(model.folder if isinstance(model, Run) else model)
    checkpoint, run = resolve.find_checkpoint(name, Path(runs_dir))
    seen = lineage.find_training_images(checkpoint, run, Path(runs_dir))
    predictor, _ = load_predictor(checkpoint, device, precision)
    return labels.rank_unlabeled(predictor, seen, Path(folder), count)


def _train_all(
    configs: "Mapping[str, RunConfig]", runs_dir: Path, kind: str, progress: Callable[[str], None] | None
) -> str:
    """Train runs in this process; the name of their series. One that fails is named by whoever reads the series."""
    from unet_core.api.runs import Reporter
    from unet_core.data import discovery
    from unet_core.errors import TrainingError
    from unet_core.runs import run as runs
    from unet_core.training import finetune, sweep, worker

    name = sweep.new_name(runs_dir, kind)
    resolved = {key: finetune.resolve_init(config, runs_dir) for key, config in configs.items()}
    for config in resolved.values():
        discovery.search_data(config.data)  # all that can be wrong with the folder, before anything is written
        break
    for key, config in resolved.items():
        run = runs.create(runs_dir, config.replace(series=f"{name} {key}"))
        try:
            worker.run_in_this_process(run, None if progress is None else Reporter(progress))
        except TrainingError as error:
            if progress is not None:
                progress(f"{key}: {error}")
    return name
