"""The dataset in the form: the menu, what was found in the folder, what its masks mean, its repairs, and previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.server.datasets.reading import DatasetReading, find_reading
from pages.server.datasets.thumbnails import Look, key_of
from pages.server.paths import runs_dir
from pages.ui import dataset_picker, widgets
from pages.ui.dataset_picker import Chosen
from pages.ui.formatting import plain
from pages.ui.settings import current_value, values_of
from unet_core import overlay
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig, all_fields
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.reading import read_image
from unet_core.data.recipe import kinds, recipes
from unet_core.data.recipe.recipe import FILE, Recipe
from unet_core.errors import UnetError
from unet_core.io.filenames import readable
from unet_core.io.pixels import Array

PREVIEWS = 4
MOST_PROBLEMS = 20
QUICK_SECONDS = 1.0  # a small folder is there within it, without a progress bar
REPAIRS = {recipes.AUTO: "Apply those of the Data page", recipes.NONE: "Apply none"}
SAMPLE_CAPTION = "48 synthetic images of fluorescent nuclei with exact masks."


@dataclass(frozen=True)
class Dataset:
    """What the form trains on: the folder, "" of none, which repairs, and whether training on it can start.

    `source` is the setting that names the repairs, `recipe` what it names.
    """

    root: str = ""
    source: str = recipes.AUTO
    recipe: Recipe = Recipe()  # noqa: RUF009 - frozen
    usable: bool = False

    @property
    def fixed(self) -> dict[str, Any]:
        """The values of the settings that the recipe fixes, by name."""
        values = values_of(recipes.configure(RunConfig(), self.recipe))
        return {name: values[name] for name, _ in self.recipe.settings}


def show() -> Dataset:
    """The part of the form."""
    chosen = dataset_picker.choose()
    if chosen is None:
        return Dataset()
    if chosen.name == dataset_picker.SAMPLE:
        st.caption(SAMPLE_CAPTION)
    root = str(chosen.root.resolve())
    source = choose_repairs(root)
    try:
        data, model, recipe = read_settings(root, source)
        usable = show_reading(find_reading(data, model.num_classes), list(map(readable, kinds.tell(recipe))))
    except UnetError as error:
        widgets.show_error(error)
        data_link(chosen)
        return Dataset(root, source)
    if recipe.repairs:
        number = len(recipe.repairs)
        st.caption(f":material/healing: {number} repair{'s are' if number > 1 else ' is'} applied, see Data.")
    data_link(chosen)
    return Dataset(root, source, recipe, usable)


def data_link(chosen: Chosen) -> None:
    """To the Data page with the same dataset."""
    query = {} if chosen.name == dataset_picker.SAMPLE else {dataset_picker.KEY: chosen.name}
    st.page_link("data.py", label="View and repair this dataset", icon=":material/database:", query_params=query)


def choose_repairs(root: str) -> str:
    """The setting that names the repairs; its menu is shown where there is something to choose.

    Of files only the recipes of runs can be named, which "Copy settings" does: an address must not read others.
    """
    option = next(option for option in all_fields() if option.name == "recipe")
    current = str(current_value(option))
    path = Path(current)
    if current not in REPAIRS and not (path.name == FILE and path.parent.parent == runs_dir() and path.is_file()):
        current = recipes.AUTO
    labels = REPAIRS | ({} if current in REPAIRS else {current: f"As in run {path.parent.name}"})
    try:
        has_own = not recipes.of(DataConfig(root=root)).is_empty
    except UnetError:
        has_own = True  # what is wrong with it is said below
    if current == recipes.AUTO and not has_own:
        return current
    st.session_state["recipe"] = current
    return str(st.selectbox("Repairs", list(labels), format_func=labels.__getitem__, key="recipe", bind="query-params"))


def read_settings(root: str, source: str) -> tuple[DataConfig, ModelConfig, Recipe]:
    """The settings of the form that say how a folder is read, those that its recipe fixes included.

    Raises DataError where the recipe is damaged.
    """
    names = ("layout", "unlabeled", "labels", "ignore_index", "color_map")
    values = {option.name: current_value(option) for option in all_fields()}
    data = DataConfig(root=root, recipe=source, **{name: values[name] for name in names})
    recipe = recipes.of(data)
    return *recipes.configure_parts(data, ModelConfig(num_classes=values["num_classes"]), recipe), recipe


def show_reading(reading: DatasetReading, repairs: Sequence[str]) -> bool:
    """What is known of the folder so far; whether training on it can start. Notes on `repairs` are left to Data."""
    reading.wait(QUICK_SECONDS)
    progress = reading.poll()
    if (search := reading.search) is not None:
        st.caption(f"**{len(search.samples)} images** with masks · {plain(search.reason or search.layout)}")
    if not progress.over:
        follow(reading)
        return False
    if search is not None and (coding := reading.coding) is not None:
        st.caption(f"Masks: {plain(coding.describe())} (by {reading.masks_read} of them)")
        if remarks := [note for note in (*search.notes, *reading.guesses) if note not in repairs]:
            st.info("\n".join(f"- {plain(text)}" for text in remarks), icon=":material/info:")
        show_previews(reading.readable, coding)
    if reading.error:
        widgets.show_error(reading.error)
        return False
    if reading.problems:
        listed = "\n".join(f"- {plain(text)}" for text in reading.problems[:MOST_PROBLEMS])
        st.warning(f"Problems in this folder:\n{listed}", icon=":material/warning:")
    return True


@st.fragment(run_every=0.5)
def follow(reading: DatasetReading) -> None:
    """The progress of a reading that takes longer; the whole page runs again when it is over."""
    progress = reading.poll()
    if progress.over:
        st.rerun()
    text = f"Checking image {progress.images + 1} of {progress.of_images}" if progress.of_images else "Reading…"
    st.progress(progress.fraction, text)


def show_previews(samples: Sequence[Sample], coding: MaskCoding) -> None:
    """A few images beside each other, with their masks outlined."""
    spread = samples[:: max(1, len(samples) // PREVIEWS)]
    for column, sample in zip(st.columns(PREVIEWS), spread, strict=False):
        try:
            key = key_of(sample, Look(coding, coding.num_classes))
            column.image(
                preview(sample, coding, key), width="stretch", alt=f"{readable(sample.id)} with its mask outlined"
            )
        except UnetError as error:
            column.caption(plain(str(error)))


@st.cache_data(max_entries=64, show_spinner=False)
def preview(_sample: Sample, _coding: MaskCoding, key: str) -> Array:
    """The largest square in the middle of the image, (side, side, 3) uint8, with its mask outlined.

    `key` stands for the other two in the cache, which cannot hash paths that are not UTF-8.
    """
    image = read_image(_sample)
    mask = _coding.apply(files.read(_sample, image.shape), _sample.id)
    drawn = overlay.draw(image, mask, num_classes=_coding.num_classes, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    return drawn[top : top + side, left : left + side]


def read(data: DataConfig, num_classes: int) -> DatasetReading:
    """The reading of a folder, for the other views of the page; it may go on. Raises UnetError where it failed."""
    reading = find_reading(data, num_classes)
    reading.wait(QUICK_SECONDS)
    if reading.poll().over and reading.error:
        raise UnetError(reading.error)
    return reading
