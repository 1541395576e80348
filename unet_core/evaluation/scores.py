"""Masks to scores: every image on its own, their mean, and all pixels pooled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import Search
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import ConfigError, listing
from unet_core.evaluation.measures.image_facts import describe_image
from unet_core.evaluation.measures.registry import Settings, explain, measure
from unet_core.evaluation.object_scores import match_objects
from unet_core.evaluation.selection import Selection
from unet_core.evaluation.summary import ImageScore
from unet_core.inference.prediction import Array
from unet_core.inference.predictor import Predictor
from unet_core.inference.sliding_window import chosen_tile
from unet_core.inference.tta import views
from unet_core.io.pixels import Pixels


def find_copies(
    dataset: Dataset, selected: Mapping[str, Sequence[Sample]], parts: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """A warning where images that are scored as unseen look like training images: copies that were compressed anew."""
    unseen = {sample.id for subset, group in selected.items() if subset != "train" for sample in group}
    records = {name: record for name, record in dataset.records.items() if name in unseen}
    if copies := identity.find_lookalikes(records, parts.get("train", {}).values()):
        yield (
            f"{len(copies)} images look like images that the model was trained on, though their pixels differ: "
            f"{listing(copies, 5)}. If they are copies (resaved as JPEG, for example), their scores are too high."
        )


@dataclass(frozen=True)
class ScoredImage:
    """One image after its prediction: its score, and the two masks (H, W) of class indices that were compared.

    `numbers` (H, W) are those of the true objects, 0 = none; None where masks do not tell objects apart.
    """

    sample: Sample
    score: ImageScore
    pred: Array
    target: Array  # IGNORE = 255 where a pixel does not count
    numbers: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Options:
    """How images are predicted: `tta` is a key of `tta.TTA`, `tile` the side of the tiles in pixels or None.

    `threshold` is the probability above which a pixel is foreground, None for the model's own.
    """

    tta: str = "none"
    tile: int | None = None
    threshold: float | None = None

    def check(self, model: ModelConfig) -> None:
        """Raise ConfigError where an option is unknown, out of range, or says nothing for this model."""
        views(self.tta)
        chosen_tile(model, self.tile)
        if self.threshold is not None:
            replace(model, threshold=self.threshold)  # refuses what is out of range
            if model.num_classes > 1:
                raise ConfigError(
                    f"A threshold is for models of one class; this one has {model.num_classes}, and each pixel gets "
                    "the most probable one. Leave the threshold out."
                )

    def predict(self, predictor: Predictor, image: Pixels) -> Array:
        """The mask (H, W) of class indices of an image (H, W, C), as `Predictor.predict` makes it with these options.

        Raises PredictionError.
        """
        if self.tta == "none" and self.tile is None:  # faster: no uncertainty
            return predictor.mask(image, self.threshold)
        limit = predictor.model.config.threshold if self.threshold is None else self.threshold
        return predictor.answer(image, self.tta, self.tile).mask(limit)


def load(selection: Selection, model: ModelConfig, most_mb: int | None = None) -> Dataset:
    """The dataset of a selection, with all that one should know of it in `warnings`.

    `skipped` has a sentence for each file that cannot be read. `most_mb` limits the decoded images that are kept in
    memory. Raises DataError where masks do not fit images or model.
    """
    data = selection.data
    if most_mb is not None:
        data = replace(data, cache_mb=min(data.cache_mb, most_mb))
    dataset = load_selected(
        selection.chosen,
        data,
        model,
        coding=selection.coding,
        parts=selection.images.parts(),
        search=selection.search,
    )
    dataset.warnings[:0] = selection.warnings
    return dataset


def load_selected(
    selected: Mapping[str, Sequence[Sample]],
    data: DataConfig,
    model: ModelConfig,
    *,
    coding: MaskCoding | None = None,
    parts: Mapping[str, Mapping[str, str]] | None = None,
    search: Search | None = None,
) -> Dataset:
    """The dataset of what `choose` gave; its `skipped` has a sentence for each file that cannot be read.

    What mask values mean is said by `coding`, that of the training, or where there is none by `data`; `warnings` says
    where other masks do not follow it, and which images look like those that the model was trained on (`parts` as for
    `classify`). Raises DataError where masks do not fit images or model.
    """
    if not model.source_channels:  # of a release that knew gray and RGB alone: a dataset may not change the model
        model = replace(model, source_channels=(model.in_channels,))
    data = replace(data, separate_touching=False)  # a help of the training, not the truth
    chosen = [sample for group in selected.values() for sample in group]
    dataset = load_dataset(chosen, data, model, coding, search)
    dataset.warnings += find_copies(dataset, selected, parts or {})
    return dataset


def score_images(
    dataset: Dataset,
    selected: Mapping[str, Sequence[Sample]],
    predict: Callable[[Sample, Pixels], Array],
    measures: Settings | None = None,
    with_errors: bool = False,
) -> Iterator[ScoredImage]:
    """Predict each image and compare it with its mask: the one loop behind page, command line and `evaluate`.

    `predict` takes a sample with its image (H, W, C) and gives the mask (H, W) of class indices. With `measures`, every
    score has all other measures too; `with_errors` asks for those of them alone that say what went wrong.
    """
    subsets = {sample.id: subset for subset, group in selected.items() for sample in group}
    for index, sample in enumerate(dataset.samples):
        example = dataset[index]
        pred, target = predict(sample, example.image), example.mask
        counts = metrics.count(pred, target, dataset.model.num_classes)
        numbers = dataset.objects(index)
        matches = None if numbers is None else match_objects(pred, target, numbers)
        classes = dataset.model.num_classes
        measured = None if measures is None else measure(pred, target, classes, numbers, measures)
        errors = explain(pred, target, classes, numbers) if with_errors and measured is None else None
        facts = describe_image(example.image)
        score = ImageScore(sample.id, subsets[sample.id], counts, matches, measured, errors, facts)
        yield ScoredImage(sample, score, pred, target, numbers)


def evaluate(
    predictor: Predictor, selection: Selection, options: Options | None = None, measures: Settings | None = None
) -> tuple[list[ImageScore], Dataset]:
    """Score a selection; (scores, the dataset with its messages).

    `options` are those of the prediction, by default the model's own threshold and no test-time augmentation;
    `measures` as for `score_images`. Raises DataError where masks do not fit images or model, ConfigError for an
    option.
    """
    options = options or Options()
    options.check(predictor.model.config)
    dataset = load(selection, predictor.model.config)
    scored = score_images(dataset, selection.chosen, lambda sample, image: options.predict(predictor, image), measures)
    return [item.score for item in scored], dataset
