"""Folders as they are on disks: links, broken ones, links in circles, junk, names of any bytes."""

import os
from pathlib import Path

import pytest

from tests.core.data.layouts.test_examples import grow
from unet_core.data import discovery
from unet_core.data.layouts.tree import scan
from unet_core.errors import DataError
from unet_core.io.filenames import is_junk


def test_links_are_followed_and_a_broken_one_is_told(tmp_path: Path) -> None:
    grow(tmp_path, "real/x/a.png", "real/x/b.png", "real/y/a.png", "real/y/b.png")
    root = tmp_path / "set"
    root.mkdir()
    (root / "images").symlink_to("../real/x")
    (root / "masks").symlink_to("../real/y")
    (tmp_path / "real/x/c.png").symlink_to("nowhere.png")
    (tmp_path / "real/y/c.png").symlink_to("nowhere.png")
    search = discovery.search(root)
    assert [sample.id for sample in search.samples] == ["a", "b"]
    assert search.notes == ("2 broken links were skipped: images/c.png, masks/c.png.",)


def test_a_broken_link_in_place_of_a_mask_is_named(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/z.png")
    (tmp_path / "masks/a.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"images/a\.png has no mask in masks/ \(a broken link\)"):
        discovery.find(tmp_path)


def test_what_links_show_under_a_telling_name_is_nothing_new(tmp_path: Path) -> None:
    grow(tmp_path, "real/x/a.png", "real/y/a.png")
    (tmp_path / "images").symlink_to("real/x")
    (tmp_path / "masks").symlink_to("real/y")
    search = discovery.search(tmp_path)
    assert [(sample.image, sample.masks) for sample in search.samples] == [
        (tmp_path / "images/a.png", (tmp_path / "masks/a.png",))
    ]
    assert search.notes == ()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    grow(tmp_path, "images/a.png", "masks/a.png")
    (tmp_path / "images/again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path)
    assert [sample.id for sample in discovery.find(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    ("path", "junk"),
    [
        ("__MACOSX/images/._a.png", True),
        ("images/._a.png", True),
        ("images/.DS_Store", True),
        ("images/.ipynb_checkpoints/a-checkpoint.png", True),
        ("Thumbs.db", True),
        ("x/desktop.ini", True),
        (".hidden/a.png", True),
        ("images/a.png", False),
        ("./images/a.png", False),
        ("images/thumbs.png", False),
    ],
)
def test_junk(path: str, junk: bool) -> None:
    assert is_junk(path) == junk


def test_junk_is_in_no_folder(tmp_path: Path) -> None:
    grow(
        tmp_path,
        "__MACOSX/._a.png",
        "images/.ipynb_checkpoints/a.png",
        "images/._a.png",
        "images/Thumbs.db",
        "images/a.png",
    )
    tree = scan(tmp_path)
    assert [folder.name for folder in tree.walk()] == [".", "images"]
    assert [path.name for folder in tree.walk() for path in (*folder.images, *folder.others)] == ["a.png"]


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    for kind, end in (("images", b""), ("masks", b"_mask")):
        grow(tmp_path, f"{kind}/" + os.fsdecode(b"Zelle_\xe4_1%b.png" % end))
    search = discovery.search(tmp_path)
    assert [len(sample.masks) for sample in search.samples] == [1]
    (tmp_path / "masks" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    with pytest.raises(DataError, match=r"masks/�\.png has no image in images/"):
        discovery.find(tmp_path)


def test_ids_do_not_depend_on_what_else_lies_there(tmp_path: Path) -> None:
    for name, tree in (
        ("paired", ["cells/images/a.png", "cells/images/b.png", "cells/masks/a.png", "cells/masks/b.png"]),
        ("mixed", ["set/p1/a.png", "set/p1/a_mask.png", "set/p2/a.png", "set/p2/a_mask.png"]),
    ):
        grow(tmp_path / name, *tree)
        before = [sample.id for sample in discovery.find(tmp_path / name)]
        grow(tmp_path / name, "extra/a.png", "extra/deep/b.png", "notes/c.txt")
        assert [sample.id for sample in discovery.find(tmp_path / name)] == before
        every = [sample.id for sample in discovery.find(tmp_path / name, unmasked=True)]
        assert len(set(every)) == len(every) == len(before) + 2


def test_folders_of_many_organs_and_patients(tmp_path: Path) -> None:
    grow(tmp_path, *(f"{organ}/{kind}/1.png" for organ in ("liver", "heart") for kind in ("images", "masks")))
    (tmp_path / "liver/images/2.png").write_bytes((tmp_path / "liver/images/1.png").read_bytes())
    (tmp_path / "liver/masks/2.png").write_bytes((tmp_path / "liver/masks/1.png").read_bytes())
    (tmp_path / "heart/images/2.png").write_bytes((tmp_path / "liver/images/1.png").read_bytes())
    (tmp_path / "heart/masks/2.png").write_bytes((tmp_path / "liver/masks/1.png").read_bytes())
    samples = discovery.find(tmp_path)
    assert [sample.id for sample in samples] == ["heart/1", "heart/2", "liver/1", "liver/2"]
    assert {sample.group for sample in samples} == {None}
    grow(tmp_path / "p", *(f"{kind}/patient_{n}/{k}.png" for n in "12" for k in "ab" for kind in ("images", "masks")))
    samples = discovery.find(tmp_path / "p")
    assert [(sample.id, sample.group) for sample in samples] == [
        (f"patient_{n}/{k}", f"patient_{n}") for n in "12" for k in "ab"
    ]
