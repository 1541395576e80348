"""Repairs that say which files belong together: each settles what was wrong, and nothing but that."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.core.data.test_discovery import grow
from unet_core.config.schema import DataConfig
from unet_core.data import discovery
from unet_core.data.discovery import Search
from unet_core.data.groups.grouping import find_groups
from unet_core.data.recipe.recipe import Recipe, Repair, make_repair, save
from unet_core.errors import DataError

FOLDERS = [f"{kind}/{name}.png" for kind in ("images", "masks") for name in "abc"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def repaired(root: Path, *repairs: Repair, layout: str = "auto") -> Search:
    return discovery.search(root, layout, recipe=Recipe(repairs))


def pairs(search: Search) -> dict[str, list[str]]:
    return {sample.id: [path.name for path in sample.masks] for sample in search.samples}


def problems(root: Path, *repairs: Repair) -> tuple[str, ...]:
    save(root, Recipe(repairs))
    return discovery.examine(DataConfig(root=str(root))).problems


def test_an_image_is_left_out_with_its_mask(tmp_path: Path) -> None:
    search = repaired(grow(tmp_path / "d", *FOLDERS), make_repair("leave_out", ["b"]))
    assert pairs(search) == {"a": ["a.png"], "c": ["c.png"]}
    assert search.notes == ("1 repair of studio.json is applied: Left out: b.",)
    assert search.recipe.repairs == (make_repair("leave_out", ["b"]),)


def test_images_without_a_mask_and_masks_without_an_image_are_left_out(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS, "images/new.png", "masks/old.png")
    assert problems(root) == ("images/new.png has no mask in masks/", "masks/old.png has no image in images/")
    assert problems(root, make_repair("leave_out", ["new"])) == ("masks/old.png has no image in images/",)
    assert problems(root, make_repair("leave_out", ["new", "masks/old.png"])) == ()
    assert set(pairs(discovery.search_data(DataConfig(root=str(root))))) == {"a", "b", "c"}


def test_a_pair_by_hand_settles_the_image_and_the_mask(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS, "images/new.png", "masks/old.png")
    search = repaired(root, make_repair("pair", ["new"], masks=["masks/old.png"]))
    assert pairs(search) == {"a": ["a.png"], "b": ["b.png"], "c": ["c.png"], "new": ["old.png"]}
    assert search.notes == ("1 repair of studio.json is applied: Image of new paired with masks/old.png.",)


def test_a_wrong_pair_is_corrected(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    swap = [make_repair("pair", [one], masks=[f"masks/{two}.png"]) for one, two in ("ab", "ba")]
    assert pairs(repaired(root, *swap)) == {"a": ["b.png"], "b": ["a.png"], "c": ["c.png"]}


def test_where_no_name_fits_all_are_paired_by_hand(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", "images/a.png", "images/b.png", "masks/x.png", "masks/y.png", "masks/z.png")
    examined = discovery.examine(DataConfig(root=str(root)))
    assert examined.problems == (
        "no name of the 3 masks in masks/ fits one of the 2 images in images/, as x.png and a.png",
    )
    assert [sample.id for sample in examined.missing] == ["a", "b"]
    assert [path.name for path in examined.spare_masks] == ["x.png", "y.png", "z.png"]
    by_hand = [make_repair("pair", [one], masks=[f"masks/{two}.png"]) for one, two in ("ax", "by")]
    assert problems(root, by_hand[0]) == examined.problems
    search = repaired(root, *by_hand)
    assert pairs(search) == {"a": ["x.png"], "b": ["y.png"]}
    assert search.notes[0] == "Not used, as studio.json pairs the images with other masks: z.png."


def test_two_images_of_one_mask(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS, "images/a.jpg")
    assert problems(root) == ("images/ holds both a.jpg and a.png",)
    assert problems(root, make_repair("leave_out", ["images/a.jpg"])) == ()
    search = discovery.search_data(DataConfig(root=str(root)))
    assert [sample.image.name for sample in search.samples] == ["a.png", "b.png", "c.png"]


def test_two_masks_of_one_image(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS, "masks/a_gt.png")
    assert problems(root) == ("masks/ holds both a.png and a_gt.png",)
    assert problems(root, make_repair("pair", ["a"], masks=["masks/a_gt.png"])) == ()
    assert pairs(discovery.search_data(DataConfig(root=str(root))))["a"] == ["a_gt.png"]
    assert problems(root, make_repair("leave_out", ["masks/a.png"])) == ()


def test_a_mask_in_one_folder_with_its_images_has_no_image(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", "a.png", "a_mask.png", "b.png", "b_mask.png", "old_mask.png")
    assert problems(root) == ("old_mask.png is named like a mask, but no image has the rest of its name",)
    assert problems(root, make_repair("leave_out", ["old_mask.png"])) == ()


def test_an_image_with_other_pages_than_its_mask(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    for kind, pages in (("images", 3), ("masks", 2)):
        tifffile.imwrite(root / kind / "s.tif", np.zeros((pages, 4, 6), np.uint8), photometric="minisblack")
    examined = discovery.examine(DataConfig(root=str(root)))
    assert examined.problems == ("images/s.tif has 3 pages, masks/s.tif 2",)
    assert [sample.id for sample in examined.samples] == ["a", "b", "c"]
    assert [sample.id for sample in examined.missing] == ["s"]
    assert problems(root, make_repair("leave_out", ["s"])) == ()
    assert set(pairs(discovery.search_data(DataConfig(root=str(root))))) == {"a", "b", "c"}


def test_two_images_in_a_folder_for_one(tmp_path: Path) -> None:
    tree = [f"{name}/{kind}/{name}.png" for name in "abc" for kind in ("images", "masks")]
    root = grow(tmp_path / "d", *tree, "a/images/copy.png")
    assert problems(root) == (f"{root}/a/images holds 2 images, but one is expected",)
    assert [sample.id for sample in discovery.examine(DataConfig(root=str(root))).missing] == ["a/a", "a/copy"]
    assert problems(root, make_repair("leave_out", ["a/images/copy.png"])) == ()
    assert set(pairs(discovery.search_data(DataConfig(root=str(root))))) == {"a", "b", "c"}


def test_a_sample_that_is_gone_is_told(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    search = repaired(root, make_repair("leave_out", ["b", "x", "images/y.png"]), make_repair("invert", ["x", "a"]))
    assert search.notes[0] == "studio.json has repairs of 2 samples that are not in the dataset: images/y.png, x."
    assert [sample.repairs for sample in search.samples] == [(make_repair("invert", ["x", "a"]),), ()]


@pytest.mark.parametrize("path", ["masks/none.png", "../elsewhere.png", "/etc/hostname", "x" * 300])
def test_a_pair_with_what_is_not_in_the_dataset_is_a_problem(tmp_path: Path, path: str) -> None:
    (tmp_path / "elsewhere.png").write_bytes(b"")
    root = grow(tmp_path / "d", *FOLDERS)
    with pytest.raises(DataError, match=rf"studio\.json pairs a with {path}, which is not in the dataset"):
        repaired(root, make_repair("pair", ["a"], masks=[path]))


def test_subsets_and_groups_by_hand(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    search = repaired(
        root, make_repair("subset", ["b"], part="val"), make_repair("together", ["a", "c"]), make_repair("invert")
    )
    assert [sample.subset for sample in search.samples] == [None, "val", None]
    assert search.samples[1].repairs == (make_repair("invert"),)
    for group_by in ("auto", "none", "folder", "^(b)"):
        grouping = find_groups(search.samples, group_by)
        assert {name: grouping.group_of[name] for name in "ac"} == {"a": "a", "c": "a"}
        assert grouping.messages[-1] == "2 images were kept together as 1 groups (by hand)."


def test_a_repair_of_thousands_is_no_matter(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    many = [f"x{number}" for number in range(50_000)]
    search = repaired(root, make_repair("invert", [*many, "b"]), make_repair("subset", [*many, "c"], part="test"))
    assert [len(sample.repairs) for sample in search.samples] == [0, 1, 0]
    assert [sample.subset for sample in search.samples] == [None, None, "test"]
    assert search.notes[0].startswith("studio.json has repairs of 50000 samples that are not in the dataset: x0, x1,")


def test_empty_images_are_repaired_too(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS, "images/new.png")
    scale = make_repair("scale_intensity", ["new"], factor=2.0)
    search = discovery.search(root, unlabeled="empty", recipe=Recipe((scale,)))
    assert search.samples[-1].empty
    assert search.samples[-1].repairs == (scale,)


def test_the_recipe_is_no_file_of_the_dataset(tmp_path: Path) -> None:
    root = grow(tmp_path / "d", *FOLDERS)
    before = discovery.search(root)
    save(root, Recipe(name="Cells"))
    assert discovery.search(root) == before
