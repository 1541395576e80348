"""The control of how a stack of channels is shown: which of them, in which colors, between which percentiles.

It changes the screen alone: the model gets the channels that it was trained with, as they are. Gray and RGB have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.ui.formatting import plain
from unet_core.io.colors import to_hex
from unet_core.io.pixels import LIMITS, Array, Pixels, composite, default_colors

MOST_SHOWN = 6
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Display:
    """The channels that are shown, from 0, the color of each, and the percentiles of black and of the full color."""

    channels: tuple[int, ...]
    colors: tuple[Color, ...]
    limits: tuple[float, float]


def choose(number: int, names: Sequence[str], key: str) -> Display | None:
    """The popover for an image of `number` channels, which may have names; None for gray and RGB, without a popover.

    `key` is the page's: another image with as many channels is shown in the same way.
    """
    if number in (1, 3):
        return None
    labels = {channel: label_of(channel, names) for channel in range(number)}
    scope = f"{key}-{number}"
    with st.popover("Channels shown", icon=":material/layers:", help="Changes the view, not the prediction."):
        chosen = st.multiselect(
            "Channels",
            list(labels),
            default=list(labels)[: min(number, 3)],
            format_func=lambda channel: labels.get(channel, str(channel)),
            max_selections=MOST_SHOWN,
            key=f"{scope}-channels",
            persist_state="session",
        )
        shown = tuple(chosen) or tuple(range(min(number, 3)))
        row = st.container(horizontal=True)
        colors = []
        for channel, color in zip(shown, default_colors(len(shown)), strict=True):
            # One key for each number of channels: a channel alone is white, beside others it has a color of its own.
            picker = f"{scope}-color-{len(shown)}-{shown.index(channel)}-{channel}"
            picked = row.color_picker(plain(labels[channel]), to_hex(color), key=picker, persist_state="session")
            colors.append(from_hex(picked))
        limits = st.slider(
            "Contrast limits (percentiles)",
            0.0,
            100.0,
            LIMITS,
            0.1,
            key=f"{scope}-limits",
            persist_state="session",
            help="Of each channel, what is darker is black and what is brighter has the full color.",
        )
    return Display(shown, tuple(colors), limits)


def choose_view(content: str, image: Pixels, names: Sequence[str], key: str) -> dict[str, Any]:
    """The popover, and what `viewer.show_viewer` is then given: `shown` and `channels`; nothing for gray and RGB.

    `content` identifies the pixels of the image (H, W, C), `names` are those of its channels, or ().
    """
    display = choose(image.shape[2], names, key)
    if display is None:
        return {}
    listed = [(channel, label_of(channel, names)) for channel in display.channels]
    return {"shown": compose(content, display, image), "channels": listed}


def choose_contrast(content: str, image: Pixels, key: str) -> dict[str, Any]:
    """The same for gray and RGB, (H, W, 1 or 3), which have no channels to choose: the contrast limits alone.

    Images of 8 bits are shown as they are until a limit is moved.
    """
    default = (0.0, 100.0) if image.dtype == np.uint8 else LIMITS
    with st.popover("Contrast", icon=":material/contrast:", help="Changes the view, not the image."):
        limits = st.slider(
            "Contrast limits (percentiles)",
            0.0,
            100.0,
            default,
            0.1,
            key=f"{key}-contrast-{image.dtype}",
            persist_state="session",
            help="What is darker is black and what is brighter is white.",
        )
    if limits == default:
        return {}
    channels = tuple(range(image.shape[2]))
    return {"shown": compose(content, Display(channels, tuple(default_colors(len(channels))), limits), image)}


@st.cache_resource(max_entries=8, show_spinner=False)
def compose(key: str, display: Display, _image: Pixels) -> Array:
    """The image (H, W, C) as it is shown, (H, W, 3) uint8; `key` identifies its pixels."""
    return composite(_image, display.channels, display.limits, display.colors)


def label_of(channel: int, names: Sequence[str]) -> str:
    """A channel by its name, else "channel 0"."""
    return names[channel] if channel < len(names) else f"channel {channel}"


def from_hex(color: str) -> Color:
    """#rrggbb as numbers."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
