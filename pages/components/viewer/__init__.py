"""The viewer: an image and what a model predicts for it, zoomed, thresholded and colored in the browser itself.

The pixels go to the browser once, over `pages.server.pixel_routes`; a rerun sends a few hundred bytes. The user's
settings are sent when a control is let go, and stay in the session: over a rerun, another image, another page and back.

    settings = show_viewer(image, key="viewer", name="a.png", probability=probability, threshold=0.5)
    settings.threshold  # as the user left it

A value passed here is an initial one: it counts at the first time, and again when it differs from that of the run
before (a button that sets the threshold). Where the user moves the same control in between, the user's value counts.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.components import component, program_address, source
from pages.server import pixel_store
from unet_core.io.colors import CLASS_COLORS, FALSE_NEGATIVE, FALSE_POSITIVE, ORANGE, TRUE_POSITIVE, to_hex

if TYPE_CHECKING:
    from unet_core.postprocessing.objects import Objects

Pixels = NDArray[Any]

MODES = ("mask", "heat", "uncertainty", "errors", "truth", "image")
STYLES = ("fill", "outline", "both")

_mount = component("overlay", "viewer/viewer.js", "The viewer", css=source("viewer/viewer.css"))


@dataclass(frozen=True)
class ViewSettings:
    """How the image is shown, as the user left it."""

    threshold: float = 0.5
    """0..1; a pixel is foreground where its probability is above it."""
    opacity: float = 0.5
    """0 (the image alone) to 1."""
    mode: str = "mask"
    """One of MODES."""
    style: str = "fill"
    """One of STYLES."""
    color: str = to_hex(ORANGE)
    """Of a binary mask, #rrggbb."""
    hidden: tuple[int, ...] = ()
    """The class indices that are not shown."""
    limits: tuple[float, float] | None = None
    """The intensities shown as black and as white; None: automatic, from the image's percentiles."""
    gamma: float = 1.0
    """0.2 to 5; above 1 the dark parts are brighter."""
    inverted: bool = False
    """Whether black and white change places."""
    wipe: float | None = None
    """The compare slider: where the overlay begins, as a share of the width; None: off."""
    numbers: bool = False
    """Whether object numbers are shown."""
    selected: int | None = None
    """The id of the selected object."""
    clicked: bool = False
    """Whether `selected` was clicked in the image just now, in this run of the page."""


def show_viewer(
    image: Pixels,
    *,
    key: str,
    name: str,
    summary: str = "",
    probability: Pixels | None = None,
    classes: Pixels | None = None,
    mask: Pixels | None = None,
    mask_threshold: float | None = None,
    truth: Pixels | None = None,
    uncertainty: Pixels | None = None,
    class_names: Sequence[str] = (),
    colors: Pixels | None = None,
    objects: "Objects | None" = None,
    pixel_size: float | None = None,
    threshold: float = 0.5,
    opacity: float = 0.5,
    mode: str = "mask",
    style: str = "fill",
    color: str = ViewSettings.color,
    hidden: Sequence[int] = (),
    limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
    inverted: bool = False,
    wipe: float | None = None,
    numbers: bool = False,
    selected: int | None = None,
    shown: Pixels | None = None,
    channels: Sequence[tuple[int, str]] = (),
    height: int | None = None,
    below: int | None = None,
    link: str = "",
    on_change: Callable[[], None] | None = None,
) -> ViewSettings:
    """Show an image and what is predicted for it; returns how the user looks at it.

    `image` is (H, W, C) of uint8, uint16 or float32, which the screen shows between two intensities, or as `shown`
    (H, W, 3) uint8; the read-out gives the values of `channels`, number and name, by default of all. All maps
    are (H, W). Two classes: `probability`, 0..1 or integers as shares of their type's range (drawn in steps of 1/255),
    and `mask`, the prediction after cleanup at `mask_threshold`, shown while the threshold is that one; without a
    probability, the mask alone. More classes: `classes`, class indices, with `class_names` and `colors` (K, 3) (by
    default `unet_core.overlay.palette`); `probability` is then that of the predicted class. `truth`: class indices,
    IGNORE = 255; it may be all that there is. `uncertainty`: 0..1 or uint8. `summary`: what there is to see, in words,
    for who cannot see it. `objects` of the mask, made at the same threshold: outlined apart, clickable, numbered.
    `pixel_size` in micrometers. `height` in screen pixels, by default what width and window allow; `below`: how many of
    the first screen are left to what follows it. Viewers of the same `link` zoom and move together.

    Raises ValueError where a map has another size than the image.
    """
    only_truth = truth is not None and probability is None and mask is None
    multiclass = classes is not None or (only_truth and len(class_names) > 2)
    layers = {"image": _layer(image, "color", shown)}
    maps = {"probability": probability, "uncertainty": uncertainty}
    layers |= {layer: _share(pixels) for layer, pixels in maps.items() if pixels is not None}
    if classes is not None:
        layers["classes"] = _layer(classes.astype(np.uint8, copy=False), "nearest")
    if mask is not None and not multiclass:
        layers["mask"] = _layer(np.where(mask > 0, 255, 0).astype(np.uint8), "mean")
    if truth is not None:
        layers["truth"] = _layer(truth.astype(np.uint8, copy=False), "nearest")
    boxes = None
    if objects is not None:
        layers["labels"] = _layer(objects.labels.astype(np.int32, copy=False), "nearest")
        boxes = pixel_store.STORE.put_data(_boxes(objects))
    shapes = {layer: entry.pop("shape") for layer, entry in layers.items()}
    if wrong := {layer: shape for layer, shape in shapes.items() if shape != shapes["image"]}:
        raise ValueError(f"show_viewer: the image is {shapes['image']}, but {wrong}; all must be (H, W) of the image.")

    seeds = ViewSettings(
        threshold,
        opacity,
        mode,
        style,
        color,
        tuple(sorted(hidden)),
        limits,
        gamma,
        inverted,
        wipe=wipe,
        numbers=numbers,
        selected=selected,
    )
    memory: dict[str, Any] = st.session_state.setdefault(f"_overlay {key}", {})
    message: Mapping[str, Any] = st.session_state.get(key) or {}
    view = _settle(memory, seeds, message.get("settings"))
    names = [str(name) for name in class_names] or ["background", "foreground"]
    data = {
        "key": key,
        "name": name,
        "summary": summary,
        **program_address(),
        "tile": pixel_store.TILE,
        "values": pixel_store.VALUES,
        "layers": layers,
        "size": [image.shape[1], image.shape[0]],
        "multiclass": multiclass,
        "mask_threshold": mask_threshold,
        "class_names": names,
        "pixel_size": pixel_size,
        "objects": boxes,
        "channels": _named(image.shape[2], channels),
        "height": height,
        "below": below,
        "link": link,
        "count": memory["count"],  # of the browser's last message that this run has read
        "lost": message.get("lost"),  # an answer: this run has put the pixels back that the browser missed
        "settings": {name: value for name, value in asdict(view).items() if name != "clicked"},
        **_colors(colors, len(names)),
    }
    _mount(key=key, data=data, on_settings_change=on_change or (lambda: None), on_lost_change=lambda: None)
    return view


def _layer(pixels: Pixels, kind: pixel_store.Kind, shown: Pixels | None = None) -> dict[str, Any]:
    """Store pixels for the browser; returns what it must know of them, of an image also how its tiles are shown."""
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32, copy=False)
    content, stored = pixel_store.STORE.add(pixels, kind, shown)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    layer = {"id": content, "dtype": pixels.dtype.name, "channels": channels, "shape": pixels.shape[:2]}
    if stored.contrast is not None:
        planes = stored.shown.shape[2] if stored.shown.ndim == 3 else 1
        layer |= {"shown": stored.shown.dtype.name, "planes": planes, **asdict(stored.contrast)}
    return layer


def _named(number: int, channels: Sequence[tuple[int, str]]) -> list[tuple[int, str]] | None:
    """The channels in the read-out; None for gray and RGB, whose names the browser knows."""
    if number in (1, 3):
        return None
    return list(channels) or [(channel, f"channel {channel}") for channel in range(number)]


def _boxes(objects: "Objects") -> list[list[float]]:
    """[id, x, y, left, top, right, bottom] of each, in pixels of the image."""
    names = ("id", "centroid_x_px", "centroid_y_px", "left_px", "top_px", "width_px", "height_px")
    columns = [objects.table[name].tolist() for name in names]
    return [
        [number, round(x, 2), round(y, 2), left, top, left + width, top + height]
        for number, x, y, left, top, width, height in zip(*columns, strict=True)
    ]


def _colors(colors: Pixels | None, classes: int) -> dict[str, Any]:
    """The colors of the classes, of errors, and those to choose from, as #rrggbb."""
    from unet_core import overlay as drawing

    chosen = drawing.palette(max(2, classes)) if colors is None else colors
    return {
        "colors": [to_hex(color) for color in chosen[:classes]],
        "swatches": [to_hex(color) for color in CLASS_COLORS],
        "errors": {
            "true_positive": to_hex(TRUE_POSITIVE),
            "false_positive": to_hex(FALSE_POSITIVE),
            "false_negative": to_hex(FALSE_NEGATIVE),
        },
    }


def _settle(memory: dict[str, Any], seeds: ViewSettings, message: object) -> ViewSettings:
    """The settings that count now: a new message's, else an initial value that has changed, else as they were.

    `memory` outlives the run; its `count` is that of the last message that was read.
    """
    before: ViewSettings | None = memory.get("view")
    if before is None:
        memory |= {"view": seeds, "seeds": seeds, "count": None}
        return seeds
    view, is_new = before, False
    if isinstance(message, Mapping) and message.get("count") != memory["count"]:
        view, memory["count"] = replace(before, clicked=False, **valid_settings(message)), message.get("count")
        is_new = True
    names = [field.name for field in fields(ViewSettings) if field.name != "clicked"]
    forced = {
        name: getattr(seeds, name)
        for name in names
        if getattr(seeds, name) not in (getattr(memory["seeds"], name), getattr(view, name))
        and getattr(view, name) == getattr(before, name)
    }
    view = replace(view, **forced)
    memory |= {"view": view, "seeds": seeds}
    return replace(view, clicked=is_new and view.selected is not None and view.selected != before.selected)


def valid_settings(message: Mapping[str, Any]) -> dict[str, Any]:
    """What is valid in a browser's message or an address, by the name of the setting."""

    def is_share(value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return math.isfinite(value) and 0 <= value <= 1

    def is_limits(value: object) -> bool:
        if not isinstance(value, list) or len(value) != 2:
            return False
        return all(type(one) in (int, float) and math.isfinite(one) for one in value) and value[0] <= value[1]

    def is_index(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31

    def is_list(value: object) -> bool:
        return isinstance(value, list) and len(value) <= 256 and all(map(is_index, value))

    checks: dict[str, Callable[[Any], bool]] = {
        "threshold": is_share,
        "opacity": is_share,
        "mode": lambda value: value in MODES,
        "style": lambda value: value in STYLES,
        "color": lambda value: isinstance(value, str) and re.fullmatch(r"#[0-9a-f]{6}", value) is not None,
        "hidden": is_list,
        "limits": lambda value: value is None or is_limits(value),
        "gamma": lambda value: type(value) in (int, float) and 0.2 <= value <= 5,
        "inverted": lambda value: isinstance(value, bool),
        "wipe": lambda value: value is None or is_share(value),
        "numbers": lambda value: isinstance(value, bool),
        "selected": lambda value: value is None or is_index(value),
    }
    new = {name: message[name] for name, check in checks.items() if name in message and check(message[name])}
    for name in ("hidden", "limits"):
        if isinstance(new.get(name), list):
            new[name] = tuple(new[name])
    return new


def _share(pixels: Pixels) -> dict[str, Any]:
    """A map of 0..1, or of 1/255: the browser gets 8 bits, the read-out what there is."""
    if pixels.dtype.kind in "ui" and pixels.dtype != np.uint8:
        pixels = pixels / np.float32(np.iinfo(pixels.dtype).max)
    return _layer(pixels, "mean") | {"shown": "uint8"}
