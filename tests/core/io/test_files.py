"""Files and folders that appear whole or not at all."""

from pathlib import Path

import pytest

from unet_core.io.files import flush_to_disk, new_folder, replacement, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("data", ["é\n", b"\xff\x00"])
def test_a_file_is_replaced(tmp_path: Path, data: bytes | str) -> None:
    (tmp_path / "a").write_text("old")
    write_atomically(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(type(error)), replacement(tmp_path / "a") as temporary:
        temporary.write_text("ne")
        raise error
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_name_that_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "a", "text")
    assert names(tmp_path) == ["a"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with replacement(tmp_path / "a") as first, replacement(tmp_path / "a") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a").read_text() == "first"  # the last to end
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("before", ["nothing", "empty"])
def test_a_new_folder_appears_when_it_is_filled(tmp_path: Path, before: str) -> None:
    folder = tmp_path / "below" / "data"
    if before == "empty":
        folder.mkdir(parents=True)
    with new_folder(folder) as fresh:
        (fresh / "a").write_text("a")
        assert not folder.exists() or names(folder) == []
    assert names(folder) == ["a"]
    assert names(folder.parent) == ["data"]


def test_a_new_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "data") as fresh:
        (fresh / "a").write_text(f"{1 / 0}")
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_new_folder_replaces_nothing(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "data" if kind == "file" else tmp_path / "data" / "own"
    place.parent.mkdir(exist_ok=True)
    place.write_text("mine")
    with pytest.raises(FileExistsError), new_folder(tmp_path / "data") as fresh:
        (fresh / "a").write_text("a")
    assert place.read_text() == "mine"
    assert names(tmp_path) == ["data"]


def test_files_and_folders_can_be_flushed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    flush_to_disk(tmp_path / "a")
    flush_to_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        flush_to_disk(tmp_path / "b")
