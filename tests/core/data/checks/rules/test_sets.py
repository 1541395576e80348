"""Copies and relatives on both sides of a split, and classes that one side lacks."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.core.data.checks.planted import draw, make_clean, read_png, write_png
from unet_core.config.schema import DataConfig
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.checks.scan import Scan, scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe


def find(root: Path, check: str, **settings: object) -> Finding | None:
    found = scan(DataConfig(root=str(root), **settings))  # type: ignore[arg-type]
    return next((finding for finding in found.findings if finding.check == check), None)


def repair(root: Path, finding: Finding) -> Scan:
    recipe.save(root, Recipe().add(finding.remedies[0]))
    return scan(DataConfig(root=str(root)))


def checks(found: Scan) -> set[str]:
    return {finding.check for finding in found.findings}


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """Ten images in train/ and four in val/."""
    for part, numbers in (("train", range(10)), ("val", range(10, 14))):
        for kind in ("images", "masks"):
            (tmp_path / part / kind).mkdir(parents=True)
        for number in numbers:
            image, mask = draw(number)
            write_png(tmp_path / part / "images" / f"c{number:02}.png", image)
            write_png(tmp_path / part / "masks" / f"c{number:02}.png", mask)
    return tmp_path


def add(root: Path, part: str, name: str, image: np.ndarray, mask: np.ndarray) -> None:
    write_png(root / part / "images" / f"{name}.png", image)
    write_png(root / part / "masks" / f"{name}.png", mask)


def test_a_divided_set_without_a_fault(divided: Path) -> None:
    found = scan(DataConfig(root=str(divided)))
    assert found.findings == ()
    assert {part: len(ids) for part, ids in found.parts.items()} == {"train": 10, "val": 4, "test": 0}


def test_the_same_image_in_both_parts(divided: Path) -> None:
    add(divided, "val", "again", *draw(3))
    finding = find(divided, "duplicates_across_splits")
    assert finding is not None and (finding.severity, finding.samples) == (WARNING, ("train/c03",))
    assert repair(divided, finding).findings == ()


def test_a_copy_that_was_compressed_again(divided: Path) -> None:
    image, mask = draw(3)
    Image.fromarray(image).save(divided / "val" / "images" / "again.jpg", quality=90)
    write_png(divided / "val" / "masks" / "again.png", mask)
    finding = find(divided, "near_duplicates")
    assert finding is not None and (finding.severity, finding.samples) == (WARNING, ("val/again",))
    assert "near_duplicates" not in checks(repair(divided, finding))


def test_near_copies_are_kept_together_by_a_drawn_split(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "cells", images=16)
    for number in range(16):
        image, mask = draw(number)
        Image.fromarray(image).save(root / "images" / f"again_{number:02}.jpg", quality=90)
        write_png(root / "masks" / f"again_{number:02}.png", mask)
    finding = find(root, "near_duplicates")
    assert finding is not None and finding.remedies[0].repairs[0].kind == "together"
    again = repair(root, finding)
    assert "near_duplicates" not in checks(again)
    assert len(again.parts["val"]) == 6


def test_adjoining_tiles(divided: Path) -> None:
    rng = np.random.default_rng(0)
    large = cv2.GaussianBlur(rng.normal(100, 400, (96, 256)), (0, 0), 4).clip(0, 255).astype(np.uint8)
    mask = (cv2.GaussianBlur(large, (0, 0), 3) > 110).astype(np.uint8) * np.uint8(255)
    add(divided, "train", "tile_a", large[:, :128], mask[:, :128])
    add(divided, "val", "tile_b", large[:, 128:], mask[:, 128:])
    finding = find(divided, "adjoining_tiles")
    assert finding is not None and finding.samples == ("val/tile_b",)
    assert "train/tile_a" in finding.message and "val/tile_b" in finding.message
    assert "adjoining_tiles" not in checks(repair(divided, finding))


def test_series_that_folders_divide(divided: Path) -> None:
    for number, part in enumerate(("train", "train", "val")):
        add(divided, part, f"mouse1_t{number:03}", *draw(50 + number))
    finding = find(divided, "groups_across_splits")
    assert finding is not None and finding.samples == ("val/mouse1_t002",)
    assert repair(divided, finding).findings == ()


def test_a_class_that_only_validation_shows(divided: Path) -> None:
    for part in ("train", "val"):
        for path in sorted((divided / part / "masks").iterdir()):
            mask = read_png(path) // 255
            mask[:, mask.shape[1] // 2 :] *= 2 if part == "val" else 3
            mask[40:60, 70:90] = 3
            write_png(path, mask)
    finding = find(divided, "unseen_classes")
    assert finding is not None and finding.severity == WARNING
    assert "No image of training shows class 2" in finding.message and len(finding.samples) == 4


def test_another_seed_shows_all_classes(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "cells")
    for number, path in enumerate(sorted((root / "masks").iterdir())):
        mask = read_png(path) // 255
        mask[: mask.shape[0] // 2] *= 2 if number in (3, 8) else 1
        write_png(path, mask)
    finding = find(root, "unseen_classes")
    if finding is None:
        pytest.fail("the split happens to show class 2 in both parts: plant it in other images")
    again = repair(root, finding)
    assert "unseen_classes" not in checks(again)


def test_hardly_any_foreground(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "cells")
    for path in sorted((root / "masks").iterdir()):
        mask = read_png(path)
        mask[:, 30:] = 0
        mask[30:] = 0
        write_png(path, mask)
        image = root / "images" / path.name
        assert image.is_file()
    assert find(root, "imbalance") is None  # 2 % of the pixels
    for path in sorted((root / "masks").iterdir()):
        mask = read_png(path)
        rows, columns = np.nonzero(mask)
        mask[:] = 0
        mask[rows[0] : rows[0] + 6, columns[0] : columns[0] + 6] = 255
        write_png(path, mask)
    finding = find(root, "imbalance")
    assert finding is not None and "0.29% of the pixels are foreground" in finding.message


def test_masks_that_are_all_the_same(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "cells")
    for path in sorted((root / "masks").iterdir()):
        write_png(path, draw(0)[1])
    finding = find(root, "same_masks")
    assert finding is not None and finding.count == 12


def test_nothing_is_left_for_training(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "val" / kind).mkdir(parents=True)
    for number in range(4):
        add(tmp_path, "val", f"c{number}", *draw(number))
    (tmp_path / "train").mkdir()
    found = scan(DataConfig(root=str(tmp_path)))
    assert [finding.severity for finding in found.findings if finding.check == "split"] == [ERROR]
    assert found.refused and found.parts == {}


def test_copies_alone_are_for_information(tmp_path: Path) -> None:
    root = make_clean(tmp_path / "cells")
    for kind in ("images", "masks"):
        (root / kind / "twin.png").write_bytes((root / kind / "cell_04.png").read_bytes())
    found = scan(DataConfig(root=str(root)))
    assert [(finding.check, finding.severity, finding.samples) for finding in found.findings] == [
        ("duplicates", INFO, ("twin",))
    ]
