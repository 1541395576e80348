"""Inverted masks by their shares of foreground and their contrast, whatever part of them is inverted."""

import numpy as np
import pytest

from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.inversion import find_inverted


def make(name: str, foreground: float, border: float, contrast: float, inverted: bool = False) -> SampleFacts:
    if inverted:
        foreground, border, contrast = 1 - foreground, 1 - border, -contrast
    pixels = round(10_000 * foreground)
    classes = ((0, 10_000 - pixels), (1, pixels))
    return SampleFacts(name, f"{name}.png", classes=classes, border_foreground=border, contrast=contrast)


@pytest.mark.parametrize("number", [1, 2, 5, 8, 9])
@pytest.mark.parametrize(
    ("foreground", "border", "contrast"),
    [
        (0.2, 0.1, 1.5),  # bright objects
        (0.1, 0.0, -1.0),  # dark objects away from the borders
        (0.42, 0.0, -1.8),  # two organs that cover nearly half
        (0.78, 0.75, 0.9),  # tissue between thin membranes
    ],
)
def test_any_share_of_inverted_masks(number: int, foreground: float, border: float, contrast: float) -> None:
    rng = np.random.default_rng(number)
    masks = [
        make(
            f"m{index:02}",
            foreground * rng.uniform(0.9, 1.1),
            border * rng.uniform(0.9, 1.1),
            contrast * rng.uniform(0.8, 1.2),
            inverted=index < number,
        )
        for index in range(20)
    ]
    assert {facts.id for facts in find_inverted(masks)} == {f"m{index:02}" for index in range(number)}


def test_bright_and_dark_objects_together_are_no_fault() -> None:
    masks = [make(f"m{index:02}", 0.2, 0.1, 1.2 if index % 3 else -1.2) for index in range(20)]
    assert find_inverted(masks) == []


def test_inverted_masks_among_bright_and_dark_objects() -> None:
    masks = [make(f"m{index:02}", 0.2, 0.1, 1.2 if index % 3 else -1.2, inverted=index < 8) for index in range(20)]
    assert {facts.id for facts in find_inverted(masks)} == {f"m{index:02}" for index in range(8)}


def test_large_and_small_objects_of_one_brightness_are_no_fault() -> None:
    masks = [make(f"m{index:02}", *((0.85, 0.8) if index < 8 else (0.15, 0.2)), 1.2) for index in range(20)]
    assert find_inverted(masks) == []
