"""Datasets: each layout from a small tree, all that is wrong told at once and by name, splits that leak nothing."""

import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from unet_core.config import choices
from unet_core.config.schema import DataConfig
from unet_core.data import discovery, splits
from unet_core.data.layouts import Sample
from unet_core.data.splits import Split
from unet_core.errors import DataError
from unet_core.io.pixels import encode_png

PNG = encode_png(np.zeros((4, 6), np.uint8))


def grow(root: Path, *names: str) -> Path:
    """A tree of pictures (the same small one in every file); a name that ends in / is an empty folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG)
    return root


LAYOUTS: dict[str, tuple[str, list[str], list[tuple[str, str, str, str | None]]]] = {
    "DSB 2018": (
        "dsb2018",
        ["b/images/b.png", "b/masks/2.png", "b/masks/1.png", "a/images/x.png", "a/masks/1.png", "readme.txt"],
        [("a", "a/images/x.png", "a/masks/1.png", None), ("b", "b/images/b.png", "b/masks/1.png b/masks/2.png", None)],
    ),
    "DSB 2018 one level up": (
        "dsb2018",
        ["stage1_train/a/images/a.png", "stage1_train/a/masks/1.png", "stage1_train_labels.csv"],
        [("a", "stage1_train/a/images/a.png", "stage1_train/a/masks/1.png", None)],
    ),
    "images and masks": (
        "paired",
        ["images/b.png", "images/a.jpg", "masks/a.png", "masks/b.tif", "images/.DS_Store", "images/Thumbs.db"],
        [("a", "images/a.jpg", "masks/a.png", None), ("b", "images/b.png", "masks/b.tif", None)],
    ),
    "imgs and labels": (
        "paired",
        ["imgs/1.2.png", "labels/1.2_mask.gif"],
        [("1.2", "imgs/1.2.png", "labels/1.2_mask.gif", None)],
    ),
    "same names that end like a mask": (
        "paired",
        ["images/cell_gt.png", "images/cell_seg.png", "masks/cell_gt.png", "masks/cell_seg.png"],
        [
            ("cell_gt", "images/cell_gt.png", "masks/cell_gt.png", None),
            ("cell_seg", "images/cell_seg.png", "masks/cell_seg.png", None),
        ],
    ),
    "CamVid": (
        "split_folders",
        ["train/a.png", "trainannot/a.png", "val/b.png", "valannot/b.png", "test/a.png", "testannot/a.png"],
        [
            ("test/a", "test/a.png", "testannot/a.png", "test"),
            ("train/a", "train/a.png", "trainannot/a.png", "train"),
            ("val/b", "val/b.png", "valannot/b.png", "val"),
        ],
    ),
    "Carvana": (
        "split_folders",
        ["train/a.jpg", "train/b.jpg", "train_masks/a_mask.gif", "train_masks/b_mask.gif", "test/c.jpg"],
        [
            ("train/a", "train/a.jpg", "train_masks/a_mask.gif", "train"),
            ("train/b", "train/b.jpg", "train_masks/b_mask.gif", "train"),
        ],
    ),
    "subsets with folders": (
        "split_folders",
        ["training/images/a.png", "training/masks/a.png", "validation/image/b.png", "validation/label/b_label.png"],
        [
            ("train/a", "training/images/a.png", "training/masks/a.png", "train"),
            ("val/b", "validation/image/b.png", "validation/label/b_label.png", "val"),
        ],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_found_and_can_be_named(tmp_path: Path, name: str) -> None:
    layout, tree, expected = LAYOUTS[name]
    grow(tmp_path, *tree)
    wanted = [
        Sample(id_, tmp_path / image, tuple(tmp_path / mask for mask in masks.split()), subset)
        for id_, image, masks, subset in expected
    ]
    assert discovery.find(tmp_path) == wanted
    assert discovery.find(tmp_path, layout) == wanted


def test_the_layouts_are_those_of_the_menu() -> None:
    assert ["auto", *discovery.LAYOUTS] == list(choices.LAYOUTS)
    assert {layout for layout, _, _ in LAYOUTS.values()} <= set(discovery.LAYOUTS)  # the others: test_layouts


def test_the_built_in_data_set_is_found(sample_folder: Path) -> None:
    found = discovery.find(sample_folder)
    assert [sample.id for sample in found] == [f"cells_{number:03d}" for number in range(8)]
    assert discovery.check(found) == []


def test_names_of_any_bytes(tmp_path: Path) -> None:
    names = ["é細胞", "two\nlines", os.fsdecode(b"\xff")]
    grow(tmp_path, *(f"{kind}/{name}.png" for name in names for kind in ("images", "masks")))
    found = discovery.find(tmp_path)
    assert {sample.id for sample in found} == set(names)
    assert discovery.check(found) == []
    assert all(sample.masks == (tmp_path / "masks" / sample.image.name,) for sample in found)


@pytest.mark.parametrize(
    ("layout", "tree", "problems"),
    [
        (
            "paired",
            [
                *("images/a.png", "images/b.png", "images/c.png", "images/c.jpg"),
                *("masks/a.png", "masks/a_mask.png", "masks/c.png", "masks/d.png", "masks/e_mask.tif"),
            ],
            [
                "images/ holds both c.jpg and c.png",
                "masks/ holds both a.png and a_mask.png",
                "images/b.png has no mask in masks/",
                "masks/d.png has no image in images/",
                "masks/e_mask.tif has no image in images/",
            ],
        ),
        ("paired", ["images/", "masks/a.png"], ["images holds no image", "masks/a.png has no image in images/"]),
        ("paired", ["images/a.png", "masks/"], ["images/a.png has no mask in masks/"]),
        (
            "split_folders",
            ["train/a.png", "train/b.png", "trainannot/a.png", "val/images/c.png", "val/masks/d.png"],
            [
                "train/b.png has no mask in trainannot/",
                "val/images/c.png has no mask in masks/",
                "val/masks/d.png has no image in images/",
            ],
        ),
        (
            "dsb2018",
            [
                *("good/images/1.png", "good/masks/1.png", "fine/images/1.png", "fine/masks/1.png"),
                *("bare/images/1.png", "bare/masks/", "lone/images/1.png", "none/images/", "none/masks/1.png"),
                *("two/images/1.png", "two/images/2.png", "two/masks/1.png"),
            ],
            [
                "bare/masks holds no mask",
                "lone/masks holds no mask",
                "none/images holds 0 images, but one is expected",
                "two/images holds 2 images, but one is expected",
            ],
        ),
    ],
    ids=["paired", "no images", "no masks", "split_folders", "dsb2018"],
)
def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, layout: str, tree: list[str], problems: list[str]) -> None:
    grow(tmp_path, *tree)
    for asked in ("auto", layout):
        with pytest.raises(DataError) as refusal:
            discovery.find(tmp_path, asked)
        message = str(refusal.value)
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        assert message.startswith(f"{tmp_path}: {number} in the dataset: ")
        assert message.endswith("Give each image a mask of the same name, or remove it from the folder.")
        places = [message.find(problem) for problem in problems]
        assert -1 not in places, (problems[places.index(-1)], message)
        assert places == sorted(places)


def test_a_long_list_of_problems_tells_twenty_and_counts_the_rest(tmp_path: Path) -> None:
    grow(tmp_path, "masks/", *(f"images/{number:02d}.png" for number in range(25)))
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path}: 25 problems")
    assert "19.png has no mask in masks/ and 5 more. " in message
    assert "20.png" not in message


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("gone", "file"):
        with pytest.raises(DataError) as refusal:
            discovery.find(tmp_path / name)
        assert str(refusal.value) == (
            f"{tmp_path / name}: there is no such folder. Choose the folder that holds the images and masks."
        )


def test_an_empty_folder_and_one_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    assert str(refusal.value) == f"{tmp_path}: no images with masks were found. It is empty."
    grow(tmp_path, "b.png", "a/", *(f"c{number}.md" for number in range(6)))
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path}: no images with masks were found. Nearest is images/ and masks/: the folder holds 1 images, and "
        "no masks are beside them. Put a mask of the same name for each in masks/, or as a_mask.png beside a.png. "
        "It holds:\n- 1 .png (b.png), 6 .md (c0.md)\n- a/: empty"
    )


def test_a_layout_that_is_not_this_one_or_none_at_all(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png")
    with pytest.raises(DataError, match="no images with masks were found"):
        discovery.find(tmp_path, "dsb2018")
    with pytest.raises(DataError) as refusal:
        discovery.find(tmp_path, "coco")
    assert str(refusal.value) == (
        "Unknown layout 'coco'; known are auto, dsb2018, voc, nnunet, cell_tracking, paired, split_folders, stack, "
        "mixed, content, annotations."
    )


def test_check_tells_each_mismatch_and_each_unreadable_file(tmp_path: Path) -> None:
    grow(tmp_path, *(f"{kind}/{name}.png" for name in "abcd" for kind in ("images", "masks")))
    (tmp_path / "masks" / "b.png").write_bytes(encode_png(np.zeros((6, 4), np.uint8)))
    (tmp_path / "masks" / "c.png").write_bytes(b"")
    (tmp_path / "images" / "d.png").write_bytes(b"text")
    told = discovery.check(discovery.find(tmp_path))
    assert told[0] == f"{tmp_path}/masks/b.png: the mask is 4 x 6 pixels, its image b.png is 6 x 4"
    assert [line.partition(": ")[0] for line in told[1:]] == [f"{tmp_path}/masks/c.png", f"{tmp_path}/images/d.png"]


def test_check_tells_each_of_several_masks(tmp_path: Path) -> None:
    grow(tmp_path, "a/images/a.png", "a/masks/1.png", "a/masks/2.png", "a/masks/3.png")
    for name in ("1", "3"):
        (tmp_path / "a/masks" / f"{name}.png").write_bytes(encode_png(np.zeros((5, 6), np.uint8)))
    told = discovery.check(discovery.find(tmp_path))
    assert [Path(line.partition(": ")[0]).name for line in told] == ["1.png", "3.png"]


def some(names: Iterable[str], subset: str | None = None) -> list[Sample]:
    return [Sample(name, Path(name), (Path(name),), subset) for name in names]


def divide(
    found: list[Sample],
    val: float = 0.2,
    test: float = 0.0,
    seed: int = 0,
    same: Mapping[str, str] | None = None,
    looks: Mapping[str, tuple[float, ...]] | None = None,
) -> Split:
    """Split samples whose content differs, but for those of `same` (id to content)."""
    hashes = {sample.id: f"content of {sample.id}" for sample in found} | dict(same or {})
    return splits.split(found, val, test, seed, hashes, looks or {sample.id: (0.0,) for sample in found})


def names_of(count: int) -> list[str]:
    return [f"n{number:03d}" for number in range(count)]


@pytest.mark.parametrize(
    ("count", "val", "test", "sizes"),
    [
        (1, 0.2, 0.0, (1, 0, 0)),
        (1, 0.2, 0.2, (1, 0, 0)),
        (2, 0.2, 0.0, (1, 1, 0)),
        (2, 0.2, 0.2, (1, 1, 0)),
        (2, 0.0, 0.1, (1, 0, 1)),
        (3, 0.1, 0.1, (1, 1, 1)),
        (3, 0.0, 0.0, (3, 0, 0)),
        (10, 0.2, 0.0, (8, 2, 0)),
        (10, 0.2, 0.3, (5, 2, 3)),
        (10, 0.01, 0.0, (9, 1, 0)),
        (10, 0.9, 0.0, (1, 9, 0)),
        (100, 0.25, 0.15, (60, 25, 15)),
        (101, 0.5, 0.4, (11, 50, 40)),
    ],
)
def test_sizes_of_the_parts(count: int, val: float, test: float, sizes: tuple[int, int, int]) -> None:
    for seed in range(5):
        split = divide(some(names_of(count)), val, test, seed)
        assert (len(split.train), len(split.val), len(split.test)) == sizes
        assert sorted(split.train + split.val + split.test) == names_of(count), "disjoint and complete"
        assert all(list(ids) == sorted(ids) for _, ids in split.parts())


def test_a_split_is_a_function_of_the_seed_and_the_images() -> None:
    found = some(names_of(30))
    split = divide(found, seed=5)
    shuffled = random.Random(1).sample(found, len(found))
    assert divide(shuffled, seed=5) == split
    assert len({divide(found, seed=seed).val for seed in range(10)}) == 10


def test_the_split_of_a_seed_stays_what_it_is() -> None:
    """Golden: a seed that was named in a report must give the same images in the next version."""
    assert divide(some(names_of(10)), 0.2, 0.1, seed=1) == Split(
        train=("n000", "n002", "n004", "n005", "n006", "n008", "n009"), val=("n001", "n003"), test=("n007",)
    )


@pytest.mark.parametrize("seed", range(20))
def test_images_with_the_same_content_stay_together(seed: int) -> None:
    rng = random.Random(seed)
    names = names_of(40)
    same = {name: f"content {rng.randrange(12)}" for name in names}
    split = divide(some(names), 0.3, 0.2, seed, same)
    contents = [{same[name] for name in ids} for _, ids in split.parts()]
    assert all(contents)
    assert sum(map(len, contents)) == len(set(same.values())), "a content in two parts"
    assert sorted(split.train + split.val + split.test) == names


def test_images_that_are_all_the_same_train() -> None:
    assert divide(some("abc"), same=dict.fromkeys("abc", "x")) == Split(("a", "b", "c"), (), ())


@pytest.mark.parametrize("seed", range(10))
def test_rare_kinds_are_neither_all_held_back_nor_all_trained_on(seed: int) -> None:
    """Four kinds of ten images in mixed order: of each two are held back of a fifth."""
    names = names_of(40)
    kind = {name: number % 4 for number, name in enumerate(names)}
    split = divide(some(names), 0.2, seed=seed, looks={name: (float(kind[name]), 0.5) for name in names})
    assert sorted(kind[name] for name in split.val) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_folders_that_say_so_are_respected() -> None:
    found = some(["train/a", "train/b"], "train") + some(["val/a"], "val") + some(["test/a", "test/b"], "test")
    for val, test, seed in ((0.2, 0.0, 0), (0.9, 0.0, 1), (0.0, 0.5, 2)):
        assert divide(found, val, test, seed) == Split(("train/a", "train/b"), ("val/a",), ("test/a", "test/b"))


def test_without_a_val_folder_some_of_train_validate_and_test_is_left_alone() -> None:
    found = some((f"train/{name}" for name in names_of(10)), "train") + some(["test/a"], "test")
    split = divide(found, 0.3, 0.5)
    assert (len(split.train), len(split.val), split.test) == (7, 3, ("test/a",))
    assert all(name.startswith("train/") for name in split.train + split.val)


@pytest.mark.parametrize("found", [[], some(["val/a"], "val"), some(["test/a"], "test") + some(["val/a"], "val")])
def test_nothing_to_train_on(found: list[Sample]) -> None:
    with pytest.raises(DataError) as refusal:
        divide(found)
    assert str(refusal.value) == f"None of the {len(found)} images is left for training; move some into train/."


PARTS = {"train": {"b": "2", "a": "1"}, "val": {"c": "3"}, "test": {}}


def test_a_split_is_restored() -> None:
    hashes = {"a": "1", "b": "2", "c": "3", "new": "9"}
    assert splits.restore_split(PARTS, hashes) == Split(("a", "b"), ("c",), ())


@pytest.mark.parametrize(
    ("hashes", "named"),
    [
        ({"a": "1", "b": "2"}, "1 images of this run are missing or have changed since it started: c."),
        ({"a": "1", "b": "changed", "c": "3"}, "1 images of this run are missing or have changed since it started: b."),
        ({}, "3 images of this run are missing or have changed since it started: b, a, c."),
    ],
)
def test_a_split_whose_images_changed_is_refused(hashes: dict[str, str], named: str) -> None:
    with pytest.raises(DataError) as refusal:
        splits.restore_split(PARTS, hashes)
    assert str(refusal.value) == f"{named} Restore them to resume the run, or start a new run."


def test_content_is_told_by_the_start_of_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert discovery.content_hash(tmp_path / "a") == "ba7816bf8f01cfea"  # FIPS 180-2, appendix B.1


def test_test_images_come_from_the_training_folder_where_the_data_set_has_none() -> None:
    train, val = names_of(10), [f"v{number}" for number in range(3)]
    parts = divide([*some(train, "train"), *some(val, "val")], val=0.5, test=0.2)
    assert parts.val == tuple(val)
    assert len(parts.test) == 2
    assert set(parts.test) | set(parts.train) == set(train)
    assert divide([*some(train, "train"), *some(val, "val")], val=0.5).train == tuple(train)


def examine(root: Path, **settings: str) -> discovery.Search:
    return discovery.examine(DataConfig(root=str(root), **settings))


def test_a_dataset_without_faults_is_examined_as_it_is_searched(tmp_path: Path) -> None:
    grow(tmp_path, *(f"{kind}/{name}.png" for kind in ("images", "masks") for name in "ab"))
    assert examine(tmp_path) == discovery.search(tmp_path)


def test_what_is_wrong_is_listed_and_the_rest_is_given(tmp_path: Path) -> None:
    grow(tmp_path, *(f"images/{name}.png" for name in "abcd"), *(f"masks/{name}.png" for name in "abxy"))
    search = examine(tmp_path)
    assert [sample.id for sample in search.samples] == ["a", "b"]
    assert [sample.id for sample in search.missing] == ["c", "d"]
    assert search.spare_masks == (tmp_path / "masks" / "x.png", tmp_path / "masks" / "y.png")
    assert search.problems == (
        "images/c.png has no mask in masks/",
        "images/d.png has no mask in masks/",
        "masks/x.png has no image in images/",
        "masks/y.png has no image in images/",
    )
    left_out = examine(tmp_path, unlabeled="leave_out")
    assert (left_out.missing, left_out.problems) == ((), search.problems[2:])
    assert [sample.id for sample in examine(tmp_path, unlabeled="empty").samples] == ["a", "b", "c", "d"]


def test_two_layouts_that_read_other_masks_are_a_problem(tmp_path: Path) -> None:
    grow(
        tmp_path, "images/a.png", "images/a_mask.png", "images/b.png", "images/b_mask.png", "masks/a.png", "masks/b.png"
    )
    with pytest.raises(DataError):
        discovery.search(tmp_path)
    assert examine(tmp_path).problems
    assert [sample.id for sample in examine(tmp_path).samples] == ["a", "b"]


def test_a_damaged_recipe_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png")
    (tmp_path / "studio.json").write_text("{")
    assert examine(tmp_path).problems[0].startswith(f"{tmp_path}/studio.json: The recipe of repairs cannot be read")
    assert len(examine(tmp_path).samples) == 1
    with pytest.raises(DataError, match=r"studio\.json"):
        discovery.search_data(DataConfig(root=str(tmp_path)))


def test_malformed_annotations_are_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, "a.png", "b.png")
    for name in "ab":
        (tmp_path / f"{name}.json").write_text('{"shapes": [], "imagePath": "a.png", "imageData": null, "version": ')
    with pytest.raises(DataError, match="no valid JSON"):
        discovery.search(tmp_path)
    search = examine(tmp_path)
    assert (search.layout, search.samples) == ("annotations", ())
    assert "no valid JSON" in search.problems[0]
    assert [sample.id for sample in search.missing] == ["a", "b"]


def test_images_whose_masks_are_missing_altogether(tmp_path: Path) -> None:
    grow(tmp_path, "a/images/a.png", "a/masks/", "b/images/b.png", "b/masks/")
    search = examine(tmp_path)
    assert search.samples == ()
    assert [sample.id for sample in search.missing] == ["a", "b"]
    assert search.problems


def test_what_is_no_dataset_at_all_is_refused(tmp_path: Path) -> None:
    for name in ("nothing", "notes/readme.txt"):
        with pytest.raises(DataError):
            examine(grow(tmp_path, "notes/readme.txt") / name)
