"""The images of the folder in the form: their list, checked once for all views, and small previews."""

from pathlib import Path

import streamlit as st

from unet_core import overlay
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.io import channels
from unet_core.io.pixels import Array


@st.cache_data(max_entries=16, ttl=10, show_spinner="Reading the folder…")
def find_samples(root: str, layout: str, unlabeled: str = "ask") -> tuple[list[Sample], list[str]]:
    """The images of a folder with their masks, and the problems that the file headers reveal. Raises DataError."""
    samples = discovery.find(Path(root), layout, unlabeled=unlabeled)
    return samples, discovery.check(samples)


@st.cache_data(max_entries=64, show_spinner=False)
def preview(sample: Sample) -> Array:
    """The largest square in the middle of the image, (side, side, 3) uint8, with its mask outlined."""
    image = channels.read((sample.image, *sample.channel_files), sample.page)
    mask = files.foreground(files.read(sample, image.shape).as_colors())
    drawn = overlay.draw(image, mask, num_classes=1, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    return drawn[top : top + side, left : left + side]
