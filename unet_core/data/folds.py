"""Which images a run of several has: the folds of a cross-validation, and nested shares of the training images.

Both are a function of the seed and the images, and never divide what must stay together.
"""

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from unet_core.data import splits
from unet_core.data.layouts import Sample
from unet_core.data.splits import Split, Unit
from unet_core.errors import DataError


def split_fold(
    samples: Sequence[Sample],
    folds: int,
    fold: int,
    test_fraction: float,
    seed: int,
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
    groups: Mapping[str, str] | None = None,
    only_train: Collection[str] = (),
) -> Split:
    """The split of one fold (1 to `folds`): its images validate, those of the others train.

    All but `fold` is as for `splits.split`. Test images are set apart first, the same for all folds; every other image,
    also of a folder for validation, validates in exactly one fold. Folds have about as many images each, and each its
    share of the looks. An image that `only_train` names trains in all folds, with all of its group.

    Raises DataError where there are fewer groups than folds.
    """
    rest = splits.split(join_subsets(samples), 0, test_fraction, seed, hashes, looks, groups, only_train)
    units = splits.find_units(rest.train, hashes, looks, groups or {})
    movable = [unit for unit in units if not any(name in only_train for name in unit.ids)]
    if len(movable) < folds:
        number = sum(len(unit.ids) for unit in movable)
        most = f"Use at most {len(movable)} folds" if len(movable) > 1 else "Add images"
        raise DataError(
            f"{folds} folds need {folds} images or groups of images; the {number} images here that may validate are "
            f"{len(movable)}. {most}, or set group_by to group images otherwise."
        )
    dealt = deal([unit.weight for unit in movable], folds, random.Random(f"folds {seed}"))
    val = {name for unit, number in zip(movable, dealt, strict=True) if number == fold - 1 for name in unit.ids}
    return Split(tuple(name for name in rest.train if name not in val), tuple(sorted(val)), rest.test)


def join_subsets(samples: Sequence[Sample]) -> list[Sample]:
    """Samples of which none is set apart for validation: those of such a folder train or validate as the others."""
    return [replace(sample, subset="train") if sample.subset == "val" else sample for sample in samples]


def deal(weights: Sequence[int], folds: int, rng: random.Random) -> list[int]:
    """The fold (from 0) of each of some units that are sorted by looks.

    The heaviest units are dealt first, each to the fold with the fewest images, of several such to the one with the
    fewest units of those looks; of many ways in which ties can be broken, the best is taken.

    >>> sorted(deal([1] * 6, 3, random.Random(0)))
    [0, 0, 1, 1, 2, 2]
    """
    total = sum(weights)
    shares = {str(fold): total / folds for fold in range(folds)}
    tries = 1 if len(set(weights)) == 1 else splits.count_tries(len(weights))
    best: list[int] = []
    lowest = float("inf")
    for _ in range(tries):
        sizes, held = [0] * folds, defaultdict[tuple[int, int], int](int)
        dealt = [0] * len(weights)
        for index in sorted(range(len(weights)), key=lambda index: (-weights[index], index + rng.uniform(-1, 1))):
            stretch = splits.STRETCHES * index // len(weights)
            ranks = [(sizes[fold], held[fold, stretch], rng.random(), fold) for fold in range(folds)]
            fold = min(ranks)[-1]
            sizes[fold] += weights[index]
            held[fold, stretch] += 1
            dealt[index] = fold
        cost = splits.rate({index: str(fold) for index, fold in enumerate(dealt)}, weights, shares, total)
        if cost < lowest:
            best, lowest = dealt, cost
    return best


def reduce_training(
    split: Split,
    share: float,
    seed: int,
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
    groups: Mapping[str, str] | None = None,
) -> Split:
    """The split with a share (above 0, up to 1) of its training images; validation and test stay as they are.

    The images of a smaller share are among those of every larger one of the same seed. A share has images of all looks,
    and one group of images at least.
    """
    if share >= 1:
        return split
    units = spread(splits.find_units(split.train, hashes, looks, groups or {}), random.Random(f"share {seed}"))
    reached = list(accumulate(unit.weight for unit in units))
    number = min(range(len(units)), key=lambda index: abs(reached[index] - share * reached[-1])) + 1
    return replace(split, train=tuple(sorted(name for unit in units[:number] for name in unit.ids)))


def spread(units: Sequence[Unit], rng: random.Random) -> list[Unit]:
    """Units that are sorted by looks, in a random order in which every beginning is spread over all of them.

    Both halves take turns, and each is in such an order itself: the first 2^k units are one from each of 2^k stretches.
    """
    if len(units) < 2:
        return list(units)
    middle = len(units) // 2
    first, second = (spread(half, rng) for half in (units[:middle], units[middle:]))
    if len(first) == len(second) and rng.random() < 0.5:
        first, second = second, first
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    return [unit for pair in zip(longer, shorter, strict=False) for unit in pair] + longer[len(shorter) :]
