"""Every remedy that a message names is applied, and gives the mask that was meant."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.core.data.masks.test_detect import COLORS, as_u8, gather, scene, spots
from unet_core.data.masks.coding import IGNORE
from unet_core.data.masks.detect import detect_coding
from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import parse_color_map
from unet_core.errors import DataError


def remedies(message: str) -> Iterator[dict[str, Any]]:
    """The settings that a message names, each by itself."""
    for number in re.findall(r"num_classes to (\d+)", message):
        yield {"num_classes": int(number)}
    for number in re.findall(r"ignore_index to (\d+)", message):
        yield {"ignore_index": int(number)}
    for word in re.findall(r"labels to (\w+)", message):
        yield {"labels": word}
    for text in re.findall(
        r'color_map(?:,| to)(?: for)? example (?:to )?"([^"]+)"|set color_map to "([^"]+)"', message
    ):
        yield {"color_map": "".join(text)}


def apply(masks: list[np.ndarray], settings: dict[str, Any]) -> list[np.ndarray]:
    settings = dict(settings)
    if "color_map" in settings:
        settings["color_map"] = parse_color_map(settings["color_map"], None)  # type: ignore[arg-type]
    coding, _ = detect_coding(gather(*masks), **settings)
    return [coding.apply(RawMask(mask)) for mask in masks]


def message_of(masks: list[np.ndarray], settings: dict[str, Any]) -> str:
    try:
        return " ".join(detect_coding(gather(*masks), **settings)[1])
    except DataError as error:
        return str(error)


def meant(mask: np.ndarray, setting: dict[str, Any]) -> np.ndarray:
    """What the mask means under one setting, by hand: values are whole numbers, colors rows of COLORS."""
    if setting.get("labels") == "instances":
        return as_u8(mask > 0) if mask.ndim == 2 else as_u8(mask.any(2))
    if "color_map" in setting:
        result = np.full(mask.shape[:2], 99, np.uint8)
        for index, text in enumerate(setting["color_map"].split(";")):
            value = np.array([int(part) for part in text.split(",")])
            same = (mask == value).all(2) if mask.ndim == 3 else mask == value[0]
            result[same] = index
        return result
    if "ignore_index" in setting:
        return np.where(mask == setting["ignore_index"], IGNORE, mask).astype(np.uint8)
    return as_u8(mask)  # classes by their numbers


LEVELS = np.array([0, 80, 160, 240])
CASES: dict[str, tuple[list[np.ndarray], dict[str, Any], int]] = {  # masks, settings, remedies that are named
    "gray levels": ([as_u8(LEVELS[scene(n, 4)]) for n in range(3)], {}, 2),
    "three levels of 16 bits": ([np.array([0, 700, 9000])[scene(n, 3)].astype(np.uint16) for n in range(3)], {}, 2),
    "classes for a binary model": ([as_u8(scene(n, 3)) for n in range(3)], {"num_classes": 1}, 2),
    "one value too many": ([as_u8(np.array([0, 1, 2, 9])[scene(n, 4)]) for n in range(3)], {"num_classes": 3}, 2),
    "two values too many": ([as_u8(np.array([0, 1, 7, 9])[scene(n, 4)]) for n in range(3)], {"num_classes": 3}, 1),
    "1 and 2": ([as_u8(scene(n) + 1) for n in range(3)], {}, 1),
    "from 1": ([as_u8(scene(n, 3) + 1) for n in range(3)], {}, 1),
    "colors": ([COLORS[scene(n, 4)] for n in range(3)], {}, 1),
    "object numbers": ([as_u8(spots(*range(1, n))) for n in (9, 12, 20)], {}, 1),
    "likely object numbers": ([as_u8(spots(*values)) for values in ((1, 5, 9), (2, 9), (3, 4, 5, 6))], {}, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_remedy_of_a_message_gives_the_mask_that_is_meant(name: str) -> None:
    masks, settings, number = CASES[name]
    message = message_of(masks, settings)
    named = list(remedies(message))
    assert len(named) == number, message
    for remedy in named:
        if "..." in remedy.get("color_map", ""):
            continue  # an example that is cut says how, not what
        results = apply(masks, {**settings, **remedy})
        for mask, result in zip(masks, results, strict=True):
            expected = meant(mask, remedy)
            if remedy == {"num_classes": 0}:
                expected = as_u8(mask)
            assert (result == expected).all(), (remedy, message)
