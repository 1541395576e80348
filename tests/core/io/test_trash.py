"""The trash folder: what goes in comes back whole, what is old goes, and nothing that is not in it is touched."""

import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from unet_core.io import trash

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path


def age(bin_: Path, key: str, seconds: float) -> None:
    path = bin_ / f"{key}.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"removed_at": about["removed_at"] - seconds}))


def test_what_goes_in_comes_back_whole(place: Path) -> None:
    bin_ = place / ".trash"
    first = trash.put(bin_, "one", place / "one", {"label": "ä"})
    second = trash.put(bin_, "two", place / "two")
    assert [item.name for item in trash.find(bin_)] == ["two", "one"]
    assert trash.find(bin_)[1].notes == {"label": "ä"}
    assert trash.size(bin_, first.key) == 3 and trash.size(bin_) > 6
    trash.take_back(bin_, first.key, place / "elsewhere")
    assert (place / "elsewhere" / "file").read_text() == "one"
    assert trash.find(bin_) == [second]


def test_what_is_missing_leaves_no_entry(place: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trash.put(place / ".trash", "three", place / "three")
    assert trash.find(place / ".trash") == []


def test_nothing_is_replaced_by_taking_back(place: Path) -> None:
    item = trash.put(place / ".trash", "one", place / "one")
    (place / "one").mkdir()  # an empty folder, which a rename alone would replace
    with pytest.raises(FileExistsError):
        trash.take_back(place / ".trash", item.key, place / "one")
    assert trash.find(place / ".trash") == [item]


@pytest.mark.parametrize("key", ["../two", "", "0123456789abcdef", "two"])
def test_only_keys_of_the_trash_are_taken_back_or_discarded(place: Path, key: str) -> None:
    trash.put(place / ".trash", "one", place / "one")
    with pytest.raises(FileNotFoundError):
        trash.take_back(place / ".trash", key, place / "three")
    trash.discard(place / ".trash", key)
    assert (place / "two" / "file").exists() and len(trash.find(place / ".trash")) == 1


def test_what_is_a_day_old_goes_and_what_is_younger_stays(place: Path) -> None:
    bin_ = place / ".trash"
    old, new = trash.put(bin_, "one", place / "one"), trash.put(bin_, "two", place / "two")
    age(bin_, old.key, trash.KEEP_SECONDS + 1)
    age(bin_, new.key, trash.KEEP_SECONDS - 600)
    trash.empty(bin_)
    assert [item.key for item in trash.find(bin_)] == [new.key]
    assert not (bin_ / old.key).exists()


def test_on_a_full_disk_the_latest_alone_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_ = place / ".trash"
    trash.put(bin_, "one", place / "one")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 2**40, 2**20))
    latest = trash.put(bin_, "two", place / "two")
    assert trash.find(bin_) == [latest]


def test_remains_of_what_was_cut_short_go(place: Path) -> None:
    bin_ = place / ".trash"
    item = trash.put(bin_, "one", place / "one")
    (bin_ / "of release 0.4" / "checkpoints").mkdir(parents=True)
    stale, fresh = bin_ / f"{'0' * 16}.json", bin_ / f"{'1' * 16}.json"
    for path in (stale, fresh):
        path.write_text(json.dumps({"name": "x", "removed_at": 0, "notes": {}, "has_folder": True}))
    os.utime(stale, (0, 0))
    trash.empty(bin_)
    assert sorted(path.name for path in bin_.iterdir()) == sorted([item.key, f"{item.key}.json", fresh.name])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a"}', "\x00"])
def test_a_damaged_entry_is_not_listed_and_its_folder_is_not_removed_as_remains(place: Path, text: str) -> None:
    item = trash.put(place / ".trash", "one", place / "one")
    (place / ".trash" / f"{item.key}.json").write_text(text)
    assert trash.find(place / ".trash") == []
    trash.empty(place / ".trash")
    assert (place / ".trash" / item.key / "file").read_text() == "one"
