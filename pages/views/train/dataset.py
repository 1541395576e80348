"""The images of the folder in the form: their list, checked once for all views, what their masks mean, and previews."""

import streamlit as st

from unet_core import overlay
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery, reading
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.data.masks import decide, files
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.io.pixels import Array

MOST_MASKS = 24  # that are read for a first look at what their values mean


@st.cache_data(max_entries=16, ttl=10, show_spinner="Reading the folder…")
def find_samples(root: str, layout: str, unlabeled: str = "ask", recipe: str = "auto") -> tuple[Search, list[str]]:
    """What lies in a folder, and the problems that the file headers reveal. Raises DataError."""
    search = discovery.search_data(DataConfig(root=root, layout=layout, unlabeled=unlabeled, recipe=recipe))
    return search, discovery.check(search.samples)


def read_coding(root: str, data: DataConfig, num_classes: int) -> tuple[MaskCoding, list[str], int]:
    """What mask values mean by some of the masks, what was guessed, and how many were read. Raises DataError."""
    return _read_coding(data, num_classes, recipes.of(data))


@st.cache_data(max_entries=16, ttl=60, show_spinner="Reading some masks…")
def _read_coding(data: DataConfig, num_classes: int, recipe: Recipe) -> tuple[MaskCoding, list[str], int]:
    search = discovery.search_data(data)
    chosen = search.samples[:: -(-len(search.samples) // MOST_MASKS)]
    return *decide.look(search, data, ModelConfig(num_classes=num_classes), chosen), len(chosen)


@st.cache_data(max_entries=64, show_spinner=False)
def preview(sample: Sample, coding: MaskCoding) -> Array:
    """The largest square in the middle of the image, (side, side, 3) uint8, with its mask outlined."""
    image = reading.read_image(sample)
    mask = coding.apply(files.read(sample, image.shape), sample.id)
    drawn = overlay.draw(image, mask, num_classes=coding.num_classes, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    return drawn[top : top + side, left : left + side]
