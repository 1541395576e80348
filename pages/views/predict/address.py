"""What the address of the page says of the view, beside its bound widgets: a link or a reload shows just this again."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from pages.components.viewer import ViewSettings, valid_settings
from unet_core.errors import ConfigError
from unet_core.inference.adjustments import Adjust

VIEW = ("opacity", "mode", "style", "color", "hidden", "limits", "gamma", "inverted")
LISTS = ("hidden", "limits")


def read() -> None:
    """Take the view from the address into the session, at its first visit of the page."""
    if "view_of_address" in st.session_state:
        return
    params = st.query_params
    texts = {name: params[name] for name in VIEW if name in params}
    st.session_state["view_of_address"] = valid_settings({name: _decode(name, text) for name, text in texts.items()})
    threshold = _number(params.get("threshold", ""))
    if threshold is not None and 0 <= threshold <= 1:
        st.session_state["threshold"] = threshold
    if "image" in params:
        st.session_state["image_of_address"] = params["image"]
    if adjust := decode_adjust(params.get("adjust", "")):
        st.session_state["adjust"] = adjust


def write(params: Mapping[str, str | None]) -> None:
    """Put values into the address; None takes one out."""
    for name, text in params.items():
        if text is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != text:
            st.query_params[name] = text


def write_view(view: ViewSettings, usual: ViewSettings) -> None:
    """The settings of the viewer that are not the usual ones."""
    changed = {name: getattr(view, name) for name in VIEW}
    write({name: None if value == getattr(usual, name) else _encode(value) for name, value in changed.items()})


def encode_adjust(adjust: Adjust) -> str | None:
    """As `decode_adjust` reads it: "invert,scale=0.5"; None for no adjustment."""
    words = [name for name in ("swap", "stretch", "invert") if getattr(adjust, name)]
    return ",".join(words + [f"scale={adjust.scale:g}"] * (adjust.scale != 1)) or None


def decode_adjust(text: str) -> Adjust:
    """What an address says; what is not valid in it is no adjustment."""
    values: dict[str, Any] = {}
    for word in filter(None, text.split(",")):
        name, _, number = word.partition("=")
        if name == "scale":
            values[name] = _number(number) or 1.0
        elif name in {field.name for field in fields(Adjust)}:
            values[name] = True
    try:
        return Adjust(**values)
    except ConfigError:
        return Adjust()


def _encode(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(f"{part:.6g}" for part in value)
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)


def _decode(name: str, text: str) -> Any:
    if name in ("mode", "style", "color"):
        return text
    numbers = [_number(part) for part in text.split(",")]
    if name == "inverted":
        return text == "1"
    if name == "hidden":
        return [int(part) for part in numbers if part is not None and part == int(part)]
    return numbers if name in LISTS else numbers[0]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
