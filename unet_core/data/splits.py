"""Splits: which images train, which choose the best epoch (val), which only test."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from unet_core.data.layouts import Sample
from unet_core.errors import DataError, listing


@dataclass(frozen=True)
class Split:
    """The ids of the images that train, that choose the best epoch, and that only test it."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from (("train", self.train), ("val", self.val), ("test", self.test))


def restore_split(parts: Mapping[str, Mapping[str, str]], hashes: Mapping[str, str]) -> Split:
    """The split of a run that is resumed. Raises DataError where its images are gone or have changed."""
    changed = [name for ids in parts.values() for name, digest in ids.items() if hashes.get(name) != digest]
    if changed:
        raise DataError(
            f"{len(changed)} images of this run are missing or have changed since it started: {listing(changed)}. "
            "Restore them to resume the run, or start a new run."
        )
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))


def split(
    samples: list[Sample],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
) -> Split:
    """Divide the samples: as their folders say where they do, else by chance, a function of the seed and the images.

    By chance means stratified: the images are sorted by their `looks` (size, color, brightness), cut into as many
    stretches as images are held back, and one is drawn from each, so that rare kinds are neither all trained on nor
    all held back. Images with the same content (`hashes`) stay together, so that none both trains and validates.
    With two images or more at least one trains and, where `val_fraction` > 0, one validates; a single image trains.
    Fractions are shares of all images, 0 to 1. Raises DataError where no image is left for training.
    """
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    parts_of_folders = {sample.subset for sample in samples} - {None}
    free: dict[str, list[str]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.id):
        if sample.subset in ("val", "test"):
            parts[sample.subset].append(sample.id)
        else:
            free[hashes[sample.id]].append(sample.id)
    groups = sorted(free.values(), key=lambda group: (looks[group[0]], group[0]))
    counts = {
        part: max(1, round(fraction * len(groups))) if fraction > 0 and part not in parts_of_folders else 0
        for part, fraction in (("val", val_fraction), ("test", test_fraction))
    }
    rng = random.Random(f"split {seed}")
    held_back = min(sum(counts.values()), max(0, len(groups) - 1))
    drawn = [
        rng.randrange(number * len(groups) // held_back, (number + 1) * len(groups) // held_back)
        for number in range(held_back)
    ]
    rng.shuffle(drawn)
    for number, index in enumerate(drawn):
        parts["val" if number < counts["val"] else "test"] += groups[index]
    parts["train"] += [name for index, group in enumerate(groups) if index not in drawn for name in group]
    if not parts["train"]:
        raise DataError(f"None of the {len(samples)} images is left for training; move some into train/.")
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))
