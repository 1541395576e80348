"""Which images of a dataset are scored, and what the model has seen of them: the one way of all that evaluates.

images = lineage.find_training_images(folder, run, runs_dir)
selection = select_folder(Source(folder, run, images), root, "held-out")
dataset = scores.load(selection, model)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unet_core.config.choices import SPLITS
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
from unet_core.data import discovery, identify
from unet_core.data.discovery import Search
from unet_core.data.groups import identity
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe import recipes
from unet_core.errors import DataError, ImageError, listing
from unet_core.evaluation.coding import find_coding
from unet_core.evaluation.summary import ImageScore
from unet_core.runs import run_data
from unet_core.runs.run import Run

NAMED = 5  # images that a sentence names
Groups = Mapping[str, Sequence[Sample]]


class NothingToScoreError(DataError):
    """A dataset holds none of the images that are to be scored."""


@dataclass(frozen=True)
class Source:
    """A model as evaluation knows it: its checkpoint folder, its run where it is of one, the images it has seen."""

    folder: Path | None = None
    run: Run | None = None
    images: TrainingImages = UNKNOWN


@dataclass(frozen=True)
class Selection:
    """The images of a dataset: all by what the model knows of them (`groups`), and those to score (`chosen`).

    Both are {"train": samples, "val": ..., "test": ..., "new": ...}. `data` is how they are read, `coding` what mask
    values meant in the training, `warnings` what else one should know before believing a score.
    """

    search: Search
    data: DataConfig
    groups: dict[str, list[Sample]]
    chosen: dict[str, list[Sample]]
    images: TrainingImages = field(default_factory=TrainingImages)
    coding: MaskCoding | None = None
    warnings: tuple[str, ...] = ()

    def left_out(self) -> dict[str, list[str]]:
        """The ids of the images that are not scored, by what the model knows of them."""
        return {
            subset: [sample.id for sample in group]
            for subset, group in self.groups.items()
            if group and not self.chosen[subset]
        }

    def subset_of(self) -> dict[str, str]:
        """For the id of each image that is scored, whether it is train, val, test or new."""
        return {sample.id: subset for subset, group in self.chosen.items() for sample in group}

    def explain(self) -> list[str]:
        """What is left out and why, and what the model knows of what is scored: a sentence each."""
        total, sentences = len(self.search.samples), []
        for subset, ids in self.left_out().items():
            reason = ": the model was trained on them" if subset == "train" else f" ({subset})"
            sentences.append(f"{len(ids)} of {total} images are left out{reason} ({listing(ids, NAMED)}).")
        if train := self.chosen["train"]:
            names = listing([sample.id for sample in train], NAMED)
            sentences.append(f"The model was trained on {len(train)} of them, so their scores are too good ({names}).")
        if val := self.chosen["val"]:
            sentences.append(
                f"{len(val)} of them chose the best epoch (validation images), so their scores are slightly too good."
            )
        return sentences + self.explain_copies()

    def explain_copies(self) -> list[str]:
        """A sentence where lossy copies of training images may count as new; [] where they would be recognized."""
        if self.chosen["new"] and self.images.train and not self.images.has_looks:
            return [
                "Lossy copies (JPEG) of training images cannot be recognized: a shared model comes without what is "
                "needed for that."
            ]
        return []


def select_own(source: Source, split: str = "held-out") -> Selection:
    """The images of the dataset that a run was trained on, read as its training did. Raises DataError, RunError."""
    if source.run is None:
        raise ValueError("not the model of a run")
    return select_folder(source, Path(source.run.data.root), split)


def select_folder(
    source: Source, root: Path, split: str = "held-out", changes: Mapping[str, Any] | None = None
) -> Selection:
    """The images below a folder of images and masks.

    Args:
        source: the model.
        root: the folder.
        split: a name of `config.choices.SPLITS`.
        changes: settings of the data that differ from those of the training, by name. Without `recipe`, the folder of
            the training is read with the repairs it had then, another one with its own; without `layout`, another
            folder is looked at anew.

    Raises:
        NothingToScoreError: no image is left to score.
        DataError: the folder or its recipe cannot be used.
        ConfigError: a setting does not exist or is out of range.
    """
    changes = dict(changes or {})
    search, data, warnings = read_folder(source.run, root, changes)
    # The coding of a run is that of masks with its own repairs.
    is_own = source.run is not None and data.recipe == source.run.data.recipe
    coding = find_coding(
        source.run.coding if source.run is not None else None,
        source.folder,
        [*changes, *(() if is_own else dict(search.recipe.settings))],
    )
    return select_from(search, data, source.images, split, coding, warnings)


def read_folder(
    run: Run | None, root: Path, changes: Mapping[str, Any] | None = None
) -> tuple[Search, DataConfig, list[str]]:
    """What lies below a folder as `select_folder` reads it, the settings of that, and warnings. Raises as it does."""
    changes = dict(changes or {})
    trained = DataConfig() if run is None else run.data
    recipe_name, warnings = run_data.choose_recipe(trained, root, changes.get("recipe"))
    layout = trained.layout if trained.root and root.resolve() == Path(trained.root).resolve() else "auto"
    config = RunConfig(data=replace(trained, layout=layout))
    data = config.replace(**{**changes, "root": str(root.resolve()), "recipe": recipe_name}).data
    recipe = recipes.of(data)
    data, _ = recipes.configure_parts(data, ModelConfig(), recipe)
    return discovery.search(root, data.layout, unlabeled=data.unlabeled, recipe=recipe), data, warnings


def select_from(
    search: Search,
    data: DataConfig,
    images: TrainingImages,
    split: str = "held-out",
    coding: MaskCoding | None = None,
    warnings: Sequence[str] = (),
) -> Selection:
    """The same of a dataset that was searched already. Raises NothingToScoreError."""
    groups = classify(search.samples, images.parts())
    chosen = choose(groups, split)
    messages = (*warnings, *find_unknown(images, chosen), *find_overlap(images, groups))
    return Selection(search, data, groups, chosen, images, coding, messages)


def find_unknown(images: TrainingImages, chosen: Groups) -> list[str]:
    """A warning where images count as new although the model may have seen them."""
    if not (new := len(chosen.get("new", ()))):
        return []
    if "train" in images.unknown and images.train:
        cause = "This model was made from one that does not say which images it was trained on"
    elif "train" in images.unknown:
        cause = "It is not known which images this model was trained on (weights of another program or older release)"
    elif "val" in images.unknown:
        return [
            "It is not known which images chose the epoch of this model (it was saved by an older release): some of "
            f"the {new} images that count as new may have, and their scores be slightly too high."
        ]
    else:
        return []
    return [f"{cause}: some of the {new} images that count as new may be among them, and their scores be too high."]


def find_overlap(images: TrainingImages, groups: Groups) -> list[str]:
    """A warning where images that were held back for validation or test are trained on, most often by a parent."""
    overlap = images.find_overlap()
    names = [sample.id for sample in groups["train"] if _keys_of(sample) & overlap] if overlap else []
    if not names:
        return []
    return [
        f"{len(names)} images of validation or test were trained on as well, in this run or by a model that it was "
        f"fine-tuned from, so they count as training images: {listing(names, NAMED)}."
    ]


def _keys_of(sample: Sample) -> frozenset[str]:
    try:
        return identity.keys(f"{identify.hash_file(sample)} {identify.identify(sample)}")
    except ImageError:
        return frozenset()


def classify(samples: Sequence[Sample], parts: Mapping[str, Mapping[str, str]]) -> dict[str, list[Sample]]:
    """The samples by what the model knows of them: {"train": [...], "val": ..., "test": ..., "new": ...}.

    `parts` is what `TrainingImages.parts` or `Run.split` gives, {} where nothing is known. An image is recognized by
    its pixels, whatever its name and file format, and one that lay in several subsets counts as trained on, else as
    validated on.
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
    """By the bytes of the file first, which is fast and does not depend on the decoder, then by the pixels."""
    if not subset_of:
        return "new"
    try:
        if subset := subset_of.get(identify.hash_file(sample)):
            return subset
        return subset_of.get(identity.key(identify.identify(sample), "px"), "new") if has_pixels else "new"
    except ImageError:
        return "new"  # whoever loads it says why


def choose(groups: Mapping[str, list[Sample]], split: str) -> dict[str, list[Sample]]:
    """Those of what `classify` gives that `split` names. Raises NothingToScoreError where nothing is left."""
    selected = {subset: group if subset in SPLITS[split] else [] for subset, group in groups.items()}
    if not any(selected.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise NothingToScoreError(
            f"None of the {sum(map(len, groups.values()))} images belongs to the split {split!r}: they are {sizes}. "
            "Choose 'all' to score them all; scores of images that the model was trained on are too good."
        )
    return selected


def count_images(groups: Groups, scores: Sequence[ImageScore]) -> dict[str, dict[str, int]]:
    """How many images are train, val, test and new: of all that `classify` was given, and of those that were scored."""
    return {
        "images_by_split": {subset: len(group) for subset, group in groups.items()},
        "evaluated_by_split": {subset: sum(score.subset == subset for score in scores) for subset in groups},
    }
