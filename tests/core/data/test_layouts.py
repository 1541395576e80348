"""Every layout from a small tree of its own, found as itself and as nothing else; stacks and mixed folders."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unet_core.data import discovery
from unet_core.data.layouts import LAYOUTS
from unet_core.errors import DataError, UnetError
from unet_core.io import images
from unet_core.io.pixels import encode_png

Array = NDArray[np.uint8]
RNG = np.random.default_rng(0)


def photo(side: int = 12) -> Array:
    return RNG.integers(0, 256, (side, side, 3), np.uint8)


def mask(side: int = 12, values: int = 2) -> Array:
    return RNG.integers(0, values, (side, side), np.uint8)


def gif(pixels: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels * np.uint8(255)).save(file, "GIF")
    return file.getvalue()


def volume(pages: int, kind: type = np.uint8) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, RNG.integers(0, 256, (pages, 12, 12)).astype(kind), photometric="minisblack")
    return file.getvalue()


def grow(root: Path, tree: dict[str, bytes | Array]) -> Path:
    for name, content in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else encode_png(content))
    return root


def dsb(*stages: str) -> dict[str, bytes | Array]:
    masks = {
        f"{stage}/n{k}/masks/{m}.png": mask() for stage in stages if "test" not in stage for k in "ab" for m in "12"
    }
    return {f"{stage}/n{k}/images/n{k}.png": photo() for stage in stages for k in "ab"} | masks


def both(image: str, truth: str, names: str = "123") -> dict[str, bytes | Array]:
    return {image.format(k): photo() for k in names} | {truth.format(k): mask() for k in names}


TREES: dict[str, tuple[str, dict[str, bytes | Array], int]] = {  # layout, files, samples with masks
    "DSB train": ("dsb2018", dsb("."), 2),
    "DSB stage": ("dsb2018", dsb("stage1_train"), 2),
    "DSB both stages": (
        "dsb2018",
        {k.replace("test/n", "test/t"): v for k, v in dsb("stage1_train", "stage1_test").items()},
        2,
    ),
    "DSB test": ("dsb2018", {name.removeprefix("stage1_test/"): v for name, v in dsb("stage1_test").items()}, 0),
    "DSB test stage": ("dsb2018", dsb("stage1_test"), 0),
    "paired": ("paired", both("images/{}.png", "masks/{}.png"), 3),
    "paired, suffix": ("paired", both("imgs/{}.png", "labels/{}_mask.png"), 3),
    "CamVid": ("split_folders", both("train/{}.png", "trainannot/{}.png") | both("val/{}.png", "valannot/{}.png"), 6),
    "Carvana": (
        "split_folders",
        {f"{part}/car_0{k}.jpg": photo() for part in ("train", "val") for k in "12"}
        | {f"{part}_masks/car_0{k}_mask.gif": gif(mask()) for part in ("train", "val") for k in "12"},
        4,
    ),
    "subsets": ("split_folders", both("train/images/{}.png", "train/masks/{}.png"), 3),
    "ISBI 2012": (
        "stack",
        {"train-volume.tif": volume(3), "train-labels.tif": volume(3), "test-volume.tif": volume(2)},
        3,
    ),
    "EPFL": ("stack", {"training.tif": volume(2, np.uint16), "training_groundtruth.tif": volume(2)}, 2),
    "stack without labels": ("stack", {"test-volume.tif": volume(4)}, 0),
    "mixed, suffix": ("mixed", both("{}.jpg", "{}_mask.png"), 3),
    "mixed, prefix": ("mixed", both("img_{}.png", "label_{}.png"), 3),
    "mixed, before the number": ("mixed", both("cell image {}.png", "cell seg {}.png"), 3),
    "mixed, DeepGlobe": ("mixed", both("10{}_sat.jpg", "10{}_mask.png"), 3),
    "mixed, objects": ("mixed", both("benign ({}).png", "benign ({})_mask.png") | {"benign (1)_mask_1.png": mask()}, 3),
    "mixed, patients": ("mixed", both("TCGA_1/TCGA_{}.png", "TCGA_1/TCGA_{}_mask.png"), 3),
    "mixed, by content": ("mixed", both("{}.jpg", "{}.png"), 3),
    "mixed, by content and name": ("mixed", both("a{}x.png", "a{}y.png"), 3),
}


@pytest.mark.parametrize("name", TREES)
def test_exactly_its_own_layout_is_found(tmp_path: Path, name: str) -> None:
    layout, tree, masked = TREES[name]
    grow(tmp_path, tree)
    found = {other: kind.find(tmp_path) for other, kind in LAYOUTS.items() if other not in discovery.LAST}
    assert [other for other, several in found.items() if several] == [layout]
    assert discovery.find(tmp_path, unmasked=True) == sorted(found[layout], key=lambda sample: sample.id)
    assert len({sample.id for sample in found[layout]}) == len(found[layout])
    if masked:
        assert len(discovery.find(tmp_path)) == masked
        assert all(sample.masks for sample in discovery.find(tmp_path, layout))
        assert discovery.check(discovery.find(tmp_path)) == []
    else:
        with pytest.raises(DataError, match=r"images, but no masks \(layout .*You can predict them"):
            discovery.find(tmp_path)


def test_each_layout_has_a_tree() -> None:
    others = {
        "voc",
        "nnunet",
        "cell_tracking",
        "content",
        "annotations",
    }  # from their examples, in layouts/test_examples.py
    assert {layout for layout, _, _ in TREES.values()} | others == set(LAYOUTS)


DATA = Path(os.environ.get("UNET_DATA") or Path(__file__).parents[4] / "shared" / "data")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data in {DATA}; UNET_DATA names another folder")
@pytest.mark.parametrize(
    ("name", "layout", "count"),
    [("dsb2018", "dsb2018", 180), ("isbi_em", "paired", 20), ("camvid", "split_folders", 126)],
)
def test_the_real_data_sets(name: str, layout: str, count: int) -> None:
    found = {other: kind.find(DATA / name) for other, kind in LAYOUTS.items() if other not in discovery.LAST}
    assert {other: len(several) for other, several in found.items() if several} == {layout: count}


def test_a_stack_by_its_pages(tmp_path: Path) -> None:
    grow(tmp_path, TREES["ISBI 2012"][1])
    found = discovery.find(tmp_path, unmasked=True)
    assert [sample.id for sample in found] == [
        *("test-volume/000", "test-volume/001"),
        *("train-volume/000", "train-volume/001", "train-volume/002"),
    ]
    assert [sample.page for sample in found] == [0, 1, 0, 1, 2]
    assert {sample.subset for sample in found} == {"test", "train"}
    assert found[4].masks == (tmp_path / "train-labels.tif",)
    assert found[0].masks == ()
    hashes = {discovery.content_hash(sample.image, sample.page) for sample in found}
    assert len(hashes) == 5
    page = images.read(found[3].image, 1)
    tifffile.imwrite(tmp_path / "other.tif", np.stack([page[:, :, 0], page[:, :, 0]]), photometric="minisblack")
    assert discovery.content_hash(tmp_path / "other.tif", 1) in hashes, "the same page in another stack"


def test_stacks_that_do_not_fit_are_named(tmp_path: Path) -> None:
    grow(tmp_path, {"a-volume.tif": volume(3), "a-labels.tif": volume(2), "b-labels.tif": volume(2)})
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    assert "a-volume.tif has 3 pages, a-labels.tif 2" in str(refusal.value)
    assert "b-labels.tif is named like a mask, but no image has the rest of its name" in str(refusal.value)


def test_several_objects_are_merged_and_subsets_kept(tmp_path: Path) -> None:
    grow(tmp_path, both("train/{}.png", "train/{}_mask.png") | both("test/{}.png", "test/{}_mask_1.png"))
    grow(tmp_path, {"test/1_mask_2.png": mask()})
    found = {sample.id: sample for sample in discovery.find(tmp_path)}
    assert list(found) == ["test/1", "test/2", "test/3", "train/1", "train/2", "train/3"]
    assert [path.name for path in found["test/1"].masks] == ["1_mask_1.png", "1_mask_2.png"]
    assert found["train/1"].subset == "train"


@pytest.mark.parametrize(
    ("extra", "doubt"),
    [
        ({"9_mask.png": mask()}, "9_mask.png is named like a mask, but no image has the rest of its name"),
        ({"9.png": photo()}, "1 of 4 images has no mask: 9.png"),
        ({"1.png": photo()}, "1_mask.png may belong to 1.jpg or 1.png"),
        ({"1_seg.png": mask()}, "1.jpg has masks of different kinds: 1_mask.png, 1_seg.png"),
    ],
)
def test_every_doubt_of_a_mixed_folder_is_named(tmp_path: Path, extra: dict[str, bytes | Array], doubt: str) -> None:
    grow(tmp_path, both("{}.jpg", "{}_mask.png") | extra)
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    assert doubt in str(refusal.value)


@pytest.mark.parametrize(
    ("extra", "doubt"),
    [
        ({"1.gif": gif(mask())}, "has several files that look like its mask: 1."),
        ({"4.png": mask()}, "4.png looks like a mask and fits no image by size and name"),
        ({"4.png": mask(8), "4.jpg": photo()}, "4.png looks like a mask and fits no image by size and name"),
        ({"5.jpg": photo()}, "1 of 4 images has no mask: 5.jpg"),
        ({"6.png": b"text"}, "6.png: not a supported image file"),
    ],
)
def test_every_doubt_by_content_is_named(tmp_path: Path, extra: dict[str, bytes | Array], doubt: str) -> None:
    grow(tmp_path, both("{}.jpg", "{}.png") | extra)
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    assert doubt in str(refusal.value)


@pytest.mark.parametrize(
    "tree",
    [
        {f"{k}.png": photo() for k in "123"},
        {f"{k}_mask.png": mask() for k in "123"},
        {f"face_mask_{k}.png": photo() for k in "123"},
        {"notes.txt": b"x"},
    ],
    ids=["images", "masks", "a word in all names", "nothing"],
)
def test_what_is_no_data_set(tmp_path: Path, tree: dict[str, bytes | Array]) -> None:
    grow(tmp_path, tree)
    with pytest.raises(UnetError, match="no images with masks were found"):
        discovery.find(tmp_path)
