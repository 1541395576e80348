"""`choose_threshold` and `reset_threshold`: the threshold of a trained model, chosen on validation images."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.errors import RunError
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.evaluation.threshold import ThresholdCurve
    from unet_core.evaluation.tuning.frozen import Record


@dataclass(frozen=True)
class ThresholdChoice:
    """Which threshold a model should have.

    `threshold` is the best one of the validation images; `scores` all numbers: {"validation": {"at_model": {"dice":
    ...}, "at_best": ...}, "test": ..., "average_precision": ..., "calibration_error": ..., "temperature": ...}; `curve`
    every metric at every threshold on the validation images; `record` how the threshold was frozen, None unless
    `apply` was asked for.
    """

    threshold: float
    scores: dict[str, Any]
    curve: "ThresholdCurve"
    record: "Record | None" = None


def choose_threshold(
    model: str | Path | Run,
    data: str | Path | None = None,
    *,
    metric: str = "dice",
    pooled: bool = False,
    search: bool = False,
    apply: bool = False,
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
) -> ThresholdChoice:
    """Choose the threshold of a binary model on validation images; test images only report what it gives.

    Args:
        model: A run, its id or folder, a checkpoint folder, or a model of the Hugging Face Hub.
        data: Folder with images and masks to choose on; None for the dataset of the run. Where it holds no validation
            images of the model, its new images are taken, never test or training images.
        metric: "dice", "iou" (means over images) or "v_rand" (regions that thin lines divide).
        pooled: Whether all pixels are counted together in place of the mean over images.
        search: Also look for the minimum area, hole filling and test-time augmentation that go best with it, in
            `scores["search"]`; by "dice" or "iou". `apply` then writes the threshold of the best and records the rest,
            which has to be set at each prediction.
        apply: Write the threshold into the checkpoint, with the date and the scores: prediction, evaluation and
            exports use it then. `reset_threshold` takes it back.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.

    Returns:
        A `ThresholdChoice`; `choice.threshold` is the best threshold.

    Raises:
        DataError: There is no image to choose on, or the folder cannot be used.
        ConfigError: The model has several classes, or its masks have no regions to choose by V-Rand.
        RunError: There is no such run, it is training, or no data is given of a model that is of no run.
        CheckpointError: The weights are damaged, or the checkpoint cannot be written.

    Example:
        >>> from unet_core import choose_threshold
        >>> choice = choose_threshold("runs/" + run_id)
        >>> 0 < choice.threshold < 1
        True
    """
    from unet_core.evaluation.selection import Source
    from unet_core.evaluation.tuning import frozen
    from unet_core.evaluation.tuning.measure import plan_study
    from unet_core.evaluation.tuning.search import Search
    from unet_core.hub import lineage, resolve
    from unet_core.inference.predictor import load_predictor

    name = str(model.folder) if isinstance(model, Run) else str(model)
    folder, run = resolve.find_checkpoint(name, Path(runs_dir))
    if run is None and data is None:
        raise RunError(f"{name} is not a run, so its validation images are not known. Give data to choose on.")
    predictor, _ = load_predictor(folder, device, precision)
    source = Source(folder, run, lineage.find_training_images(folder, run, Path(runs_dir)))
    plan = plan_study(source, predictor.model.config, None if data is None else Path(data))
    for _ in plan.count(predictor):
        pass
    best, scores, searched = plan.study.best(metric, pooled), plan.study.describe(metric, pooled), None
    if search:
        grid = Search(plan, predictor, metric)
        for _ in grid.run():
            pass
        searched, scores["search"] = grid.best, grid.describe()
        best = searched.threshold
    record = frozen.freeze(folder, plan.study, best, metric, run, searched) if apply else None
    return ThresholdChoice(best, scores, plan.study.validation.curve, record)


def reset_threshold(model: str | Path | Run, *, runs_dir: str | Path = "runs") -> float:
    """Give a model the threshold of its training back.

    Args:
        model: As for `choose_threshold`.
        runs_dir: Folder of all runs.

    Returns:
        The threshold that the model has now.

    Raises:
        RunError: There is no such run, or it is training.
        CheckpointError: No threshold was chosen, or the checkpoint cannot be written.

    Example:
        >>> from unet_core import choose_threshold, reset_threshold
        >>> _ = choose_threshold("runs/" + run_id, apply=True)
        >>> reset_threshold("runs/" + run_id)
        0.5
    """
    from unet_core.evaluation.tuning import frozen
    from unet_core.hub import resolve

    name = str(model.folder) if isinstance(model, Run) else str(model)
    folder, run = resolve.find_checkpoint(name, Path(runs_dir))
    return frozen.unfreeze(folder, run)
