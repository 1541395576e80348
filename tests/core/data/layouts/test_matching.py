"""Names that belong together, names that do not, and names that leave a choice: those are never paired by chance."""

import os
import random
import unicodedata
from pathlib import Path

import pytest

from unet_core.data.layouts.matching import match


def pair(images: str, masks: str) -> tuple[dict[str, list[str]], list[str]]:
    """Pairs and doubts of files whose names are separated by |."""
    found = match([Path("images") / name for name in images.split("|")], [Path("masks") / m for m in masks.split("|")])
    return {image.name: [mask.name for mask in masks] for image, masks in found.pairs.items()}, found.doubts


NFD = unicodedata.normalize("NFD", "Zellkörper 1.png")


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("a.png|b.png", "a.png|b.png"),
        ("a.JPG|b.jpeg", "a.Png|b.TIF"),
        ("A.png", "a.png"),
        ("image_001.png|image_002.png", "mask_001.png|mask_002.png"),
        ("img_1.png|img_2.png", "mask_001.png|mask_002.png"),
        ("img_001.png|img_010.png", "label_1.png|label_10.png"),
        ("img1.png|img11.png", "gt1.png|gt11.png"),
        ("1.png|2.png", "1_mask.png|2_mask.png"),
        ("cell (1).png|cell (11).png", "cell (1)_mask.png|cell (11)_mask.png"),
        ("a.png|b.png", "a_L.png|b_L.png"),
        ("a.png|b.png", "a_labelled.png|b_labelled.png"),
        ("ISIC_1.jpg|ISIC_2.jpg", "ISIC_1_segmentation.png|ISIC_2_segmentation.png"),
        ("ulm_1_2_leftImg8bit.png|ulm_2_2_leftImg8bit.png", "ulm_1_2_gtFine_labelIds.png|ulm_2_2_gtFine_labelIds.png"),
        ("10_sat.jpg|11_sat.jpg", "10_mask.png|11_mask.png"),
        ("a_1.png|a_2.png", "a_1_cp_masks.png|a_2_cp_masks.png"),
        ("21_training.tif|22_training.tif", "21_manual1.gif|22_manual1.gif"),
        ("21_training.tif|22_training.tif", "21_training_mask.gif|22_training_mask.gif"),
        ("im0001.ppm|im0002.ppm", "im0001.ah.ppm|im0002.ah.ppm"),
        ("a.jpg|a.tif", "a.jpg.png|a.tif.png"),
        ("a.jpg|b.jpg", "a.jpg.png|b.jpg.png"),
        ("a.ome.tif|b.ome.tif", "a.tif|b.tif"),
        ("a.nii.gz", "a.nii.gz"),
        ("v1.2 (10x).png|v1.3 (10x).png", "v1.2 (10x).png|v1.3 (10x).png"),
        (NFD, "Zellkörper 1.png"),
        (NFD, "Zellkörper 1_mask.png"),
        (os.fsdecode(b"Zelle_\xe4_1.png"), os.fsdecode(b"Zelle_\xe4_1_mask.png")),
        ("cell_001.png|cell_002.png", "mask_1.png|mask_2.png"),
        ("tile_1.png|tile_2.png", "tile_1_forest.png|tile_2_forest.png"),
        ("scan_l.png|scan_r.png", "scan_l.png|scan_r.png"),
        ("scan_l.png|scan_r.png", "scan_l_mask.png|scan_r_mask.png"),
        ("slice_1_scan_2.png|slice_2_scan_2.png", "slice_1_scan_2_gt.png|slice_2_scan_2_gt.png"),
        ("cell_gt.png|cell_seg.png", "cell_gt.png|cell_seg.png"),
        ("a b.png", "a_b_mask.png"),
    ],
)
def test_each_image_gets_the_mask_at_its_place_whatever_their_order(images: str, masks: str) -> None:
    expected = {image: [mask] for image, mask in zip(images.split("|"), masks.split("|"), strict=True)}
    for seed in range(3):
        shuffled = random.Random(seed).sample(masks.split("|"), len(masks.split("|")))
        assert pair(images, "|".join(shuffled)) == (expected, [])


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("cell_0.png|cell_1.png", "task-11-annotation-4-by-1-tag-cell-0.png|task-12-annotation-5-by-1-tag-cell-0.png"),
        ("patientA_1.png|patientA_2.png", "patientB_1.png|patientB_2.png"),
        ("day1_1.png|day1_2.png", "day2_1.png|day2_2.png"),
        ("a.png", "b.png"),
        ("a_1.png|b_2.png", "mask_1.png|mask_2.png"),
        ("benign (1).png", "benign (11)_mask.png"),
        ("img_10.png", "mask_1.png"),
        ("scan_1_slice_5.png", "scan_1_mask.png"),
    ],
)
def test_names_of_different_images_are_not_paired(images: str, masks: str) -> None:
    assert pair(images, masks) == ({}, [])


@pytest.mark.parametrize(
    ("images", "masks", "doubt"),
    [
        ("img_1.png|img_01.png", "mask_001.png", "images/ holds both img_1.png and img_01.png"),
        ("img_1.png|image_1.png", "mask_1.png", "images/ holds both img_1.png and image_1.png"),
        ("a.jpg|a.png", "a.png", "images/ holds both a.jpg and a.png"),
        ("img_1.png", "mask_1.png|mask_01.png", "masks/ holds both mask_1.png and mask_01.png"),
        ("a.png", "a.png|a_mask.png", "masks/ holds both a.png and a_mask.png"),
        ("a.png", "a_mask.png|a_label.png", "masks/ holds both a_mask.png and a_label.png"),
        ("a.png", "a.png|a.tif", "masks/ holds both a.png and a.tif"),
    ],
)
def test_what_leaves_a_choice_is_a_doubt(images: str, masks: str, doubt: str) -> None:
    assert pair(images, masks)[1] == [doubt]


@pytest.mark.parametrize(
    ("images", "masks", "objects"),
    [
        ("a.png", "a_mask_1.png|a_mask_2.png", ["a_mask_1.png", "a_mask_2.png"]),
        ("a.png", "a_mask.png|a_mask_1.png", ["a_mask.png", "a_mask_1.png"]),
        ("a.png", "a_1.png|a_2.png|a_3.png", ["a_1.png", "a_2.png", "a_3.png"]),
    ],
)
def test_numbered_masks_of_an_image_are_its_objects(images: str, masks: str, objects: list[str]) -> None:
    assert pair(images, masks) == ({images: objects}, [])


def test_a_numbered_mask_is_no_object_of_an_image_that_has_numbered_ones_beside_it() -> None:
    found = match([Path("a.png"), Path("a_1.png")], [Path("a_1.png"), Path("a_2.png")])
    assert found.pairs == {Path("a_1.png"): [Path("a_1.png")]}
    assert found.orphans == [Path("a_2.png")]


def test_two_observers_are_not_merged() -> None:
    found = match([Path("Image_01L.jpg")], [Path("Image_01L_1stHO.png"), Path("Image_01L_2ndHO.png")])
    assert found.pairs == {Path("Image_01L.jpg"): [Path("Image_01L_1stHO.png")]}
    assert found.notes == [
        "Image_01L_1stHO.png is used, the same image by other observers is not: Image_01L_2ndHO.png."
    ]


@pytest.mark.parametrize(
    ("images", "masks", "note"),
    [
        (
            "img_1.png|img_2.png",
            "mask_001.png|mask_002.png",
            "2 masks were paired by their number without leading zeros: mask_001.png, mask_002.png.",
        ),
        (
            "cell_1.png|cell_2.png",
            "mask_1.png|mask_2.png",
            "Paired by the number alone, as mask_1.png with cell_1.png.",
        ),
        (
            "tile_1.png|tile_2.png",
            "tile_1_forest.png|tile_2_forest.png",
            "All names of masks have 'forest' more than those of their images; paired without it.",
        ),
    ],
)
def test_loose_rules_are_told(images: str, masks: str, note: str) -> None:
    assert match(list(map(Path, images.split("|"))), list(map(Path, masks.split("|")))).notes == [note]


@pytest.mark.parametrize("seed", range(20))
def test_planted_pairs_are_found_whatever_stands_around_the_name(seed: int) -> None:
    rng = random.Random(seed)
    prefix, ending = rng.choice(["", "img_", "image-", "raw "]), rng.choice(["", "_sat", "_img", "_leftImg8bit"])
    mask_prefix, mask_ending = rng.choice([("", ""), ("mask_", ""), ("gt-", ""), ("", "_label"), ("", "_seg")])
    names = [f"well {rng.choice('ABC')}{rng.randrange(100)} ({number})" for number in rng.sample(range(200), 12)]
    images = [Path(f"{prefix}{name}{ending}.jpg") for name in names]
    masks = {Path(f"{mask_prefix}{name}{mask_ending}.png"): image for name, image in zip(names, images, strict=True)}
    found = match(images, rng.sample(list(masks), len(masks)))
    assert {mask: image for image, several in found.pairs.items() for mask in several} == masks
    assert (found.alone, found.orphans, found.doubts) == ([], [], [])
