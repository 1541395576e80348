"""Where scans are kept: one folder for each dataset in the user's cache, three files whatever the number of samples.

`samples` holds a line of JSON for each sample, `clues` 16-bit numbers that only grouping needs, `scan-...` what was
concluded with some settings. All can be made again: a file that is damaged or made by other code counts as none.
"""

import functools
import hashlib
import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import unet_core
from unet_core.config.schema import DataConfig
from unet_core.data.checks import records
from unet_core.data.checks.clues import Clue
from unet_core.data.checks.records import Record, Stats
from unet_core.data.layouts.tree import scan as list_tree
from unet_core.data.recipe.recipe import FILE, Recipe
from unet_core.io.files import cache_folder, write_atomically

FAST = 1  # compression level
MOST_SCANS = 8  # of one dataset, with different settings

DAMAGED = (OSError, ValueError, TypeError, KeyError, IndexError, zlib.error)


@functools.cache
def version() -> str:
    """Changes with the code that reads and measures: what other code measured is not comparable."""
    folder = Path(unet_core.__file__).parent
    paths = (*sorted((folder / "data").rglob("*.py")), *sorted((folder / "io").rglob("*.py")))
    code = b"".join(path.read_bytes() for path in paths)
    return f"{unet_core.__version__} {zlib.crc32(code):08x}"


def folder_of(root: Path) -> Path:
    """The cache folder of a dataset."""
    digest = hashlib.sha256(str(root.resolve()).encode(errors="surrogateescape")).hexdigest()[:24]
    return cache_folder() / "scans" / digest


def absolute(data: DataConfig) -> DataConfig:
    """The settings with the whole path of the folder, by which its scans are known."""
    return replace(data, root=str(Path(data.root).resolve()))


def stat_files(root: Path) -> Stats:
    """Size and time of every file below a folder but its recipe; links are followed. Raises DataError."""
    stats = {}
    for folder in list_tree(root).walk():
        for path in (*folder.images, *folder.others):
            if path.name != FILE:
                with suppress(OSError):
                    status = path.stat()
                    stats[str(path)] = status.st_size, status.st_mtime_ns
    return stats


def digest_of(stats: Stats, settings: Mapping[str, Any], recipe: Recipe) -> str:
    """Changes where a file, a setting or a repair does."""
    lines = [f"{path} {size} {time}" for path, (size, time) in sorted(stats.items())]
    lines += [json.dumps(settings, sort_keys=True), repr((recipe.repairs, recipe.settings)), version()]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:32]


def load_records(root: Path, with_clues: bool = True) -> tuple[dict[str, Record], str]:
    """The records of a dataset by sample id, and a stamp of all; ({}, "") where there are none."""
    folder = folder_of(root)
    try:
        packed = (folder / "samples").read_bytes()
        stamp = hashlib.sha256(packed).hexdigest()[:32]
        head, *lines = zlib.decompress(packed).decode(errors="surrogateescape").splitlines()
        if json.loads(head)["version"] != version():
            return {}, ""
        numbers = np.frombuffer((folder / "clues").read_bytes(), np.uint16) if with_clues else np.zeros(0, np.uint16)
        if with_clues and json.loads(head)["clues"] != zlib.crc32(numbers.tobytes()):
            return {}, ""
        start = 0

        def take(values: Any) -> Clue | None:
            nonlocal start
            if values is None or not with_clues:
                return None
            height, width, *levels = values
            end = start + Clue.size(height, width)
            data, start = numbers[start:end], end
            return Clue((height, width, *levels), data)

        loaded = [records.from_values(json.loads(line), take) for line in lines]
    except DAMAGED:
        return {}, ""
    return {record.facts.id: record for record in loaded}, stamp


def save_records(root: Path, kept: Mapping[str, Record]) -> str:
    """Write the records of a dataset; their stamp, "" where the disk refuses."""
    folder = folder_of(root)
    ordered = [kept[name] for name in sorted(kept)]
    numbers = b"".join(record.clue.data.tobytes() for record in ordered if record.clue is not None)
    head = {"version": version(), "clues": zlib.crc32(numbers)}
    lines = [head, *map(records.to_values, ordered)]
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    packed = zlib.compress(text.encode(errors="surrogateescape"), FAST)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "clues", numbers)
        write_atomically(folder / "samples", packed)
    except OSError:
        return ""
    return hashlib.sha256(packed).hexdigest()[:32]


def load_summary(root: Path, settings: Mapping[str, Any], digest: str) -> dict[str, Any] | None:
    """What `save_summary` wrote for the same files, settings and repairs; else None."""
    try:
        content: dict[str, Any] = json.loads(_summary_path(root, settings).read_text(encoding="utf-8"))
    except DAMAGED:
        return None
    return content if content.get("digest") == digest else None


def save_summary(root: Path, settings: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write what was concluded with some settings; without effect where the disk refuses."""
    path = _summary_path(root, settings)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content, separators=(",", ":")))
        others = sorted(path.parent.glob("scan-*.json"), key=lambda other: other.stat().st_mtime, reverse=True)
        for old in others[MOST_SCANS:]:
            old.unlink(missing_ok=True)


def _summary_path(root: Path, settings: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return folder_of(root) / f"scan-{digest}.json"
