"""At home and abroad: the Dice on kinds of images that a model was trained on, and on kinds that it has never seen.

A kind is a folder, or what a regular expression finds in the names of images. A random split has every kind in all of
its parts, so its scores are those at home; abroad needs a split that held a kind out, as folders train and test do.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.config.schema import DataConfig
from unet_core.data.groups.grouping import name_group
from unet_core.errors import ConfigError, DataError, listing
from unet_core.evaluation.intervals import Interval, bound_mean
from unet_core.evaluation.selection import Selection
from unet_core.evaluation.summary import ImageScore

NOT_KINDS = ("auto", "none")  # values of group_by that name no kinds


@dataclass(frozen=True)
class Kind:
    """The scored images of a kind: their mean Dice, NaN where none is defined, and that of each (NaN: undefined)."""

    name: str
    trained: int  # images of this kind that the model was trained on
    dice: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return metrics.mean(self.dice)


@dataclass(frozen=True)
class Side:
    """Home or abroad: the names of its kinds and the Dice of each scored image."""

    kinds: tuple[str, ...]
    dice: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Over the images whose Dice is defined, NaN where there is none."""
        return metrics.mean(self.dice)

    @property
    def interval(self) -> Interval:
        """Of the mean, see `intervals.bound_mean`."""
        return bound_mean(self.dice)


@dataclass(frozen=True)
class Shift:
    """Scores by kind; `unnamed` images have no kind and count nowhere, nor do those that the model was trained on."""

    kinds: tuple[Kind, ...]
    unnamed: int

    @property
    def home(self) -> Side:
        """The kinds that the model was trained on."""
        return self._join([kind for kind in self.kinds if kind.trained])

    @property
    def abroad(self) -> Side:
        """The kinds of which it has seen no training image."""
        return self._join([kind for kind in self.kinds if not kind.trained])

    @property
    def sentence(self) -> str:
        """Both means with their images, or why there is only one."""
        home, abroad = self.home, self.abroad
        if not len(abroad.dice):
            return (
                f"Every kind among these images was trained on (mean Dice at home: {home.mean:.3f}). To hold one out, "
                "train with the setting hold_out, or with its images in a folder named test."
            )
        words = f"abroad {abroad.mean:.3f} ({_count(abroad)})"
        if not len(home.dice):
            return f"Mean Dice {words}; no held-out image is of a kind that was trained on."
        return f"Mean Dice at home {home.mean:.3f} ({_count(home)}), {words}."

    def _join(self, kinds: Sequence[Kind]) -> Side:
        values = [kind.dice for kind in kinds]
        return Side(tuple(kind.name for kind in kinds), np.concatenate(values) if values else np.zeros(0))


def compare_kinds(selection: Selection, scores: Sequence[ImageScore], group_by: str) -> Shift:
    """The scores of a selection by kind.

    Args:
        selection: what was scored; which of its images were trained on is taken from here.
        scores: of its images; those that were trained on are left out.
        group_by: "folder", or a regular expression whose first group in an image's id names its kind.

    Raises:
        ConfigError: `group_by` is neither.
        DataError: no image is of a kind, or none of the dataset was trained on, so that no kind is known to be home.
    """
    if group_by in NOT_KINDS:
        raise ConfigError(f"group_by {group_by!r} names no kinds. Use 'folder' or a regular expression with a group.")
    replace(DataConfig(), group_by=group_by)  # refuses what cannot be
    kind_of = {
        sample.id: kind
        for group in selection.groups.values()
        for sample in group
        if (kind := name_group(sample, group_by)) is not None
    }
    trained = [sample.id for sample in selection.groups["train"]]
    if not trained:
        raise DataError(
            "None of these images was trained on, so it is not known which kinds were. Use the dataset of the training."
        )
    held_out = [item for item in scores if item.subset != "train"]
    by_kind: dict[str, list[float]] = {}
    for item in held_out:
        if item.id in kind_of:
            by_kind.setdefault(kind_of[item.id], []).append(item.scores["dice"])
    if not by_kind:
        example = f" such as {held_out[0].id!r}" if held_out else ""
        raise DataError(f"None of the {len(held_out)} held-out images{example} has a kind by {group_by!r}.")
    seen = [kind_of[name] for name in trained if name in kind_of]
    kinds = tuple(Kind(name, seen.count(name), np.array(values)) for name, values in sorted(by_kind.items()))
    return Shift(kinds, sum(item.id not in kind_of for item in held_out))


def to_csv(shift: Shift) -> str:
    """`image_kind,side,trained_images,images,mean_dice`: a line for each kind."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image_kind", "side", "trained_images", "images", "mean_dice"])
    for kind in shift.kinds:
        side = "home" if kind.trained else "abroad"
        mean = "" if np.isnan(kind.mean) else f"{kind.mean:.6f}"
        writer.writerow([kind.name, side, kind.trained, len(kind.dice), mean])
    return out.getvalue()


def describe_sides(shift: Shift) -> Mapping[str, float]:
    """Flat: `home_dice, home_low, home_high, home_images, home_kinds, abroad_dice, ...`."""
    return {
        f"{name}_{key}": value
        for name, side in (("home", shift.home), ("abroad", shift.abroad))
        for key, value in (
            ("dice", side.mean),
            ("low", side.interval.low),
            ("high", side.interval.high),
            ("images", len(side.dice)),
            ("kinds", len(side.kinds)),
        )
    }


def _count(side: Side) -> str:
    images = len(side.dice)
    return f"{images} image{'s' * (images != 1)}: {listing(side.kinds, 3)}"
