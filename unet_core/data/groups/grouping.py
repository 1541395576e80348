"""Which images must not be split, because they show the same: of one patient, slide, video, volume or mosaic.

    grouping = find_groups(samples, "auto", clues)
    grouping.group_of      # {image id: name of its group}; an image without an entry is a group of its own
    grouping.messages      # what was found, and by what

An image that validates beside one of its own group scores too well: the model has seen its like.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unet_core.data.groups import mosaics, series
from unet_core.data.groups.mosaics import Borders
from unet_core.data.layouts import Sample
from unet_core.data.name_words import SUBSETS
from unet_core.io.pixels import Pixels

FEWEST_SERIES = 4  # names with a number; of fewer, as benign, malignant and normal, each would be too much of the whole
FEWEST_LEFT = 5  # groups that must remain where the largest one has more than half of the images


@dataclass(frozen=True)
class Clues:
    """What is measured of the decoded images to find groups, by image id."""

    borders: dict[str, Borders] = field(default_factory=dict)
    thumbnails: dict[str, series.Thumbnail] = field(default_factory=dict)

    def add(self, name: str, image: Pixels) -> None:
        """Measure an image (H, W, C)."""
        if min(image.shape[:2]) > 1:
            self.borders[name] = mosaics.measure_borders(image)
            self.thumbnails[name] = series.make_thumbnail(image)


@dataclass(frozen=True)
class Grouping:
    """The groups of a dataset: {image id: name of its group}, and sentences for the user on what was found."""

    group_of: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()

    def members(self) -> dict[str, list[str]]:
        """The ids of the images of each group, sorted."""
        by_group: dict[str, list[str]] = {}
        for name, group in sorted(self.group_of.items()):
            by_group.setdefault(group, []).append(name)
        return by_group


def find_groups(samples: Sequence[Sample], group_by: str = "auto", clues: Clues | None = None) -> Grouping:
    """The groups of images that one subset must hold whole.

    `group_by` is "auto", "none", "folder" or a regular expression whose first group in the image's id names the group.
    Images that the dataset's recipe keeps together belong together whatever it is. "auto" takes the groups that the
    layout gives, files of many pages, numbered frames and slices, and with the `clues` of the decoded images also tiles
    of one mosaic.

    >>> from pathlib import Path
    >>> names = ("p1/a", "p1/b", "p2/a", "p2/b", "p3/a")
    >>> find_groups([Sample(name, Path(name), ()) for name in names], "folder").messages
    ('4 images were kept together as 2 groups (by folder).',)
    """
    by_hand = _Clue(_find_by_hand(samples), "by hand")
    if group_by == "none":
        return _merge(samples, [by_hand])
    if group_by == "auto":
        return _merge(samples, [by_hand, *_find_all(samples, clues or Clues())])
    grouping = _find_asked(samples, group_by)
    if not by_hand.group_of:
        return grouping
    links = [*_links(grouping.group_of), *_links(by_hand.group_of)]
    groups = mosaics.components([sample.id for sample in samples], links)
    messages = (*grouping.messages, _count(by_hand.group_of, by_hand.reason))
    return Grouping({name: group[0] for group in groups for name in group}, messages)


def _find_by_hand(samples: Sequence[Sample]) -> dict[str, str]:
    """The groups that the repairs "together" of the dataset's recipe make, by image id."""
    links = [
        (repair.samples[0], sample.id) for sample in samples for repair in sample.repairs if repair.kind == "together"
    ]
    groups = mosaics.components({name for link in links for name in link}, links)
    present = {sample.id for sample in samples}
    return {name: group[0] for group in groups for name in group if name in present}


def _find_asked(samples: Sequence[Sample], group_by: str) -> Grouping:
    """The groups by folder or by a regular expression."""
    group_of = {sample.id: name for sample in samples if (name := name_group(sample, group_by)) is not None}
    if group_by == "folder":
        return _as_asked(samples, group_of, "folder", "by folder")
    return _as_asked(samples, group_of, f"'{group_by}'", f"by group_by '{group_by}'")


def name_group(sample: Sample, group_by: str) -> str | None:
    """The group of an image by "folder", or by a regular expression whose first group in its id names it.

    >>> from pathlib import Path
    >>> name_group(Sample("plate 3/cell_1", Path("a.png"), ()), "(plate [0-9]+)")
    'plate 3'
    """
    if group_by == "folder":
        return _folder(sample) or None
    match = re.search(group_by, sample.id)
    return match[1] if match else None


def _folder(sample: Sample) -> str:
    """What the layout says, else the folders in its id but for train, val and test; of a page, its file."""
    names = sample.id.split("/")[:-1]
    if names and names[0] in SUBSETS.values():
        del names[0]
    return sample.group or "/".join(names)


def _as_asked(samples: Sequence[Sample], tile_of: dict[str, str], what: str, reason: str) -> Grouping:
    """The groups of a setting; where they are none or one, each image is a group of its own."""
    ids = [sample.id for sample in samples]
    if not tile_of:
        example = f" such as {ids[0]!r}" if ids else ""
        return Grouping(
            {},
            (f"group_by {what} matches none of the {len(ids)} image ids{example}, so images are not kept together.",),
        )
    if len(tile_of) == len(ids) and len(set(tile_of.values())) == 1:
        return Grouping({}, (_one_group(f"group_by {what}", tile_of[ids[0]], len(ids)),))
    messages = [_count(tile_of, reason)]
    if len(tile_of) < len(ids):
        alone = [name for name in ids if name not in tile_of]
        messages.append(
            f"group_by {what} does not match {len(alone)} of {len(ids)} images, such as {alone[0]!r}; each is drawn "
            "alone."
        )
    return Grouping(tile_of, tuple(messages))


@dataclass(frozen=True)
class _Clue:
    """Groups that one clue gives, by image id, and the words for it; a sentence alone where it gives none."""

    group_of: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    message: str = ""
    inferred: bool = False  # from names or pixels, not given


def _find_all(samples: Sequence[Sample], clues: Clues) -> Iterator[_Clue]:
    yield _Clue(
        {sample.id: sample.group for sample in samples if sample.group}, "as the dataset's folders or names say"
    )
    yield _find_pages(samples)
    single = [sample for sample in samples if not sample.group and sample.page is None]
    placed = series.find_placed(single)
    yield _Clue(placed, "tiles of one image, by the coordinates in their names", inferred=True)
    marked = series.find_marked([sample for sample in single if sample.id not in placed])
    yield _Clue(marked, "frames or slices of one series, by the numbers in their names", inferred=True)
    yield _find_alike([sample for sample in single if sample.id not in placed | marked], clues)
    sizes = Counter(borders.top.shape[1] for borders in clues.borders.values())
    if max(sizes.values(), default=0) > mosaics.MOST:
        yield _Clue(
            message="So many images were not searched for tiles of one image. Set group_by where there are such."
        )
    pairs = mosaics.find_neighbors(clues.borders)
    tiles = mosaics.components(clues.borders, pairs)
    tile_of = {name: tile[0] for tile in tiles for name in tile}
    yield _Clue(tile_of, "tiles of one image, by borders that continue one another", inferred=True)


def _find_pages(samples: Sequence[Sample]) -> _Clue:
    pages = Counter(sample.image for sample in samples if sample.page is not None)
    if len(pages) == 1 and len(samples) == pages.total() > 1 and not any(sample.group for sample in samples):
        return _Clue(message=_neighbors(f"All images are pages of {next(iter(pages)).name}"))
    return _Clue({sample.id: str(sample.image) for sample in samples if sample.page is not None}, "pages of one file")


def _find_alike(samples: Sequence[Sample], clues: Clues) -> _Clue:
    """Numbered images of which neighbors are alike."""
    numbered = {name: ids for name, ids in series.find_numbered(samples).items() if len(ids) > 1}
    likeness, pairs = series.likeness_of_neighbors(numbered, clues.thumbnails)
    if pairs < series.FEWEST or likeness < series.needed_likeness(pairs):
        return _Clue()
    if len(numbered) == 1 and likeness >= series.CERTAIN:
        return _Clue(message=_neighbors("The images resemble their neighbors by number, as frames or slices do"))
    if len(numbered) < FEWEST_SERIES:
        return _Clue()
    return _Clue(
        {name: group for group, ids in numbered.items() for name in ids},
        "frames or slices of one series, by their numbers and their likeness",
        inferred=True,
    )


def _merge(samples: Sequence[Sample], clues: Sequence[_Clue]) -> Grouping:
    """All clues together; one that leaves too few groups is left out, and told."""
    ids = [sample.id for sample in samples]
    messages = [clue.message for clue in clues if clue.message]
    pairs: list[tuple[str, str]] = []
    for clue in clues:
        links = _links(clue.group_of)
        if not links:
            continue
        groups = mosaics.components(ids, [*pairs, *links])
        if groups == mosaics.components(ids, pairs):
            continue  # known by another clue
        left = len(groups) + len(ids) - sum(map(len, groups))
        largest = max(groups, key=len)
        if left == 1:
            messages.append(_one_group("Grouping", clue.reason, len(ids)))
        elif clue.inferred and 2 * len(largest) > len(ids) and left < FEWEST_LEFT:
            messages.append(
                f"{len(largest)} of {len(ids)} images belong together ({clue.reason}), which leaves {left} groups: too "
                "few to divide, so images are not kept together. Set group_by to group them otherwise."
            )
        else:
            messages.append(_count(clue.group_of, clue.reason))
            pairs += links
    return Grouping({name: group[0] for group in mosaics.components(ids, pairs) for name in group}, tuple(messages))


def _links(group_of: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of ids of the same group, enough to connect it."""
    first: dict[str, str] = {}
    return [(first[group], name) for name, group in sorted(group_of.items()) if first.setdefault(group, name) != name]


def _count(group_of: Mapping[str, str], reason: str) -> str:
    sizes = Counter(group_of.values())
    shared = [size for size in sizes.values() if size > 1]
    if not shared:
        return f"Each image is a group of its own ({reason})."
    return f"{sum(shared)} images were kept together as {len(shared)} groups ({reason})."


def _one_group(what: str, name: str, images: int) -> str:
    return (
        f"{what} puts all {images} images into one group ({name}), so each image is drawn alone, and validation scores "
        "may be too high."
    )


def _neighbors(beginning: str) -> str:
    return (
        f"{beginning}, so slices or frames next to each other lie in train and val, and validation scores may be too "
        "high."
    )
