"""The words of file and folder names: what says mask, image, subset or patient, whatever the case and the separators.

These are rules on words, not a list of datasets: `gt`, `GroundTruth`, `train_labels` and `1st_manual` all hold masks.
"""

import re
import unicodedata
from collections.abc import Container, Iterator, Sequence, Set

SUBSETS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
MASK_WORDS = {
    *("mask", "masks", "label", "labels", "seg", "segm", "segmentation", "segmentations", "gt", "groundtruth", "truth"),
    *("annot", "annotation", "annotations", "annotated", "target", "targets", "labelled", "labeled", "manual"),
    *(
        "anno",
        "annos",
        "trimap",
        "trimaps",
        "lbl",
        "lbls",
        "labelids",
        "labeltrainids",
        "instanceids",
        "gtfine",
        "gtcoarse",
    ),
}
IMAGE_WORDS = {
    *("image", "images", "img", "imgs", "im", "volume", "vol", "raw", "sat", "input", "inputs", "photo", "photos"),
    *("original", "originals", "orig", "source", "picture", "pictures"),
}
# Words that say something beside a mask word or in a folder of masks, and nothing in the name of an image.
WEAK_MASK_WORDS = {"l", "cp", "ah", "vk", "color", "binary", "bw", "ann", "annots", "segs", "gts", "man"}
WEAK_IMAGE_WORDS = {"frame", "slice", "tile", "patch", "scan", "t", "leftimage", "rgb", *SUBSETS}
FOLDER_MASK_WORDS = MASK_WORDS | {
    *(
        "annots",
        "ann",
        "fov",
        "tra",
        "semantic",
        "segmented",
        "segmentationclass",
        "segmentationobject",
        "labelstr",
        "labelsts",
        "labelsval",
    ),
}
FOLDER_IMAGE_WORDS = IMAGE_WORDS | {"jpegimages", "imagestr", "imagests", "imagesval", "leftimage", "rgb"}
LAST_MASK_WORDS = {"lab", "labs", "silhouettes"}  # "train_lab", but not "lab images"
BY_PRODUCTS = {"flows", "outlines", "overlay", "output", "dp", "superpixels", "parts"}  # beside an image of that name
VAGUE_WORDS = {"target", "annotated", "labelled", "labeled", "truth", "seg", "tra"}  # "target tissue": images
DENIALS = {"free", "no", "and", "without", "un"}  # beside a mask word: "label_free", "images_and_masks"
SUBSET_FILLERS = {"set", "data", "crop", "split", "subset", "dataset"}  # "train set", "traincrop"
GROUP_WORDS = {"patient", "case", "subject", "slide", "video", "sequence", "seq", "wsi", "scan", "volume", "specimen"}
CLASS_WORDS = {
    "class",
    "grade",
    "type",
    "stage",
    "fold",
    "batch",
    "part",
    "level",
    "year",
    "ds",
    "dataset",
    "group",
    "set",
}
COMPOUNDS = (  # written apart, or with a digit inside that is no number
    (re.compile(r"ground[\s_.-]*truth"), "groundtruth"),
    (re.compile(r"leftimg8bit"), "leftimage"),
    (re.compile(r"(\d)(?:st|nd|rd)[\s_.-]*(?:manual|ho)(?![^\W\d_])"), r" manual \1"),
)

Words = tuple[str, ...]


def split_words(name: str) -> Words:
    """Runs of letters and runs of digits, composed (NFC) and in lower case.

    >>> split_words("Zelle_007 (1)-Ground Truth"), split_words("Image_01L_1stHO")
    (('zelle', '007', '1', 'groundtruth'), ('image', '01', 'l', 'manual', '1'))
    """
    name = unicodedata.normalize("NFC", name).casefold()
    for pattern, written in COMPOUNDS:
        name = pattern.sub(written, name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", name))


def unpad(words: Words) -> Words:
    """Numbers without leading zeros.

    >>> unpad(("img", "007"))
    ('img', '7')
    """
    return tuple(word.lstrip("0") or "0" if word.isdigit() else word for word in words)


def _split_subset(word: str) -> Iterator[str]:
    """`trainannot` as `train`, `annot`; any other word as it is."""
    for subset in sorted(SUBSETS, key=len, reverse=True):
        rest = word.removeprefix(subset)
        if rest not in (word, "") and rest in FOLDER_MASK_WORDS | FOLDER_IMAGE_WORDS | SUBSET_FILLERS | {"x", "y"}:
            yield from (subset, rest)
            return
    yield word


def folder_words(name: str) -> Words:
    """The words of a folder's name, a subset at the start of a word split off.

    >>> folder_words("trainannot"), folder_words("Training - Masks")
    (('train', 'annot'), ('training', 'masks'))
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)  # ManualMask, PNGMasks
    return tuple(part for word in split_words(name) for part in _split_subset(word))


def folder_role(name: str) -> str:
    """ "mask", "image" or "" by a folder's name; the word counts where it is the first or the last, numbers aside.

    >>> [folder_role(name) for name in ("train_labels", "1st_manual", "tissue images", "label_free", "cells")]
    ['mask', 'mask', 'image', '', '']
    """
    words = [word for word in folder_words(name) if not word.isdigit()]
    if not words:
        return ""
    ends = {words[0], words[-1]}
    if words[0] in VAGUE_WORDS and not set(words[1:]) <= FOLDER_MASK_WORDS | FOLDER_IMAGE_WORDS | set(SUBSETS):
        ends = {words[-1]}
    is_last = words[-1] in LAST_MASK_WORDS
    if ((ends & FOLDER_MASK_WORDS or is_last) and not DENIALS.intersection(words)) or {"binary", "mask"} <= set(words):
        return "mask"
    is_plain = not set(words) & FOLDER_MASK_WORDS
    return "image" if is_plain and set(words) & FOLDER_IMAGE_WORDS else ""


def path_role(parts: Sequence[str]) -> str:
    """The role of the deepest folder that has one.

    >>> path_role(("mask project", "images")), path_role(("annotations", "training"))
    ('image', 'mask')
    """
    return next((role for part in reversed(parts) if (role := folder_role(part))), "")


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called as those that hold masks, `masks` as well as `train_masks`."""
    return folder_role(name) == "mask"


def subset_of(name: str) -> str | None:
    """train, val or test where a folder's or a stack's name says so.

    >>> subset_of("Training - Images"), subset_of("traincrop"), subset_of("train-volume"), subset_of("ship")
    ('train', 'train', 'train', None)
    """
    return next((SUBSETS[word] for word in folder_words(name) if word in SUBSETS), None)


def is_subset_folder(name: str) -> bool:
    """Whether a folder's name says a subset and nothing else.

    >>> is_subset_folder("valid"), is_subset_folder("Train set"), is_subset_folder("train station")
    (True, True, False)
    """
    words = folder_words(name)
    return bool(words) and words[0] in SUBSETS and all(word in SUBSET_FILLERS for word in words[1:])


def is_group_folder(name: str) -> bool:
    """Whether a folder is of one patient, slide or video: its name has a number or says so, and names no class.

    >>> [is_group_folder(name) for name in ("TCGA_CS_4941", "patient A", "class_1", "benign")]
    [True, True, False, False]
    """
    words = set(split_words(name))
    numbered = any(word.isdigit() for word in words) or bool(words & GROUP_WORDS)
    return numbered and not words & CLASS_WORDS


def stripped(words: Words, noise: Set[str], counting: Set[str] = frozenset()) -> list[Words]:
    """The words, then with ever more noise words taken from the end and from the start, the longest first.

    A number behind a noise word stays ("cell_mask_01" of "cell_01"), or behind one of the `counting` words also goes
    with it ("cell_mask_01" of "cell").

    >>> stripped(("21", "manual", "1"), {"manual"}, {"manual"})
    [('21', 'manual', '1'), ('21', '1'), ('21',)]
    """
    states = [words]
    for state in states:  # grows while it is walked
        last = max((index for index, word in enumerate(state) if not word.isdigit()), default=-1)
        after = []
        if last > 0 and state[last] in noise:
            after.append(state[:last] + state[last + 1 :])
            if state[last] in counting:
                after.append(state[:last])
        if len(state) > 1 and state[0] in noise:
            after.append(state[1:])
        states += [new for new in after if new not in states]
    return sorted(states, key=len, reverse=True)


def is_by_product(words: Words, others: Container[Words]) -> bool:
    """Whether a file is named as one of the others and what tools write beside it: "a_flows" of "a"."""
    while words and words[-1].isdigit():
        words = words[:-1]
    base = words[:-2] if words[-2:-1] == ("cp",) else words[:-1]
    return bool(words) and words[-1] in BY_PRODUCTS and base in others
