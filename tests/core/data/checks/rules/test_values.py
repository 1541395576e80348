"""Masks of several classes and of objects, some of which are written otherwise than the rest."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.core.data.checks.planted import draw, number_objects, read_png, write_png
from tests.core.data.checks.test_planted import load_masks, refuses
from unet_core.config.schema import DataConfig
from unet_core.data.checks.finding import ERROR, INFO, WARNING
from unet_core.data.checks.scan import scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe

Mask = NDArray[np.uint8]
COLORS = np.array([[0, 0, 0], [250, 50, 83], [51, 221, 255], [40, 200, 90]], np.uint8)


def classes_of(mask: Mask) -> Mask:
    """Objects in four columns of classes 1, 2, 3, 1."""
    column = np.arange(mask.shape[1]) * 4 // mask.shape[1]
    return (mask > 0) * np.array([1, 2, 3, 1], np.uint8)[column][None]


def make(root: Path, write: Callable[[Mask], Mask], images: int = 12) -> Path:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(images):
        image, mask = draw(number)
        write_png(root / "images" / f"c{number:02}.png", image)
        write_png(root / "masks" / f"c{number:02}.png", write(mask))
    return root


def change(root: Path, names: list[str], how: Callable[[Mask], Mask]) -> None:
    for name in names:
        path = root / "masks" / f"{name}.png"
        write_png(path, how(read_png(path)))


def smooth(mask: Mask) -> Mask:
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7))


@pytest.mark.parametrize("write", [classes_of, lambda mask: COLORS[classes_of(mask)], number_objects])
def test_nothing_is_wrong_without_a_fault(tmp_path: Path, write: Callable[[Mask], Mask]) -> None:
    found = scan(DataConfig(root=str(make(tmp_path / "cells", write))))
    assert {(finding.check, finding.severity) for finding in found.findings} <= {("color_masks", INFO)}


def test_indices_made_visible_are_brought_back(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", classes_of)
    truth = load_masks(root)
    change(root, ["c03", "c07"], lambda mask: mask * np.uint8(80))
    found = scan(DataConfig(root=str(root)))
    [finding] = [finding for finding in found.findings if finding.severity != INFO]
    assert (finding.check, finding.severity, finding.samples) == ("mixed_values", WARNING, ("c03", "c07"))
    assert not refuses(root)  # read with smoothed edges, which makes background of whole objects
    assert any((mask != truth[name]).any() for name, mask in load_masks(root).items())
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert all((mask == truth[name]).all() for name, mask in load_masks(root).items())


def test_smoothed_colors_are_set_to_the_nearest(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", lambda mask: COLORS[classes_of(mask)])
    truth = load_masks(root)
    change(root, ["c01", "c02"], smooth)
    found = scan(DataConfig(root=str(root)))
    [finding] = [finding for finding in found.findings if finding.severity != INFO]
    assert finding.check == "smeared_edges" and set(finding.samples) == {"c01", "c02"}
    recipe.save(root, Recipe().add(finding.remedies[0]))
    repaired = load_masks(root)
    assert all((mask == truth[name]).mean() > 0.97 for name, mask in repaired.items())
    assert all((mask == truth[name]).all() for name, mask in repaired.items() if name not in finding.samples)


def test_objects_of_one_value_among_numbered_ones(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", number_objects)
    change(root, ["c05"], lambda mask: (mask > 0).astype(np.uint8) * np.uint8(255))
    found = scan(DataConfig(root=str(root)))
    [finding] = found.findings
    assert (finding.check, finding.samples) == ("mixed_values", ("c05",))
    assert finding.severity == ERROR and refuses(root), finding.message


def test_indices_as_jpeg_cannot_be_told(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", classes_of)
    for path in sorted((root / "masks").iterdir()):
        Image.fromarray(read_png(path)).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    found = scan(DataConfig(root=str(root)))
    assert [finding.check for finding in found.findings if finding.severity == ERROR] == ["values"]
    assert found.coding is None and "JPEG" in found.refused and refuses(root)


def test_all_background_teaches_nothing(tmp_path: Path) -> None:
    found = scan(DataConfig(root=str(make(tmp_path / "cells", lambda mask: mask * 0))))
    assert [(finding.check, finding.severity, finding.count) for finding in found.findings] == [
        ("empty_masks", ERROR, 12)
    ]


def test_color_masks_say_how_they_are_read(tmp_path: Path) -> None:
    found = scan(DataConfig(root=str(make(tmp_path / "cells", lambda mask: COLORS[(mask > 0).astype(np.uint8)]))))
    [finding] = found.findings
    assert (finding.check, finding.severity, finding.count) == ("color_masks", INFO, 12)
    assert "0 = background, 250,50,83 = foreground" in finding.message


def number_some(mask: Mask) -> Mask:
    """Objects by their numbers, fewer in some images than in others."""
    numbers = number_objects(mask)
    return np.where(numbers <= 6 + int((mask > 0).sum()) % 6, numbers, 0).astype(np.uint16)


def test_objects_of_one_value_where_all_can_be_read(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", number_some)
    change(root, ["c05"], lambda mask: (mask > 0).astype(np.uint8) * np.uint8(255))
    found = scan(DataConfig(root=str(root)))
    [finding] = found.findings
    assert (finding.check, finding.severity, finding.samples) == ("mixed_values", WARNING, ("c05",))
    assert "one value for all objects" in finding.message and not refuses(root)


def test_some_class_numbers_as_jpeg_are_left_out_and_never_guessed(tmp_path: Path) -> None:
    root = make(tmp_path / "cells", classes_of)
    for name in ("c02", "c09"):
        path = root / "masks" / f"{name}.png"
        Image.fromarray(read_png(path)).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    found = scan(DataConfig(root=str(root)))
    [finding] = found.findings
    assert (finding.check, finding.severity, finding.samples) == ("smeared_edges", ERROR, ("c02", "c09"))
    assert [remedy.label for remedy in finding.remedies] == ["Leave them out"] and refuses(root)
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert scan(DataConfig(root=str(root))).findings == () and len(load_masks(root)) == 10


@pytest.mark.parametrize("value", [1, 2, 100])
def test_white_jpegs_among_masks_of_low_values(tmp_path: Path, value: int) -> None:
    """Cut at half of white, as the JPEGs alone would be, the others were all background."""
    root = make(tmp_path / "cells", lambda mask: (mask > 0) * np.uint8(value))
    truth = load_masks(root)
    for name in ("c01", "c02", "c03"):
        path = root / "masks" / f"{name}.png"
        Image.fromarray((read_png(path) > 0) * np.uint8(255)).save(path.with_suffix(".jpg"), quality=88)
        path.unlink()
    found = scan(DataConfig(root=str(root)))
    [finding] = [finding for finding in found.findings if finding.severity != INFO]
    assert (finding.check, finding.severity) == ("smeared_edges", ERROR)
    assert set(finding.samples) == {"c01", "c02", "c03"}
    assert refuses(root)
    recipe.save(root, Recipe().add(finding.remedies[0]))
    repaired = load_masks(root)
    assert repaired.keys() == truth.keys()
    assert all((mask == truth[name]).mean() > 0.98 for name, mask in repaired.items())
    assert all((mask == truth[name]).all() for name, mask in repaired.items() if name not in finding.samples)
