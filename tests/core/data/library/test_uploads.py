"""Uploads in chunks: what has arrived counts, what does not fit is refused, the dataset is exactly what was sent."""

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from unet_core.data.library import unpack
from unet_core.data.library.library import Library
from unet_core.data.library.manifest import MOST_BYTES, MOST_FILES, Manifest, check_disk
from unet_core.data.library.uploads import StorageError, Upload, UploadError, UploadGoneError, Uploads
from unet_core.errors import Cancelled, DataError

FILES = {
    "cells/images/1.png": b"one",
    "cells/empty.txt": b"",
    "cells/masks/1.png": b"1" * 50,
    "cells/.DS_Store": b"junk",
}
STREAM = b"".join(FILES.values())


def manifest_of(files: dict[str, bytes], name: str = "cells") -> Manifest:
    return Manifest(name, [(path, len(data)) for path, data in files.items()])


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def send(upload: Upload, data: bytes, offset: int = 0) -> None:
    with upload.receive(offset, len(data)) as write:
        write(data)


def sent(uploads: Uploads, files: dict[str, bytes]) -> Upload:
    upload = uploads.begin(manifest_of(files))
    send(upload, b"".join(files.values()))
    return upload


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(Library(tmp_path / "datasets"))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_dataset_is_what_was_sent_whatever_the_chunks(uploads: Uploads, chunk: int) -> None:
    upload = uploads.begin(manifest_of(FILES))
    while upload.arrived < len(STREAM):
        send(upload, STREAM[upload.arrived : upload.arrived + chunk], upload.arrived)
    entry, notes = upload.finish()
    assert (entry.name, entry.kind) == ("cells", "uploaded")
    assert content(entry.root) == {"images/1.png": b"one", "empty.txt": b"", "masks/1.png": b"1" * 50}
    assert notes == ("Skipped 1 hidden or system files, such as .DS_Store.",)
    assert list(uploads.folder.iterdir()) == []
    with pytest.raises(UploadGoneError):
        uploads.find(upload.id)


def test_another_process_goes_on_where_it_was(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    send(upload, STREAM[:5])
    again = Uploads(uploads.library).find(upload.id)
    assert again.arrived == 5
    send(again, STREAM[3:], 3)
    assert content(again.finish("other")[0].root)["masks/1.png"] == b"1" * 50


def test_what_came_before_the_connection_was_lost_counts(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    with pytest.raises(ConnectionError), upload.receive(0, 20) as write:
        write(STREAM[:11])
        raise ConnectionError
    assert uploads.find(upload.id).arrived == 11


@pytest.mark.parametrize(
    ("offset", "size", "says"),
    [
        (1, 5, "Byte 1 is not the next one, 0 have"),
        (0, len(STREAM) + 1, "More bytes are sent than the 57"),
        (-1, 2, "By"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    uploads: Uploads, offset: int, size: int, says: str
) -> None:
    upload = uploads.begin(manifest_of(FILES))
    with pytest.raises(UploadError, match=says), upload.receive(offset, size) as write:
        write(b"x" * size)
    assert (upload.arrived, content(upload.folder / "files")) == (0, {})


def test_more_bytes_than_the_request_announced_are_not_written(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    with pytest.raises(UploadError, match="than the request announced"), upload.receive(0, 2) as write:
        write(b"on")
        write(b"e")
    assert upload.arrived == 2


def test_two_requests_at_once_are_refused(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    with upload.receive(0, 3) as write:
        with pytest.raises(UploadError, match="Another request"):
            send(uploads.find(upload.id), b"one")
        with pytest.raises(UploadError, match="Another request"):
            upload.finish()
        write(b"one")
    assert upload.arrived == 3


def test_an_unfinished_upload_is_no_dataset(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    send(upload, STREAM[:-1])
    with pytest.raises(UploadError, match="1 bytes have not arrived yet"):
        upload.finish()
    assert uploads.library.entries() == []


def test_zip_files_become_folders_of_their_name(uploads: Uploads) -> None:
    files = {
        "set/images.zip": zipped({"1.png": b"i", "__MACOSX/._1.png": b"x"}),
        "set/masks.ZIP": zipped({"1.png": b"m"}),
        "set/masks/0.png": b"0",
    }
    entry, notes = sent(uploads, files).finish()
    assert content(entry.root) == {"images/1.png": b"i", "masks_2/1.png": b"m", "masks/0.png": b"0"}
    assert notes == ("set/images.zip: skipped 1 hidden or system files, such as __MACOSX.",)


def test_a_single_zip_is_the_dataset(uploads: Uploads) -> None:
    inside = {"deep/er/images/1.png": b"i", "deep/er/masks/1.png": b"m", "deep/er/studio.json": b"{}"}
    entry, _ = sent(uploads, {"nuclei.zip": zipped(inside)}).finish("nuclei")
    assert content(entry.root) == {"images/1.png": b"i", "masks/1.png": b"m", "studio.json": b"{}"}


def test_finishing_goes_on_after_it_was_killed(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = sent(uploads, {"a.zip": zipped({"1.png": b"i"}), "b.zip": zipped({"1.png": b"m"})})
    with monkeypatch.context() as patch:

        def kill(self: Path, target: Path) -> None:
            if self.parent.name == "unpacked" and self.name == "1":
                raise KeyboardInterrupt
            os.rename(self, target)  # noqa: PTH104

        patch.setattr(Path, "rename", kill)
        with pytest.raises(KeyboardInterrupt):
            upload.finish()
    entry, _ = Uploads(uploads.library).find(upload.id).finish()
    assert content(entry.root) == {"a/1.png": b"i", "b/1.png": b"m"}


def test_an_upload_without_an_image_is_refused_by_what_it_contains(uploads: Uploads) -> None:
    with pytest.raises(DataError, match=r"There is no image in it .* It contains notes\.txt, a\.zip\."):
        sent(uploads, {"notes.txt": b"n", "a.zip": zipped({"b.txt": b""})}).finish()
    assert uploads.library.entries() == []


def test_cancelled_nothing_is_left(uploads: Uploads) -> None:
    upload = uploads.begin(manifest_of(FILES))
    with pytest.raises(Cancelled), upload.receive(0, 10) as write:
        write(b"one")
        upload.cancel()
        with pytest.raises(UploadGoneError):
            uploads.find(upload.id)
        write(b"111")
    assert list(uploads.folder.iterdir()) == []
    other = sent(uploads, {"a.zip": zipped({"1.png": bytes(5 * 2**20)})})
    with pytest.raises(Cancelled):
        other.finish(progress=lambda done, total, name: other.cancel())
    assert list(uploads.folder.iterdir()) == []


def test_a_disk_that_is_too_small_is_told_at_the_start_for_all_uploads_together(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack.shutil, "disk_usage", lambda path: os.statvfs_result and type("", (), {"free": 100}))
    monkeypatch.setattr(unpack, "SPARE", 0)
    first = uploads.begin(Manifest("a", [("a.png", 60)]))
    with pytest.raises(DataError, match="its 120 bytes do not fit on the server's disk, 100 are free"):
        uploads.begin(Manifest("b", [("b.png", 60)]))
    send(first, bytes(20))
    uploads.begin(Manifest("b", [("b.png", 60)]))


def test_a_full_disk_in_the_middle_can_be_resumed(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = uploads.begin(manifest_of(FILES))
    send(upload, b"o")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left on device"):
        patch.setattr(Path, "open", full)
        send(upload, b"n", 1)
    send(upload, STREAM[1:], 1)
    assert content(upload.finish()[0].root)["images/1.png"] == b"one"


def test_uploads_abandoned_for_a_day_are_removed(uploads: Uploads) -> None:
    old, new = uploads.begin(manifest_of(FILES)), uploads.begin(manifest_of(FILES))
    send(old, b"o")
    yesterday = time.time() - 86_500
    for path in (old.folder / "arrived", old.folder):
        os.utime(path, (yesterday, yesterday))
    uploads.remove_abandoned()
    assert list(uploads.folder.iterdir()) == [new.folder]
    send(new, b"o")


def test_too_many_unfinished_uploads_are_refused(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unet_core.data.library.uploads.MOST_UPLOADS", 1)
    uploads.begin(manifest_of(FILES))
    with pytest.raises(DataError, match="1 uploads are unfinished"):
        uploads.begin(manifest_of(FILES))


@pytest.mark.parametrize("upload_id", ["", "..", "../../etc", "x" * 32, "ä" * 32, "a/b", "\0" * 32])
def test_an_id_that_is_none_finds_nothing(uploads: Uploads, upload_id: str) -> None:
    uploads.begin(manifest_of(FILES))
    with pytest.raises(UploadGoneError, match="no longer exists"):
        uploads.find(upload_id)


def test_ids_cannot_be_guessed(uploads: Uploads) -> None:
    ids = {uploads.begin(manifest_of(FILES)).id for _ in range(5)}
    assert len(ids) == 5
    assert all(len(upload_id) == 32 for upload_id in ids)


# ------------------------------------------------------------------------------------------------------- the manifest


@pytest.mark.parametrize(
    "path",
    ["../a.png", "/etc/passwd", "a/../../b", "C:\\a.png", "..\\a.png", "a//b", "", ".", "a/./b", "a\0b", "\ud800.png"],
)
def test_hostile_paths(path: str) -> None:
    with pytest.raises(DataError, match=r"leads out|not valid text"):
        Manifest("a", [("good.png", 1), (path, 1)])


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "No files were chosen"),
        ([("a.png", 1)] * (MOST_FILES + 1), "100,001 files are more than the 100,000"),
        ([("a.png", MOST_BYTES), ("b.png", 1)], "are more than the 68,719,476,736 of one upload"),
        ([("n" * 256, 1)], "too long or too deep"),
        ([("d/" * 32 + "a", 1)], "too long or too deep"),
        ([("a.png", 1), ("a.png", 1)], "a.png: the file is in the upload twice"),
        ([("a/b", 1), ("a\\b", 1)], "a/b: the file is in the upload twice"),
        ([("a", 1), ("a/b", 1)], "^a: a file and a folder have this name"),
    ],
)
def test_lists_that_cannot_be_taken(files: list[tuple[str, int]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Manifest("a", files)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "nonsense", '{"files": 3}', '{"files": [["a.png", -1]]}', '{"files": [["a.png", 1.5]]}'),
        *('{"files": [["a.png", true]]}', '{"files": [["a.png"]]}', '{"files": [[1, 1]]}', "[" * 100_000),
        *('{"files": [["a.png", 1e400]]}', '{"name": 3, "files": [["a.png", 1]]}'),
    ],
)
def test_a_list_that_is_none(text: str) -> None:
    with pytest.raises(DataError, match="list of files cannot be read"):
        Manifest.from_json(text)


def test_names_are_kept_and_slashes_are_those_of_the_web() -> None:
    manifest = Manifest("ü", [("a b\\c: x?.png", 3), ("…/ü.tif", 0)])
    assert manifest.paths == ["a b/c: x?.png", "…/ü.tif"]
    assert Manifest.from_json(manifest.to_json()).paths == manifest.paths


def test_files_without_bytes_have_no_piece() -> None:
    manifest = Manifest("a", [("a", 0), ("b", 2), ("c", 0), ("d", 0), ("e", 1), ("f", 0)])
    assert [(piece.file, piece.start, piece.size) for piece in manifest.pieces(0, 3)] == [(1, 0, 2), (4, 0, 1)]
    assert [(piece.file, piece.start, piece.size) for piece in manifest.pieces(2, 1)] == [(4, 0, 1)]
    assert list(Manifest("a", [("a", 0)]).pieces(0, 0)) == []


def test_names_that_are_one_for_the_disk_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_disk(tmp_path, ["a.png", "b.png"])
    monkeypatch.setattr(Path, "exists", lambda self: True)
    with pytest.raises(DataError, match=r"^A\.png and a\.png are one name for the server's disk"):
        check_disk(tmp_path, ["a.png", "A.png"])
    monkeypatch.setattr(Path, "exists", lambda self: False)
    check_disk(tmp_path, ["a.png", "A.png"])
    assert list(tmp_path.iterdir()) == []
