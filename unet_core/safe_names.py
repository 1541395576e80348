"""Names of strangers' files, made into relative names that any system can write and that no two files share."""

import re
import unicodedata
from pathlib import PurePosixPath

LONGEST = 100  # bytes of one part of a name
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
        if len(clean.encode()) > LONGEST:
            path = PurePosixPath(clean)
            suffix = path.suffix if len(path.suffix) <= 6 else ""
            clean = clean.encode()[: LONGEST - len(suffix)].decode(errors="ignore") + suffix
        if clean.strip("."):
            parts.append(clean)
    return "/".join(parts[-DEEPEST:]) or "picture"
