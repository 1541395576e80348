"""Images made worse in known ways, at five severities each.

Intensities are meant relative to the image, so that 8 bits, 16 bits and floats behave alike: R is the distance between
the 0.1st and the 99.9th percentile of all its values, and results are clipped to its darkest and its brightest value,
as a detector saturates. A flat image has no range; that of its type stands for it (0..255, 0..65535, 0..1).
After Hendrycks and Dietterich (2019), with severities for small objects. Severities of two corruptions are not alike.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ConfigError
from unet_core.io.pixels import Pixels, full_range, percentiles

Floats = NDArray[np.float32]

SEVERITIES = 5
RANGE = (0.1, 99.9)  # percentiles
Limits = tuple[float, float, float]  # the darkest value, the brightest value, R


@dataclass(frozen=True)
class Corruption:
    """One entry of CORRUPTIONS. `levels` are of severities 1 to 5, in `unit`.

    `function` takes the image (H, W, C), a level, the limits of the image and a random generator, and gives float32.
    With `resizes` it gives another size, and the mask predicted there is resized by nearest neighbors.
    """

    label: str
    description: str
    unit: str
    levels: tuple[float, ...]
    function: Callable[[Pixels, float, Limits, np.random.Generator], Pixels]
    resizes: bool = False


def corrupt(image: Pixels, name: str, severity: int, key: str = "", seed: int = 0) -> Pixels:
    """An image (H, W, C) with a corruption, of the same type; severity 0 is the image itself.

    What is random depends on `seed`, `key` (the image's name), the corruption and the severity alone. Raises
    ConfigError for an unknown name, ValueError for a severity that is not in 0..5.

    >>> corrupt(np.full((2, 2, 1), 100, np.uint8), "brighter", 2)[0, 0].tolist()
    [151]
    """
    check_names([name])
    if not 0 <= severity <= SEVERITIES:
        raise ValueError(f"severity is {severity}; it must be in 0..{SEVERITIES}")
    if not severity:
        return image
    entry = CORRUPTIONS[name]
    limits = find_limits(image)
    words = f"{key}\0{name}\0{severity}".encode(errors="surrogateescape")
    rng = np.random.default_rng([seed, zlib.crc32(words)])
    result = entry.function(image, entry.levels[severity - 1], limits, rng)
    result = result.reshape(*result.shape[:2], image.shape[2])  # OpenCV drops a single channel
    clipped = np.clip(result, limits[0], limits[1])
    return (np.rint(clipped) if image.dtype.kind == "u" else clipped).astype(image.dtype)


def check_names(names: Sequence[str]) -> list[str]:
    """The names without repetitions, all of CORRUPTIONS for (). Raises ConfigError where one is not among them.

    >>> check_names(["noise", "blur", "noise"])
    ['noise', 'blur']
    """
    for name in names:
        if name not in CORRUPTIONS:
            raise ConfigError(f"Unknown corruption {name!r}. Use some of {', '.join(CORRUPTIONS)}.")
    return list(dict.fromkeys(names or CORRUPTIONS))


def find_limits(image: Pixels) -> Limits:
    """The darkest and the brightest value of an image (H, W, C), and its range R.

    >>> find_limits(np.array([[[10], [20]]], np.uint8))[:2]
    (10.0, 20.0)
    """
    low, high = float(image.min()), float(image.max())
    if low == high:
        most = full_range(image)
        return min(0.0, low), max(most, high), most
    dark, bright = percentiles(image, RANGE)
    return low, high, (bright - dark) or (high - low)


def format_level(name: str, severity: int) -> str:
    """The level of a severity with its unit, "" for severity 0.

    >>> format_level("blur", 5)
    'sigma 4 px'
    """
    if not severity:
        return ""
    entry = CORRUPTIONS[name]
    return entry.unit.format(entry.levels[severity - 1])


def _blur(image: Pixels, sigma: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    import cv2

    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def _add_noise(image: Pixels, share: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    noise = rng.standard_normal(image.shape, np.float32)
    return image.astype(np.float32) + np.float32(share * limits[2]) * noise


def _shift(image: Pixels, share: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    return image.astype(np.float32) + np.float32(share * limits[2])


def _lower_contrast(image: Pixels, factor: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    means = image.mean((0, 1), dtype=np.float64)
    return np.asarray((image - means) * factor + means, np.float32)


def _compress(image: Pixels, quality: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    """Through 8 bits between darkest and brightest; RGB as one JPEG, of other channels each as one."""
    import cv2

    low, high, _ = limits
    levels = np.rint((image.astype(np.float32) - low) * (255 / (high - low))).astype(np.uint8)

    def pass_through(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        data = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)

    if image.shape[2] == 3:
        result = pass_through(np.ascontiguousarray(levels[:, :, ::-1]))[:, :, ::-1]
    else:
        result = np.stack([pass_through(np.ascontiguousarray(levels[:, :, k])) for k in range(image.shape[2])], 2)
    return np.asarray(result.astype(np.float32) * ((high - low) / 255) + low, np.float32)


def _resize(image: Pixels, factor: float, limits: Limits, rng: np.random.Generator) -> Pixels:
    import cv2

    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    planes = (np.ascontiguousarray(image[:, :, k], np.float32) for k in range(image.shape[2]))  # OpenCV: 4 at most
    return np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in planes], 2)


CORRUPTIONS = {
    "blur": Corruption("Blur", "Gaussian blur", "sigma {:g} px", (0.5, 1, 2, 3, 4), _blur),
    "noise": Corruption(
        "Noise",
        "Gaussian noise, independent for each pixel and channel",
        "sigma {:.0%} of the range",
        (0.02, 0.05, 0.1, 0.2, 0.3),
        _add_noise,
    ),
    "brighter": Corruption("Brighter", "all values raised", "{:+.0%} of the range", (0.1, 0.2, 0.3, 0.4, 0.5), _shift),
    "darker": Corruption(
        "Darker", "all values lowered", "{:+.0%} of the range", (-0.1, -0.2, -0.3, -0.4, -0.5), _shift
    ),
    "contrast": Corruption(
        "Less contrast",
        "distances to the mean of each channel lowered",
        "to {:.0%}",
        (0.75, 0.5, 0.3, 0.2, 0.1),
        _lower_contrast,
    ),
    "jpeg": Corruption("JPEG", "saved as JPEG of 8 bits", "quality {:g}", (80, 50, 25, 15, 7), _compress),
    "scale": Corruption(
        "Smaller scale",
        "image made smaller, its mask enlarged again by nearest neighbors",
        "to {:.0%} of the size",
        (0.8, 0.65, 0.5, 0.35, 0.25),
        _resize,
        resizes=True,
    ),
}
