"""Draws the built-in sample dataset: fluorescence-like pictures of nuclei with exact masks.

A picture is made the way a microscope makes one: true outlines first (they are the mask), then
what the camera would see of them: some nuclei out of focus and dim, blur, uneven light, haze,
noise, and debris that glows but is no nucleus. The mask is never read back from the picture.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ConfigError, DataError
from unet_core.io.files import new_folder

SIDES = (192, 320)  # px, shortest and longest side of a picture
RADII = (9.0, 17.0)  # px, typical nucleus radius of one picture (its magnification)
COVERS = (0.14, 0.36)  # share of the picture that nuclei are asked to cover
MAX_TRIES = 600  # nuclei tried per picture before settling for less cover
MAX_OVERLAP = 0.08  # share of a nucleus that may lie on its neighbors
DIM_SHARES = (0.2, 0.5)  # share of a picture's nuclei that are out of focus
DIM_LEVELS = (0.19, 0.4)  # brightness of those; a sharp nucleus is about 1
DEFOCUS = (1.4, 2.6)  # px, Gaussian sigma of the out-of-focus layer
OPTICS = (0.7, 1.1)  # px, Gaussian sigma of the whole picture
GAINS = (125.0, 175.0)  # gray levels of a signal of 1
READ_NOISE = 2.2  # gray levels, standard deviation in the dark
SHOT_NOISE = 0.16  # gray levels squared of variance per gray level of signal
KINDS = ("images", "masks")
NAME, MARKER = "cells_{:03d}.png", "README.txt"  # the marker is written last, names its set

Rng = np.random.Generator
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Outline = tuple[tuple[slice, slice], Floats, Floats]


def draw(seed: int, index: int) -> tuple[Bytes, Bytes]:
    """Draw picture number `index` of the set `seed`; equal arguments give equal bytes.

    Returns (image, mask), both uint8 of one shape (H, W), each side 192 to 320 px. The image is
    gray, 0 to 255; the mask is 1 on nuclei and 0 elsewhere (debris included).
    Raises ValueError when seed or index is negative.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must be 0 or more, not {seed} and {index}")
    rng = np.random.default_rng([seed, index])
    height, width = (int(side) for side in rng.integers(SIDES[0], SIDES[1] + 1, size=2))
    mask, sharp, dim = _nuclei(rng, height, width)
    signal = sharp + _blur(dim, rng.uniform(*DEFOCUS))
    haze = _blur(signal, 14.0) * np.float32(rng.uniform(0.08, 0.16))
    signal = _blur(signal + haze + _debris(rng, mask), rng.uniform(*OPTICS))
    signal = (signal + np.float32(rng.uniform(0.05, 0.22))) * _light(rng, height, width)
    gray = signal * np.float32(rng.uniform(*GAINS))
    noise = rng.standard_normal(gray.shape, dtype=np.float32)
    gray += noise * np.sqrt(READ_NOISE**2 + SHOT_NOISE * gray)
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8), mask


def _nuclei(rng: Rng, height: int, width: int) -> tuple[Bytes, Floats, Floats]:
    """Place nuclei, many against a neighbor; return mask, in-focus and out-of-focus signal."""
    mask = np.zeros((height, width), np.uint8)
    sharp, dim = np.zeros((2, height, width), np.float32)
    chromatin = _chromatin(rng, height, width)
    typical, cover = rng.uniform(*RADII), rng.uniform(*COVERS)
    crowding, dim_share = rng.uniform(0.35, 0.75), rng.uniform(*DIM_SHARES)
    placed: list[tuple[float, float, float]] = []  # y, x, radius
    for _ in range(MAX_TRIES):
        if mask.mean() >= cover:
            break
        radius = float(np.clip(typical * rng.lognormal(0.0, 0.22), 5.0, 26.0))
        y, x = rng.uniform(0, (height, width))
        if placed and rng.random() < crowding:  # move up to a neighbor until they touch
            near_y, near_x, near_radius = placed[rng.integers(len(placed))]
            angle, gap = rng.uniform(0, 2 * np.pi), (radius + near_radius) * rng.uniform(0.86, 1)
            y, x = near_y + gap * np.sin(angle), near_x + gap * np.cos(angle)
        if not (0 <= y < height and 0 <= x < width):
            continue
        window, inward, depth = _outline(rng, (height, width), y, x, radius)
        inside = inward >= 0
        fresh = np.count_nonzero(inside & (mask[window] == 0))
        if fresh < (1 - MAX_OVERLAP) * np.count_nonzero(inside):
            continue
        mask[window][inside] = 1
        placed.append((y, x, radius))
        dome = 0.62 + 0.38 * np.sqrt(np.clip(depth, 0, 1))  # thicker, so brighter, in the middle
        body = np.clip(inward + 0.5, 0, 1) * dome * chromatin[window]
        if rng.random() < dim_share:
            dim[window] += body * np.float32(rng.uniform(*DIM_LEVELS))
        else:
            sharp[window] += body * np.float32(np.clip(rng.lognormal(-0.2, 0.38), 0.4, 1.7))
    return mask, sharp, dim


def _outline(rng: Rng, size: tuple[int, int], y: float, x: float, radius: float) -> Outline:
    """One smooth irregular outline: its window, px inward of the edge, and 0 (edge) to 1 depth."""
    reach = int(radius * 1.8) + 2
    top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
    window = slice(top, min(top + 2 * reach, size[0])), slice(left, min(left + 2 * reach, size[1]))
    dy, dx = np.ogrid[window][0] - y, np.ogrid[window][1] - x
    turn, stretch = rng.uniform(0, np.pi), np.sqrt(rng.uniform(1.0, 1.75))
    along = (np.cos(turn) * dx + np.sin(turn) * dy) / stretch
    across = (np.cos(turn) * dy - np.sin(turn) * dx) * stretch
    angle, away = np.arctan2(across, along), np.hypot(across, along)
    edge = np.ones_like(angle)
    for wave in range(2, 6):  # slow waves only: nuclei dent and bulge, they have no spikes
        edge += rng.normal(0, 0.09 / (wave - 1)) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    edge = radius * np.clip(edge, 0.6, 1.3)
    return window, (edge - away).astype(np.float32), (1 - away / edge).astype(np.float32)


def _chromatin(rng: Rng, height: int, width: int) -> Floats:
    """Texture inside nuclei, about 1: fine and coarse mottling with dark nucleoli."""
    layers = []
    for grain in (1.3, 3.5, 2.6):  # px
        noise = _blur(rng.standard_normal((height, width), dtype=np.float32), grain)
        layers.append((noise - noise.mean()) / noise.std())
    fine, coarse, holes = layers
    texture = 1 + 0.09 * fine + 0.13 * coarse - 0.5 * np.clip(holes - 1.1, 0, 1)
    return np.asarray(np.clip(texture, 0.3, 1.7), np.float32)


def _debris(rng: Rng, mask: Bytes) -> Floats:
    """Things that glow and are no nucleus: bright specks (off the nuclei), fibres, far glow."""
    height, width = mask.shape
    specks, fibres, glow = np.zeros((3, height, width), np.float32)
    free = np.argwhere(cv2.dilate(mask, np.ones((9, 9), np.uint8)) == 0)
    for y, x in free[rng.integers(len(free), size=rng.integers(6, 22))]:
        axes = tuple(int(16 * axis) for axis in rng.lognormal(0.2, 0.4, size=2).clip(0.7, 3.2))
        center, turn = (int(16 * x), int(16 * y)), rng.uniform(0, 180)
        cv2.ellipse(specks, center, axes, turn, 0, 360, rng.uniform(0.4, 1.5), -1, cv2.LINE_8, 4)
    for _ in range(rng.integers(1, 5)):
        bends = rng.normal(0, 0.05, size=140).cumsum() * 0.6 + rng.uniform(0, 2 * np.pi)
        steps = 2.0 * np.stack([np.cos(bends), np.sin(bends)], axis=1)[: rng.integers(40, 141)]
        path = rng.uniform(0, (width, height)) + steps.cumsum(axis=0)
        points, level = [(16 * path).astype(np.int32)], rng.uniform(0.15, 0.4)
        cv2.polylines(fibres, points, False, level, 1, cv2.LINE_8, 4)
    for _ in range(rng.integers(0, 4)):
        x, y, radius = (int(rng.integers(*span)) for span in ((0, width), (0, height), (8, 20)))
        cv2.circle(glow, (x, y), radius, rng.uniform(0.08, 0.2), -1)
    return specks + _blur(fibres, 0.7) + _blur(glow, 9.0)


def _light(rng: Rng, height: int, width: int) -> Floats:
    """Uneven lighting, 0.5 to 1: brightest at a point that is rarely the middle."""
    down, right = np.linspace(0, 1, height), np.linspace(0, 1, width)
    peak_y, peak_x = rng.uniform(0.2, 0.8, size=2)
    away = (down[:, None] - peak_y) ** 2 + (right - peak_x) ** 2
    return np.asarray(np.maximum(1 - rng.uniform(0.3, 0.7) * away, 0.5), np.float32)


def _blur(picture: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def write(root: Path, images: int = 48, seed: int = 0) -> Path:
    """Make the set under `root` unless it is there already, and return `root`.

    Writes root/images/cells_000.png and on (gray), root/masks/cells_000.png and on (0 or 255) and
    root/README.txt. The set is made in a sibling folder and renamed, so nobody sees half of one,
    and any number of processes may call this at once. Nothing is ever overwritten.
    Raises ConfigError for images < 1 or seed < 0, DataError when root is a file or a folder
    that holds anything but just this set, OSError when the disk refuses.
    """
    if images < 1 or seed < 0:
        raise ConfigError(f"Expected images of 1 or more and a seed of 0 or more, got {images} and {seed}.")
    if _complete(root, images, seed):
        return root
    try:
        with new_folder(root) as fresh:
            for kind in KINDS:
                (fresh / kind).mkdir()
            for index in range(images):
                image, mask = draw(seed, index)
                for kind, pixels in zip(KINDS, (image, mask * np.uint8(255)), strict=True):
                    png = cv2.imencode(".png", pixels)[1].tobytes()
                    (fresh / kind / NAME.format(index)).write_bytes(png)
            (fresh / MARKER).write_bytes(_readme(images, seed))
    except FileExistsError as error:
        if not _complete(root, images, seed):  # complete: another process was faster
            raise DataError(f"{root} holds other files and is left alone; choose a new folder.") from error
    return root


def _readme(images: int, seed: int) -> bytes:
    return (
        "Built-in sample dataset: fluorescence-like pictures of nuclei, drawn by a program.\n"
        f"Masks: 255 on nuclei, dim ones too; 0 elsewhere.\n\nimages: {images}\nseed: {seed}\n"
    ).encode()


def _complete(root: Path, images: int, seed: int) -> bool:
    """True when root's README names just this set and every picture is there."""
    files = [root / kind / NAME.format(index) for kind in KINDS for index in range(images)]
    there = all(path.is_file() for path in (root / MARKER, *files))
    return there and (root / MARKER).read_bytes() == _readme(images, seed)
