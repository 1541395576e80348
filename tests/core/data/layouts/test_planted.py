"""Masks planted in every structure of folders and every habit of naming: read as planted, or refused."""

import itertools
import random
from pathlib import Path

import pytest

from tests.core.data.layouts.test_examples import GRAY
from unet_core.data import discovery
from unet_core.errors import DataError

STRUCTURES = {  # folders of images and of masks; {s} is a subset
    "paired": ("images", "masks"),
    "capitals": ("Images", "Ground Truth"),
    "below": ("", "masks"),
    "nested": ("images/day 1", "masks/day 1"),
    "wrapped": ("data/set/imgs", "data/set/labels"),
    "subset first": ("{s}/images", "{s}/gt"),
    "subset last": ("images/{s}", "annotations/{s}"),
    "subset in the name": ("{s}", "{s}_masks"),
    "organs": ("liver/tissue images", "liver/mask binary"),
    "ISIC": ("X_{s}_Input", "X_{s}_GroundTruth"),
    "one folder": ("", ""),
    "a folder for each subset": ("{s}", "{s}"),
}
NAMINGS = {  # of an image and of its mask
    "same": ("{n}", "{n}"),
    "suffix": ("{n}", "{n}_mask"),
    "labelled": ("{n}", "{n}-labelled"),
    "prefix": ("image_{n}", "mask_{n}"),
    "prefixes of three letters": ("img_{n}", "gt_{n}"),
    "both ends": ("{n}_sat", "{n}_mask"),
    "double ending": ("{n}", "{n}.jpg"),
    "Cellpose": ("{n}_img", "{n}_img_cp_masks"),
    "capitals": ("{n}", "{n}_Mask"),
    "segmentation": ("{n}", "{n}_segmentation"),
}
NAMES = {
    "numbers": ["1", "2", "11", "12", "21"],
    "padded": ["001", "002", "011", "100", "101"],
    "words": ["cell 1 (1)", "cell 1 (11)", "cell 11 (1)", "cell 2 (1)", "cell 2 (2)"],
    "tiles": ["s [x=0,y=0]", "s [x=0,y=64]", "s [x=64,y=0]", "s [x=64,y=64]", "s [x=640,y=6]"],
    "patients": ["P1_slice_1", "P1_slice_2", "P2_slice_1", "P12_slice_1", "P1_slice_12"],
    "letters": ["a", "b", "ab", "ba", "aab"],
}
COMBINATIONS = list(itertools.product(STRUCTURES, NAMINGS, NAMES))
IN_ONE_FOLDER = {"one folder", "a folder for each subset"}


def plant(root: Path, structure: str, naming: str, names: str, rng: random.Random) -> dict[str, str]:
    """Write the files; the masks of the images as they are meant."""
    image_folder, mask_folder = STRUCTURES[structure]
    image_name, mask_name = NAMINGS[naming]
    meant = {}
    for number, name in enumerate(NAMES[names]):
        subset = ("train", "val")[number % 2]
        image = f"{image_folder}/{image_name}.jpg".format(s=subset, n=name).lstrip("/")
        mask = f"{mask_folder}/{mask_name}.png".format(s=subset, n=name).lstrip("/")
        meant[image] = mask
    files = [*meant, *meant.values()]
    for path in rng.sample(files, len(files)):  # the order of a folder is the disk's
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(GRAY)
    return meant


def read(root: Path) -> dict[str, str]:
    return {
        sample.image.relative_to(root).as_posix(): " ".join(mask.relative_to(root).as_posix() for mask in sample.masks)
        for sample in discovery.find(root)
    }


@pytest.mark.parametrize("part", range(8))
def test_what_is_read_is_what_was_planted(tmp_path: Path, part: int) -> None:
    rng = random.Random(part)
    refused = []
    for number, (structure, naming, names) in enumerate(COMBINATIONS[part::8]):
        if structure in IN_ONE_FOLDER and naming in ("same", "double ending"):
            continue  # told apart by content, which test_layouts looks at
        root = tmp_path / str(number)
        meant = plant(root, structure, naming, names, rng)
        try:
            assert read(root) == meant, (structure, naming, names)
        except DataError as error:
            refused.append((structure, naming, names, str(error)))
    assert refused == []


@pytest.mark.parametrize("part", range(4))
def test_with_a_file_lost_or_renamed_nothing_else_takes_its_place(tmp_path: Path, part: int) -> None:
    """Whatever is read then is what was planted; the rest is refused."""
    rng = random.Random(part)
    for number, (structure, naming, names) in enumerate(rng.sample(COMBINATIONS, 60)):
        if structure in IN_ONE_FOLDER and naming in ("same", "double ending"):
            continue
        root = tmp_path / str(number)
        meant = plant(root, structure, naming, names, rng)
        image, mask = rng.choice(sorted(meant.items()))
        allowed = {key: [value] for key, value in meant.items()}
        if rng.random() < 0.5:
            (root / mask).unlink()
        else:  # it may still be read as what it is, as "2 gt_2.png" of "img_2.png"
            new = (root / mask).with_name(f"{rng.choice(['7', 'x', '1_', '2 '])}{Path(mask).name}")
            (root / mask).rename(new)
            allowed[image].append(new.relative_to(root).as_posix())
        for unlabeled in ("ask", "leave_out"):
            try:
                samples = discovery.find(root, unlabeled=unlabeled)
            except DataError:
                continue
            for sample in samples:
                masks = " ".join(path.relative_to(root).as_posix() for path in sample.masks)
                assert masks in allowed[sample.image.relative_to(root).as_posix()], (structure, naming)
