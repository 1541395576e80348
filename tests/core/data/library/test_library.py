"""Named datasets: what is listed, names that any disk can hold, links that vanish, and what is deleted."""

import json
import os
import threading
from pathlib import Path

import pytest

from unet_core.data.library.library import Entry, Library
from unet_core.data.recipe import recipe as recipes
from unet_core.errors import DataError


def folder(path: Path, *files: str) -> Path:
    for name in files or ("a.png",):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x")
    return path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "datasets")


def listed(library: Library) -> list[tuple[str, str]]:
    return [(entry.name, entry.kind) for entry in library.entries()]


def test_a_library_that_is_not_there_is_empty_and_is_not_made(library: Library) -> None:
    assert library.entries() == []
    assert not library.folder.exists()


def test_folders_put_there_by_hand_are_datasets_and_hidden_ones_are_not(library: Library, tmp_path: Path) -> None:
    folder(library.folder / "b")
    folder(library.folder / "A")
    folder(library.folder / ".uploads")
    folder(library.folder / "of the hub", ".hub.json")
    (library.folder / "notes.txt").write_text("no dataset")
    (library.folder / "link").symlink_to(folder(tmp_path / "elsewhere"), target_is_directory=True)
    assert listed(library) == [("A", "uploaded"), ("b", "uploaded"), ("of the hub", "hub")]


def test_what_is_added_is_moved_and_never_over_another(library: Library, tmp_path: Path) -> None:
    entries = [library.add(folder(tmp_path / f"staging{n}", f"{n}.png"), name) for n, name in enumerate("aAa")]
    assert [entry.name for entry in entries] == ["a", "A_2", "a_3"]
    assert [[path.name for path in entry.root.iterdir()] for entry in entries] == [["0.png"], ["1.png"], ["2.png"]]
    assert not (tmp_path / "staging0").exists()


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc", "_.._etc"),
        ("a/b\\c", "a_b_c"),
        ("", "dataset"),
        (" . ", "dataset"),
        ("con", "_con"),
        (".hidden", "hidden"),
        ("a\n b\0", "a b_"),
        ("Built-in sample", "Built-in sample_2"),
        ("u\u0308", "ü"),
        ("n" * 300, "n" * 100),
    ],
)
def test_names_are_made_safe(library: Library, tmp_path: Path, name: str, clean: str) -> None:
    entry = library.add(folder(tmp_path / "staging"), name)
    assert entry.name == clean
    assert entry.root == library.folder / clean
    assert [other.name for other in library.entries()] == [clean]


def test_a_link_copies_nothing_and_stays_listed_when_its_folder_vanishes(library: Library, tmp_path: Path) -> None:
    root = folder(tmp_path / "mine")
    entry = library.link(root)
    assert entry == Entry("mine", root, "folder") == library.find("MINE")
    assert entry.problem == ""
    root.rename(tmp_path / "moved")
    assert library.entries() == [entry]
    assert f"The folder {root} of the dataset mine is no longer there." in entry.problem
    library.remove("mine")
    assert library.entries() == []
    assert (tmp_path / "moved" / "a.png").is_file()


def test_a_folder_linked_twice_is_one_dataset(library: Library, tmp_path: Path) -> None:
    first = library.link(folder(tmp_path / "mine"), "cells")
    assert library.link(tmp_path / "mine" / ".." / "mine", "other") == first
    assert library.link(folder(tmp_path / "x" / "mine"), "Cells").name == "Cells_2"


def test_the_name_in_studio_json_is_proposed_for_a_link_and_read_for_nothing_else(
    library: Library, tmp_path: Path
) -> None:
    root = folder(tmp_path / "mine")
    recipes.save(root, recipes.Recipe(name="Nuclei of 2024"))
    assert library.link(root).name == "Nuclei of 2024"
    recipes.save(root, recipes.Recipe(name="another"))
    assert library.find("Nuclei of 2024").root == root


def test_a_damaged_studio_json_hinders_no_link(library: Library, tmp_path: Path) -> None:
    folder(tmp_path / "mine", "studio.json")
    assert library.link(tmp_path / "mine").name == "mine"


def test_the_library_itself_and_what_contains_it_are_not_linked(library: Library, tmp_path: Path) -> None:
    folder(library.folder / "a")
    for root in (library.folder, tmp_path, library.folder / "a"):
        with pytest.raises(DataError, match="keeps its datasets there"):
            library.link(root)
    with pytest.raises(DataError, match="there is no such folder"):
        library.link(tmp_path / "nothing")


def test_a_folder_whose_name_is_not_utf_8_can_be_linked(library: Library, tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    entry = library.link(folder(root))
    entry.name.encode()
    assert library.entries() == [Entry(entry.name, root, "folder")]


def test_renaming_moves_no_file(library: Library, tmp_path: Path) -> None:
    root = library.add(folder(tmp_path / "staging"), "a").root
    assert library.rename("a", "My cells") == Entry("My cells", root, "uploaded")
    assert listed(library) == [("My cells", "uploaded")]
    assert library.rename("my cells", "MY cells").root == root
    assert listed(library) == [("MY cells", "uploaded")]
    assert (root / "a.png").is_file()
    assert library.add(folder(tmp_path / "staging"), "a").name == "a_2", "the folder of the other is called so"


def test_a_name_that_is_taken_is_refused_for_a_renaming(library: Library, tmp_path: Path) -> None:
    library.add(folder(tmp_path / "staging"), "a")
    library.link(folder(tmp_path / "mine"), "b")
    for new, says in (("B", "There is a dataset 'B' already"), ("  ", "Enter a new name"), ("built-in SAMPLE", "alre")):
        with pytest.raises(DataError, match=says):
            library.rename("a", new)
    assert listed(library) == [("a", "uploaded"), ("b", "folder")]


def test_removing_deletes_what_was_uploaded_also_under_another_name(library: Library, tmp_path: Path) -> None:
    root = library.add(folder(tmp_path / "staging"), "a").root
    library.rename("a", "b")
    library.remove("b")
    assert not root.exists()
    assert library.entries() == []
    library.empty_trash(keep_seconds=0)
    assert not [path for path in library.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    with pytest.raises(DataError, match="There is no dataset 'b' here"):
        library.remove("b")


def test_a_removed_dataset_comes_back_to_its_folder_under_its_name(library: Library, tmp_path: Path) -> None:
    root = library.add(folder(tmp_path / "staging"), "a").root
    library.rename("a", "My cells")
    library.remove("My cells")
    (item,) = Library(library.folder).removed()
    assert item.name == "My cells"
    assert library.restore(item.key) == Entry("My cells", root, "uploaded") == library.find("My cells")
    assert (root / "a.png").read_bytes() == b"x"
    assert library.removed() == []
    with pytest.raises(DataError, match="no longer in the trash"):
        library.restore(item.key)


def test_a_restored_dataset_replaces_none_of_its_name(library: Library, tmp_path: Path) -> None:
    library.add(folder(tmp_path / "staging", "old.png"), "a")
    key = library.remove("a").key
    library.add(folder(tmp_path / "staging", "new.png"), "A")
    entry = library.restore(key)
    assert (entry.name, entry.root) == ("a_2", library.folder / "a_2")
    assert (entry.root / "old.png").exists() and (library.find("A").root / "new.png").exists()
    assert sorted(name for name, _ in listed(library)) == ["A", "a_2"]


def test_a_forgotten_link_comes_back_and_never_twice(library: Library, tmp_path: Path) -> None:
    root = folder(tmp_path / "mine")
    library.link(root, "cells")
    assert library.restore(library.remove("cells").key) == Entry("cells", root, "folder")
    key = library.remove("cells").key
    library.link(root, "again")
    assert library.restore(key).name == "again"
    assert listed(library) == [("again", "folder")] and library.removed() == []


def test_a_library_that_was_moved_still_knows_the_names(library: Library, tmp_path: Path) -> None:
    library.add(folder(tmp_path / "staging"), "a")
    library.rename("a", "b")
    library.folder.rename(tmp_path / "elsewhere")
    moved = Library(tmp_path / "elsewhere")
    assert moved.entries() == [Entry("b", tmp_path / "elsewhere" / "a", "uploaded")]


def test_a_damaged_json_and_one_of_a_deleted_upload_name_nothing(library: Library, tmp_path: Path) -> None:
    library.add(folder(tmp_path / "staging"), "a")
    library.rename("a", "b")
    (library.folder / "a").rename(tmp_path / "taken away")
    (library.folder / ".names" / "c.json").write_text("{")
    (library.folder / ".names" / "d.json").write_text(json.dumps(["x"]))
    assert library.entries() == []


def test_a_link_to_another_dataset_of_the_library_does_not_follow_a_json_by_hand(
    library: Library, tmp_path: Path
) -> None:
    """Whoever writes a JSON by hand names folders; removing such a dataset deletes only folders of the library."""
    library.link(folder(tmp_path / "mine"), "a")
    (library.folder / ".names" / "a.json").write_text(json.dumps({"root": "../mine"}))
    assert library.find("a").kind == "folder"
    library.remove("a")
    assert (tmp_path / "mine" / "a.png").is_file()


def test_many_at_once_get_a_name_each(library: Library, tmp_path: Path) -> None:
    stagings = [folder(tmp_path / f"staging{number}") for number in range(8)]
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda path=path: names.append(library.add(path, "a").name)) for path in stagings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == ["a", *(f"a_{number}" for number in range(2, 9))]


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "datasets").write_text("a file")
    with pytest.raises(DataError, match="cannot be read or written"):
        Library(tmp_path / "datasets").link(folder(tmp_path / "mine"))
