"""A recipe: the repairs of a dataset, written down beside it in `studio.json` and applied while its files are read.

    recipe = load(root).add(Remedy("Shift the masks", (make_repair("shift", ["a", "b"], down=3, right=-2),)))
    save(root, recipe)

The image and mask files are never changed. A run keeps a copy of the recipe that it was trained with.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unet_core.errors import DataError
from unet_core.io import owners
from unet_core.io.filenames import readable
from unet_core.io.files import cache_folder, write_atomically

FILE = "studio.json"
VERSION = 1

Value = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """One repair: `kind` is a key of `REPAIRS`, `samples` the ids that it changes (() = all), `options` by name.

    Make one with `make_repair`, which sorts the options so that equal repairs are equal.
    """

    kind: str
    samples: tuple[str, ...] = ()
    options: tuple[tuple[str, Value], ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an option."""
        return dict(self.options).get(name, default)

    def concerns(self, sample: str) -> bool:
        """Whether it changes the sample of an id."""
        return not self.samples or sample in self.samples


def make_repair(kind: str, samples: Iterable[str] = (), **options: Any) -> Repair:
    """A repair with its options sorted; lists become tuples of text.

    >>> make_repair("shift", ["b", "a"], right=-2, down=3).options
    (('down', 3), ('right', -2))
    """
    pairs = (
        (name, tuple(map(str, value)) if isinstance(value, list | tuple) else value) for name, value in options.items()
    )
    return Repair(kind, tuple(sorted(samples)), tuple(sorted(pairs)))


@dataclass(frozen=True)
class Remedy:
    """What one click does: repairs to add and settings of the dataset to fix. `label` is the text of its button."""

    label: str
    repairs: tuple[Repair, ...] = ()
    settings: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class Recipe:
    """The repairs of a dataset in the order in which they are applied, its settings, and the colors of its classes.

    `settings`: names and values of `DataConfig` or `ModelConfig` (labels, color_map, ignore_index, unlabeled, layout,
    class_names, channels, group_by, ...), which stand in for a run's own where that has the default. `colors`: hex
    colors of the classes in order, the background's first, for display. `name`: what the user calls the dataset.
    """

    repairs: tuple[Repair, ...] = ()
    settings: tuple[tuple[str, Value], ...] = ()
    colors: tuple[str, ...] = ()
    name: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing that is read; name and colors do not."""
        return not (self.repairs or self.settings)

    def get(self, setting: str, default: Any = None) -> Any:
        """The value of a setting."""
        return dict(self.settings).get(setting, default)

    def add(self, remedy: Remedy) -> "Recipe":
        """With the repairs of a remedy at the end and its settings in place of others of the same name."""
        repairs = tuple(repair for repair in remedy.repairs if repair not in self.repairs)
        settings = tuple(sorted((dict(self.settings) | dict(remedy.settings)).items()))
        return replace(self, repairs=self.repairs + repairs, settings=settings)

    def without(self, repair: Repair) -> "Recipe":
        """Undo one repair."""
        return replace(self, repairs=tuple(other for other in self.repairs if other != repair))

    def without_setting(self, name: str) -> "Recipe":
        """Undo one setting."""
        return replace(self, settings=tuple(pair for pair in self.settings if pair[0] != name))

    def to_json(self) -> str:
        """The content of `studio.json`."""
        content = {
            "version": VERSION,
            "name": self.name,
            "settings": {name: _listed(value) for name, value in self.settings},
            "colors": list(self.colors),
            "repairs": [
                {
                    "kind": repair.kind,
                    "samples": list(repair.samples),
                    "options": {name: _listed(value) for name, value in repair.options},
                }
                for repair in self.repairs
            ],
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if readable(text) != text:  # names of files that are not UTF-8 need escapes
            text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        return text

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Raises DataError where the text is none."""
        try:
            content: Mapping[str, Any] = json.loads(text)
            repairs = tuple(
                make_repair(str(part["kind"]), map(str, part.get("samples", ())), **part.get("options", {}))
                for part in content.get("repairs", ())
            )
            settings = sorted((str(name), _fixed(value)) for name, value in content.get("settings", {}).items())
            colors = tuple(map(str, content.get("colors", ())))
            return cls(repairs, tuple(settings), colors, str(content.get("name", "")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"The recipe of repairs cannot be read ({error}). Correct or remove it.") from error


def _listed(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _fixed(value: Any) -> Any:
    return tuple(map(str, value)) if isinstance(value, list) else value


def load(root: Path) -> Recipe:
    """The recipe of a dataset folder; an empty one where it has none. Raises DataError where it is damaged."""
    for path in (root / FILE, path_elsewhere(root)):
        try:
            if path.is_file():
                return Recipe.from_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, DataError) as error:
            raise DataError(f"{path}: {error}") from error
    return Recipe()


def save(root: Path, recipe: Recipe) -> Path:
    """Write the recipe beside the files, or where the folder cannot be written into the user's cache; gives its path.

    Raises OSError where neither can be written, DataError where the dataset is not that of who acts (`io.owners`).
    """
    owners.check_dataset(root)
    beside, elsewhere = root / FILE, path_elsewhere(root)
    try:
        write_atomically(beside, recipe.to_json())
    except OSError:
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(elsewhere, recipe.to_json())
        return elsewhere
    with suppress(OSError):
        elsewhere.unlink(missing_ok=True)
    return beside


def path_elsewhere(root: Path) -> Path:
    """Where the recipe of a folder lies that cannot be written."""
    digest = hashlib.sha256(str(root.resolve()).encode(errors="surrogateescape")).hexdigest()[:24]
    return cache_folder() / "recipes" / f"{digest}.json"
