"""The masks of a folder and the images of another, paired by their names: exactly, then by ever looser rules.

A looser rule counts only where it leaves no choice. What is not certain is a problem named by file, never a guess.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from unet_core.data.name_words import (
    IMAGE_WORDS,
    MASK_WORDS,
    WEAK_IMAGE_WORDS,
    WEAK_MASK_WORDS,
    Words,
    split_words,
    stripped,
    unpad,
)
from unet_core.errors import listing
from unet_core.io.filenames import stem_of

IMAGE_NOISE = IMAGE_WORDS | WEAK_IMAGE_WORDS
MASK_NOISE = MASK_WORDS | WEAK_MASK_WORDS

Index = dict[Words, list[Path]]


@dataclass
class Match:
    """The masks of each image, files without a partner, and sentences: doubts forbid to use it, notes say how.

    `disputed` are by the sentence of a doubt the images and masks that it is about.
    """

    pairs: dict[Path, list[Path]] = field(default_factory=dict)
    alone: list[Path] = field(default_factory=list)  # images
    orphans: list[Path] = field(default_factory=list)  # masks
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    disputed: dict[str, tuple[list[Path], list[Path]]] = field(default_factory=dict)

    def doubt(self, files: Sequence[Path], images: Iterable[Path], masks: Iterable[Path]) -> None:
        """Say that a folder holds files of which one is too many."""
        sentence = f"{_folder(files[0])}/ holds both {' and '.join(path.name for path in files[:3])}"
        self.doubts.append(sentence)
        self.disputed[sentence] = list(images), list(masks)


def match(images: Sequence[Path], masks: Sequence[Path]) -> Match:
    """Pair the masks of one folder with the images of another.

    >>> paired = match([Path("image_001.png"), Path("image_002.png")], [Path("mask_1.png"), Path("gt_002.png")])
    >>> [(image.name, masks[0].name) for image, masks in paired.pairs.items()]
    [('image_001.png', 'mask_1.png'), ('image_002.png', 'gt_002.png')]
    """
    result, finder = Match(), _Finder(images)
    removed: dict[Path, Words] = {}  # the words of a mask that its image lacks
    hits: dict[Path, list[Path]] = {}
    for mask in masks:
        hits[mask], removed[mask] = finder.find(mask)
    if not any(hits.values()):
        hits |= _by_numbers(images, masks, result.notes) or _by_shared_ending(images, masks, result.notes)
    clashes: dict[tuple[Path, ...], None] = {}
    for mask, candidates in hits.items():
        if len(candidates) == 1:
            result.pairs.setdefault(candidates[0], []).append(mask)
        elif candidates:
            clashes[tuple(candidates)] = None
            # The images are named by the doubt, so that they are not also said to have no mask.
            result.pairs.setdefault(candidates[-1], []).append(mask)
    for group in clashes:
        result.doubt(group, group, [mask for mask in masks if tuple(hits[mask]) == group])
    for image in [image for image, files in result.pairs.items() if len(files) > 1]:
        result.pairs[image] = _merge(image, result.pairs[image], removed, result)
    named = {image for group in clashes for image in group}
    result.alone = [image for image in images if image not in result.pairs and image not in named]
    result.orphans = [mask for mask in masks if not hits[mask]]
    padded = [mask.name for mask in masks if mask in finder.unpadded]
    if padded:
        result.notes.append(
            f"{len(padded)} masks were paired by their number without leading zeros: {listing(padded, 2)}."
        )
    return result


class _Finder:
    """Images by each of the forms of their name."""

    def __init__(self, images: Iterable[Path]) -> None:
        self.images = list(images)
        self.names, self.stems = _index(self.images, _name), _index(self.images, _stem)
        self.folded = _index(self.images, _folded)
        self.unpadded: set[Path] = set()

    @cached_property
    def words(self) -> dict[Path, Words]:
        return {image: split_words(stem_of(image.name)) for image in self.images}

    @cached_property
    def numbered(self) -> set[Words]:
        """The names of images before their last number."""
        return {words[:-1] for words in self.words.values() if words and words[-1].isdigit()}

    @cached_property
    def indexes(self) -> tuple[Index, Index, Index, Index]:
        """By full names and by names without noise; the same with numbers without leading zeros."""
        full = [(words, image) for image, words in self.words.items()]
        plain = [(form, image) for words, image in full for form in stripped(words, IMAGE_NOISE)[1:]]
        unpadded = [[(unpad(words), image) for words, image in items] for items in (full, plain)]
        return _group(full), _group(plain), _group(unpadded[0]), _group(unpadded[1])

    def find(self, mask: Path) -> tuple[list[Path], Words]:
        """The images of a mask by the strictest rule that gives any, and the words that only the mask has."""
        # "a.jpg.png" is the mask of "a.jpg" where there also is "a.tif".
        for index, key in ((self.names, _stem(mask)), (self.stems, _stem(mask)), (self.folded, _folded(mask))):
            if key in index:
                return index[key], ()
        words = split_words(stem_of(mask.name))
        if Path(_stem(mask)).suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp") and words:
            words = split_words(stem_of(_stem(mask)))
            if words in self.indexes[0]:
                return self.indexes[0][words], ()
        forms = stripped(words, MASK_NOISE, MASK_WORDS)
        for number, (full, plain) in enumerate((self.indexes[:2], self.indexes[2:])):
            for form in stripped(words, MASK_NOISE) if number else forms:  # one liberty at a time
                key_words = unpad(form) if number else form
                if candidates := full.get(key_words) or plain.get(key_words):
                    if number:
                        self.unpadded.add(mask)
                    return candidates, _lacking(words, form)
        # Objects of one image: "a_1.png", "a_2.png" of "a.png", where no image is numbered like that itself.
        base = words[:-1]
        if len(words) > 1 and words[-1].isdigit() and base in self.indexes[0] and base not in self.numbered:
            return self.indexes[0][base], words[-1:]
        return [], ()


def _lacking(words: Words, form: Words) -> Words:
    """The words that are not in the form, in order: "mask", "1" of "benign 1 mask 1"."""
    left = list(form)
    out = []
    for word in words:
        if left and word == left[0]:
            left.pop(0)
        else:
            out.append(word)
    return tuple(out)


def _merge(image: Path, files: list[Path], removed: dict[Path, Words], result: Match) -> list[Path]:
    """The masks of one image: its objects, or the first of several observers; else a doubt."""
    # The same name but for a number at its end: "a_mask" and "a_mask_1", not "mask_1" and "1_mask_11".
    kinds = {_before_number(mask, removed[mask]) for mask in files}
    endings = {removed[mask] for mask in files}
    # "a" and "a_1" are no objects of "a": the second may well be the mask of another image.
    if len(kinds) == 1 and len(endings) == len(files) and () not in endings:
        if all("manual" in ending for ending in endings):
            first, *others = sorted(files, key=lambda mask: removed[mask])
            result.notes.append(f"{first.name} is used, the same image by other observers is not: {others[0].name}.")
            return [first]
        return files
    result.doubt(files, [image], files)
    return files


def _before_number(mask: Path, removed: Words) -> Words:
    """The words of a mask without the number at their end, where that is none of its image."""
    words = split_words(stem_of(mask.name))
    return words[:-1] if removed and removed[-1].isdigit() and words[-1] == removed[-1] else words


def _by_numbers(images: Sequence[Path], masks: Sequence[Path], notes: list[str]) -> dict[Path, list[Path]]:
    """By the number alone, where the names of masks say nothing but mask, and those of images differ in it alone."""
    words = {path: unpad(split_words(stem_of(path.name))) for path in (*images, *masks)}
    cores = {mask: stripped(words[mask], MASK_NOISE)[-1] for mask in masks}
    letters = {tuple(word for word in words[image] if not word.isdigit()) for image in images}
    numbers = {image: tuple(word for word in words[image] if word.isdigit()) for image in images}
    plain = all(len(core) == 1 and core[0].isdigit() for core in cores.values())
    if len(letters) != 1 or not plain or any(len(number) != 1 for number in numbers.values()):
        return {}
    by_number = _group((number, image) for image, number in numbers.items())
    hits = {mask: by_number.get(core, []) for mask, core in cores.items()}
    if _is_one_to_one(hits):
        notes.append(f"Paired by the number alone, as {masks[0].name} with {hits[masks[0]][0].name}.")
        return hits
    return {}


def _by_shared_ending(images: Sequence[Path], masks: Sequence[Path], notes: list[str]) -> dict[Path, list[Path]]:
    """Where every mask is called as its image with the same words before or behind it: "im0001.ah" of "im0001"."""
    by_words = _group((split_words(stem_of(image.name)), image) for image in images)
    for cut in (_first_words, _last_words):
        hits, extras = {}, set()
        for mask in masks:
            words = split_words(stem_of(mask.name))
            fits = [count for count in range(len(words) - 1, 0, -1) if cut(words, count) in by_words]
            if not fits:
                break
            hits[mask] = by_words[cut(words, fits[0])]
            extras.add(_lacking(words, cut(words, fits[0])))
        if len(hits) == len(masks) and len(extras) > 1 and not _is_one_to_one(hits) and cut is _first_words:
            return hits  # "a_liver", "a_tumor": which _merge finds to be different kinds
        extra = " ".join(extras.pop()) if len(extras) == 1 else ""
        is_word = len(masks) > 1 or not any(letter.isdigit() for letter in extra)
        if len(hits) == len(masks) and _is_one_to_one(hits) and extra and is_word:
            notes.append(f"All names of masks have {extra!r} more than those of their images; paired without it.")
            return hits
    return {}


def _first_words(words: Words, count: int) -> Words:
    return words[:count]


def _last_words(words: Words, count: int) -> Words:
    return words[len(words) - count :]


def _is_one_to_one(hits: dict[Path, list[Path]]) -> bool:
    candidates = [tuple(found) for found in hits.values()]
    return bool(hits) and all(len(found) == 1 for found in candidates) and len(set(candidates)) == len(candidates)


def _index(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    index: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        index[key(path)].append(path)
    return dict(index)


def _group(items: Iterable[tuple[Words, Path]]) -> Index:
    index: dict[Words, list[Path]] = defaultdict(list)
    for words, path in items:
        if words and path not in index[words]:
            index[words].append(path)
    return {words: paths for words, paths in index.items() if paths}


def _name(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def _stem(path: Path) -> str:
    return unicodedata.normalize("NFC", stem_of(path.name)).strip()


def _folded(path: Path) -> str:
    return _stem(path).casefold()


def _folder(path: Path) -> str:
    return path.parent.name
