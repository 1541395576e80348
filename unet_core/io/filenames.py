"""File names that come from users, made safe for any disk, any ZIP and any spreadsheet."""

import re
import unicodedata
from pathlib import PurePosixPath

from unet_core.io.images import EXTENSIONS

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
LONGEST = 120  # characters of one part; file systems take 255 bytes with what follows


def safe_stem(name: str) -> str:
    """A relative path with forward slashes, without a picture's ending, made of the name that a user gave.

    Nothing in it leads out of a folder or is refused by Windows: no "..", drive or root, no control characters or
    <>:"|?*, no reserved name, no trailing dot or blank; "image" where nothing is left.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.suffix.lower() in EXTENSIONS:
        path = path.with_suffix("")
    parts = [_safe(part) for part in path.parts if part not in ("/", ".", "..")]
    return "/".join(part for part in parts if part) or "image"


def _safe(part: str) -> str:
    shown = "".join(
        "_" if unicodedata.category(letter)[0] == "C" or letter in '<>:"|?*/' else letter for letter in part
    )
    shown = shown[:LONGEST].strip(" .")
    return f"_{shown}" if shown.partition(".")[0].lower() in RESERVED else shown


class Names:
    """Gives each name once: the second "a" becomes "a_2". Capitals are no difference, as on Windows and macOS."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str) -> str:
        """The name, or with the smallest number behind it that is free."""
        found, number = name, 1
        while _folded(found) in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(_folded(found))
        return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def plain_cell(text: str) -> str:
    """A text that a spreadsheet shows and never computes: one that starts like a formula gets a ' in front."""
    text = readable(text)
    return f"'{text}" if re.match(r"\s*[=+\-@]|[\t\r\n]", text) else text


def readable(text: str) -> str:
    """Without the stand-ins for bytes of a file name that are no UTF-8, which no UTF-8 file can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


LONGEST_PART = 100  # bytes of one part of a name
DEEPEST = 8  # parts


def unique(name: str, taken: set[str]) -> str:
    """The name, or with a number before its suffix where another has it but for the case of its letters."""
    path, number = PurePosixPath(name), 2
    while name.lower() in taken:
        name, number = str(path.with_name(f"{path.stem}_{number}{path.suffix}")), number + 1
    taken.add(name.lower())
    return name


def safe_name(name: str) -> str:
    """A relative name with `/` that any system can write and that leads nowhere else."""
    parts = []
    for part in unicodedata.normalize("NFC", name.replace("\\", "/")).split("/"):
        clean = "".join(letter if letter.isprintable() and letter not in '<>:"|?*' else "_" for letter in part)
        clean = clean.strip(" ").rstrip(".")
        if re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", clean):
            clean = f"_{clean}"
        if len(clean.encode()) > LONGEST_PART:
            path = PurePosixPath(clean)
            suffix = path.suffix if len(path.suffix) <= 6 else ""
            clean = clean.encode()[: LONGEST_PART - len(suffix)].decode(errors="ignore") + suffix
        if clean.strip("."):
            parts.append(clean)
    return "/".join(parts[-DEEPEST:]) or "picture"
