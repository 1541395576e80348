"""Masks to scores: every image on its own, their mean, and all pixels pooled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unet_core import metrics
from unet_core.config.choices import SPLITS
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import content_hash
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import DataError
from unet_core.evaluation.object_scores import match_objects
from unet_core.evaluation.summary import ImageScore
from unet_core.inference.prediction import Array
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Pixels


def select(
    samples: Sequence[Sample], parts: Mapping[str, Mapping[str, str]], split: str = "held-out"
) -> dict[str, list[Sample]]:
    """The samples to score by what the model knows of them: {"train": [...], "val": ..., "test": ..., "new": ...}.

    `parts` is a run's split (`Run.split`), {} where it is not known; an image is recognized by its content, whatever
    its name, and one that lay in several subsets counts as trained on, else as validated on. `split` is one of
    config.SPLITS. Raises DataError where nothing is left.
    """
    subset_of = {digest: subset for subset in ("test", "val", "train") for digest in parts.get(subset, {}).values()}
    groups: dict[str, list[Sample]] = {subset: [] for subset in ("train", "val", "test", "new")}
    for sample in samples:
        groups[subset_of.get(content_hash(sample.image, sample.page), "new")].append(sample)
    selected = {subset: group if subset in SPLITS[split] else [] for subset, group in groups.items()}
    if not any(selected.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise DataError(
            f"None of the {len(samples)} images belongs to the split {split!r}: they are {sizes}. Choose 'all' to "
            "score them all; scores of images that the model was trained on are too good."
        )
    return selected


@dataclass(frozen=True)
class ScoredImage:
    """One image after its prediction: its score, and the two masks (H, W) of class indices that were compared."""

    sample: Sample
    score: ImageScore
    pred: Array
    target: Array  # IGNORE = 255 where a pixel does not count


def load_selected(
    selected: Mapping[str, Sequence[Sample]], data: DataConfig, model: ModelConfig, coding: MaskCoding | None = None
) -> Dataset:
    """The dataset of what `select` chose; its `skipped` has a sentence for each file that cannot be read.

    What mask values mean is said by `coding`, that of the training, or where there is none by `data`; `warnings` says
    where other masks do not follow it. Raises DataError where masks do not fit images or model.
    """
    if not model.source_channels:  # of a release that knew gray and RGB alone: a dataset may not change the model
        model = replace(model, source_channels=(model.in_channels,))
    data = replace(data, separate_touching=False)  # a help of the training, not the truth
    return load_dataset([sample for group in selected.values() for sample in group], data, model, coding)


def score_images(
    dataset: Dataset, selected: Mapping[str, Sequence[Sample]], predict: Callable[[Sample, Pixels], Array]
) -> Iterator[ScoredImage]:
    """Predict each image and compare it with its mask: the one loop behind page, command line and `evaluate`.

    `predict` takes a sample with its image (H, W, C) and gives the mask (H, W) of class indices.
    """
    subsets = {sample.id: subset for subset, group in selected.items() for sample in group}
    for index, sample in enumerate(dataset.samples):
        example = dataset[index]
        pred, target = predict(sample, example.image), example.mask
        counts = metrics.count(pred, target, dataset.model.num_classes)
        numbers = dataset.objects(index)
        matches = None if numbers is None else match_objects(pred, target, numbers)
        yield ScoredImage(sample, ImageScore(sample.id, subsets[sample.id], counts, matches), pred, target)


def evaluate(
    predictor: Predictor,
    selected: Mapping[str, Sequence[Sample]],
    data: DataConfig,
    coding: MaskCoding | None = None,
) -> tuple[list[ImageScore], Dataset]:
    """Score what `select` chose with the model's own threshold; (scores, the dataset with its messages).

    Raises DataError where masks do not fit images or model.
    """
    dataset = load_selected(selected, data, predictor.model.config, coding)
    scored = score_images(dataset, selected, lambda sample, image: predictor.mask(image))
    return [item.score for item in scored], dataset
