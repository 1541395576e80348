"""Masks to scores: every image on its own, their mean, and all pixels pooled."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.config.choices import SPLITS
from unet_core.config.schema import DataConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import content_hash
from unet_core.data.layouts import Sample
from unet_core.errors import DataError
from unet_core.evaluation.summary import ImageScore
from unet_core.inference.predictor import Predictor

Keep = Callable[[str, NDArray[np.uint8]], None]


def select(
    found: Sequence[Sample], parts: Mapping[str, Mapping[str, str]], wanted: str = "held-out"
) -> dict[str, list[Sample]]:
    """The samples to score by what the model knows of them: {"train": [...], "val": ..., "test": ..., "new": ...}.

    `parts` is a run's split (`Run.split`), {} where it is not known; an image is recognized by its content, whatever
    its name, and one that lay in several subsets counts as trained on, else as validated on. `wanted` is one of
    config.SPLITS. Raises DataError where nothing is left.
    """
    known = {digest: subset for subset in ("test", "val", "train") for digest in parts.get(subset, {}).values()}
    groups: dict[str, list[Sample]] = {subset: [] for subset in ("train", "val", "test", "new")}
    for sample in found:
        groups[known.get(content_hash(sample.image, sample.page), "new")].append(sample)
    chosen = {subset: group if subset in SPLITS[wanted] else [] for subset, group in groups.items()}
    if not any(chosen.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise DataError(
            f"None of the {len(found)} images is to be scored as {wanted!r}: they are {sizes}. Scores of images that "
            "the model was trained on say little; choose 'all' to see them all the same."
        )
    return chosen


def score(predictor: Predictor, pictures: Dataset, index: int, subset: str, keep: Keep | None = None) -> ImageScore:
    """Predict one picture and compare it with its mask; `keep` is given its id and the predicted mask."""
    picture, name = pictures[index], pictures.samples[index].id
    pred = predictor.mask(picture.image)
    if keep is not None:
        keep(name, pred)
    counts = metrics.count(pred, pictures.target(picture.raw_mask), predictor.model.config.num_classes)
    return ImageScore(name, subset, counts)


def evaluate(
    predictor: Predictor, chosen: Mapping[str, Sequence[Sample]], data: DataConfig, keep: Keep | None = None
) -> Iterator[ImageScore | str]:
    """Score what `select` chose, image by image; a line of text for a file that cannot be read.

    `data` says what the mask values mean (`ignore_index`). Raises DataError where masks do not fit images or model.
    """
    subsets = {sample.id: subset for subset, group in chosen.items() for sample in group}
    every = [sample for group in chosen.values() for sample in group]
    pictures = load_dataset(every, data, predictor.model.config)
    yield from pictures.skipped
    for index, sample in enumerate(pictures.samples):
        yield score(predictor, pictures, index, subsets[sample.id], keep)
