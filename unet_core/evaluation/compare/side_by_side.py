"""Runs side by side: the settings in which they differ, what they reached, and whether their scores can be compared.

A validation score is a mean over the validation images of its run: those of two runs can be compared where both were
validated on the same images of the same dataset.
"""

import functools
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unet_core.config.labels import fields_by_name, label_of
from unet_core.errors import RunError, listing
from unet_core.runs import leaderboard, manage
from unet_core.runs.history import History
from unet_core.runs.run import Run

MEBI = 2**20


@dataclass(frozen=True)
class Entry:
    """One run of a comparison.

    Args:
        row: What sets it apart, where it stands, what it reached; its name is unique in the comparison.
        dataset: The folder of its dataset; "" where its settings cannot be read.
        val_images: How many validation images it has; None before it has divided its images.
        val_set: The number of this set of validation images: runs with the same number have the same images. From 1.
        model_mib: Size of the weights of its best epoch in MiB; None before there are any.
    """

    row: leaderboard.Row
    dataset: str
    val_images: int | None
    val_set: int | None
    model_mib: float | None


@dataclass(frozen=True)
class Comparison:
    """Some runs side by side; `warnings` say in sentences which scores cannot be compared."""

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> list[leaderboard.Row]:
        """What sets each run apart and what it reached."""
        return [entry.row for entry in self.entries]

    @property
    def differences(self) -> dict[str, list[Any]]:
        """The settings in which the runs differ, by name: the value of each run, None where it cannot be read."""
        names = dict.fromkeys(name for row in self.rows for name in row.settings)
        return {name: [row.settings.get(name) for row in self.rows] for name in names}

    @property
    def places(self) -> dict[str, int]:
        """The place of each run by its id: 1 for the highest validation Dice among those with the same `val_set`."""
        scored = [entry for entry in self.entries if entry.row.val_dice is not None]
        return {
            entry.row.run: 1
            + sum(
                other.val_set == entry.val_set and (other.row.val_dice or 0.0) > (entry.row.val_dice or 0.0)
                for other in scored
            )
            for entry in scored
        }

    def explain(self) -> str:
        """In words: the settings in which the runs differ, with their values."""
        parts = []
        for name in self.differences:
            words = fields_by_name()[name].words
            values = dict.fromkeys(words(row.settings[name]) for row in self.rows if name in row.settings)
            parts.append(f"{label_of(name)} ({listing(list(values), 6)})")
        return f"They differ in: {', '.join(parts)}." if parts else "The runs have the same settings."

    def to_dict(self) -> dict[str, Any]:
        """As `unet-studio compare` prints it: `runs` (a dictionary each), `differences`, `warnings`."""
        runs = [
            asdict(entry.row) | {name: value for name, value in asdict(entry).items() if name != "row"}
            for entry in self.entries
        ]
        return {"runs": runs, "differences": self.differences, "warnings": list(self.warnings)}


def compare(members: Sequence[Run], history_of: Callable[[Run], History] = leaderboard.read) -> Comparison:
    """Runs side by side, in their order. `history_of` lets a page hand in what it has read before."""
    rows = leaderboard.rows(members, history_of)
    labels = Counter(map(manage.label, members))
    roots, validated = [_find_root(run) for run in members], [_find_validated(run) for run in members]
    sets = {key: number for number, key in enumerate(dict.fromkeys(filter(None, validated)), 1)}
    entries = tuple(
        Entry(
            replace(row, name=_name(run, labels)),
            root,
            None if images is None else images[1],
            None if images is None else sets[images],
            _measure_model(run),
        )
        for run, row, root, images in zip(members, rows, roots, validated, strict=True)
    )
    return Comparison(entries, tuple(_find_warnings(entries)))


def check_number(members: Sequence[Run]) -> Sequence[Run]:
    """The same runs. Raises RunError where there are fewer than two."""
    if len(members) < 2:
        raise RunError("Comparing takes two runs or more. Name another run.")
    return members


def rank(members: Iterable[Run], history_of: Callable[[Run], History] = leaderboard.read) -> Comparison:
    """The leaderboard: the same with the highest validation Dice first, runs without a score last."""
    comparison = compare(list(members), history_of)
    ranked = sorted(comparison.entries, key=lambda entry: (entry.row.val_dice is None, -(entry.row.val_dice or 0.0)))
    numbers = {number: index for index, number in enumerate(dict.fromkeys(entry.val_set for entry in ranked), 1)}
    entries = (entry if entry.val_set is None else replace(entry, val_set=numbers[entry.val_set]) for entry in ranked)
    return replace(comparison, entries=tuple(entries))


def group_by_dataset(members: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs by the folder of their dataset, in their order; those whose settings cannot be read are left out."""
    groups: dict[str, list[Run]] = {}
    for run in members:
        if root := _find_root(run):
            groups.setdefault(root, []).append(run)
    return groups


def _find_warnings(entries: Sequence[Entry]) -> list[str]:
    """Why scores of these runs cannot be compared."""
    roots = {entry.dataset for entry in entries} - {""}
    if len(roots) > 1:
        names = listing(sorted(root.rpartition("/")[2] for root in roots), 4)
        return [f"These runs were trained on different datasets ({names}): their scores cannot be compared."]
    sets = {entry.val_set for entry in entries} - {None}
    if len(sets) > 1:
        return [
            f"These runs were validated on different images ({len(sets)} sets): their scores cannot be compared. "
            "Score them on the same images in a duel, or train with the same split seed and fractions."
        ]
    return []


def _name(run: Run, labels: Mapping[str, int]) -> str:
    """Curves and rows are told apart by their names, which need not be unique."""
    label = manage.label(run)
    unique = label if labels[label] == 1 else f"{label} ({run.id})"
    return unique.replace("<", "‹").replace(">", "›")  # Plotly takes tags in a legend for markup


def _find_root(run: Run) -> str:
    config = leaderboard.read_config(run)
    return os.path.realpath(config.data.root) if config is not None and config.data.root else ""


def _find_validated(run: Run) -> tuple[str, int] | None:
    """(what tells its set of validation images from others of the dataset, how many); None before it has one."""
    try:
        return _read_validated(run, (run.folder / "split.json").stat().st_mtime_ns)
    except (RunError, OSError, KeyError):
        return None


@functools.lru_cache(maxsize=4096)
def _read_validated(run: Run, changed: int) -> tuple[str, int]:
    """Read once: a page asks for every run at each visit."""
    ids = sorted(run.split()["val"])
    return hashlib.sha256("\n".join(ids).encode("utf-8", "surrogateescape")).hexdigest(), len(ids)


def _measure_model(run: Run) -> float | None:
    for folder in (run.best, run.best.with_name("best.old")):
        try:
            return Path(folder / "model.safetensors").stat().st_size / MEBI
        except OSError:
            continue
    return None
