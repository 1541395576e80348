"""Folders whose names say nothing: which holds the masks is seen in the files, told, and never guessed."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.config.schema import DataConfig
from unet_core.data import discovery
from unet_core.data.layouts import LAYOUTS
from unet_core.errors import DataError
from unet_core.io.pixels import encode_png

RNG = np.random.default_rng(0)


def put(root: Path, name: str, mask: bool) -> None:
    pixels = RNG.integers(0, 2 if mask else 255, (30, 30)).astype(np.uint8) * np.uint8(255 if mask else 1)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


def grow(root: Path, images: str, masks: str, names: str = "abcdef") -> Path:
    for name in names:
        put(root, f"{images}/{name}.png", mask=False)
        put(root, f"{masks}/{name}.png", mask=True)
    return root


def pairs(search: discovery.Search) -> dict[str, str]:
    return {sample.image.parent.name: sample.masks[0].parent.name for sample in search.samples if sample.masks}


@pytest.mark.parametrize(
    ("images", "masks"), [("sat", "map"), ("map", "sat"), ("X", "y"), ("B", "A"), ("data/one", "data/two")]
)
def test_the_folder_with_few_values_holds_the_masks(tmp_path: Path, images: str, masks: str) -> None:
    search = discovery.search(grow(tmp_path, images, masks))
    assert search.layout == "content"
    assert pairs(search) == {Path(images).name: Path(masks).name}
    assert [sample.id for sample in search.samples] == list("abcdef")
    assert f"{images}/ is read as images and {masks}/ as their masks" in search.notes[0]


def test_its_example_is_read(tmp_path: Path) -> None:
    for name in LAYOUTS["content"].example:
        put(tmp_path, name, mask=name.startswith("map/"))
    assert pairs(discovery.search(tmp_path)) == {"sat": "map"}


def test_subsets_are_those_of_the_names(tmp_path: Path) -> None:
    grow(grow(tmp_path, "x_train", "y_train"), "x_test", "y_test", "gh")
    search = discovery.search(tmp_path)
    assert {(sample.id, sample.subset) for sample in search.samples} >= {("train/a", "train"), ("test/g", "test")}
    assert len(search.samples) == 8


def test_an_image_without_a_mask_is_asked_about(tmp_path: Path) -> None:
    grow(tmp_path, "sat", "map", "abcdefghijklmnopqrst")
    (tmp_path / "map/c.png").unlink()
    with pytest.raises(DataError, match=r"1 of 20 images has no mask: c\.png"):
        discovery.search(tmp_path)
    assert len(discovery.search(tmp_path, unlabeled="leave_out").samples) == 19


@pytest.mark.parametrize("folders", [("sat", "map"), ("images", "masks")])
def test_a_mask_without_an_image_is_a_problem_whatever_the_layout(tmp_path: Path, folders: tuple[str, str]) -> None:
    """Content would pair the rest and train: the lost masks must be told."""
    images, masks = folders
    grow(tmp_path, images, masks, "abcdefghijklmnopqrst")
    (tmp_path / images / "c.png").unlink()
    with pytest.raises(DataError, match=r"c\.png has no image"):
        discovery.search(tmp_path)


def test_names_that_show_masks_are_not_overruled_by_content(tmp_path: Path) -> None:
    grow(tmp_path, "images", "masks", "abcdefghijklmnopqrst")
    (tmp_path / "masks/c.png").rename(tmp_path / "masks/unlike.png")
    with pytest.raises(DataError, match=r"c\.png"):
        discovery.search(tmp_path)
    reading = discovery.examine(DataConfig(root=str(tmp_path)))
    assert (reading.layout, [path.name for path in reading.spare_masks]) == ("paired", ["unlike.png"])
    assert [sample.id for sample in reading.missing] == ["c"]


@pytest.mark.parametrize("kinds", [(False, False), (True, True)])
def test_two_folders_of_one_kind_are_refused(tmp_path: Path, kinds: tuple[bool, bool]) -> None:
    for name in "abcd":
        for folder, kind in zip(("sat", "map"), kinds, strict=True):
            put(tmp_path, f"{folder}/{name}.png", mask=kind)
    with pytest.raises(DataError, match="no images with masks were found"):
        discovery.search(tmp_path)


def test_three_folders_with_the_same_names_are_refused(tmp_path: Path) -> None:
    grow(grow(tmp_path, "sat", "map"), "sat", "roads")
    with pytest.raises(DataError, match="no images with masks were found"):
        discovery.search(tmp_path)


def test_one_image_and_one_mask_in_each_folder_need_no_other_name(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path, f"{name}/image.png", mask=False)
        put(tmp_path, f"{name}/mask.png", mask=True)
    search = discovery.search(tmp_path)
    assert [sample.id for sample in search.samples] == ["a/image", "b/image", "c/image"]
    put(tmp_path, "a/mask_7.png", mask=True)
    (tmp_path / "a/mask.png").unlink()
    with pytest.raises(DataError, match=r"mask_7\.png is named like a mask, but no image has the rest of its name"):
        discovery.search(tmp_path)
