"""Folders with one fault each, made from clean ones: images/ and masks/ with the same names."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unet_core.io.pixels import encode_png

Pixels = NDArray[Any]


def write_png(path: Path, pixels: Pixels) -> None:
    path.write_bytes(encode_png(pixels))


def read_png(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.array(image)


def draw(seed: int, side: int = 128) -> tuple[Pixels, Pixels]:
    """A gray image of bright disks that lie apart on uneven, noisy ground, and its mask of 0 and 255."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side - 32, side), np.uint8)
    for row in range(14, side - 46, 32):
        for column in range(14, side - 14, 32):
            center = column + int(rng.integers(-3, 4)), row + int(rng.integers(-3, 4))
            cv2.ellipse(mask, center, (int(rng.integers(6, 11)), int(rng.integers(6, 11))), 0.0, 0.0, 360.0, 255, -1)
    texture = cv2.GaussianBlur(rng.normal(0, 30, mask.shape), (0, 0), 3)
    signal = 60 + cv2.GaussianBlur(mask.astype(np.float64), (0, 0), 0.8) * rng.uniform(0.3, 0.5) + 3 * texture
    return np.clip(signal + rng.normal(0, 4, mask.shape), 0, 255).astype(np.uint8), mask


def make_clean(root: Path, images: int = 12) -> Path:
    """A dataset without a fault."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(images):
        image, mask = draw(number)
        write_png(root / "images" / f"cell_{number:02}.png", image)
        write_png(root / "masks" / f"cell_{number:02}.png", mask)
    return root


@dataclass(frozen=True)
class Fault:
    """A fault: `plant(root, names)` makes it in files of some samples; `check` is what finds it.

    `samples`: what the finding names, where that is not the samples themselves. `tolerance`: share of the pixels in
    which a repaired mask may differ. `truth` turns an untouched mask into the one to be expected.
    """

    plant: Callable[[Path, Sequence[str]], Any]
    check: str
    severity: str = "warning"
    samples: Callable[[Sequence[str]], set[str]] = set
    tolerance: float = 0.0
    truth: Callable[[Pixels], Pixels] = lambda mask: mask
    left_out: bool = False  # the first remedy leaves the samples out


def on_masks(change: Callable[[Pixels], Pixels]) -> Callable[[Path, Sequence[str]], None]:
    def plant(root: Path, names: Sequence[str]) -> None:
        for name in names:
            path = root / "masks" / f"{name}.png"
            write_png(path, change(read_png(path)))

    return plant


def on_images(change: Callable[[Pixels], Pixels]) -> Callable[[Path, Sequence[str]], None]:
    def plant(root: Path, names: Sequence[str]) -> None:
        for name in names:
            path = root / "images" / f"{name}.png"
            pixels = change(read_png(path))
            path.unlink()
            write_png(path, pixels)

    return plant


def number_objects(mask: Pixels) -> Pixels:
    return cv2.connectedComponents((mask > 0).view(np.uint8))[1].astype(np.uint16)


def color_red(mask: Pixels) -> Pixels:
    return np.stack([mask, mask * 0, mask * 0], 2)


def smooth(mask: Pixels) -> Pixels:
    """As an editor draws anti-aliased edges."""
    return cv2.GaussianBlur(mask, (0, 0), 0.7)


def as_jpeg(root: Path, names: Sequence[str]) -> None:
    for name in names:
        path = root / "masks" / f"{name}.png"
        Image.fromarray(read_png(path)).save(path.with_suffix(".jpg"), quality=85)
        path.unlink()


def shift(down: int, right: int) -> Callable[[Pixels], Pixels]:
    def change(mask: Pixels) -> Pixels:
        moved = np.zeros_like(mask)
        height, width = mask.shape[:2]
        rows = slice(max(0, down), height + min(0, down)), slice(max(0, -down), height + min(0, -down))
        columns = slice(max(0, right), width + min(0, right)), slice(max(0, -right), width + min(0, -right))
        moved[rows[0], columns[0]] = mask[rows[1], columns[1]]
        return moved

    return change


def add_specks(mask: Pixels) -> Pixels:
    """Single pixels and 2 x 2 squares where there is background all around."""
    mask, rng, left = mask.copy(), np.random.default_rng(0), 5
    while left:
        row, column = (int(rng.integers(3, side - 5)) for side in mask.shape)
        if not mask[row - 3 : row + 5, column - 3 : column + 5].any():
            mask[row : row + 1 + left % 2, column : column + 1 + left % 2] = mask.max()
            left -= 1
    return mask


def add_holes(mask: Pixels) -> Pixels:
    """Holes of 1 and 4 pixels deep inside of objects."""
    mask, rng, left = mask.copy(), np.random.default_rng(0), 4
    deep = np.argwhere(cv2.erode((mask > 0).view(np.uint8), np.ones((7, 7), np.uint8)))
    for row, column in deep[rng.permutation(len(deep))]:
        if left and mask[row - 2 : row + 4, column - 2 : column + 4].all():
            mask[row : row + 1 + left % 2, column : column + 1 + left % 2] = 0
            left -= 1
    assert not left
    return mask


def turn_photos(orientation: int) -> Callable[[Path, Sequence[str]], None]:
    """Save images as JPEG with an EXIF orientation; the masks stay as the pixels are stored."""

    def plant(root: Path, names: Sequence[str]) -> None:
        for name in names:
            path = root / "images" / f"{name}.png"
            exif = Image.Exif()
            exif[274] = orientation
            Image.fromarray(read_png(path)).save(path.with_suffix(".jpg"), exif=exif, quality=95)
            path.unlink()

    return plant


def cut_off(folder: str) -> Callable[[Path, Sequence[str]], None]:
    def plant(root: Path, names: Sequence[str]) -> None:
        for name in names:
            path = root / folder / f"{name}.png"
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return plant


def page(root: Path, names: Sequence[str]) -> None:
    for name in names:
        path = root / "images" / f"{name}.png"
        tifffile.imwrite(path.with_suffix(".tif"), np.stack([read_png(path)] * 3), photometric="minisblack")
        path.unlink()


def delete(folder: str) -> Callable[[Path, Sequence[str]], None]:
    def plant(root: Path, names: Sequence[str]) -> None:
        for name in names:
            (root / folder / f"{name}.png").unlink()

    return plant


def rename_masks(root: Path, names: Sequence[str]) -> None:
    for name in names:
        path = root / "masks" / f"{name}.png"
        path.rename(path.with_name(f"{name}x.png"))


def copy_samples(root: Path, names: Sequence[str]) -> None:
    for name in names:
        for kind in ("images", "masks"):
            shutil.copy(root / kind / f"{name}.png", root / kind / f"zz_{name}.png")


def contradict(root: Path, names: Sequence[str]) -> None:
    """A copy of each image with an upside-down mask."""
    copy_samples(root, names)
    on_masks(lambda mask: mask[::-1])(root, [f"zz_{name}" for name in names])


def copies_of(names: Sequence[str]) -> set[str]:
    return {f"zz_{name}" for name in names}


def noise(image: Pixels) -> Pixels:
    return np.random.default_rng(int(image.sum())).integers(0, 256, image.shape).astype(np.uint8)


MASK_FAULTS = {  # of binary masks of 0 and 255
    "0/1 beside 0/255": Fault(on_masks(lambda mask: (mask > 0).astype(np.uint8)), "mixed_values"),
    "0/128 beside 0/255": Fault(on_masks(lambda mask: mask // 255 * np.uint8(128)), "mixed_values", "error"),
    "object numbers beside 0/255": Fault(on_masks(number_objects), "mixed_values"),
    "red beside white": Fault(on_masks(color_red), "mixed_values"),
    "smoothed edges": Fault(on_masks(smooth), "smeared_edges", tolerance=0.03),
    "JPEG masks": Fault(as_jpeg, "smeared_edges", tolerance=0.03),
    "masks cropped": Fault(on_masks(lambda mask: mask[:-9, :-5]), "mask_size", "error"),
    "masks padded": Fault(on_masks(lambda mask: np.pad(mask, ((4, 4), (8, 8)))), "mask_size", "error"),
    "masks twice as large": Fault(on_masks(lambda mask: mask.repeat(2, 0).repeat(2, 1)), "mask_size", "error"),
    "inverted": Fault(on_masks(lambda mask: 255 - mask), "inverted"),
    "empty": Fault(on_masks(lambda mask: mask * 0), "empty_masks", left_out=True),
    "full": Fault(on_masks(lambda mask: mask * 0 + np.uint8(255)), "full_masks", left_out=True),
    "specks": Fault(on_masks(add_specks), "specks"),
    "holes": Fault(on_masks(add_holes), "holes"),
    "shifted by 4": Fault(on_masks(shift(4, -3)), "shifted"),
    "shifted by 11": Fault(on_masks(shift(-6, 11)), "shifted"),
}
FILE_FAULTS = {
    "no masks": Fault(delete("masks"), "missing_masks", "error", left_out=True),
    "no images": Fault(
        delete("images"),
        "spare_masks",
        "error",
        samples=lambda names: {f"masks/{name}.png" for name in names},
        left_out=True,
    ),
    "renamed masks": Fault(rename_masks, "missing_masks", "error"),
    "cut off images": Fault(cut_off("images"), "unreadable", left_out=True),
    "cut off masks": Fault(cut_off("masks"), "unreadable", left_out=True),
    "several pages": Fault(page, "multi_page", left_out=True),
    "turned photos": Fault(turn_photos(3), "orientation", truth=lambda mask: mask[::-1, ::-1]),
    "photos on their side": Fault(turn_photos(6), "orientation", "error", truth=lambda mask: np.rot90(mask, -1)),
    "16 bits": Fault(on_images(lambda image: image.astype(np.uint16) * np.uint16(257)), "bit_depth"),
    "8 bits in 16": Fault(on_images(lambda image: image.astype(np.uint16)), "bit_depth"),
    "constant": Fault(on_images(lambda image: image * 0 + np.uint8(90)), "constant", left_out=True),
    "copies": Fault(copy_samples, "duplicates", "info", samples=copies_of),
    "contradictions": Fault(contradict, "contradictions", samples=copies_of),
}
FAULTS = MASK_FAULTS | FILE_FAULTS
