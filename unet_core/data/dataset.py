"""Images and masks of a dataset: decoded once, kept in memory while there is room, read again beyond that."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import quality, reading
from unet_core.data.discovery import Search
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.decide import decide
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.raw import RawMask
from unet_core.data.normalization import statistics
from unet_core.data.recipe.recipes import configure_parts
from unet_core.errors import DataError, ImageError, PredictionError, listing
from unet_core.io import channels
from unet_core.io.channels import Kind
from unet_core.io.pixels import Pixels, full_range
from unet_core.models import architecture
from unet_core.models.channels import choose, resolve

MOST_UNREADABLE = 0.1  # share of images; above it the dataset is refused
MOST_COMPARED = 24  # masks that are compared with each other


@dataclass(frozen=True)
class Example:
    """One image (H, W, C) uint8, uint16 or float32, its mask, its mean and deviation (C,).

    The mask is (H, W) uint8 of class indices, `coding.IGNORE` where a pixel does not count.
    """

    image: Pixels
    mask: NDArray[np.uint8]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        return self.image.nbytes + self.mask.nbytes


class Dataset:
    """The decoded examples of `samples`, by index; kept in memory up to `cache_mb` MiB, read again beyond that.

    `load_dataset` makes one whose `model` has the channels and classes of the data filled in. `coding` says what the
    values in the mask files mean. `skipped` has a message for each file that cannot be read, `warnings` what else a
    user should know.
    """

    def __init__(self, samples: list[Sample], model: ModelConfig, cache_mb: int, coding: MaskCoding) -> None:
        self.samples = samples
        self.model = model
        self.coding = coding
        self.apart = False  # whether touching objects are trained apart
        self.kinds: dict[str, Kind] = {}  # by image file: its channels, where its header could be read
        self.image_types: dict[str, tuple[np.dtype[Any], int]] = {}  # by sample id: type and channels of the image
        self.without_data: set[str] = set()  # ids of images some of whose pixels hold no data
        self.records: dict[str, str] = {}  # by sample id: what tells the image by its pixels as stored, see `identity`
        self.remarks: dict[str, set[str]] = {}  # what is to be said of image files, with their names
        self.skipped: list[str] = []
        self.warnings: list[str] = []
        self._areas: dict[str, int] = {}
        self._free_bytes = cache_mb * 2**20
        self._cache: dict[str, Example] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        sample = self.samples[index]
        if (example := self._cache.get(sample.id)) is not None:
            return example
        example = self._read(sample)
        if example.nbytes <= self._free_bytes:
            self._free_bytes -= example.nbytes
            self._cache[sample.id] = example
        return example

    def objects(self, index: int) -> NDArray[np.int32] | None:
        """(H, W) the number of each pixel's object from 1, 0 = none; None where the masks do not tell objects apart."""
        sample = self.samples[index]
        in_values = self.coding.kind == "instances" or self.coding.divisor
        if not in_values and len(sample.masks) < 2 and sample.drawing is None:
            return None
        return self.coding.objects(files.read(sample, self[index].mask.shape))

    def area(self, index: int) -> int:
        """Pixels of an image, remembered since it was first read."""
        name = self.samples[index].id
        return self._areas[name] if name in self._areas else self[index].mask.size

    def describe(self, index: int, example: Example | None = None) -> tuple[int, float, float]:
        """What `splits.split` stratifies by: pixels of an image, how colored it is, how bright (of 255 levels)."""
        example = example or self[index]
        means = example.image.reshape(-1, example.image.shape[2]).mean(0, dtype=np.float64)
        means *= 255 / full_range(example.image)
        return example.mask.size, float(means.max() - means.min()), float(means.mean())

    def subset(self, ids: tuple[str, ...]) -> "Dataset":
        """Those of some samples, in the order of this dataset, sharing what is in memory; it caches nothing more."""
        chosen = set(ids)
        part = Dataset([sample for sample in self.samples if sample.id in chosen], self.model, 0, self.coding)
        part._cache, part._areas, part.kinds = self._cache, self._areas, self.kinds
        part.apart, part.records = self.apart, self.records
        return part

    def _read(self, sample: Sample) -> Example:
        image, raw = self._read_files(sample)
        return self._example(image, self._mask(raw, _name(sample)))

    def _mask(self, raw: RawMask, name: str) -> NDArray[np.uint8]:
        return self.coding.apply_apart(raw, name) if self.apart else self.coding.apply(raw, name)

    def _read_files(self, sample: Sample) -> tuple[Pixels, RawMask]:
        """The image with the channels of the model, and its mask as stored. Raises DataError, ImageError."""
        read = reading.read(sample)
        image = read.image
        raw = files.read(sample, image.shape)
        if read.valid is not None:
            self.without_data.add(sample.id)
            raw = raw.ignore(~read.valid)
        for remark in read.remarks if read.valid is None else ():
            self.remarks.setdefault(remark, set()).add(sample.image.name)
        self.image_types[sample.id] = image.dtype, image.shape[2]
        if sample.id not in self.records:
            self.records[sample.id] = identity.describe_pixels(read.stored)
        self._areas[sample.id] = image.shape[0] * image.shape[1]
        return self._choose_channels(sample, image), raw

    def _example(self, image: Pixels, mask: NDArray[np.uint8]) -> Example:
        return Example(image, mask, *statistics(image, self.model.normalization))

    def _choose_channels(self, sample: Sample, image: Pixels) -> Pixels:
        """Those that the model takes. Raises ImageError where the header spoke of others than the file has."""
        kind = self.kinds.get(str(sample.image), Kind(image.shape[2]))
        names = kind.names if kind.number == image.shape[2] else ()
        if not self.model.in_channels:
            return image
        try:
            return choose(self.model, image.shape[2], names, str(sample.image)).apply(image)
        except PredictionError as error:
            raise ImageError(str(error)) from error


class _Survey:
    """The first look at all files: what masks hold, before their values can mean anything."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.evidence = Evidence()
        self.mismatches: dict[str, str] = {}  # by the name of the mask: what is wrong with its size
        self._pending: dict[str, tuple[Pixels, RawMask]] = {}

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Read every sample once and drop the unreadable ones."""
        readable = []
        for number, sample in enumerate(self.dataset.samples):
            progress(number, len(self.dataset.samples))
            try:
                image, raw = self.dataset._read_files(sample)
            except ImageError as error:
                self.dataset.skipped.append(str(error))
                continue
            except DataError as error:
                self.mismatches[_name(sample)] = str(error)
                continue
            self.evidence.add(raw, _name(sample))
            readable.append(sample)
            needs_objects = self.dataset.apart or raw.repairs
            size = image.nbytes + raw.values.nbytes
            if size <= self.dataset._free_bytes:
                self.dataset._free_bytes -= size
                self._pending[sample.id] = image, raw if needs_objects else replace(raw, objects=None)
        self.dataset.samples = readable

    def settle(self, coding: MaskCoding) -> None:
        """Give the values their meaning, and the examples that were kept to the dataset."""
        self.dataset.coding = coding
        names = {sample.id: _name(sample) for sample in self.dataset.samples}
        while self._pending:
            key, (image, raw) = self._pending.popitem()
            mask = self.dataset._mask(raw, names[key])
            self.dataset._free_bytes += raw.values.nbytes - mask.nbytes
            self.dataset._cache[key] = self.dataset._example(image, mask)


def _name(sample: Sample) -> str:
    """What messages call a sample's mask."""
    return sample.masks[0].name if len(sample.masks) == 1 else sample.id


def load_dataset(
    samples: list[Sample],
    data: DataConfig,
    model: ModelConfig,
    coding: MaskCoding | None = None,
    search: Search | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Dataset:
    """Decode and check every sample once; `model` with its channels and classes filled in is the dataset's `model`.

    `coding` is the one that a model was trained with; where other masks do not follow it, a warning says how they are
    read. `search` is how the samples were found: what it tells goes into `warnings`, it may name the classes, and the
    settings of its recipe stand in for those of `data` that are the default.
    `progress` is called with (images read, images) before each. A file that cannot be read is skipped and named in
    `skipped`. Raises DataError that lists them all where they are more than a tenth, where a mask has another size than
    its image, and where the masks have no clear classes; ConfigError where the crop size does not fit the model.
    """
    if search is not None:
        data, _ = configure_parts(data, ModelConfig(), search.recipe)
    architecture.check_size(model, model.image_size, model.image_size)
    kinds = _find_channels(samples)
    model, told = resolve(model, kinds)
    dataset = Dataset(samples, model, data.cache_mb, MaskCoding("classes", ()))
    dataset.kinds = kinds
    dataset.apart = data.separate_touching
    survey = _Survey(dataset)
    survey.run(progress)
    if survey.mismatches:
        first, others = list(survey.mismatches.values())[:2], list(survey.mismatches)[2:]
        more = f" Nor do {listing(others, 50)}." if others else ""
        raise DataError(f"{len(survey.mismatches)} masks do not fit their images. {' '.join(first)}{more}")
    if len(dataset.skipped) > MOST_UNREADABLE * len(samples):
        raise DataError(
            f"{len(dataset.skipped)} of {len(samples)} images or masks cannot be read, more than a tenth. "
            f"{_by_reason(dataset.skipped)} Repair them or remove them from the folder."
        )
    names = search.name_values() if search is not None else {}
    chosen, guesses = decide(survey.evidence, data, model, search, coding)
    survey.settle(chosen)
    classes = model.num_classes or chosen.num_classes
    class_names = model.class_names or chosen.name_classes(names, classes)
    dataset.model = replace(model, num_classes=classes, class_names=class_names)
    present = set(chosen.classes_by_code(survey.evidence.counts_for(chosen)).values())
    image_types = [dataset.image_types[sample.id] for sample in dataset.samples]
    if dataset.without_data:
        guesses.append(
            f"{len(dataset.without_data)} images have pixels without data "
            f"({listing(sorted(dataset.without_data), 3)}): "
            "these are filled with the mean of their channel and count in no loss and no score."
        )
    problems = [*quality.find_problems(present, image_types, dataset.samples, dataset.records)]
    spread = range(0, len(dataset), -(-len(dataset) // MOST_COMPARED)) if len(dataset) else ()
    masks = [dataset[index].mask for index in spread]
    problems += [*quality.find_repeated(masks, len(dataset)), *quality.find_inverted(masks, chosen)]
    problems += quality.find_turned(dataset.samples)
    guesses += [f"{listing(sorted(names), 3)}: {remark}" for remark, names in dataset.remarks.items()]
    dataset.warnings = [*(search.notes if search is not None else ()), *told, *guesses, *problems]
    return dataset


def _by_reason(messages: list[str]) -> str:
    """Messages "path: reason" in one sentence for each reason, three at the most, with the names of the files.

    >>> _by_reason(["/d/a.png: too large.", "/d/b.png: too large."])
    'd/a.png, d/b.png: too large.'
    """
    files: dict[str, list[str]] = {}
    for message in messages:
        path, _, reason = message.partition(": ")
        files.setdefault(reason, []).append("/".join(Path(path).parts[-2:]))
    sentences = [f"{listing(names, 10)}: {reason}" for reason, names in files.items()]
    return " ".join(sentences[:3]) + (f" {len(sentences) - 3} more reasons." if len(sentences) > 3 else "")


def _find_channels(samples: list[Sample]) -> dict[str, Kind]:
    """The channels of each image file by its header; one that cannot be read is left to the survey."""
    kinds = {}
    for sample in samples:
        if str(sample.image) not in kinds:
            with contextlib.suppress(ImageError):
                kinds[str(sample.image)] = channels.describe((sample.image, *sample.channel_files))
    return kinds
