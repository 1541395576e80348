"""Masks to scores: every image on its own, their mean, and all pixels pooled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unet_core import metrics
from unet_core.config.choices import SPLITS
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import reading
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import Search, content_hash
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import DataError, ImageError, listing
from unet_core.evaluation.measures.registry import Settings, measure
from unet_core.evaluation.object_scores import match_objects
from unet_core.evaluation.summary import ImageScore
from unet_core.inference.prediction import Array
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Pixels
from unet_core.models.checkpoint import load_about


def known_images(folder: Path, parts: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """What is known of the images of a checkpoint: its run's split (`Run.split`, {} of none) and all it was trained on.

    {"train": {name: record}, "val": ..., "test": ...}, {} where nothing is known. A checkpoint itself remembers its
    training images and, where it was fine-tuned, those of the models before it.
    """
    trained = load_about(folder).get(identity.TRAINED_ON)
    if not isinstance(trained, list) or not trained:
        return dict(parts)
    trained_on = {f"trained on {number}": str(key) for number, key in enumerate(trained)}
    return {**parts, "train": {**parts.get("train", {}), **trained_on}}


def classify(samples: Sequence[Sample], parts: Mapping[str, Mapping[str, str]]) -> dict[str, list[Sample]]:
    """The samples by what the model knows of them: {"train": [...], "val": ..., "test": ..., "new": ...}.

    `parts` is what `known_images` gives, {} where nothing is known. An image is recognized by its pixels, whatever its
    name and file format, and one that lay in several subsets counts as trained on, else as validated on.
    """
    subset_of = {
        word: subset
        for subset in ("test", "val", "train")
        for record in parts.get(subset, {}).values()
        for word in identity.keys(record)
    }
    # The same file may have come in twice, once under train as another format: its pixels decide.
    for ids in parts.values():
        for record in ids.values():
            if (pixels := identity.key(record, "px")) and (file := identity.key(record, "file")):
                subset_of[file] = subset_of[pixels]
    has_pixels = any(word.startswith("px:") for word in subset_of)
    groups: dict[str, list[Sample]] = {subset: [] for subset in SPLITS["all"]}
    for sample in samples:
        groups[_find_subset(sample, subset_of, has_pixels)].append(sample)
    return groups


def _find_subset(sample: Sample, subset_of: Mapping[str, str], has_pixels: bool) -> str:
    """By the bytes of the file first, which is fast, then by the pixels."""
    if subset_of and (subset := subset_of.get(f"file:{content_hash(sample.image, sample.page)}")):
        return subset
    if not has_pixels:
        return "new"
    try:
        image = reading.read_stored(sample)
    except ImageError:
        return "new"  # whoever loads it says why
    return subset_of.get(identity.key(identity.describe_pixels(image), "px"), "new")


def select(
    samples: Sequence[Sample], parts: Mapping[str, Mapping[str, str]], split: str = "held-out"
) -> dict[str, list[Sample]]:
    """The samples to score, as `classify` groups them; `split` is one of config.SPLITS.

    Raises DataError where nothing is left.
    """
    return choose(classify(samples, parts), split)


def choose(groups: Mapping[str, list[Sample]], split: str) -> dict[str, list[Sample]]:
    """Those of what `classify` gives that `split` names. Raises DataError where nothing is left."""
    selected = {subset: group if subset in SPLITS[split] else [] for subset, group in groups.items()}
    if not any(selected.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise DataError(
            f"None of the {sum(map(len, groups.values()))} images belongs to the split {split!r}: they are {sizes}. "
            "Choose 'all' to score them all; scores of images that the model was trained on are too good."
        )
    return selected


def count_images(groups: Mapping[str, Sequence[Sample]], scores: Sequence[ImageScore]) -> dict[str, dict[str, int]]:
    """How many images are train, val, test and new: of all that `classify` was given, and of those that were scored."""
    return {
        "images_by_split": {subset: len(group) for subset, group in groups.items()},
        "evaluated_by_split": {subset: sum(score.subset == subset for score in scores) for subset in groups},
    }


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
    """One image after its prediction: its score, and the two masks (H, W) of class indices that were compared."""

    sample: Sample
    score: ImageScore
    pred: Array
    target: Array  # IGNORE = 255 where a pixel does not count


def load_selected(
    selected: Mapping[str, Sequence[Sample]],
    data: DataConfig,
    model: ModelConfig,
    *,
    coding: MaskCoding | None = None,
    parts: Mapping[str, Mapping[str, str]] | None = None,
    search: Search | None = None,
) -> Dataset:
    """The dataset of what `select` chose; its `skipped` has a sentence for each file that cannot be read.

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
) -> Iterator[ScoredImage]:
    """Predict each image and compare it with its mask: the one loop behind page, command line and `evaluate`.

    `predict` takes a sample with its image (H, W, C) and gives the mask (H, W) of class indices. With `measures`, every
    score has all other measures too.
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
        score = ImageScore(sample.id, subsets[sample.id], counts, matches, measured)
        yield ScoredImage(sample, score, pred, target)


def evaluate(
    predictor: Predictor,
    selected: Mapping[str, Sequence[Sample]],
    data: DataConfig,
    coding: MaskCoding | None = None,
    parts: Mapping[str, Mapping[str, str]] | None = None,
    search: Search | None = None,
    measures: Settings | None = None,
) -> tuple[list[ImageScore], Dataset]:
    """Score what `select` chose with the model's own threshold; (scores, the dataset with its messages).

    The other arguments are those of `load_selected` and `score_images`. Raises DataError where masks do not fit images
    or model.
    """
    dataset = load_selected(selected, data, predictor.model.config, coding=coding, parts=parts, search=search)
    scored = score_images(dataset, selected, lambda sample, image: predictor.mask(image), measures)
    return [item.score for item in scored], dataset
