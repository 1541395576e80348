"""File names that come from users, made safe for any disk, any ZIP and any spreadsheet."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path, PurePosixPath

EXTENSIONS = (  # of image files that can be read
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".pbm"),
    *(".npy", ".npz", ".nii", ".nii.gz", ".dcm", ".heic", ".heif"),
)
STACKS = (".tif", ".tiff", ".nii", ".nii.gz", ".dcm")  # of those that may hold several images
DOUBLE = re.compile(r"(?i)\.(ome\.tiff?|nii\.gz)$")  # endings of two parts

MOST_BYTES = 100  # of one part of a name in UTF-8; file systems take 255 with the endings that follow
MOST_PARTS = 8  # of a path
MOST_REMEMBERED = 2**17  # names whose endings are remembered: each layout asks for those of all files of a folder
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")  # devices of Windows, with any suffix

JUNK_FOLDERS = ("__macosx", "@eadir", "$recycle.bin")
JUNK = ("thumbs.db", "desktop.ini", "ehthumbs.db")


def is_junk(path: str) -> bool:
    """Whether a relative path is what systems and tools leave behind, or hidden, or in such a folder.

    >>> [is_junk(path) for path in ("__MACOSX/a.png", "x/._a.png", ".ipynb_checkpoints/a.png", "Thumbs.db", "../a.png")]
    [True, True, True, True, False]
    """
    parts = path.lower().split("/")
    hidden = any(part.startswith(".") and part.strip(".") for part in parts)
    return hidden or parts[-1] in JUNK or any(part in JUNK_FOLDERS for part in parts)


def is_image_name(path: Path) -> bool:
    """Whether a file name ends like an image; hidden files do not count."""
    return path.name.lower().endswith(EXTENSIONS) and not path.name.startswith(".")


@lru_cache(MOST_REMEMBERED)
def suffix_of(name: str) -> str:
    """The ending of a file name with its dot, as it is written; `.ome.tif` and `.nii.gz` are one ending.

    >>> suffix_of("plate/cells.OME.tif"), suffix_of("brain.nii.gz"), suffix_of("v1.2.png"), suffix_of("README")
    ('.OME.tif', '.nii.gz', '.png', '')
    """
    name = PurePosixPath(name.replace("\\", "/")).name
    double = DOUBLE.search(name)
    return double.group() if double and double.start() else PurePosixPath(name).suffix


@lru_cache(MOST_REMEMBERED)
def stem_of(name: str) -> str:
    """The last part of a path without its ending; `.ome.tif` and `.nii.gz` are one ending.

    >>> stem_of("plate/cells.ome.tif"), stem_of("brain.nii.gz"), stem_of("v1.2.png"), stem_of("README")
    ('cells', 'brain', 'v1.2', 'README')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    return last.removesuffix(suffix_of(last))


def safe_name(name: str) -> str:
    """A relative path with `/` that any system can write and that leads out of no folder; "image" of nothing.

    There is no "..", drive or root in it, no control character, none of <>:"|?*, no reserved name, no leading or
    trailing blank or dot. Letters are composed (NFC). Longer parts are cut before their suffix, of deeper paths the
    last MOST_PARTS stay.

    >>> safe_name("..\\\\plate 1\\\\well:A1.tif"), safe_name("con.png"), safe_name("..")
    ('plate 1/well_A1.tif', '_con.png', 'image')
    """
    parts = [_safe_part(part) for part in unicodedata.normalize("NFC", name.replace("\\", "/")).split("/")]
    return "/".join([part for part in parts if part][-MOST_PARTS:]) or "image"


def safe_stem(name: str) -> str:
    """The same without an image's suffix, for names that get an ending of their own; other dots stay.

    >>> safe_stem("plate 1/well.A1.TIF"), safe_stem("a.ome.tif"), safe_stem("v1.2")
    ('plate 1/well.A1', 'a', 'v1.2')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    return safe_name(str(path.with_name(stem_of(name))) if path.name.lower().endswith(EXTENSIONS) else name)


def _safe_part(part: str) -> str:
    clean = "".join(letter if letter.isprintable() and letter not in '<>:"|?*' else "_" for letter in part).strip(" .")
    if RESERVED.fullmatch(clean):
        clean = f"_{clean}"
    if len(clean.encode()) > MOST_BYTES:
        suffix = suffix_of(clean)
        suffix = suffix if len(suffix.encode()) <= 6 or DOUBLE.fullmatch(suffix) else ""  # longer: a dot in a sentence
        clean = clean.encode()[: MOST_BYTES - len(suffix.encode())].decode(errors="ignore") + suffix
    return clean


def fold_case(name: str) -> str:
    """A key that is equal for names that Windows or macOS take for the same file."""
    return unicodedata.normalize("NFC", name).casefold()


def unique(name: str, taken: set[str], *, before_suffix: bool = True) -> str:
    """The name, or the name with the smallest number from 2 that is free; it is added to `taken`, folded.

    The number goes before the suffix of the last part, or with `before_suffix` False to the end.

    >>> taken = set()
    >>> [unique(name, taken) for name in ("a.png", "A.png", "a.png")]
    ['a.png', 'A_2.png', 'a_3.png']
    """
    path = PurePosixPath(name)
    stem, suffix = (stem_of(path.name), suffix_of(path.name)) if before_suffix else (path.name, "")
    number = 1
    while fold_case(name) in taken:
        number += 1
        name = str(path.with_name(f"{stem}_{number}{suffix}"))
    taken.add(fold_case(name))
    return name


def plain_cell(text: str) -> str:
    """A text that a spreadsheet shows and never computes: one that starts like a formula gets a ' in front.

    >>> plain_cell("=1+1"), plain_cell("a=1.png")
    ("'=1+1", 'a=1.png')
    """
    text = readable(text)
    return f"'{text}" if re.match(r"\s*[=+\-@]|[\t\r\n]", text) else text


def readable(text: str) -> str:
    """Without the surrogates that stand for bytes of a file name that are not UTF-8, which no UTF-8 file can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
