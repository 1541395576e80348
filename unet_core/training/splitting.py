"""The split of a run: what tells its images, which belong together, which a former training has seen."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unet_core.config.schema import DataConfig
from unet_core.data import discovery, folds, splits
from unet_core.data.groups import identity
from unet_core.data.groups.grouping import Clues, Grouping, find_groups
from unet_core.data.groups.training_images import TrainingImages
from unet_core.data.layouts import Sample
from unet_core.errors import DataError, listing

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset


@dataclass(frozen=True)
class Parent:
    """The model that a run is fine-tuned from: its name ("" = none), and the images that it has seen."""

    name: str = ""
    images: TrainingImages = field(default_factory=TrainingImages)


@dataclass(frozen=True)
class DrawnSplit:
    """A new split, its groups, and sentences for the user on both."""

    split: splits.Split
    grouping: Grouping
    messages: tuple[str, ...]


def make_records(images: "Dataset") -> dict[str, str]:
    """What tells each image of a dataset by its pixels and by its file, see `identity`; by its id."""
    return {
        sample.id: f"{images.records[sample.id]} file:{discovery.content_hash(sample.image, sample.page)}"
        for sample in images.samples
    }


def draw_split(
    images: "Dataset", data: DataConfig, records: Mapping[str, str], parent: Parent | None = None
) -> DrawnSplit:
    """Divide the images of a dataset. Raises DataError where none is left for training."""
    looks, clues = {}, Clues()
    for index, sample in enumerate(images.samples):  # once through: what is not in memory is read again
        example = images[index]
        looks[sample.id] = images.describe(index, example)
        if data.group_by == "auto":
            clues.add(sample.id, example.image)
    return divide(images.samples, data, records, looks, find_groups(images.samples, data.group_by, clues), parent)


def divide(
    samples: Sequence[Sample],
    data: DataConfig,
    records: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
    grouping: Grouping,
    parent: Parent | None = None,
) -> DrawnSplit:
    """The same from what is known of each image, by its id: its record, and its looks as `Dataset.describe` has them.

    Raises DataError where no image is left for training, or none is of the kind to hold out.
    """
    parent = parent or Parent()
    samples, held_out = _hold_out(samples, data.hold_out)
    trained_ids = _find_seen(records, parent.images.train)
    pixels = {name: identity.key(record, "px") for name, record in records.items()}
    has_val_folder = any(sample.subset == "val" for sample in samples)
    if data.folds:
        samples = folds.join_subsets(samples)
        fractions = 1 / data.folds, data.test_fraction
        split = folds.split_fold(
            samples,
            data.folds,
            data.fold,
            data.test_fraction,
            data.split_seed,
            pixels,
            looks,
            grouping.group_of,
            trained_ids,
        )
    else:
        fractions = data.val_fraction, data.test_fraction
        split = splits.split(
            samples, *fractions, data.split_seed, pixels, looks, grouping.group_of, only_train=trained_ids
        )
    drawn = splits.drawn_fractions(samples, *fractions)
    warnings = tuple(splits.check_split(split, samples, *fractions, grouping.group_of))
    whole = len(split.train)
    split = folds.reduce_training(split, data.train_share, data.split_seed, pixels, looks, grouping.group_of)
    messages = (
        *held_out,
        *(grouping.messages if drawn or data.train_share < 1 else ()),
        *warnings,
        *_tell_of_share(split, whole, data, has_val_folder),
        *_tell_of_copies(split, records),
        *_tell_of_parent(split, parent, trained_ids, drawn),
    )
    return DrawnSplit(split, grouping, messages)


def _hold_out(samples: Sequence[Sample], pattern: str) -> tuple[list[Sample], list[str]]:
    """The samples with those that are held out for test, and a sentence on these. Raises DataError for none."""
    marked = splits.hold_out(samples, pattern)
    if not pattern:
        return marked, []
    names = [sample.id for sample in marked if re.search(pattern, sample.id)]
    if not names:
        raise DataError(
            f"hold_out {pattern!r} is found in none of the {len(samples)} image ids, such as {samples[0].id!r}. "
            "Correct it, or leave it empty."
        )
    return marked, [f"{len(names)} images only test (hold_out {pattern!r}): {listing(names, 5)}."]


def _find_seen(records: Mapping[str, str], trained: Iterable[str]) -> set[str]:
    keys = frozenset[str]().union(*map(identity.keys, trained))
    return {name for name, record in records.items() if identity.keys(record) & keys}


def _tell_of_share(split: splits.Split, whole: int, data: DataConfig, has_val_folder: bool) -> Iterable[str]:
    """What is told of a run that has other images than its dataset alone would give it."""
    if data.folds:
        anew = " The folder for validation is divided with that for training." if has_val_folder else ""
        yield f"Fold {data.fold} of {data.folds}: {len(split.val)} images validate, {whole} train.{anew}"
    if data.train_share < 1:
        yield (
            f"{len(split.train)} of {whole} training images are used (train_share {data.train_share:g}); the others "
            "are left out."
        )


def _tell_of_copies(split: splits.Split, records: Mapping[str, str]) -> Iterable[str]:
    trained = [records[name] for name in split.train]
    for part, ids in list(split.parts())[1:]:
        if copies := identity.find_lookalikes({name: records[name] for name in ids}, trained):
            yield (
                f"{len(copies)} of {len(ids)} images of {part} look like training images: {listing(copies, 5)}. Where "
                "they are copies or frames of one video, their scores are too high: remove them, or set group_by."
            )


def _tell_of_parent(split: splits.Split, parent: Parent, trained_ids: set[str], drawn: Iterable[str]) -> Iterable[str]:
    if not parent.name or not (split.val or split.test or drawn):
        return
    if "train" in parent.images.unknown:
        which = "all images" if parent.images.train else "which images"
        yield (
            f"It is not known {which} {parent.name} was trained on: where they validate or test here, scores are "
            "too high. Put images that it never saw into val/ and test/."
        )
    held_back = [name for _, ids in list(split.parts())[1:] for name in ids if name in trained_ids]
    if held_back:
        yield (
            f"{parent.name} was trained on {len(held_back)} of the images in the folders for validation and test: "
            f"{listing(held_back, 5)}. Their scores are too high."
        )
    if moved := sorted(trained_ids & set(split.train)):
        yield f"{len(moved)} images that {parent.name} was trained on stay in training, out of validation and test."
    if "val" in drawn and not split.val:
        yield f"No image is left for validation: {parent.name} was trained on all of them, or on one of each group."
