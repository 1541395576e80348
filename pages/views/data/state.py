"""The chosen dataset as the views see it: its recipe, scan and samples; and how the recipe is changed and undone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import streamlit as st

from pages.server import paths
from pages.server.datasets.thumbnails import OUTLINES, Look
from pages.ui.formatting import key_text
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.checks.finding import INFO, Finding
from unet_core.data.checks.scan import Scan
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.data.recipe import recipe as recipe_file
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import UnetError
from unet_core.io.colors import GRAY, to_hex

ERROR, BEFORE = "data_error", "data_recipes_before"
MOST_STEPS = 50  # that can be undone


@dataclass(frozen=True)
class Dataset:
    """A dataset folder with its recipe and its scan.

    While it is scanned for the first time `is_measured` is False, and the facts of the scan hold names alone; while it
    is scanned again `is_current` is False, and the scan is the one before.
    """

    root: Path
    recipe: Recipe
    scan: Scan
    is_measured: bool = True
    is_current: bool = True

    @cached_property
    def config(self) -> RunConfig:
        """The settings with which it is read."""
        return recipes.configure(RunConfig().replace(root=str(self.root)), self.recipe)

    @property
    def class_names(self) -> list[str]:
        """Of all classes, the background's first."""
        scan = self.scan
        count = max(2, scan.num_classes)
        names = list(self.config.model.names or scan.class_names)  # the recipe's at once, also before the next scan
        names = names or (["background", "foreground"] if count == 2 else ["background"])
        return [names[index] if index < len(names) else f"class {index}" for index in range(count)]

    @property
    def colors(self) -> list[str]:
        """#rrggbb of all classes, the background's first: as the user chose them, else those of the palette."""
        from unet_core import overlay

        scan = self.scan
        count = max(2, scan.num_classes)
        colors = overlay.class_colors(max(1, scan.num_classes), self.recipe.colors)
        shown = [to_hex(color) for color in colors[:count]]
        if scan.num_classes < 2 and not self.recipe.colors:
            shown[0] = to_hex(GRAY)  # the background of a binary mask is not drawn, but has a bar
        return shown

    def look(self, style: str = OUTLINES) -> Look:
        """How its masks are drawn."""
        return Look(self.scan.coding, max(1, self.scan.num_classes), self.recipe.colors, style)

    @property
    def version(self) -> str:
        """Changes with each scan and each change of the recipe; for caches."""
        text = f"{self.root} {self.recipe.to_json()} {self.scan.seconds} {len(self.scan.facts)}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The samples by their ids, with the repairs that apply to them. Raises DataError."""
        version = self.version if self.is_current else ""
        return {sample.id: sample for sample in examine(self.root, self.recipe, version).samples}

    @cached_property
    def findings_of(self) -> dict[str, list[Finding]]:
        """All findings that name a sample, by its id."""
        by_sample: dict[str, list[Finding]] = {}
        for finding in self.scan.findings:
            for name in finding.samples:
                by_sample.setdefault(name, []).append(finding)
        return by_sample

    @cached_property
    def with_problems(self) -> frozenset[str]:
        """The ids of the samples that errors or warnings name."""
        return frozenset(name for finding in self.scan.findings if finding.severity != INFO for name in finding.samples)


def examine(root: Path, recipe: Recipe, version: str) -> Search:
    """What lies in a folder, read with its own recipe. Raises DataError.

    `version` is that of the scan whose files they are, "" before it is done; forget those when a scan is started.
    """
    return _examine(key_text(f"{root} {recipe.to_json()} {version}"), root)


@st.cache_resource(max_entries=8, show_spinner="Reading the folder…")
def _examine(key: str, _root: Path) -> Search:
    return discovery.examine(DataConfig(root=str(_root)))


def forget_files() -> None:
    """Look at the folders again."""
    _examine.clear()


def load_recipe(root: Path) -> Recipe:
    """The recipe of a dataset. Raises DataError where it is damaged."""
    return recipes.of(DataConfig(root=str(root)))


def change(root: Path, edit: Callable[[Recipe], Recipe]) -> None:
    """For callbacks: change the recipe on disk; the one before can be had back by `undo`."""
    try:
        before = recipe_file.load(root)
        after = edit(before)
        if after == before:
            return
        recipe_file.save(root, after)
    except UnetError as error:
        st.session_state[ERROR] = str(error)
    except OSError as error:
        reason = error.strerror or error
        st.session_state[ERROR] = f"{root}: the recipe cannot be saved ({reason}). Check permissions and free space."
    else:
        steps = [*_steps(root), before]
        _all_steps()[str(root)] = steps[-MOST_STEPS:]


def undo(root: Path) -> None:
    """For callbacks: take the recipe of before the last change of this session."""
    steps = _steps(root)
    if not steps:
        return
    last = steps.pop()
    change(root, lambda recipe: last)
    _all_steps()[str(root)] = steps


def can_undo(root: Path) -> bool:
    """Whether something was changed in this session."""
    return bool(_steps(root))


def _all_steps() -> dict[str, list[Recipe]]:
    steps: dict[str, list[Recipe]] = st.session_state.setdefault(BEFORE, {})
    return steps


def _steps(root: Path) -> list[Recipe]:
    return list(_all_steps().get(str(root), []))


def set_setting(root: Path, name: str, value: str | int | float | bool | None) -> None:
    """For callbacks: fix a setting of the dataset; None sets it free again."""
    from unet_core.data.recipe.recipe import Remedy

    if value is None:
        change(root, lambda recipe: recipe.without_setting(name))
    else:
        change(root, lambda recipe: recipe.add(Remedy("", settings=((name, value),))))


def place_of_recipe(root: Path) -> str:
    """Where the recipe is stored, or would be."""
    beside, elsewhere = root / recipe_file.FILE, recipe_file.path_elsewhere(root)
    return paths.shown(elsewhere if elsewhere.is_file() and not beside.is_file() else beside)


def replace_damaged(root: Path) -> None:
    """For callbacks: an empty recipe in place of one that cannot be read."""
    try:
        recipe_file.save(root, Recipe())
    except UnetError as error:
        st.session_state[ERROR] = str(error)
    except OSError as error:
        reason = error.strerror or error
        st.session_state[ERROR] = f"{root}: the recipe cannot be saved ({reason}). Check permissions and free space."
