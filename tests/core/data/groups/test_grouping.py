"""Which images belong together, and what is said of it: by layout, stacks, names, borders, folders and patterns."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.core.data.groups.test_mosaics import cut, photo
from tests.core.data.groups.test_series import drifting
from unet_core.data.groups import mosaics
from unet_core.data.groups.grouping import Clues, Grouping, find_groups
from unet_core.data.layouts import Sample
from unet_core.io.pixels import Array


def some(*names: str, group: str | None = None, **more: object) -> list[Sample]:
    return [Sample(name, Path(name), (), group=group, **more) for name in names]  # type: ignore[arg-type]


def clues_of(images: dict[str, Array]) -> Clues:
    clues = Clues()
    for name, image in images.items():
        clues.add(name, image)
    return clues


def together(grouping: Grouping) -> list[list[str]]:
    return sorted(grouping.members().values())


PATIENTS = some("a1", "a2", "a3", group="A") + some("b1", "b2", group="B") + some("c1", group="C") + some("loose")


def test_groups_of_the_layout_are_taken_and_told() -> None:
    found = find_groups(PATIENTS)
    assert together(found) == [["a1", "a2", "a3"], ["b1", "b2"]]
    assert found.messages == ("5 images were kept together as 2 groups (as the dataset's folders or names say).",)


def test_none_takes_none() -> None:
    tiles = cut(photo(1), 256)
    assert find_groups(PATIENTS, "none") == Grouping()
    assert find_groups(some(*tiles), "none", clues_of(tiles)) == Grouping()


def test_one_group_of_all_is_none_and_is_told() -> None:
    found = find_groups(some("a", "b", "c", group="plate 1"))
    assert found.group_of == {}
    assert found.messages == (
        "Grouping puts all 3 images into one group (as the dataset's folders or names say), so each image is drawn "
        "alone, and validation scores may be too high.",
    )


def test_pages_of_several_files_and_of_one() -> None:
    pages = [Sample(f"{stem}/{page}", Path(f"{stem}.tif"), (), page=page) for stem in "xyz" for page in range(3)]
    found = find_groups(pages)
    assert together(found) == [[f"{stem}/{page}" for page in range(3)] for stem in "xyz"]
    assert found.messages == ("9 images were kept together as 3 groups (pages of one file).",)
    (message,) = find_groups(pages[:3]).messages
    assert message == (
        "All images are pages of x.tif, so slices or frames next to each other lie in train and val, and validation "
        "scores may be too high."
    )
    assert find_groups(pages[:3]).group_of == {}


def test_what_two_clues_say_is_told_once() -> None:
    pages = [
        Sample(f"{stem}/{page}", Path(f"{stem}.tif"), (), group=stem, page=page) for stem in "xyz" for page in range(3)
    ]
    assert find_groups(pages).messages == (
        "9 images were kept together as 3 groups (as the dataset's folders or names say).",
    )


def test_two_patients_are_two_groups() -> None:
    assert together(find_groups(some("a1", "a2", "a3", group="A") + some("b1", group="B"))) == [["a1", "a2", "a3"]]


def test_marked_frames() -> None:
    found = find_groups(some(*(f"mouse{mouse}_t{time:02d}" for mouse in (1, 2, 3) for time in (1, 2))))
    assert together(found) == [[f"mouse{mouse}_t01", f"mouse{mouse}_t02"] for mouse in (1, 2, 3)]
    assert found.messages == (
        "6 images were kept together as 3 groups (frames or slices of one series, by the numbers in their names).",
    )


def test_tiles_by_their_coordinates() -> None:
    names = [f"slide {slide} [x={x},y=0,w=64,h=64]" for slide in (1, 2, 3) for x in (0, 64)]
    found = find_groups(some(*names))
    assert together(found) == [names[:2], names[2:4], names[4:]]
    assert found.messages == (
        "6 images were kept together as 3 groups (tiles of one image, by the coordinates in their names).",
    )


def test_numbers_alone_group_where_neighbors_are_alike() -> None:
    images = {
        f"{video}_{number:03d}": image for video in "abcde" for number, image in enumerate(drifting(12, ord(video)))
    }
    found = find_groups(some(*images), "auto", clues_of(images))
    assert together(found) == [[f"{video}_{number:03d}" for number in range(12)] for video in "abcde"]
    assert found.messages == (
        "60 images were kept together as 5 groups (frames or slices of one series, by their numbers and their "
        "likeness).",
    )
    assert find_groups(some(*images)).group_of == {}, "without pixels nothing is concluded"


def unlike(seed: int) -> Array:
    noise = np.random.default_rng(seed).normal(size=(64, 64))
    return (128 + 600 * cv2.GaussianBlur(noise, (0, 0), 8)).clip(0, 255).astype(np.uint8)[:, :, None]


@pytest.mark.parametrize(
    "names",
    [
        [f"{kind} ({number})" for kind in ("benign", "malignant", "normal") for number in range(1, 21)],
        [
            f"{organ}/{organ}_{number:02d}"
            for organ in ("brain", "liver", "lung", "skin", "spleen")
            for number in range(15)
        ],
        [f"cells_{number:03d}" for number in range(40)],
    ],
    ids=["BUSI", "NuInsSeg", "numbered"],
)
def test_classes_and_organs_and_plain_numbers_are_no_groups(names: list[str]) -> None:
    for seed in range(5):
        images = {name: unlike(1000 * seed + number) for number, name in enumerate(names)}
        assert find_groups(some(*names), "auto", clues_of(images)) == Grouping()


def test_a_single_volume_is_told() -> None:
    images = {f"{number:02d}": image for number, image in enumerate(drifting(30, 3))}
    found = find_groups(some(*images), "auto", clues_of(images))
    assert found.group_of == {}
    assert found.messages == (
        "The images resemble their neighbors by number, as frames or slices do, so slices or frames next to each other "
        "lie in train and val, and validation scores may be too high.",
    )


def test_tiles_of_mosaics() -> None:
    tiles = {key: tile for seed in range(5) for key, tile in cut(photo(seed), 256, name=f"{seed}-").items()}
    tiles |= {f"single {seed}": photo(seed, 256, 256) for seed in range(50, 55)}
    found = find_groups(some(*tiles), "auto", clues_of(tiles))
    assert together(found) == [[f"{seed}-{row}{col}" for row in (0, 1) for col in (0, 1)] for seed in range(5)]
    assert found.messages == (
        "20 images were kept together as 5 groups (tiles of one image, by borders that continue one another).",
    )


def test_a_mosaic_of_nearly_all_is_told_and_left_out() -> None:
    tiles = cut(photo(7), 128) | {f"single {seed}": photo(seed, 128, 128) for seed in (50, 51)}
    found = find_groups(some(*tiles), "auto", clues_of(tiles))
    assert found.group_of == {}
    assert found.messages == (
        "16 of 18 images belong together (tiles of one image, by borders that continue one another), which leaves 3 "
        "groups: too few to divide, so images are not kept together. Set group_by to group them otherwise.",
    )
    tiles |= {f"single {seed}": photo(seed, 128, 128) for seed in (52, 53)}
    assert len(together(find_groups(some(*tiles), "auto", clues_of(tiles)))) == 1, "five groups are enough"


def test_too_many_images_are_not_compared_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = cut(photo(3), 256)
    monkeypatch.setattr(mosaics, "MOST", 3)
    found = find_groups(some(*tiles), "auto", clues_of(tiles))
    assert found.group_of == {}
    assert found.messages == (
        "So many images were not searched for tiles of one image. Set group_by where there are such.",
    )


def test_clues_add_up() -> None:
    """Two tiles of patients A and B that adjoin join the patients."""
    tiles = cut(photo(9), 256)
    samples = (
        some("00", "a", group="A")
        + some("01", "b", group="B")
        + some("10", group="C")
        + some("x", "y", group="D")
        + some("p", "q")
    )
    found = find_groups(samples, "auto", clues_of({name: tiles[name] for name in ("00", "01")}))
    assert together(found) == [["00", "01", "a", "b"], ["x", "y"]]
    assert len(found.messages) == 2


def test_by_folder() -> None:
    names = ("train/p1/a", "train/p1/b", "train/p2/a", "train/p2/b", "train/c")
    found = find_groups(some(*names), "folder")
    assert together(found) == [["train/p1/a", "train/p1/b"], ["train/p2/a", "train/p2/b"]]
    assert found.messages == (
        "4 images were kept together as 2 groups (by folder).",
        "group_by folder does not match 1 of 5 images, such as 'train/c'; each is drawn alone.",
    )
    assert find_groups(some("a", "b"), "folder").messages == (
        "group_by folder matches none of the 2 image ids such as 'a', so images are not kept together.",
    )


def test_by_a_pattern() -> None:
    found = find_groups(some("m1_a", "m1_b", "m2_a", "m2_b", "x"), r"^(m\d)_")
    assert together(found) == [["m1_a", "m1_b"], ["m2_a", "m2_b"]]
    assert found.messages == (
        r"4 images were kept together as 2 groups (by group_by '^(m\d)_').",
        r"group_by '^(m\d)_' does not match 1 of 5 images, such as 'x'; each is drawn alone.",
    )


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(z+)", "group_by '(z+)' matches none of the 3 image ids such as 'ab1', so images are not kept together."),
        (
            "^(a)",
            "group_by '^(a)' puts all 3 images into one group (a), so each image is drawn alone, and validation scores "
            "may be too high.",
        ),
        ("^(z)?", "group_by '^(z)?' matches none of the 3 image ids such as 'ab1', so images are not kept together."),
    ],
)
def test_a_pattern_that_groups_nothing_or_all_is_told(pattern: str, message: str) -> None:
    found = find_groups(some("ab1", "ac2", "ad3"), pattern)
    assert (found.group_of, found.messages) == ({}, (message,))


def test_a_pattern_that_tells_all_apart() -> None:
    found = find_groups(some("a1", "a2"), r"(\d)")
    assert found.messages == (r"Each image is a group of its own (by group_by '(\d)').",)
