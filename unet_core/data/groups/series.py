"""Frames of one video, slices of one volume and tiles of one slide, by the numbers in their names; no torch.

A number after a word such as `frame`, `slice`, `z` or `t` says it. A number alone says nothing (`benign (12)`), unless
the images do: neighbors by number are then more alike than others of the same name.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.layouts import Sample
from unet_core.data.name_words import SUBSETS
from unet_core.io.pixels import Pixels

WORDS = "frame|frames|frm|fr|slice|slices|slc|page|plane|time|timepoint|z|t"
MARKED = re.compile(rf"(.+?)[-_. /](?:(?:{WORDS})[-_. ]?\d+|f\d{{3,}})", re.IGNORECASE)
PLACED = re.compile(  # QuPath's "slide [x=0,y=512,w=512,h=512]", "slide_x0_y512", "slide-row3-col4"
    r"(.+?)[-_. /]*(?:\[(?:\w=[\d.]+,)*x=-?\d+,y=-?\d+[^\]]*\]"
    r"|[-_. ]x=?\d+[-_. ,]*y=?\d+"
    r"|[-_. ]r(?:ow)?\d+[-_. ]?c(?:ol)?\d+)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"(.*?)[-_. (]*(\d+)\)?", re.DOTALL)
SIDE = 16  # pixels of a thumbnail
MOST = 300  # images of one name that are compared with one another
FEWEST = 20  # neighbors without which nothing is concluded
CERTAIN = 0.9  # how much more alike neighbors must be where all images have one name

Thumbnail = NDArray[np.float32]


def make_thumbnail(image: Pixels) -> Thumbnail:
    """(SIDE * SIDE,) gray levels of an image (H, W, C), less their mean and of length 1; 0 of a flat image."""
    planes = [np.ascontiguousarray(image[:, :, number]) for number in range(image.shape[2])]
    small = np.zeros((SIDE, SIDE), np.float32)
    for plane in planes:
        resizable = plane if plane.dtype in (np.uint8, np.uint16, np.float32) else plane.astype(np.float32)
        small += cv2.resize(resizable, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small -= small.mean()
    return (small / max(float(np.linalg.norm(small)), 1e-6)).ravel()


def find_marked(samples: Sequence[Sample]) -> dict[str, str]:
    """The series of each image whose name has a marked number, `mouse1_t003_z12` -> `mouse1`; by id.

    >>> from pathlib import Path
    >>> names = ("a/mouse1_t003_z12", "a/mouse1_slice-7", "benign (2)", "cell_0003")
    >>> find_marked([Sample(name, Path(name), ()) for name in names])
    {'a/mouse1_t003_z12': 'a/mouse1', 'a/mouse1_slice-7': 'a/mouse1'}
    """
    series_of = {}
    for sample in samples:
        name = _name(sample)
        while match := MARKED.fullmatch(name):
            name = match[1]
        if name != _name(sample) and name not in SUBSETS:
            series_of[sample.id] = name
    return series_of


def find_placed(samples: Sequence[Sample]) -> dict[str, str]:
    """The large image of each tile whose name says where it was cut, by id.

    >>> from pathlib import Path
    >>> names = ("slide 1 [x=0,y=512,w=512,h=512]", "p/slide2_x10_y7", "a_r1_c2", "box1_y2")
    >>> list(find_placed([Sample(name, Path(name), ()) for name in names]).values())
    ['slide 1', 'p/slide2', 'a']
    """
    matches = ((sample.id, PLACED.fullmatch(_name(sample))) for sample in samples)
    return {name: match[1] for name, match in matches if match}


def find_numbered(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """The ids of images whose names differ in their last number alone, in its order, by the rest of the name."""
    by_name: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for sample in samples:
        if match := NUMBERED.fullmatch(_name(sample)):
            by_name[match[1]].append((int(match[2]), sample.id))
    return {name: [key for _, key in sorted(series_of)] for name, series_of in by_name.items()}


def likeness_of_neighbors(
    series: Mapping[str, Sequence[str]], thumbnails: Mapping[str, Thumbnail]
) -> tuple[float, int]:
    """(probability that neighbors by number are more alike than two others of the series, how many neighbors).

    0.5 where the numbers say nothing. Likeness is the correlation of thumbnails.
    """
    wins, pairs = 0.0, 0
    for ids in series.values():
        rows = [thumbnails[name] for name in ids[:MOST] if name in thumbnails]
        if len(rows) < 4:
            continue
        likeness = np.stack(rows) @ np.stack(rows).T
        neighbors = np.sort(np.diagonal(likeness, 1))
        others = np.sort(likeness[np.triu_indices(len(rows), 2)])
        below = np.searchsorted(others, neighbors, "left") + np.searchsorted(others, neighbors, "right")
        wins += float(below.sum()) / (2 * len(others))
        pairs += len(neighbors)
    return (wins / pairs if pairs else 0.5), pairs


def needed_likeness(pairs: int) -> float:
    """What `likeness_of_neighbors` must reach: chance alone gives less, the more neighbors there are.

    >>> [round(needed_likeness(pairs), 2) for pairs in (25, 100, 400)]
    [0.85, 0.75, 0.7]
    """
    return float(0.65 + 1 / max(pairs, 1) ** 0.5)


def _name(sample: Sample) -> str:
    """Its id; of a page of a stack, without the page."""
    return sample.id.rpartition("/")[0] if sample.page is not None else sample.id
