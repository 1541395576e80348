"""Bit depths, channels, constant images and images unlike all others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.core.data.checks.planted import draw, make_clean, noise, on_images, write_png
from unet_core.config.schema import DataConfig
from unet_core.data import discovery, reading
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.checks.scan import Scan, scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe

Pixels = NDArray[np.generic]


def look(root: Path) -> Scan:
    return scan(DataConfig(root=str(root)))


def only(root: Path) -> Finding:
    [finding] = look(root).findings
    return finding


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_clean(tmp_path / "cells")


def names(*numbers: int) -> list[str]:
    return [f"cell_{number:02}" for number in numbers]


def deep(image: Pixels) -> Pixels:
    return image.astype(np.uint16) * np.uint16(257)


@pytest.mark.parametrize(
    ("odd", "factor"),
    [
        (lambda image: (image // 257).astype(np.uint8), 257),
        (lambda image: image // np.uint16(257), 257),  # 8-bit values in 16 bits
    ],
)
def test_eight_bits_among_sixteen(root: Path, odd: Callable[[Pixels], Pixels], factor: int) -> None:
    on_images(deep)(root, names(*range(12)))
    on_images(odd)(root, names(2, 5))
    finding = only(root)
    assert (finding.check, finding.severity, finding.samples) == ("bit_depth", WARNING, tuple(names(2, 5)))
    [repair] = finding.remedies[0].repairs
    assert repair.get("dtype") == "uint16" and repair.get("factor") in (factor, factor - 1)
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert look(root).findings == ()
    sample = discovery.search_data(DataConfig(root=str(root))).samples[2]
    repaired, truth = reading.read_image(sample), draw(2)[0].astype(np.uint16) * np.uint16(257)
    assert repaired.dtype == np.uint16 and np.abs(repaired[:, :, 0].astype(int) - truth.astype(int)).max() <= 257


def test_all_files_with_unused_bits_are_for_information(root: Path) -> None:
    on_images(lambda image: image.astype(np.uint16))(root, names(*range(12)))
    finding = only(root)
    assert (finding.check, finding.severity, finding.count) == ("bit_depth", INFO, 12)


def test_gray_among_rgb(root: Path) -> None:
    on_images(lambda image: np.stack([image, image // 2, image // 3], 2))(root, names(*range(11)))
    found = {finding.check: finding for finding in look(root).findings}
    assert found.keys() == {"channels", "outliers"}  # the only gray one is unlike all others too
    assert (found["channels"].severity, found["channels"].samples) == (INFO, ("cell_11",))


def test_channels_that_do_not_fit_block_training(root: Path) -> None:
    path = root / "images" / "cell_04.png"
    planes = np.stack([draw(4)[0]] * 5)
    tifffile.imwrite(path.with_suffix(".tif"), planes, photometric="minisblack", metadata={"axes": "CYX"})
    path.unlink()
    finding = only(root)
    assert (finding.check, finding.severity, finding.samples) == ("channels", ERROR, ("cell_04",))
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert look(root).findings == ()


def test_an_image_unlike_all_others(root: Path) -> None:
    on_images(noise)(root, names(7))
    finding = next(finding for finding in look(root).findings if finding.check == "outliers")
    assert (finding.severity, finding.samples) == (INFO, ("cell_07",))


def test_few_images_have_no_outlier(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "few", images=6)
    on_images(noise)(root, names(3))
    assert "outliers" not in {finding.check for finding in look(root).findings}


def test_a_constant_image(root: Path) -> None:
    write_png(root / "images" / "cell_03.png", np.full((96, 128), 7, np.uint8))
    finding = only(root)
    assert (finding.check, finding.severity, finding.samples) == ("constant", WARNING, ("cell_03",))


@pytest.mark.parametrize(
    ("usual", "odd", "factor", "words"),
    [
        (lambda image: image.astype(np.uint16) * np.uint16(200), lambda image: image >> 4, 16.0, "16 times lower"),
        (lambda image: image.astype(np.float32) / 255, lambda image: image * np.float32(255), 1 / 255, "times higher"),
    ],
)
def test_intensities_of_another_step(
    root: Path,
    usual: Callable[[Pixels], Pixels],
    odd: Callable[[Pixels], Pixels],
    factor: float,
    words: str,
) -> None:
    ids = sorted(path.stem for path in (root / "images").iterdir())
    for name in ids:
        path = root / "images" / f"{name}.png"
        image = usual(np.asarray(Image.open(path)))
        tifffile.imwrite(path.with_suffix(".tif"), odd(image) if name in ids[3:5] else image)
        path.unlink()
    finding = only(root)
    assert (finding.check, finding.severity, finding.samples) == ("bit_depth", WARNING, tuple(ids[3:5]))
    assert words in finding.message
    [repair] = finding.remedies[0].repairs
    assert repair.get("factor") == pytest.approx(factor, rel=0.02)
    recipe.save(root, Recipe().add(finding.remedies[0]))
    assert look(root).findings == ()


def test_darker_images_have_no_other_bit_depth(root: Path) -> None:
    for number, path in enumerate(sorted((root / "images").iterdir())):
        image = np.asarray(Image.open(path)).astype(np.float64) * 200 / (1 + number)
        tifffile.imwrite(path.with_suffix(".tif"), image.astype(np.uint16))
        path.unlink()
    assert not [finding for finding in look(root).findings if finding.check == "bit_depth"]
