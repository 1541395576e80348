"""Images and masks in one folder: told apart by name or else by content, and copied into two folders.

A mask that is paired with the wrong image spoils the training without any error, so what is not certain is never
guessed but listed by name, as a doubt; a layout refuses a folder with doubts.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unet_core.data.name_words import IMAGE_WORDS, MASK_WORDS, Words, is_by_product, split_words
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.filenames import stem_of
from unet_core.io.files import new_folder
from unet_core.io.pixels import encode_png

FEW_VALUES = 32  # an image with at most so many values or colors looks like a mask
MOST_OPENED = 20  # files that are opened before a folder is taken to hold no masks
MOST_PIXELS = 250_000  # of an image that are looked at


@dataclass(frozen=True)
class Pairing:
    """The masks of each image, images without one, a sentence for each doubt, and notes on what was left out.

    `disputed` are by the sentence of a doubt the images and masks that it is about, where these are known.
    """

    pairs: dict[Path, list[Path]] = field(default_factory=dict)
    alone: list[Path] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)  # neither images nor masks that are used
    disputed: dict[str, tuple[list[Path], list[Path]]] = field(default_factory=dict)

    def doubt(self, sentence: str, masks: list[Path], images: Iterable[Path] = ()) -> None:
        """Say what is not certain of some files."""
        self.doubts.append(sentence)
        self.disputed[sentence] = list(images), masks


def pair(files: Iterable[Path]) -> Pairing:
    """Images and masks of one folder, by their names where any is named like a mask of another, else by content."""
    files = sorted(files)
    pairing = pair_by_name(files)
    return pairing if pairing.pairs else pair_by_content(files)


def pair_by_name(files: Iterable[Path]) -> Pairing:
    """By words such as `_mask`, `_seg`, `label_`, at the start or end of a name or before its number.

    `a_mask_1.png`, `a_mask_2.png` are two objects of `a.png`. A word that all names have in common means nothing.

    >>> pairing = pair_by_name([Path("img_1.png"), Path("label_1.png"), Path("2.png")])
    >>> [(image.name, masks[0].name) for image, masks in pairing.pairs.items()], [path.name for path in pairing.alone]
    ([('img_1.png', 'label_1.png')], ['2.png'])
    """
    files = sorted(files)
    words = {path: split_words(stem_of(path.name)) for path in files}
    # In a folder of "label_free_001.png", "label_free_002.png", ... the word says nothing about masks.
    common = set.intersection(*map(set, words.values())) if words else set()
    markers = {path: at for path in files if (at := _find_marker(words[path], common)) is not None}
    images_by_key: dict[Words, list[Path]] = defaultdict(list)
    for path in files:
        if path not in markers:
            # "img_001" is found by its full name and as "001": both "img_001_label" and "label_001" are masks of it.
            plain = tuple(word for word in words[path] if word not in IMAGE_WORDS)
            for key in {words[path], plain}:  # () of a file that is called image and nothing more
                images_by_key[key].append(path)
    pairing, kinds = Pairing(), defaultdict[Path, set[Words]](set)
    left_out = {path for path in files if is_by_product(words[path], images_by_key)}
    for path, at in markers.items():
        if path in left_out:
            continue
        before, behind = words[path][:at], words[path][at + 1 :]
        before = before[:-1] if before[-1:] == ("cp",) else before  # Cellpose's _cp_masks
        plain = tuple(word for word in before if word not in IMAGE_WORDS)
        # What stands behind the marker may belong to the name ("cell_mask_01" of "cell_01") or count the objects of one
        # image ("cell_mask_01" of "cell"). The longer name is tried first: it is the more specific match.
        full_keys = [key for key in ((*before, *behind), (*plain, *behind)) if key in images_by_key]
        keys = full_keys or [key for key in (before, plain) if key and key in images_by_key]
        if not keys:
            pairing.doubt(f"{path.name} is named like a mask, but no image has the rest of its name", [path])
        elif len(images_by_key[keys[0]]) > 1:
            candidates = " or ".join(image.name for image in images_by_key[keys[0]])
            pairing.doubt(f"{path.name} may belong to {candidates}", [path])
        else:
            image = images_by_key[keys[0]][0]
            pairing.pairs.setdefault(image, []).append(path)
            kinds[image].add(words[path] if full_keys else words[path][: at + 1])
    # Numbered objects of one image are merged, but "a_mask" and "a_label" beside each other are two versions of the
    # truth, or masks of two classes: merging them would be a guess.
    for image in [image for image, kind in kinds.items() if len(kind) > 1]:
        masks = pairing.pairs.pop(image)
        names = ", ".join(mask.name for mask in masks)
        pairing.doubt(f"{image.name} has masks of different kinds: {names}", masks, [image])
    for masks in pairing.pairs.values():
        # "_manual1" and "_manual2", "_1stHO" and "_2ndHO" are two opinions, not two objects.
        if len(masks) > 1 and all("manual" in words[mask] for mask in masks):
            pairing.notes.append(f"{masks[0].name} is used, masks by other observers are not, as {masks[1].name}.")
            pairing.left_out.extend(masks[1:])
            del masks[1:]
    if left_out:
        pairing.left_out.extend(sorted(left_out))
        example = min(left_out).name
        pairing.notes.append(f"{len(left_out)} files that tools write beside masks are left out, as {example}.")
    used = {*markers, *kinds, *left_out}
    pairing.alone.extend(path for path in files if path not in used)
    return pairing


def _find_marker(words: Words, common: set[str]) -> int | None:
    """The index of the word that makes a name a mask's: the first or the last, numbers behind it aside.

    Words in the middle do not count: "raw_label_free_day2" is an image.
    """
    last = max((index for index, word in enumerate(words) if not word.isdigit()), default=-1)
    for index in (last, 0):
        if 0 <= index < len(words) and words[index] in MASK_WORDS - common:
            return index
    return None


def pair_by_content(files: Iterable[Path]) -> Pairing:
    """By content: a mask has few values. It belongs to the one image of its size and numbers with the nearest name."""
    files = sorted(files)
    # Opening every file of a folder of plain photos only to find no mask would take minutes: a spread sample decides.
    if not any(map(has_few_values, files[:: max(1, len(files) // MOST_OPENED)])):
        return Pairing(alone=files)
    pairing, choices = Pairing(), defaultdict[Path, list[Path]](list)
    # Only files of the same size and with the same numbers in their names can be partners; this also keeps the
    # comparison of names, which is quadratic, to small groups.
    images_by_group: dict[tuple[tuple[int, int], Words], list[Path]] = defaultdict(list)
    masks = []
    for path in files:
        try:
            size = images.size(path)
        except ImageError as error:
            pairing.doubt(str(error).rstrip("."), [], [path])  # becomes part of a sentence
            continue
        group = size, tuple(word for word in split_words(stem_of(path.name)) if word.isdigit())
        if has_few_values(path):
            masks.append((path, group))
        else:
            images_by_group[group].append(path)
    for path, group in masks:
        shared = {image: _count_shared_letters(path.stem, image.stem) for image in images_by_group[group]}
        # Without a number and without one letter in common, the size alone is no reason to pair two files.
        best = [image for image, count in shared.items() if count == max(shared.values()) and (count or group[1])]
        if len(best) == 1:
            choices[best[0]].append(path)
        else:
            fits = f"fits {' and '.join(image.name for image in best)} alike" if best else "fits no image"
            pairing.doubt(f"{path.name} looks like a mask and {fits} by size and name", [path])
    for image, candidates in choices.items():
        if len(candidates) == 1:
            pairing.pairs[image] = candidates
        else:
            names = ", ".join(mask.name for mask in candidates)
            pairing.doubt(f"{image.name} has several files that look like its mask: {names}", candidates, [image])
    pairing.alone.extend(image for group in images_by_group.values() for image in group if image not in choices)
    pairing.alone.sort()
    return pairing


def has_few_values(path: Path) -> bool:
    """Whether an image has few values or colors, by every n-th row and column; False of what cannot be read."""
    try:
        pixels = images.read_mask(path)
    except ImageError:
        return False
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / MOST_PIXELS) ** 0.5))
    sample = pixels[::step, ::step].astype(np.int64)
    codes = sample if sample.ndim == 2 else sample @ np.array([65536, 256, 1])
    return len(np.unique(codes)) <= FEW_VALUES


def _count_shared_letters(one: str, other: str) -> int:
    """Letters that two names share at their start and end; 1000 where they are the same, more than any others."""
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
    pairings = [pair_by_name(group) for group in folders.values()]
    masks = {mask for pairing in pairings for masks in pairing.pairs.values() for mask in masks}
    masks |= {path for pairing in pairings for path in pairing.left_out}
    return sorted(path for group in folders.values() for path in group if path not in masks)


def separate(pairs: dict[str, tuple[Path, tuple[Path, ...]]], output: Path) -> int:
    """Write {name: (image, masks)} as `images/` and `masks/` below a new folder, copied byte for byte; how many merged.

    A mask takes its image's name; several masks of one image become one PNG of 0 and 255. All is written beside
    `output` first, so that nobody sees half of it. Raises DataError where `output` holds anything, or names collide.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} holds other files and is left alone; choose a new folder.")
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
                    raise DataError(
                        f"{image}: its {len(masks)} masks differ in size or are in color, so they cannot be merged. "
                        "Save them in one size and in gray."
                    )
                union = np.any([mask > 0 for mask in objects], axis=0).astype(np.uint8) * np.uint8(255)
                mask_name, data, merged = f"{stem}.png", encode_png(union), merged + 1
            for path, content in (
                (fresh / "images" / (stem + image.suffix), image.read_bytes()),
                (fresh / "masks" / mask_name, data),
            ):
                with suppress(FileExistsError), path.open("xb") as file:
                    file.write(content)
                    continue
                raise DataError(f"{image}: another image would be written as {path.name} too; rename one of the two.")
    return merged
