"""Two models on the same images: which images count, who wins, and what that is worth, in numbers and in words.

    source = Source(folder, run, lineage.find_training_images(folder, run, runs_dir))
    first = duels.score("A", predictor, source, find_dataset(source, other_source))
    match = duels.match(first, second)
    print(match.sentence)

Images that either model was trained on are left out, and so are those whose ground truth the two read differently
(other repairs, other meaning of mask values): Dice against two truths says nothing about the models.
"""

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.errors import DataError, listing
from unet_core.evaluation.compare.side import Side
from unet_core.evaluation.compare.wording import describe, explain_nothing, make_notes
from unet_core.evaluation.comparison import Duel, duel
from unet_core.evaluation.selection import NothingToScoreError, Source, select_folder
from unet_core.evaluation.summary import ImageScore

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

DISAGREEMENT = ("same", "A is right", "B is right", "both are wrong")


@dataclass(frozen=True)
class Match:
    """Model B (`second`) against model A (`first`) on the images that count for both.

    Args:
        first: Name of A.
        second: Name of B.
        duel: Their Dice of each image, wins, mean difference B - A, intervals and p-value.
        trained_on: Ids of images that are left out because A, B or both were trained on them.
        notes: Sentences on what is left out and what favors one of the two.
        subsets: What each image of the duel was to A and to B: train, val, test or new.
    """

    first: str
    second: str
    duel: Duel
    trained_on: tuple[str, ...]
    notes: tuple[str, ...]
    subsets: Mapping[str, tuple[str, str]] = field(repr=False)

    @property
    def sentence(self) -> str:
        """Who is better on how many images, and whether that could be chance."""
        return describe(self.duel)

    def to_dict(self) -> dict[str, Any]:
        """As `unet-studio duel` prints it."""
        result = self.duel
        return {
            "a": self.first,
            "b": self.second,
            "images": len(result.ids),
            "b_better": result.wins,
            "a_better": result.losses,
            "equal": result.ties,
            "mean_dice_a": float(result.first.mean()) if len(result.ids) else math.nan,
            "mean_dice_b": float(result.second.mean()) if len(result.ids) else math.nan,
            "mean_difference": result.mean,
            "difference_low": result.low,
            "difference_high": result.high,
            "difference_bound_low": result.bound_low,
            "difference_bound_high": result.bound_high,
            "p": result.p,
            "left_out_trained_on": len(self.trained_on),
            "undefined": result.undefined,
            "sentence": self.sentence,
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """`image,dice_a,dice_b,difference,subset_a,subset_b`: a line for each image."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["image", "dice_a", "dice_b", "difference", "subset_a", "subset_b"])
        result = self.duel
        for name, a, b, difference in zip(result.ids, result.first, result.second, result.differences, strict=True):
            writer.writerow([name, f"{a:.6f}", f"{b:.6f}", f"{difference:.6f}", *self.subsets[name]])
        return out.getvalue()


def name_of(source: Source) -> str:
    """What a model is called: the id of its run, else the folder of its checkpoint."""
    if source.run is not None:
        return source.run.id
    return "model" if source.folder is None else source.folder.name


def find_dataset(first: Source, second: Source) -> Path:
    """The folder that both runs were trained on. Raises DataError where there is none, which is for the user to name.

    The folder itself need not exist any more.
    """
    roots = [Path(source.run.data.root) if source.run is not None else None for source in (first, second)]
    if roots[0] is None or roots[1] is None:
        raise DataError("One of the models is of no run, so it has no dataset of its own. Name the dataset to score.")
    if roots[0].resolve() != roots[1].resolve():
        raise DataError(
            f"The two models were trained on different datasets ({listing([root.name for root in roots if root], 2)}). "
            "Name the dataset to score both on."
        )
    return roots[0]


def score(
    name: str,
    predictor: "Predictor",
    source: Source,
    root: Path,
    split: str = "held-out",
    tell: Callable[[ImageScore], None] = lambda score: None,
) -> Side:
    """Score the images of a folder that `split` names for this model; `tell` gets each score as it is made.

    Raises NothingToScoreError where there are none, DataError where the folder cannot be used or its masks do not fit.
    """
    from unet_core.evaluation import scores

    selection = select_folder(source, root, split)
    dataset = scores.load(selection, predictor.model.config)
    results, samples, truths = [], {}, {}
    for item in scores.score_images(dataset, selection.chosen, lambda sample, image: predictor.mask(image)):
        samples[item.sample.id] = item.sample
        truths[item.sample.id] = digest_truth(item.target)
        results.append(item.score)
        tell(item.score)
    trained_on = frozenset(sample.id for sample in selection.groups["train"])
    return Side(name, results, samples, truths, trained_on, tuple(dataset.skipped), tuple(dataset.warnings))


def digest_truth(truth: NDArray[Any]) -> str:
    """Equal for equal masks (H, W) of class indices."""
    import hashlib

    return hashlib.sha256(f"{truth.shape} ".encode() + truth.astype(np.uint8).tobytes()).hexdigest()


def match(first: Side, second: Side) -> Match:
    """Compare the two on the images that count for both: scored by both, against the same ground truth.

    Where images were scored that a model was trained on (`split` "all" or "train") they stay, and a note says so.

    Raises:
        DataError: The models have different numbers of classes.
        NothingToScoreError: No image is left, and why.
    """
    check_classes(first, second)
    a, b = first.dice, second.dice
    both = [name for name in a if name in b and _is_same_image(name, first, second)]
    same = [name for name in both if first.truths[name] == second.truths[name]]
    trained_on = sorted(name for name in first.trained_on | second.trained_on if name not in same)
    if not same:
        raise NothingToScoreError(explain_nothing(first, second, both))
    result = duel({name: a[name] for name in same}, {name: b[name] for name in same})
    if not result.ids:
        raise NothingToScoreError(
            f"Dice is undefined on all {len(same)} images for at least one model: without any foreground in the ground "
            "truth, it is undefined for a model that predicts nothing there."
        )
    return Match(
        first.name,
        second.name,
        result,
        tuple(trained_on),
        tuple(make_notes(first, second, both, same, result)),
        {name: (first.subsets[name], second.subsets[name]) for name in result.ids},
    )


def check_classes(first: Side, second: Side) -> None:
    """Raises DataError where the models tell different numbers of classes apart."""
    numbers = [len(side.scores[0].counts.tp) for side in (first, second) if side.scores]
    if len(set(numbers)) > 1:
        raise DataError(
            f"{first.name} has {numbers[0]} classes, {second.name} {numbers[1]}: their Dice scores are means over "
            "different classes and cannot be compared. Choose two models of the same classes."
        )


def _is_same_image(name: str, first: Side, second: Side) -> bool:
    ours, theirs = first.samples[name], second.samples[name]
    return (ours.image, ours.page) == (theirs.image, theirs.page)


def find_disagreement(first: NDArray[Any], second: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.uint8]:
    """Where two predictions (H, W) differ: indices of DISAGREEMENT; all of class indices, IGNORE in `truth` is 0.

    >>> find_disagreement(np.array([[1, 1, 0]]), np.array([[1, 0, 1]]), np.array([[0, 1, 1]])).tolist()
    [[0, 1, 2]]
    """
    differ = (first != second) & (truth != IGNORE)
    kinds = np.select([first == truth, second == truth], [1, 2], 3)
    return np.where(differ, kinds, 0).astype(np.uint8)
