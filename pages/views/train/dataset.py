"""The dataset in the form: the menu, what was found in the folder, what its masks mean, its repairs, and previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from pages.server.datasets.reading import DatasetReading, find_reading
from pages.server.datasets.thumbnails import Look, key_of
from pages.server.paths import runs_dir
from pages.ui import dataset_picker, form_state, widgets
from pages.ui.dataset_picker import Chosen
from pages.ui.formatting import plain
from pages.ui.settings import values_of
from unet_core import overlay
from unet_core.config.labels import fields_by_name
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
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
PREVIEW_SIDE = 208  # pixels: a visit loads little, and it is sharp on screens of double density
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
    own: bool = False  # not the built-in sample

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
    own = chosen.name != dataset_picker.SAMPLE
    root = str(chosen.root.resolve())
    source = choose_repairs(root)
    try:
        data, model, recipe = read_settings(root, source)
        usable = show_reading(find_reading(data, model.num_classes), recipe, chosen)
    except UnetError as error:
        widgets.show_error(error)
        data_link(chosen)
        return Dataset(root, source, own=own)
    return Dataset(root, source, recipe, usable, own)


def of_config(config: RunConfig) -> Dataset:
    """The dataset of the settings, for the other views of the page. Raises DataError."""
    return Dataset(config.data.root, config.data.recipe, recipes.of(config.data), usable=True)


def data_link(chosen: Chosen) -> None:
    """To the Data page with the same dataset."""
    query = {} if chosen.name == dataset_picker.SAMPLE else {dataset_picker.KEY: chosen.name}
    st.page_link("data.py", label="View and repair this dataset", icon=":material/database:", query_params=query)


def choose_repairs(root: str) -> str:
    """The setting that names the repairs; its menu is shown where there is something to choose.

    Of files only the recipes of runs can be named, which "Copy settings" does: an address must not read others.
    """
    option = fields_by_name()["recipe"]
    current = str(form_state.value_of("recipe"))
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
    form_state.put("recipe", current)
    form_state.prepare(option)
    index = list(labels).index(current)
    return str(st.selectbox(option.label, list(labels), index, format_func=labels.__getitem__, key="recipe"))


def read_settings(root: str, source: str) -> tuple[DataConfig, ModelConfig, Recipe]:
    """The settings of the form that say how a folder is read, those that its recipe fixes included.

    Raises DataError where the recipe is damaged.
    """
    names = ("layout", "unlabeled", "labels", "ignore_index", "color_map")
    data = DataConfig(root=root, recipe=source, **{name: form_state.value_of(name) for name in names})
    recipe = recipes.of(data)
    model = ModelConfig(num_classes=form_state.value_of("num_classes"))
    return *recipes.configure_parts(data, model, recipe), recipe


def show_reading(reading: DatasetReading, recipe: Recipe, chosen: Chosen) -> bool:
    """What is known of the folder so far; whether training on it can start. Notes on repairs are left to Data."""
    reading.wait(QUICK_SECONDS)
    progress = reading.poll()
    search, coding = reading.search, reading.coding if progress.over else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dataset_line"):
        if search is not None:
            st.caption(f"**{len(search.samples)} images** with masks" + (f" · {kind_of(coding)}" if coding else ""))
        with st.popover("Details", type="tertiary", key="dataset_details"):
            if chosen.name == dataset_picker.SAMPLE:
                st.caption(SAMPLE_CAPTION)
            if search is not None:
                st.caption(f"Found as: {plain(search.reason or search.layout)}.")
            if coding is not None:
                st.caption(f"Masks: {plain(coding.describe())} (by {reading.masks_read} of them)")
            if number := len(recipe.repairs):
                st.caption(f":material/healing: {number} repair{'s are' if number > 1 else ' is'} applied, see Data.")
            data_link(chosen)
    if not progress.over:
        follow(reading)
        return False
    if search is not None and coding is not None:
        repairs = list(map(readable, kinds.tell(recipe)))
        if remarks := [note for note in (*search.notes, *reading.guesses) if note not in repairs]:
            st.info("\n".join(f"- {plain(text)}" for text in remarks), icon=":material/info:")
        show_previews(reading.readable, coding)
    if reading.error:
        widgets.show_error(reading.error)
        return False
    if reading.problems:
        listed = "\n".join(f"- {plain(text)}" for text in reading.problems[:MOST_PROBLEMS])
        st.warning(f"Problems in this folder:\n{listed}", icon=":material/warning:")
    return bool(reading.readable)  # of a folder without any nothing can be trained


def kind_of(coding: MaskCoding) -> str:
    """What the masks hold, in two words."""
    return {"binary": "binary masks", "instances": "numbered objects"}.get(coding.kind, f"{coding.num_classes} classes")


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
    with st.container(key="previews"):  # in one row on any screen, see train.css
        for sample in spread[:PREVIEWS]:
            try:
                key = key_of(sample, Look(coding, coding.num_classes))
                alt = f"{readable(sample.id)} with its mask outlined"
                st.image(preview(sample, coding, key), width="stretch", alt=alt, output_format="JPEG")
            except UnetError as error:
                st.caption(plain(str(error)))


@st.cache_data(max_entries=64, show_spinner=False)
def preview(_sample: Sample, _coding: MaskCoding, key: str) -> Array:
    """The largest square in the middle of the image, (side, side, 3) uint8, with its mask outlined.

    It has at most PREVIEW_SIDE pixels a side. `key` stands for the other two in the cache, which cannot hash paths
    that are not UTF-8.
    """
    import cv2

    image = read_image(_sample)
    mask = _coding.apply(files.read(_sample, image.shape), _sample.id)
    drawn = overlay.draw(image, mask, num_classes=_coding.num_classes, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    square = drawn[top : top + side, left : left + side]
    if side <= PREVIEW_SIDE:
        return square
    return np.asarray(cv2.resize(square, (PREVIEW_SIDE, PREVIEW_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def read(data: DataConfig, num_classes: int) -> DatasetReading:
    """The reading of a folder, for the other views of the page; it may go on. Raises UnetError where it failed."""
    reading = find_reading(data, num_classes)
    reading.wait(QUICK_SECONDS)
    if reading.poll().over and reading.error:
        raise UnetError(reading.error)
    return reading
