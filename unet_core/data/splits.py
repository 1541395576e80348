"""Splits: which images train, which choose the best epoch (val), which only test."""

import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unet_core.data.groups import identity
from unet_core.data.groups.mosaics import components
from unet_core.data.layouts import Sample
from unet_core.errors import DataError, listing

TRIES = 200  # divisions of groups of unequal size, of which the best is taken; fewer of more than 500 groups
STRETCHES = 5  # of the images sorted by looks, of which each part should have its share
MOST_OFF = 0.05  # by which a fraction may be missed, as a share of all images, before it is told; or a quarter of it


@dataclass(frozen=True)
class Split:
    """The ids of the images that train, that choose the best epoch, and that only test it."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from (("train", self.train), ("val", self.val), ("test", self.test))


@dataclass(frozen=True)
class Unit:
    """Images that one part holds whole; `weight` is how many of different content they are."""

    ids: tuple[str, ...]
    weight: int


def restore_split(parts: Mapping[str, Mapping[str, str]], records: Mapping[str, str]) -> Split:
    """The split of a run that is resumed, by the records of its images then and now (`identity`).

    Raises DataError where its images are gone or have changed.
    """
    changed = [
        name
        for ids in parts.values()
        for name, record in ids.items()
        if name not in records or not identity.is_same(records[name], record)
    ]
    if changed:
        raise DataError(
            f"{len(changed)} images of this run are missing or have changed since it started: {listing(changed)}. "
            "Restore them to resume the run, or start a new run."
        )
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))


def split(
    samples: Sequence[Sample],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
    groups: Mapping[str, str] | None = None,
    only_train: Collection[str] = (),
) -> Split:
    """Divide the samples: as their folders say where they do, else by chance, a function of the seed and the images.

    By chance means stratified: the images are sorted by their `looks` (size, color, brightness), cut into as many
    stretches as images are held back, and one is drawn from each, so that rare kinds are neither all trained on nor
    all held back. Images with the same content (`hashes`) or of the same group (`groups`, by image id) stay together,
    so that none both trains and validates; an image `only_train` names trains, with all of its group. Groups of several
    images are divided so that the fractions and the shares of the looks are met as well as they allow.
    With two groups or more at least one trains and, where `val_fraction` > 0, one validates; a single one trains.
    Fractions are shares of all images, 0 to 1. Raises DataError where no image is left for training.
    """
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    free = []
    for sample in sorted(samples, key=lambda sample: sample.id):
        if sample.subset in ("val", "test"):
            parts[sample.subset].append(sample.id)
        else:
            free.append(sample.id)
    units = find_units(free, hashes, looks, groups or {})
    total = sum(unit.weight for unit in units)
    fractions = drawn_fractions(samples, val_fraction, test_fraction)
    counts = {part: max(1, round(fraction * total)) for part, fraction in fractions.items()}
    movable = [unit for unit in units if not any(name in only_train for name in unit.ids)]
    rng = random.Random(f"split {seed}")
    most = len(movable) - (len(movable) == len(units))
    if all(unit.weight == 1 for unit in movable):
        held_back = _draw(len(movable), counts, most, rng)
    else:
        held_back = _balance([unit.weight for unit in movable], counts, total, most, rng)
    for index, part in held_back.items():
        parts[part] += movable[index].ids
    gone = {name for index in held_back for name in movable[index].ids}
    parts["train"] += [name for name in free if name not in gone]
    if not parts["train"]:
        raise DataError(f"None of the {len(samples)} images is left for training; move some into train/.")
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))


def hold_out(samples: Sequence[Sample], pattern: str) -> list[Sample]:
    """The samples, of which those only test whose id a regular expression finds; "" finds none.

    >>> from pathlib import Path
    >>> [sample.subset for sample in hold_out([Sample("a/1", Path("1"), ()), Sample("b/1", Path("1"), ())], "^b/")]
    [None, 'test']
    """
    if not pattern:
        return list(samples)
    return [replace(sample, subset="test") if re.search(pattern, sample.id) else sample for sample in samples]


def drawn_fractions(samples: Sequence[Sample], val_fraction: float, test_fraction: float) -> dict[str, float]:
    """The parts that are drawn by chance, with their fractions: those above 0 that no folder gives."""
    in_folders = {sample.subset for sample in samples}
    fractions = {"val": val_fraction, "test": test_fraction}
    return {part: fraction for part, fraction in fractions.items() if fraction > 0 and part not in in_folders}


def check_split(
    split: Split, samples: Sequence[Sample], val_fraction: float, test_fraction: float, groups: Mapping[str, str]
) -> Iterator[str]:
    """Sentences on fractions that the groups did not allow, and on groups that folders for train and val divide."""
    parts = dict(split.parts())
    drawn = drawn_fractions(samples, val_fraction, test_fraction)
    free = len(parts["train"]) + sum(len(parts[part]) for part in drawn)
    for part, fraction in drawn.items():
        number, share = len(parts[part]), len(parts[part]) / free
        if groups and abs(share - fraction) > max(MOST_OFF, fraction / 4) and abs(share - fraction) * free >= 1:
            yield (
                f"{part} has {number} of {free} images ({share:.0%} instead of {fraction:.0%}), because groups "
                f"of images are kept together. Set group_by to group them otherwise, or {part}_fraction."
            )
    trained = {groups[name] for name in split.train if name in groups}
    for part in ("val", "test"):
        if shared := [name for name in parts[part] if groups.get(name) in trained]:
            yield (
                f"{len(shared)} of {len(parts[part])} images of {part} belong together with training images: "
                f"{listing(shared, 5)}. The folders say so; scores of {part} may be too high."
            )


def find_units(
    ids: Sequence[str],
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
    groups: Mapping[str, str],
) -> list[Unit]:
    """What must stay together, sorted by looks."""
    owner: dict[str, str] = {}
    links = []
    for name in ids:
        for word in (f"content {hashes[name]}", *([f"group {groups[name]}"] if name in groups else [])):
            if (first := owner.setdefault(word, name)) != name:
                links.append((first, name))
    together = components(ids, links)
    alone = set(ids) - {name for group in together for name in group}
    members = [*together, *([name] for name in alone)]
    units = [Unit(tuple(group), len({hashes[name] for name in group})) for group in members]
    return sorted(units, key=lambda unit: (looks[unit.ids[0]], unit.ids[0]))


def _draw(number: int, counts: Mapping[str, int], most: int, rng: random.Random) -> dict[int, str]:
    """Which of `number` sorted units of one image are held back, and for what: one from each of equal stretches."""
    held_back = min(sum(counts.values()), max(0, most))
    drawn = [rng.randrange(k * number // held_back, (k + 1) * number // held_back) for k in range(held_back)]
    rng.shuffle(drawn)
    return {index: "val" if k < counts.get("val", 0) else "test" for k, index in enumerate(drawn)}


def _balance(
    weights: Sequence[int], counts: Mapping[str, int], total: int, most: int, rng: random.Random
) -> dict[int, str]:
    """The same for sorted units of several images each: the best of many divisions by error diffusion.

    Along the units in their order, each part's debt grows by its share of the unit; a unit goes to the part that is
    owed at least half of it. The order is shaken a little and the debt begins anywhere, so that each try is another.
    """
    shares = {part: count / total for part, count in counts.items()}
    best: dict[int, str] = {}
    lowest = float("inf")
    for _ in range(count_tries(len(weights))):
        order = sorted(range(len(weights)), key=lambda index: index + rng.uniform(-3, 3))
        debts = {part: rng.random() * max(weights) * share for part, share in shares.items()}
        chosen: dict[int, str] = {}
        for index in order:
            debts = {part: debt + shares[part] * weights[index] for part, debt in debts.items()}
            part = max(debts, key=lambda part: (debts[part], part), default="")
            if part and len(chosen) < most and 2 * debts[part] >= weights[index]:
                chosen[index] = part
                debts[part] -= weights[index]
        _fill(chosen, weights, counts, most)
        if (cost := rate(chosen, weights, counts, total)) < lowest:
            best, lowest = chosen, cost
    return best


def count_tries(units: int) -> int:
    """How many divisions of so many units are tried."""
    return max(20, min(TRIES, 100_000 // max(1, units)))


def _fill(chosen: dict[int, str], weights: Sequence[int], counts: Mapping[str, int], most: int) -> None:
    """Give each part that got nothing the smallest unit that is left."""
    for part in counts:
        left = [index for index in range(len(weights)) if index not in chosen]
        if part not in chosen.values() and left and len(chosen) < most:
            chosen[min(left, key=lambda index: weights[index])] = part


def rate(chosen: Mapping[int, str], weights: Sequence[int], counts: Mapping[str, float], total: int) -> float:
    """How far the parts are from their counts and from their share of each stretch of looks, in images of all."""
    held: dict[tuple[str, int], float] = defaultdict(float)
    of_all: dict[int, float] = defaultdict(float)
    weight_of_all, before = sum(weights), 0
    for index, weight in enumerate(weights):
        stretch = int(STRETCHES * (before + weight / 2) / weight_of_all)
        before += weight
        of_all[stretch] += weight
        if index in chosen:
            held[chosen[index], stretch] += weight
    cost = 0.0
    for part, count in counts.items():
        number = sum(held[part, stretch] for stretch in of_all)
        cost += 4 * abs(number - count) + (0 if number else 2 * total if part == "val" else total)
        cost += sum(abs(held[part, stretch] - count * weight / weight_of_all) for stretch, weight in of_all.items())
    return cost
