"""Which unlabeled images are worth labeling next: those that a model is unsure of, and that are unlike one another.

An image is described by how it looks (`data.appearance`) and by the share of foreground that is predicted. Greedily,
the image is next whose uncertainty times distance to the nearest one chosen before is largest: k-center (Sener and
Savarese 2018) weighted by uncertainty. So copies of one hard image are not all asked for.
"""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig
from unet_core.data import discovery, pairing
from unet_core.data.groups.training_images import TrainingImages
from unet_core.data.layouts import Sample
from unet_core.data.name_words import path_role
from unet_core.errors import ConfigError, DataError, ImageError, PredictionError, listing
from unet_core.evaluation.selection import classify
from unet_core.io import images
from unet_core.io.filenames import is_image_name, is_junk

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

Floats = NDArray[np.float64]
LOOKS = ("mean", "place", "used", "redness", "contrast", "deviation")  # numbers of `appearance.ImageStats`


@dataclass(frozen=True)
class Candidate:
    """An unlabeled image: its file (and page), how unsure the model is of it (0..1), and its features."""

    id: str
    image: Path
    page: int | None
    uncertainty: float
    features: tuple[float, ...]


@dataclass(frozen=True)
class Ranking:
    """The images to label next, the first one first, with the distance of each to the nearest one before it.

    Distances are in standard deviations of the features; of the first it is NaN. `notes` say what was left out,
    `skipped` has a sentence for each file that cannot be read.
    """

    chosen: tuple[Candidate, ...]
    distances: tuple[float, ...]
    candidates: int
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def to_csv(self) -> str:
        """`rank,image,page,uncertainty,distance`: a line for each image, pages counted from 0."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["rank", "image", "page", "uncertainty", "distance"])
        for rank, (item, distance) in enumerate(zip(self.chosen, self.distances, strict=True), 1):
            page = "" if item.page is None else item.page
            shown = "" if math.isnan(distance) else f"{distance:.3f}"
            writer.writerow([rank, item.image, page, f"{item.uncertainty:.4f}", shown])
        return out.getvalue()


def rank_unlabeled(
    predictor: "Predictor",
    seen: TrainingImages,
    folder: Path,
    count: int = 20,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Ranking:
    """The `count` images of a folder to label next. Images with a mask, and those the model has seen, are left out.

    `seen` are the images of the model; `progress` gets images done, all of them, and the name of the next.

    Raises:
        ConfigError: `count` is under 1.
        DataError: There is no such folder, or no image in it to choose from.
    """
    if count < 1:
        raise ConfigError(f"Expected count to be 1 or more, got {count}.")
    samples, notes = find_unlabeled(folder, seen)
    candidates, skipped = [], list[str]()
    for number, sample in enumerate(samples):
        progress(number, len(samples), sample.id)
        try:
            candidates.append(measure(predictor, sample))
        except (ImageError, PredictionError) as error:
            skipped.append(str(error))
    if not candidates:
        raise DataError(skipped[0] if len(skipped) == 1 else f"None of {len(skipped)} images could be predicted.")
    order, distances = choose(np.array([item.features for item in candidates]), _uncertainty(candidates), count)
    chosen = tuple(candidates[index] for index in order)
    return Ranking(chosen, tuple(distances), len(candidates), tuple(notes), tuple(skipped))


def find_unlabeled(folder: Path, seen: TrainingImages) -> tuple[list[Sample], list[str]]:
    """The images below a folder that have no mask and that the model has not seen, and what was left out.

    Raises DataError where none is left.
    """
    labeled, unlabeled = _search(folder.resolve())
    groups: Mapping[str, Sequence[Sample]] = classify(unlabeled, seen.parts())
    known = [sample.id for subset in ("train", "val", "test") for sample in groups[subset]]
    notes = []
    if labeled:
        notes.append(f"{labeled} images are left out: they have a mask.")
    if known:
        notes.append(f"{len(known)} images are left out: the model has seen them ({listing(known, 3)}).")
    if "train" in seen.unknown:
        notes.append("It is not known which images the model was trained on: some of these may be among them.")
    if not groups["new"]:
        raise DataError(
            f"{folder}: there is no image without a mask that the model has not seen. {' '.join(notes)} Choose a "
            "folder with unlabeled images."
        )
    return list(groups["new"]), notes


def _search(folder: Path) -> tuple[int, Sequence[Sample]]:
    """(the number of images with a mask, those without); images alone have no layout. Raises DataError."""
    try:
        found = discovery.examine(DataConfig(root=str(folder)))
    except DataError:
        if not (samples := _list_images(folder)):
            raise
        return 0, samples
    return len(found.samples), found.missing


def _list_images(folder: Path) -> list[Sample]:
    """Every page of the images below a folder, without what is named as a mask."""
    names = {path: path.relative_to(folder) for path in sorted(folder.rglob("*")) if is_image_name(path)}
    shown = [
        path for path, name in names.items() if not is_junk(name.as_posix()) and path_role(name.parent.parts) != "mask"
    ]
    samples = []
    for path in pairing.without_masks(shown):
        try:
            pages = images.pages(path)
        except ImageError:  # whoever reads it says why
            pages = 1
        stem = names[path].with_suffix("").as_posix()
        samples += [Sample(name, path, (), None, page) for name, page in images.page_names(stem, pages)]
    return samples


def measure(predictor: "Predictor", sample: Sample) -> Candidate:
    """How unsure the model is of an image: the mean over its pixels of the entropy of the probabilities, 0..1.

    Raises ImageError, PredictionError.
    """
    from unet_core.data import appearance
    from unet_core.data.reading import read_image
    from unet_core.io import channels

    stored = read_image(sample)
    names = channels.describe([sample.image, *sample.channel_files]).names
    image, _ = predictor.fit(stored, names, sample.id)
    answer = predictor.answer(image)
    looks = appearance.measure(image)
    foreground = float((answer.mask(predictor.model.config.threshold) > 0).mean())
    features = (*(float(getattr(looks, name)) for name in LOOKS), math.log1p(looks.structure), foreground)
    return Candidate(sample.id, sample.image, sample.page, float(answer.uncertainty.mean()) / 255, features)


def _uncertainty(candidates: Sequence[Candidate]) -> Floats:
    return np.array([item.uncertainty for item in candidates])


def choose(features: Floats, uncertainty: Floats, count: int) -> tuple[list[int], list[float]]:
    """The indexes of `count` of N images in their order, and the distance of each to the nearest one before it.

    `features` are (N, F), `uncertainty` (N,). Images that equal a chosen one come last, the most uncertain first.

    >>> choose(np.array([[0.0], [0.1], [5.0]]), np.array([0.9, 0.8, 0.5]), 2)[0]
    [0, 2]
    """
    spread = features.std(0)
    scaled = (features - features.mean(0)) / np.where(spread > 1e-9, spread, 1.0)
    nearest = np.full(len(features), np.inf)
    left = np.ones(len(features), bool)
    order, distances = list[int](), list[float]()
    for _ in range(min(count, len(features))):
        gains = uncertainty * np.where(np.isinf(nearest), 1.0, nearest)
        gains = np.where(left, gains, -1.0)
        best = int(np.lexsort((-uncertainty, -gains))[0])
        order.append(best)
        distances.append(float("nan") if np.isinf(nearest[best]) else float(nearest[best]))
        left[best] = False
        nearest = np.minimum(nearest, np.linalg.norm(scaled - scaled[best], axis=1))
    return order, distances
