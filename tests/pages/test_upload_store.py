"""Uploads on the disk: found by their key alone, bounded in bytes and in time."""

import re
import stat
from pathlib import Path

import pytest

from pages.server.uploads.store import GoneError, Upload, UploadStore
from unet_core.errors import DataError


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 1  # no two moments are the same
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> UploadStore:
    return UploadStore(tmp_path / "uploads", most=1000, most_of_visitor=500, most_seconds=3600, clock=clock)


def contents(upload: Upload) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in upload.files}


def test_files_are_found_by_their_key_with_the_names_that_they_had(
    store: UploadStore, tmp_path: Path, clock: Clock
) -> None:
    names = ["a.png", "../../etc/passwd", "files.json", "sub/b.png", "a.png"]
    upload = store.add([(name, name.encode() + bytes([number])) for number, name in enumerate(names)])
    again = UploadStore(store.root, clock=clock).get(upload.key)  # after a restart of the server
    assert [(name, path.read_bytes()) for name, path in again.files] == [
        (name, name.encode() + bytes([number])) for number, name in enumerate(names)
    ]
    assert again == upload
    assert {path.name for path in (store.root / upload.key).iterdir()} == {"0", "1", "2", "3", "4", "files.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["uploads"]
    assert stat.S_IMODE((store.root / upload.key).stat().st_mode) == 0o700


def test_a_key_cannot_be_guessed_and_another_text_finds_nothing(store: UploadStore) -> None:
    keys = {store.add([("a.png", b"1")]).key for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", key) for key in keys)  # 128 random bits
    key = keys.pop()
    for other in ("", ".", "..", "../uploads/" + key, key[:-1], key + "/", key.swapcase(), "A" * 22, key + "\n"):
        with pytest.raises(GoneError):
            store.get(other)


def test_more_files_join_those_that_are_there(store: UploadStore) -> None:
    first = store.add([("a.png", b"one")])
    both = store.add([("b.png", memoryview(b"two"))], first)
    assert (both.key, both.visitor) == (first.key, first.visitor)
    assert contents(store.get(first.key)) == {"a.png": b"one", "b.png": b"two"}


def test_images_that_are_not_wanted_are_remembered(store: UploadStore) -> None:
    upload = store.add([("a.png", b"one"), ("b.png", b"two")])
    store.set_removed(upload, ["b.png"])
    assert store.get(upload.key).removed == ("b.png",)
    store.remove(upload.key)
    with pytest.raises(GoneError):
        store.set_removed(upload, [])


def test_what_is_old_is_removed_and_use_keeps_it(store: UploadStore, clock: Clock) -> None:
    old, used = store.add([("a.png", b"1")]), store.add([("b.png", b"2")])
    clock.now += 3000
    store.get(used.key)
    clock.now += 3000
    assert store.get(used.key).files
    with pytest.raises(GoneError):
        store.get(old.key)
    assert [path.name for path in store.root.iterdir()] == [used.key]
    clock.now += 4000
    store.remove_old()  # as at the start of the server
    assert list(store.root.iterdir()) == []


def test_a_visitor_makes_room_at_his_own_expense_first(store: UploadStore) -> None:
    other = store.add([("o.png", bytes(300))], visitor="other")
    mine = [store.add([(f"{number}.png", bytes(200))], visitor="me") for number in range(2)]
    third = store.add([("2.png", bytes(200))], visitor="me")  # 600 of 500: the oldest goes
    with pytest.raises(GoneError):
        store.get(mine[0].key)
    assert len(store.get(mine[1].key).files) == len(store.get(third.key).files) == 1
    assert contents(store.get(other.key)) == {"o.png": bytes(300)}


def test_all_together_are_bounded_and_who_was_away_for_longest_makes_room(tmp_path: Path, clock: Clock) -> None:
    store = UploadStore(tmp_path, most=2000, most_of_visitor=900, clock=clock)
    uploads = [store.add([("a.png", bytes(800))], visitor=str(number)) for number in range(2)]
    store.get(uploads[0].key)
    store.add([("a.png", bytes(800))], visitor="new")
    assert store.get(uploads[0].key).files
    with pytest.raises(GoneError):
        store.get(uploads[1].key)
    stored = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert stored <= 2000


def test_what_is_too_large_for_a_visitor_is_refused_and_the_others_stay(store: UploadStore) -> None:
    upload = store.add([("a.png", bytes(300))])
    with pytest.raises(DataError, match=r"501 bytes are more than the 500 that a visitor can upload here\. Clear"):
        store.add([("b.png", bytes(201))], upload)
    assert contents(store.get(upload.key)) == {"a.png": bytes(300)}


def test_a_full_disk_is_told(store: UploadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DataError, match=r"could not be stored on the server \(No space left on device\)"):
        store.add([("a.png", b"1")])


def test_a_damaged_list_is_no_upload(store: UploadStore) -> None:
    upload = store.add([("a.png", b"1")])
    (store.root / upload.key / "files.json").write_text('{"names": 3}')
    with pytest.raises(GoneError):
        store.get(upload.key)
