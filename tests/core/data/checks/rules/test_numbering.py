"""Classes that some files count from another number on, and object numbers that are read as classes."""

from pathlib import Path

import numpy as np
import pytest

from tests.core.data.checks.planted import draw, number_objects, write_png
from tests.core.data.checks.rules.test_values import Mask, change, classes_of, make
from tests.core.data.checks.test_planted import load_masks
from unet_core.config.schema import DataConfig
from unet_core.data.checks.finding import WARNING, Finding
from unet_core.data.checks.scan import scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe


def look(root: Path) -> tuple[Finding, ...]:
    return scan(DataConfig(root=str(root))).findings


@pytest.mark.parametrize(
    ("usual", "odd", "words"),
    [(0, 1, "from one higher than the rest: c02, c05. Only they hold 4, and they lack 0"), (1, 0, "from one lower")],
)
def test_classes_counted_from_another_number(tmp_path: Path, usual: int, odd: int, words: str) -> None:
    truth = load_masks(make(tmp_path / "clean", lambda mask: classes_of(mask) + np.uint8(usual)))
    root = make(tmp_path / "cells", lambda mask: classes_of(mask) + np.uint8(usual))
    change(root, ["c02", "c05"], lambda mask: mask - np.uint8(usual) + np.uint8(odd))
    [finding] = look(root)
    assert (finding.check, finding.severity, finding.samples) == ("mixed_values", WARNING, ("c02", "c05"))
    assert words in finding.message
    recipe.save(root, Recipe().add(finding.remedies[0]))
    repaired = load_masks(root)
    assert repaired.keys() == truth.keys()
    assert all((mask == truth[name]).all() for name, mask in repaired.items())
    assert look(root) == ()


def test_an_image_without_background_that_shows_a_rare_class_is_no_fault(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", classes_of)

    def cover(mask: Mask) -> Mask:
        mask[mask == 0] = 3
        mask[:20] = 4
        return mask

    change(root, ["c02"], cover)
    assert not [finding for finding in look(root) if finding.check == "mixed_values"]


def test_object_numbers_with_gaps_are_told(tmp_path: Path) -> None:
    """As of masks that were cut from larger ones: values are missing, so that they do not run from 1."""

    root = tmp_path / "cells"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    foreground = {}
    for number in range(12):
        image, mask = draw(number, 192)
        numbers = number_objects(mask)
        numbers[(numbers == number + 1) | (numbers == number + 3) | (numbers > 16 + number)] = 0
        write_png(root / "images" / f"c{number:02}.png", image)
        write_png(root / "masks" / f"c{number:02}.png", numbers)
        foreground[f"c{number:02}"] = numbers > 0
    [finding] = [finding for finding in look(root) if finding.check == "values"]
    assert finding.severity == WARNING and finding.count == 12
    assert "may number objects" in finding.message
    recipe.save(root, Recipe().add(finding.remedies[0]))
    found = scan(DataConfig(root=str(root)))
    assert found.coding is not None and found.coding.kind == "instances"
    assert not [finding for finding in found.findings if finding.check == "values"]
    assert all(((mask == 1) == foreground[name]).all() for name, mask in load_masks(root).items())
