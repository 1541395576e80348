"""The page of `overlay_demo`: a picture, the viewer, and below it what the page knows."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st

DATA = Path(os.environ.get("UNET_DATA", Path(__file__).parents[2] / "shared" / "data"))
CLASSES = [
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign symbol",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
]


@dataclass(frozen=True)
class Case:
    """What `overlay` gets."""

    name: str
    image: np.ndarray
    probability: np.ndarray | None = None
    classes: np.ndarray | None = None
    truth: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    pixel_size: float | None = None


def blobs(size: int, number: int, seed: int, dtype: type = np.uint8) -> Case:
    """Round things on noise; the probability falls off at their rims and overlooks every seventh."""
    draw = np.random.default_rng(seed)
    truth, found = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    for index in range(number):
        x, y = (int(value) for value in draw.integers(0, size, 2))
        radius = int(draw.integers(max(3, size // 100), max(5, size // 30)))
        if index % 7:
            cv2.circle(found, (x, y), radius, 255, -1)
        if index % 11:
            cv2.circle(truth, (x, y), radius, 1, -1)
    probability = cv2.GaussianBlur(found, (0, 0), max(2, size / 200))
    noise = draw.integers(0, 40, (size, size, 1), np.uint8)
    gray = cv2.GaussianBlur(truth * 150, (0, 0), 2)[:, :, None] + 30 + noise
    image = (gray.astype(np.uint16) * 200).astype(dtype) if dtype is np.uint16 else gray
    uncertainty = 1 - abs(probability / np.float32(255) * 2 - 1)
    return Case(f"blobs {size}.png", image, probability, None, truth, uncertainty)


def quarters() -> Case:
    """Four classes in four quarters of 200 x 300, a name with markup in it."""
    image = draw_ramp(200, 300)
    classes = np.zeros((200, 300), np.uint8)
    classes[:100, 150:], classes[100:, :150], classes[100:, 150:] = 1, 2, 3
    truth = classes.copy()
    truth[:, 140:160], truth[:10] = 0, 255
    return Case("quarters <b>.png", image, None, classes, truth, None, ("ground", "<b>sky</b>", "tree", "car"))


def mask_at(shown: Case, threshold: float = 0.5) -> np.ndarray:
    """(H, W): where the probability, of 8 bits in every case, is above the threshold."""
    assert shown.probability is not None
    return (shown.probability > threshold * 255).astype(np.uint8)


def draw_ramp(height: int, width: int) -> np.ndarray:
    """(H, W, 3): red grows to the right, green downwards, blue stays."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0] = np.linspace(0, 255, width).astype(np.uint8)
    image[:, :, 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    image[:, :, 2] = 90
    return image


def nuclei() -> Case:
    from unet_core.io import images

    folder = sorted((DATA / "dsb2018" / "stage1_train").iterdir())[12]
    image = images.read(next((folder / "images").iterdir()))
    truth = (sum(images.read_mask(path).astype(int) for path in (folder / "masks").iterdir()) > 0).astype(np.uint8)
    probability = cv2.GaussianBlur(np.roll(truth * 255, (2, 3), (0, 1)), (0, 0), 3)
    return Case("nuclei.png", image, probability, None, truth, 1 - abs(probability / np.float32(255) * 2 - 1), (), 0.5)


def street() -> Case:
    from unet_core.io import images

    path = sorted((DATA / "camvid" / "val").iterdir())[3]
    truth = images.read_mask(DATA / "camvid" / "valannot" / path.name)
    classes = np.where(truth == 11, 0, cv2.medianBlur(truth, 9)).astype(np.uint8)
    classes[classes == 11] = 5
    truth = np.where(truth == 11, 255, truth).astype(np.uint8)
    return Case(path.name, images.read(path), None, classes, truth, None, tuple(CLASSES))


CASES: dict[str, Callable[[], Case]] = {
    "small": lambda: blobs(256, 40, 1),
    "other": lambda: blobs(256, 30, 2),
    "2048": lambda: blobs(2048, 300, 6),
    "1024": lambda: blobs(1024, 200, 3),
    "4096": lambda: blobs(4096, 900, 4),
    "deep": lambda: blobs(300, 30, 5, np.uint16),
    "quarters": quarters,
    "nuclei": nuclei,
    "street": street,
}


@st.cache_resource
def case(name: str) -> Case:
    return CASES[name]()


def viewer() -> None:
    from pages.components.viewer import show_viewer
    from pages.server import pixel_store
    from unet_core.postprocessing import cleanup, objects

    name = st.selectbox("Picture", list(CASES), key="case", bind="query-params")
    shown = case(name)
    left, middle, right = st.columns(3)
    minimum = left.number_input("Smallest object", 0, key="minimum", bind="query-params")
    if middle.button("Threshold 0.25", key="quarter"):
        st.session_state["wanted"] = 0.25
    chosen = right.number_input("Object", 0, key="object")
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    threshold = st.session_state.get("wanted", 0.5)
    known: dict[str, Any] = st.session_state.get("_overlay demo", {})
    at = known["view"].threshold if known.get("view") else threshold
    told = (st.session_state.get("demo") or {}).get("settings")
    at = told["threshold"] if told else at
    extra: dict[str, Any] = {}
    if shown.classes is None:
        mask = cleanup.clean(mask_at(shown, at), minimum)
        extra = {"mask": mask, "mask_threshold": at, "objects": objects.find(mask, shown.image)}
    if shown.image.dtype == np.uint8:
        extra["limits"] = (0, 255)  # as overlay.draw has it
    view = show_viewer(**asdict(shown), **extra, threshold=threshold, selected=chosen or None, key="demo")
    if st.button("Forget the pixels", key="forget"):
        pixel_store.STORE.clear()
    st.code(f"runs {st.session_state['runs']}\n{asdict(view)}", language=None)


def elsewhere() -> None:
    st.write("Another page.")


here = [st.Page(viewer, title="Viewer", default=True), st.Page(elsewhere, title="Elsewhere")]
st.set_page_config(layout="wide")
st.navigation(here, position="top").run()
