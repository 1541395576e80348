"""The settings of Predict: of the forward pass, and of what follows it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from unet_core.errors import UnetError
from unet_core.inference import tta
from unet_core.models.weight_file import config_from

TILES = {0: "Automatic", 256: "256 px", 512: "512 px", 1024: "1024 px", 2048: "2048 px"}


@dataclass(frozen=True)
class Options:
    """How a prediction becomes objects and measurements; none of these costs a forward pass."""

    min_area: int
    fill_holes: bool
    split: bool
    pixel_size: float | None
    class_names: tuple[str, ...]


def choose_inference() -> tuple[str, int | None]:
    """What the forward pass itself depends on: (test-time augmentation, tile size in pixels or None)."""
    with st.expander("Inference settings", icon=":material/tune:"):
        left, right = st.columns(2)
        views = left.selectbox(
            "Test-time augmentation",
            list(tta.TTA),
            key="tta",
            bind="query-params",
            help="Averages the predictions of flipped or rotated copies: slower, often slightly better, and the "
            "uncertainty map shows where they disagree.\n"
            + "\n".join(f"- `{name}`: {sentence}" for name, sentence in tta.TTA.items()),
        )
        tile = right.selectbox(
            "Tile size",
            list(TILES),
            key="tile",
            bind="query-params",
            format_func=TILES.__getitem__,
            help="Larger images are predicted in overlapping tiles of this size, so that memory stays bounded.",
        )
    return views, tile or None


@st.cache_data(max_entries=32, show_spinner=False)
def read_classes(folder: str, digest: str) -> tuple[int, tuple[str, ...]]:
    """(number of classes, their names or ()) of a checkpoint with this digest; without torch."""
    path = Path(folder) / "config.json"
    try:
        config = config_from(path.read_bytes(), str(path))
    except (OSError, UnetError):  # said where the model is loaded
        return 1, ()
    return config.num_classes, config.names


def choose_options(num_classes: int, names: tuple[str, ...] = ()) -> Options:
    """The settings of all that follows a prediction; `names` are the model's own names of its classes."""
    with st.expander("Objects and units", icon=":material/straighten:"):
        left, right = st.columns(2)
        min_area = left.number_input(
            "Minimum object size (px)",
            0,
            10_000_000,
            0,
            key="min_area",
            help="Area in pixels; smaller objects are removed.",
            bind="query-params",
        )
        pixel_size = right.number_input(
            "Pixel size (µm)",
            0.0,
            1000.0,
            0.0,
            format="%g",
            key="pixel_size",
            help="0 = unknown: measurements are in pixels.",
            bind="query-params",
        )
        fill_holes = left.toggle("Fill holes", key="fill_holes", bind="query-params")
        split = right.toggle(
            "Split touching objects",
            key="split_touching",
            help="Watershed on the distance transform: for round objects.",
            bind="query-params",
        )
        text = st.text_input(
            "Class names (comma-separated)",
            key="class_names",
            placeholder=", ".join(names) or ("background, cell" if num_classes == 1 else "background, road, car, …"),
            bind="query-params",
        )
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else names
    return Options(int(min_area), fill_holes, split, pixel_size or None, names)
