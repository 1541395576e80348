"""`compare` and `duel`: runs side by side, and two models on the same images."""

from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.evaluation.compare.duels import Match
    from unet_core.evaluation.compare.side_by_side import Comparison
    from unet_core.inference.predictor import Predictor


def compare(*members: "str | Path | Run", runs_dir: str | Path = "runs") -> "Comparison":
    """Runs side by side: the settings in which they differ, what they reached, whether scores can be compared.

    Args:
        members: Two runs or more, each a `Run`, its id or its folder.
        runs_dir: Folder of all runs, in which ids are looked up.

    Returns:
        A `Comparison`: `entries` of each run, `differences` of settings by name, `warnings` where scores cannot be
        compared because datasets or validation images differ.

    Raises:
        RunError: There is no such run, or fewer than two are named.

    Example:
        >>> from unet_core import compare
        >>> result = compare("runs/" + run_id, "runs/" + run_id)
        >>> result.differences, result.warnings, [row.state for row in result.rows]
        ({}, (), ['finished', 'finished'])
    """
    from unet_core.evaluation.compare import side_by_side
    from unet_core.runs import manage

    chosen = [run if isinstance(run, Run) else manage.find_named(str(run), Path(runs_dir)) for run in members]
    return side_by_side.compare(side_by_side.check_number(chosen))


def duel(
    first: "str | Path | Run | Predictor",
    second: "str | Path | Run | Predictor",
    data: str | Path | None = None,
    *,
    split: str = "held-out",
    runs_dir: str | Path = "runs",
    device: str = "auto",
    precision: str = "auto",
) -> "Match":
    """Two models on the same images: who has the higher Dice where, by how much, and whether that could be chance.

    Args:
        first: Model A, whatever `load` takes.
        second: Model B.
        data: Folder with images and masks; None for that of the two runs, where it is the same.
        split: Which images, as for `evaluate`. "held-out" leaves out all that either model was trained on.
        runs_dir: Folder of all runs.
        device: As for `load`.
        precision: As for `load`.

    Returns:
        A `Match`: `sentence` says it in words, `duel` has the Dice of both by image, wins, losses, ties, the mean
        difference B - A with its intervals and the p-value of a sign-flip test; `notes` say what was left out.

    Raises:
        DataError: The folder cannot be used, the models have different classes, or no image is left, and why.
        RunError, CheckpointError, HubError: As for `load`.

    Example:
        >>> from unet_core import duel
        >>> result = duel("runs/" + run_id, "runs/" + run_id)
        >>> result.duel.mean, result.duel.p
        (0.0, 1.0)
    """
    from unet_core.api.models import open_source
    from unet_core.evaluation.compare import duels

    opened = [open_source(model, runs_dir=runs_dir, device=device, precision=precision) for model in (first, second)]
    root = Path(data) if data is not None else duels.find_dataset(opened[0][1], opened[1][1])
    sides = [duels.score(duels.name_of(source), predictor, source, root, split) for predictor, source in opened]
    return duels.match(*sides)
