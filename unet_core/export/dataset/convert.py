"""A dataset of any layout written anew in another format, with the repairs of its recipe; the source is left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import RunConfig
from unet_core.data import discovery, reading
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.decide import decide
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.raw import RawMask
from unet_core.data.recipe import recipes
from unet_core.errors import ConfigError, DataError, ImageError
from unet_core.export.dataset.coco import Coco
from unet_core.export.dataset.folders import Folders
from unet_core.export.dataset.nnunet import NnUNet
from unet_core.export.dataset.target import IMAGES, Array, Facts, Item, Target
from unet_core.io import channels, images
from unet_core.io.files import new_folder

FORMATS: dict[str, type[Target]] = {"folders": Folders, "coco": Coco, "nnunet": NnUNet}
MOST_NUMBERS = 2**16 - 2  # of objects in a 16-bit mask in which 255 does not count


@dataclass(frozen=True)
class Converted:
    """What was written: the folder, how many images, and what a user should know."""

    folder: Path
    images: int
    warnings: tuple[str, ...] = ()


def convert(
    config: RunConfig,
    output: Path,
    format: str = "folders",
    kind: str = "png",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Converted:
    """Write the dataset of some settings to a new folder; `kind` of image files, see `IMAGES`.

    Raises DataError where the source cannot be read, the format cannot hold it, or `output` holds anything; ConfigError
    for an unknown format.
    """
    for what, value, known in (("format", format, FORMATS), ("images", kind, IMAGES)):
        if value not in known:
            raise ConfigError(f"Expected {what} to be one of {', '.join(known)}, got {value!r}.")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} holds other files and is left alone; choose a new folder.")
    config = recipes.configure(config, recipes.of(config.data))
    search = discovery.search_data(config.data)
    evidence, samples, warnings = _survey(search.samples)
    coding, guesses = decide(evidence, config.data, config.model, search)
    classes = config.model.num_classes or coding.num_classes
    class_names = config.model.class_names or coding.name_classes(search.name_values(), classes)
    names = _name_classes(class_names, classes)
    per_file = classes == 1 and any(len(sample.masks) > 1 for sample in samples)  # a file for each object
    numbered = classes == 1 and format == "folders" and all(_are_numbered(s, coding, per_file) for s in samples)
    facts = Facts(names, numbered)
    with new_folder(output) as fresh:
        target = FORMATS[format](fresh, facts, IMAGES[kind])
        unnumbered = False
        for number, sample in enumerate(samples):
            progress(number, len(samples))
            item = _read(sample, coding, per_file)
            unnumbered |= item.objects is not None and not (facts.numbered or format == "coco")
            target.add(item)
        target.close()
    if unnumbered:
        warnings.append("The numbers of objects are not kept: these masks hold classes. Convert to coco to keep them.")
    return Converted(output, len(samples), (*search.notes, *guesses, *warnings, *target.warnings))


def _survey(samples: tuple[Sample, ...]) -> tuple[Evidence, list[Sample], list[str]]:
    """What all masks hold, the samples that can be read, and a sentence for each of the others."""
    evidence, readable, problems = Evidence(), list[Sample](), list[str]()
    for sample in samples:
        try:
            evidence.add(files.read(sample, images.size(sample.image, sample.page)), sample.id)
        except ImageError as error:
            problems.append(f"Skipped: {error}")
            continue
        readable.append(sample)
    if not readable:
        raise DataError(f"None of the {len(samples)} images and masks can be read. {problems[0] if problems else ''}")
    return evidence, readable, problems


def _name_classes(class_names: str, classes: int) -> tuple[str, ...]:
    names = tuple(name.strip() for name in class_names.split(",")) if class_names.strip() else ()
    default = ("background", *(("foreground",) if classes == 1 else (f"class {i}" for i in range(1, classes))))
    unique = tuple(dict.fromkeys(names))
    return names if len(names) == len(default) == len(unique) else default


def _number(raw: RawMask, mask: Array, coding: MaskCoding, per_file: bool) -> NDArray[np.int32] | None:
    """The objects of a mask; `per_file`: other images have a file for each, so that a single file is one object."""
    objects = coding.objects(raw)
    return (mask == 1).astype(np.int32) if objects is None and per_file else objects


def _are_numbered(sample: Sample, coding: MaskCoding, per_file: bool) -> bool:
    """Whether a mask tells each pixel of its foreground apart by object, with numbers that a file can hold."""
    raw = files.read(sample, images.size(sample.image, sample.page))
    mask = coding.apply(raw)
    if (objects := _number(raw, mask, coding, per_file)) is None:
        return False
    return bool(((mask == 0) | (mask == IGNORE) | (objects > 0)).all() and (mask != 1).any()) and (
        int(objects.max(initial=0)) <= MOST_NUMBERS
    )


def _read(sample: Sample, coding: MaskCoding, per_file: bool) -> Item:
    read = reading.read(sample)
    raw = files.read(sample, read.image.shape)
    raw = raw if read.valid is None else raw.ignore(~read.valid)
    is_color = channels.describe((sample.image, *sample.channel_files)).is_color
    group = sample.group or (str(sample.image) if sample.page is not None else None)
    mask = coding.apply(raw, sample.id)
    objects = _number(raw, mask, coding, per_file)
    return Item(sample.id, sample.subset, group, read.image, mask, objects, is_color)
