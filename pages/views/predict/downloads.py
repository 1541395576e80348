"""Exports: files of one image, or of all as one ZIP. They are made when their button is pressed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from pages.components.viewer import ViewSettings
from unet_core.export.formats import FORMATS
from unet_core.export.result import Result
from unet_core.export.writer import archive, encode

DEFAULT = ("mask", "overlay", "csv")
MEDIA = {
    ".png": "image/png",
    ".tif": "image/tiff",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".csv": "text/csv",
    ".txt": "text/plain",
}


def show(result: Result, view: ViewSettings, number: int, all_results: Callable[[], Iterator[Result]]) -> None:
    """The buttons: `result` is the image that is shown, `all_results` makes those of all `number` images.

    Overlays look as the viewer shows them.
    """
    result = draw_as(view, result)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="export"):
        name = st.selectbox(
            "Export this image as",
            list(FORMATS),
            key="one_format",
            format_func=title_of,
            label_visibility="collapsed",
            help="\n".join(f"- {item.sentence}" for item in FORMATS.values()),
            persist_state="session",
        )
        suffix = FORMATS[name].extension
        st.download_button(
            "Download",
            lambda: encode(name, result)[1],
            file_name(name, result),
            MEDIA.get(suffix, "application/octet-stream"),
            key="download_one",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
        if number > 1:
            with st.popover(f"All {number} images", icon=":material/folder_zip:", key="export_all"):
                show_all(number, lambda: map(partial(draw_as, view), all_results()))


def show_all(number: int, all_results: Callable[[], Iterator[Result]]) -> None:
    """The formats of a ZIP of all images, and its button."""
    chosen = st.multiselect(
        f"Export all {number} images as",
        list(FORMATS),
        default=list(DEFAULT),
        key="all_formats",
        format_func=title_of,
        help="\n".join(f"- {item.sentence}" for item in FORMATS.values()),
        persist_state="session",
    )
    st.download_button(
        "Download all (ZIP)",
        lambda: make_zip(all_results(), chosen),
        "unet-studio.zip",
        "application/zip",
        key="download_all",
        icon=":material/folder_zip:",
        width="stretch",
        on_click="ignore",
        disabled=not chosen,
    )


def draw_as(view: ViewSettings, result: Result) -> Result:
    """The same result, its overlay drawn as the viewer shows it: its opacity, outlines or areas."""
    measured = result.__dict__.get("objects")  # those that were found already
    return replace(result, opacity=view.opacity, outline=view.style != "fill", precomputed=measured)


def title_of(name: str) -> str:
    """What the menu calls a format: its sentence up to the colon."""
    return FORMATS[name].sentence.partition(":")[0]


def file_name(name: str, result: Result) -> str:
    """`a_prob.png`; of a format for all images `a_coco.json`."""
    from unet_core.io.filenames import safe_stem

    item = FORMATS[name]
    stem = safe_stem(result.name).replace("/", "_")
    return stem + (f"_{item.file}" if item.collected else item.suffix)


def make_zip(results: Iterator[Result], formats: Sequence[str]) -> bytes:
    """The ZIP of all images; made on the disk, an image at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.zip"
        archive(results, formats, path)
        return path.read_bytes()
