"""Paths that users type, and lists of folders: only below the data root, whatever is tried."""

import os
from pathlib import Path

import pytest

from unet_core.data.library import folders
from unet_core.data.library.folders import FolderItem, list_folders, parse_path
from unet_core.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("data/my cells/images", "data/a\\b", "outside/secret", "home"):
        (tmp_path / name).mkdir(parents=True)
    for number in range(3):
        (tmp_path / "data" / "my cells" / f"{number}.PNG").touch()
    (tmp_path / "data" / "my cells" / "notes.txt").touch()
    (tmp_path / "data" / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "data" / "in").symlink_to(tmp_path / "data" / "my cells", target_is_directory=True)
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data" / "loop")
    (tmp_path / "data" / ".hidden").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize(
    "text",
    [
        "{}/my cells",
        "  {}/my cells/ ",
        '"{}/my cells"',
        "'{}/my cells'",
        "“{}/my cells”",
        "file://{}/my%20cells",
        "file://localhost{}/my%20cells/",
        "FILE://{}/my%20cells",
        "{}/../data/./my cells",
        "my cells",
        "my cells\\images\\..",
        "{}/my\\ cells",
        "out/../my cells",  # without its dots first: the link is not followed
    ],
)
def test_what_is_understood(root: Path, text: str) -> None:
    assert parse_path(text.format(root), root) == root / "my cells"


def test_more_that_is_understood(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent / "home"))
    assert parse_path("~", Path("/")) == root.parent / "home"
    assert parse_path("~/../data", root) == root
    assert parse_path("a\\b", root) == root / "a\\b", "a folder of this very name"
    assert parse_path("in", root) == root / "in", "links within the data root stay as users made them"
    monkeypatch.chdir(root)
    assert parse_path("my cells", Path("/")) == root / "my cells", "from the current folder"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Enter the path"),
        ("''", "Enter the path"),
        ("nothing", "nothing: there is no such folder"),
        ("my cells/1.PNG", r"is a file. Choose its folder, .*/my cells\."),
        ("C:\\data", "is a path of Windows"),
        ("\\\\server\\share", "is a path of Windows"),
        ("file://server/share", "lies on another machine"),
        ("~nobody-of-this-name/x", "there is no such user"),
        ("a\0b", "cannot be opened"),
        ("n" * 5000, "cannot be opened|no such folder"),
    ],
)
def test_what_is_no_folder_is_told(root: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        parse_path(text, root)


def test_nobody_chooses_a_folder_of_a_public_server(root: Path) -> None:
    for ask in (lambda: parse_path(str(root), None), lambda: list_folders(root, None)):
        with pytest.raises(DataError, match="Upload the images instead"):
            ask()


def test_a_list_of_folders(root: Path) -> None:
    (root / "z10").mkdir()
    (root / "z9").mkdir()
    items = list_folders(root, root)
    assert [item.name for item in items] == ["a\\b", "in", "my cells", "z9", "z10"]
    assert items[2] == FolderItem("my cells", root / "my cells", images=3, folders=1)
    assert [item.name for item in list_folders(root.parent, Path("/"))] == ["data", "home", "outside"]
    with pytest.raises(DataError, match="lies outside the data folder"):
        list_folders(root.parent, root)


def test_large_folders_are_not_counted_to_the_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_ENTRIES", 2)
    (item,) = [item for item in list_folders(root, root) if item.name == "my cells"]
    assert item.is_partial
    monkeypatch.setattr(folders, "MOST_COUNTED", 0)
    assert all(item.is_partial for item in list_folders(root, root) if item.name == "in")
    monkeypatch.setattr(folders, "MOST_FOLDERS", 1)
    assert len(list_folders(root, root)) == 1


def test_what_may_not_be_opened_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "my cells":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", guarded)
    (item,) = [item for item in list_folders(root, root) if item.name == "my cells"]
    assert (item.problem, item.images) == ("my cells: cannot be opened (Permission denied).", 0)
    with pytest.raises(DataError, match=r"the app may not open it \(Permission denied\)"):
        parse_path("my cells", root)


def test_folders_of_the_system_are_neither_listed_nor_opened() -> None:
    listed = [item.name for item in list_folders(Path("/"), Path("/"))]
    assert listed and not {"bin", "dev", "etc", "proc", "sys", "usr"} & set(listed)
    for path in ("/etc", "/proc/self", "/sys", "/dev/../etc/"):
        with pytest.raises(DataError, match=r": belongs to the operating system\. Choose the folder of your images\."):
            parse_path(path, Path("/"))
    assert parse_path("/usr/share", Path("/")) == Path("/usr/share"), "programs may bring images"


def test_a_data_root_of_that_name_is_no_folder_of_the_system(root: Path) -> None:
    (root / "etc" / "proc").mkdir(parents=True)
    assert parse_path("etc", root) == root / "etc"
    assert [item.name for item in list_folders(root / "etc", root)] == ["proc"]
    assert "etc" in [item.name for item in list_folders(root, root)]
