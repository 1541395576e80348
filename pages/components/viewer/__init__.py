"""The viewer: a picture and what a model says of it, zoomed, thresholded and colored in the browser itself.

The pixels go to the browser once, over `pages.media`; a rerun sends some hundred bytes. What the visitor chose is told
when a control is let go, and is kept in the session: over a rerun, another picture, another page and back.

    view = overlay(image, key="viewer", name="a.png", probability=probability, threshold=0.5)
    view.threshold  # as the visitor left it

A value passed here is a start: it counts at the first time, and again when it is another one than at the run before
(a button that sets the threshold). Where the visitor moves the same control in between, the visitor's value counts.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.components import source
from pages.server import pixel_routes, pixel_store
from unet_core.io.colors import CLASS_COLORS, FALSE_NEGATIVE, FALSE_POSITIVE, ORANGE, TRUE_POSITIVE, to_hex

if TYPE_CHECKING:
    from unet_core.postprocessing.objects import Objects

Pixels = NDArray[Any]

MODES = ("mask", "heat", "uncertainty", "errors", "truth", "image")
STYLES = ("fill", "outline", "both")

# The program itself comes by a route and is kept by the browser; this is what each rerun would carry.
LOADER = """
export default async (component) => {
  const { parentElement, data } = component;
  let program;
  try {
    program = await import(`${location.origin}${data.root}/${data.version}/viewer.js`);
  } catch (error) {
    const text = "The viewer could not be loaded. Start the app with `streamlit run app.py`, and reload this page.";
    if (parentElement.querySelector("[data-is=failed]")) return;
    parentElement.append(Object.assign(document.createElement("p"), { textContent: text }));
    parentElement.lastChild.dataset.is = "failed";
    return;
  }
  return program.default(component);
};
"""

_mount = st.components.v2.component("overlay", css=source("viewer/viewer.css"), js=LOADER)


@dataclass(frozen=True)
class ViewSettings:
    """How the picture is looked at, as the visitor left it."""

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
    wipe: float | None = None
    """Where the image ends and the overlay begins, as a share of the width; None: no wipe."""
    numbers: bool = False
    """Whether the objects' numbers are written."""
    selected: int | None = None
    """The id of the object that is marked."""
    clicked: bool = False
    """Whether `selected` was clicked in the picture just now, in this run of the page."""


def show_viewer(
    image: Pixels,
    *,
    key: str,
    name: str,
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
    wipe: float | None = None,
    numbers: bool = False,
    selected: int | None = None,
    height: int | None = None,
    on_change: Callable[[], None] | None = None,
) -> ViewSettings:
    """Show an image (H, W, 1|3) of uint8, uint16 or float32 and what is known of it; gives how it is looked at.

    All maps are (H, W). Binary: `probability`, 0..1 or whole numbers for shares of their type's full range (drawn in
    steps of 1/255), and `mask`, cleaned at `mask_threshold` (small
    objects dropped, holes filled), shown while the threshold stands there; without a probability the mask alone.
    Several classes: `classes`, class indices, with `class_names` and `colors` (K, 3) (`unet_core.overlay.palette` by
    default); `probability` is then that of the class found. `truth`: class indices, IGNORE = 255. `uncertainty`: 0..1
    or uint8. `objects` of the mask, in step with it: outlined apart, clickable, numbered. `pixel_size` in micrometers.
    `height` of the picture in screen pixels, by default as the width and the window allow.
    """
    multiclass = classes is not None
    layers = {"image": _layer(image, "picture")}
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
    shapes = {layer: found.pop("shape") for layer, found in layers.items()}
    if wrong := {layer: shape for layer, shape in shapes.items() if shape != shapes["image"]}:
        raise ValueError(f"overlay: the image is {shapes['image']}, but {wrong}; all must be (H, W) of the image.")

    seeds = ViewSettings(threshold, opacity, mode, style, color, tuple(sorted(hidden)), wipe, numbers, selected)
    memory: dict[str, Any] = st.session_state.setdefault(f"_overlay {key}", {})
    told: Mapping[str, Any] = st.session_state.get(key) or {}
    view = _settle(memory, seeds, told.get("settings"))
    names = [str(name) for name in class_names] or ["background", "foreground"]
    data = {
        "key": key,
        "name": name,
        "root": pixel_routes.place(st.get_option("server.baseUrlPath") or ""),
        "version": pixel_routes.version(),
        "tile": pixel_store.TILE,
        "values": pixel_store.VALUES,
        "layers": layers,
        "size": [image.shape[1], image.shape[0]],
        "multiclass": multiclass,
        "mask_threshold": mask_threshold,
        "class_names": names,
        "pixel_size": pixel_size,
        "objects": boxes,
        "height": height,
        "count": memory["count"],  # what the browser said last and this run has heard
        "lost": told.get("lost"),  # an answer: this run has put the pixels back that the browser missed
        "settings": {name: value for name, value in asdict(view).items() if name != "clicked"},
        **_colors(colors, len(names)),
    }
    _mount(key=key, data=data, on_settings_change=on_change or (lambda: None), on_lost_change=lambda: None)
    return view


def _layer(pixels: Pixels, kind: pixel_store.Kind) -> dict[str, Any]:
    """What the browser must know of pixels that now lie ready for it."""
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32, copy=False)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return {
        "id": pixel_store.STORE.put(pixels, kind),
        "dtype": pixels.dtype.name,
        "channels": channels,
        "shape": pixels.shape[:2],
    }


def _boxes(objects: "Objects") -> list[list[float]]:
    """[id, x, y, left, top, right, bottom] of each, in pixels of the picture."""
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
            "right": to_hex(TRUE_POSITIVE),
            "wrong": to_hex(FALSE_POSITIVE),
            "missed": to_hex(FALSE_NEGATIVE),
        },
    }


def _settle(memory: dict[str, Any], seeds: ViewSettings, told: object) -> ViewSettings:
    """The view that counts now: what was told since the last run, else a start that has changed, else as it was.

    `memory` outlives the run; its `count` is that of the last news.
    """
    kept: ViewSettings | None = memory.get("view")
    if kept is None:
        memory |= {"view": seeds, "seeds": seeds, "count": None}
        return seeds
    view, news = kept, isinstance(told, Mapping) and told.get("count") != memory["count"]
    if news:
        assert isinstance(told, Mapping)
        view, memory["count"] = _receive(told, kept), told.get("count")
    names = [field.name for field in fields(ViewSettings) if field.name != "clicked"]
    forced = {
        name: getattr(seeds, name)
        for name in names
        if getattr(seeds, name) not in (getattr(memory["seeds"], name), getattr(view, name))
        and getattr(view, name) == getattr(kept, name)
    }
    view = replace(view, **forced)
    memory |= {"view": view, "seeds": seeds}
    return replace(view, clicked=news and view.selected is not None and view.selected != kept.selected)


def _receive(told: Mapping[str, Any], kept: ViewSettings) -> ViewSettings:
    """What a browser tells, field by field; what makes no sense stays as it was."""

    def share(value: object) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value) and 0 <= value <= 1  # type: ignore[operator]

    def whole(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31

    def is_list(value: object) -> bool:
        return isinstance(value, list) and len(value) <= 256 and all(map(whole, value))

    sound: dict[str, Callable[[Any], bool]] = {
        "threshold": share,
        "opacity": share,
        "mode": lambda value: value in MODES,
        "style": lambda value: value in STYLES,
        "color": lambda value: isinstance(value, str) and re.fullmatch(r"#[0-9a-f]{6}", value) is not None,
        "hidden": is_list,
        "wipe": lambda value: value is None or share(value),
        "numbers": lambda value: isinstance(value, bool),
        "selected": lambda value: value is None or whole(value),
    }
    new = {name: told[name] for name, test in sound.items() if name in told and test(told[name])}
    if "hidden" in new:
        new["hidden"] = tuple(new["hidden"])
    return replace(kept, clicked=False, **new)


def _share(pixels: Pixels) -> dict[str, Any]:
    """A map of 0..1, or of 1/255: the browser gets 8 bits, the read-out what there is."""
    if pixels.dtype.kind in "ui" and pixels.dtype != np.uint8:
        pixels = pixels / np.float32(np.iinfo(pixels.dtype).max)
    return _layer(pixels, "mean") | {"shown": "uint8"}
