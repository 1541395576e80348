"""Images and masks that lie in one folder: told apart by name or else by content, and written out apart.

What is not certain is never guessed but listed by name, as a doubt.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.files import new_folder
from unet_core.io.pixels import encode_png

MASK_WORDS = {
    *("mask", "masks", "label", "labels", "seg", "segm", "segmentation", "segmentations", "gt", "groundtruth", "truth"),
    *("annot", "annotation", "annotations", "annotated", "target", "targets"),
}
IMAGE_WORDS = {"image", "images", "img", "imgs", "im", "volume", "vol", "raw", "sat", "input", "photo", "original"}
FEW_VALUES = 32  # a picture of so many values or colors at most looks like a mask
LOOKED_AT = 20  # files that are opened before a folder is taken to hold no masks
MOST_PIXELS = 250_000  # of a picture that is looked at

Key = tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """What was told apart: the masks of each image, images without one, and a sentence for each doubt."""

    pairs: dict[Path, list[Path]] = field(default_factory=dict)
    alone: list[Path] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def pair(files: Iterable[Path]) -> Pairing:
    """Images and masks of one folder, by their names where any is named like a mask of another, else by content."""
    files = sorted(files)
    told = by_name(files)
    return told if told.pairs else by_content(files)


def by_name(files: Iterable[Path]) -> Pairing:
    """By words such as `_mask`, `_seg`, `label_`, at the start or end of a name or before its number.

    `a_mask_1.png`, `a_mask_2.png` are two objects of `a.png`. A word that all names have in common tells nothing.
    """
    files = sorted(files)
    words = {path: _words(path.stem) for path in files}
    common = set.intersection(*map(set, words.values())) if words else set()
    marked = {path: place for path in files if (place := _marker(words[path], common)) is not None}
    wanted: dict[Key, list[Path]] = defaultdict(list)
    for path in files:
        if path not in marked:
            plain = tuple(word for word in words[path] if word not in IMAGE_WORDS)
            for key in {words[path], plain} - {()}:
                wanted[key].append(path)
    told, kinds = Pairing(), defaultdict[Path, set[Key]](set)
    for path, place in marked.items():
        before, behind = words[path][:place], words[path][place + 1 :]
        without = tuple(word for word in before if word not in IMAGE_WORDS)
        whole = [key for key in ((*before, *behind), (*without, *behind)) if key in wanted]
        keys = whole or [key for key in (before, without) if key in wanted]
        if not keys:
            told.doubts.append(f"{path.name} is named like a mask, but no image has the rest of its name")
        elif len(wanted[keys[0]]) > 1:
            told.doubts.append(f"{path.name} may belong to {' or '.join(image.name for image in wanted[keys[0]])}")
        else:
            image = wanted[keys[0]][0]
            told.pairs.setdefault(image, []).append(path)
            kinds[image].add(words[path] if whole else words[path][: place + 1])
    for image in [image for image, kind in kinds.items() if len(kind) > 1]:
        names = ", ".join(mask.name for mask in told.pairs.pop(image))
        told.doubts.append(f"{image.name} has masks of different kinds: {names}")
    told.alone.extend(path for path in files if path not in marked and path not in kinds)
    return told


def _words(stem: str) -> Key:
    return tuple(re.findall(r"[^\W\d_]+|\d+", stem.lower().replace("ground_truth", "groundtruth")))


def _marker(words: Key, common: set[str]) -> int | None:
    """The place of the word that makes a name a mask's: the first or the last, numbers behind it aside."""
    last = max((place for place, word in enumerate(words) if not word.isdigit()), default=-1)
    for place in (last, 0):
        if place >= 0 and words[place] in MASK_WORDS - common:
            return place
    return None


def by_content(files: Iterable[Path]) -> Pairing:
    """By content: a mask has few values. It belongs to the one image of its size and numbers with the nearest name."""
    files = sorted(files)
    if not any(map(_few_values, files[:: max(1, len(files) // LOOKED_AT)])):
        return Pairing(alone=files)
    told, choices = Pairing(), defaultdict[Path, list[Path]](list)
    pictures: dict[tuple[tuple[int, int], Key], list[Path]] = defaultdict(list)
    flat = []
    for path in files:
        try:
            size = images.size(path)
        except ImageError as error:
            told.doubts.append(str(error))
            continue
        group = size, tuple(word for word in _words(path.stem) if word.isdigit())
        if _few_values(path):
            flat.append((path, group))
        else:
            pictures[group].append(path)
    for path, group in flat:
        nearness = {image: _nearness(path.stem, image.stem) for image in pictures[group]}
        best = [image for image, near in nearness.items() if near == max(nearness.values()) and (near or group[1])]
        if len(best) == 1:
            choices[best[0]].append(path)
        else:
            fits = f"fits {' and '.join(image.name for image in best)} alike" if best else "fits no image"
            told.doubts.append(f"{path.name} looks like a mask and {fits} by size and name")
    for image, masks in choices.items():
        if len(masks) == 1:
            told.pairs[image] = masks
        else:
            told.doubts.append(f"{image.name} has several that look like its mask: {', '.join(m.name for m in masks)}")
    told.alone.extend(image for group in pictures.values() for image in group if image not in choices)
    return Pairing(told.pairs, sorted(told.alone), told.doubts)


def _few_values(path: Path) -> bool:
    try:
        pixels = images.read_mask(path)
    except ImageError:
        return False
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / MOST_PIXELS) ** 0.5))
    some = pixels[::step, ::step].astype(np.int64)
    codes = some if some.ndim == 2 else some @ np.array([65536, 256, 1])
    return len(np.unique(codes)) <= FEW_VALUES


def _nearness(one: str, other: str) -> int:
    """Letters that two names share at their ends; 1000 where they are the same."""
    if one == other:
        return 1000
    shortest = min(len(one), len(other))
    before = next((n for n in range(shortest) if one[n] != other[n]), shortest)
    behind = next((n for n in range(shortest - before) if one[-1 - n] != other[-1 - n]), shortest - before)
    return before + behind


def without_masks(files: Iterable[Path]) -> list[Path]:
    """The files without those that are, by their names, masks of others in the same folder."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent].append(path)
    masks = {mask for group in folders.values() for masks in by_name(group).pairs.values() for mask in masks}
    return sorted(path for group in folders.values() for path in group if path not in masks)


def separate(pairs: dict[str, tuple[Path, tuple[Path, ...]]], output: Path) -> int:
    """Write {name: (image, masks)} as `images/` and `masks/` below a new folder, copied byte for byte; how many merged.

    A mask takes its image's name; several masks of one image become one PNG of 0 and 255. All is written beside
    `output` first, so that nobody sees half of it. Raises DataError where `output` holds anything, or names collide.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} holds other files and is left alone; name a new folder.")
    merged = 0
    with new_folder(output) as fresh:
        for kind in ("images", "masks"):
            (fresh / kind).mkdir()
        for name, (image, masks) in pairs.items():
            stem = name.replace("/", "_")
            if len(masks) == 1:
                mask_name, data = stem + masks[0].suffix, masks[0].read_bytes()
            else:
                objects = [images.read_mask(path) for path in masks]
                if any(mask.ndim != 2 or mask.shape != objects[0].shape for mask in objects):
                    raise DataError(f"{image}: its {len(masks)} masks are of different sizes or in colors; mend them.")
                union = np.any([mask > 0 for mask in objects], axis=0).astype(np.uint8) * np.uint8(255)
                mask_name, data, merged = f"{stem}.png", encode_png(union), merged + 1
            for place, content in (
                (fresh / "images" / (stem + image.suffix), image.read_bytes()),
                (fresh / "masks" / mask_name, data),
            ):
                with suppress(FileExistsError), place.open("xb") as file:
                    file.write(content)
                    continue
                raise DataError(f"{image}: another image would be written as {place.name} too; rename one of the two.")
    return merged
