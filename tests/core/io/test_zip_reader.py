"""ZIP files of strangers: read without being unpacked, whatever they try; what is good in them goes on."""

import io
import stat
import struct
import threading
import zipfile
from pathlib import Path

import pytest

from unet_core.errors import DataError
from unet_core.io import zip_reader
from unet_core.io.zip_reader import Archive, is_archive, natural, readable


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return data.getvalue()


def names(archive: Archive) -> list[str]:
    return [member.name for member in archive.members]


def content(archive: Archive) -> dict[str, bytes]:
    return {member.name: archive.read(member) for member in archive.members}


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {"b/a10.png": b"ten", "b/a2.png": b"two", "A.png": b"", "b/": b""}
    (tmp_path / "a.zip").write_bytes(packed(files))
    for source in (packed(files), packed(files, zipfile.ZIP_STORED), tmp_path / "a.zip"):
        archive = Archive(source, "a.zip")
        assert names(archive) == ["A.png", "b/a2.png", "b/a10.png"]
        assert content(archive) == {"b/a10.png": b"ten", "b/a2.png": b"two", "A.png": b""}
        assert archive.problems == []


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "C:/a.png", "C:\\a.png", "..\\a.png", "//a/b"])
def test_a_name_that_leads_out_is_named_and_left_out(name: str) -> None:
    archive = Archive(packed({name: b"out", "good.png": b"good"}), "z")
    assert names(archive) == ["good.png"]
    assert [problem.endswith("leads out of the archive; skipped.") for problem in archive.problems] == [True]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_left_out(kind: int) -> None:
    data, info = io.BytesIO(), zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    with zipfile.ZipFile(data, "w") as file:
        file.writestr(info, "/etc/passwd")
    archive = Archive(data.getvalue(), "z")
    assert archive.members == []
    assert "a link or a device" in archive.problems[0]


def test_what_systems_leave_behind_is_no_matter() -> None:
    files = dict.fromkeys(("__MACOSX/._a.png", ".DS_Store", "x/.DS_Store", "Thumbs.db", ".git/a.png", "a.png"), b"")
    archive = Archive(packed(files), "z")
    assert (names(archive), archive.problems) == (["a.png"], [])


def test_archives_inside_are_named_and_not_opened() -> None:
    archive = Archive(packed({"in.zip": packed({"a.png": b""}), "in.tar.gz": b"", "a.png": b""}), "z")
    assert names(archive) == ["a.png"]
    assert all("is an archive inside the archive" in problem for problem in archive.problems)
    volume = Archive(packed({"brain.nii.gz": b"\x1f\x8b"}), "z")
    assert ([member.name for member in volume.members], volume.problems) == (["brain.nii.gz"], [])
    assert is_archive("a.zip", packed({})) and not is_archive("a.npz", packed({"arr_0.npy": b""}))
    assert len(archive.problems) == 2


def test_encrypted_files_are_named() -> None:
    data = bytearray(packed({"a.png": b"secret", "b.png": b"open"}))
    data[6] |= 1  # in its own header, and in the directory
    data[data.index(b"PK\1\2") + 8] |= 1
    archive = Archive(bytes(data), "z")
    assert names(archive) == ["b.png"]
    assert "a.png is encrypted" in archive.problems[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_left_out(method: int) -> None:
    archive = Archive(packed({"a.png": b"a"}, method), "z")
    assert archive.members == []
    assert f"method {method}" in archive.problems[0]


def test_names_in_utf8_without_its_flag_are_read_as_meant() -> None:
    data = packed({"XXXX.png": b"a"}).replace(b"XXXX", "äö".encode())
    assert names(Archive(data, "z")) == ["äö.png"]


def test_a_name_twice_is_read_once() -> None:
    data = packed({"a.png": b"1", "b.png": b"2", "./a.png": b"3"}).replace(b"b.png", b"a.png")
    archive = Archive(data, "z")
    assert content(archive) == {"a.png": b"1"}
    assert [problem.split(" ", 1)[1] for problem in archive.problems] == [
        "a.png is in it twice; skipped.",
        "./a.png is in it twice; skipped.",
    ]


def lying(told: int, real: bytes = b"0" * 1000) -> bytes:
    """A file whose directory and own header tell another size than it has."""
    data = packed({"a.png": real})
    return data.replace(struct.pack("<I", len(real)), struct.pack("<I", told))


@pytest.mark.parametrize("told", [1, 999, 1001, 100_000])
def test_a_size_that_lies_is_found_while_reading(told: int) -> None:
    archive = Archive(lying(told), "z.zip")
    with pytest.raises(DataError, match=r"z\.zip: a\.png (is damaged|unpacks to more)"):
        archive.read(archive.members[0])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a ZIP"),
        (b"PK\3\4" + b"x" * 100, "not a ZIP"),
        (packed({"a.png": b"1"})[:-10], "not a ZIP"),
        (packed({"XX.png": b"1"}).replace(b"\0\0\0\0XX", b"\0\0\0\0XX")[:-22], "not a ZIP"),
        (packed({"ä.png": b"1"}).replace("ä".encode(), b"\xff\xff"), "not a ZIP"),
    ],
)
def test_what_is_no_zip_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=f"^z: {says}"):
        Archive(data, "z")


def test_damaged_content_is_named() -> None:
    data = bytearray(packed({"a.png": bytes(range(256)) * 10}, zipfile.ZIP_STORED))
    data[500] ^= 1
    archive = Archive(bytes(data), "z")
    with pytest.raises(DataError, match=r"z: a\.png is damaged"):
        archive.read(archive.members[0])


@pytest.mark.parametrize(
    ("bound", "value", "says"),
    [
        ("MOST_ENTRIES", 2, "contains 3 entries"),
        ("MOST_DIRECTORY", 100, "list of entries takes"),
        ("MOST_TOTAL", 2_999, "would unpack to 3,000"),
        ("FREE_TOTAL", 2_999, "would unpack to 3,000"),
    ],
)
def test_bounds_of_the_whole(monkeypatch: pytest.MonkeyPatch, bound: str, value: int, says: str) -> None:
    data = packed(dict.fromkeys(("a", "b", "c"), b"0" * 1000))
    monkeypatch.setattr(zip_reader, "MOST_RATIO", 2)
    assert len(Archive(data, "z").members) == 3
    monkeypatch.setattr(zip_reader, bound, value)
    with pytest.raises(DataError, match=f"^z: .*{says}"):
        Archive(data, "z")


def test_a_file_that_is_too_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MOST_EACH", 999)
    archive = Archive(packed({"a.png": b"0" * 1000, "b.png": b"0"}), "z")
    assert names(archive) == ["b.png"]
    assert "a.png is larger than 999 bytes" in archive.problems[0]


def test_several_threads_read_the_same_archive() -> None:
    files = {f"{number}.png": bytes([number]) * 10_000 for number in range(20)}
    archive = Archive(packed(files), "z")
    found: list[dict[str, bytes]] = []
    threads = [threading.Thread(target=lambda: found.append(content(archive))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [files] * 4


def test_a_stack_is_unpacked_once_for_all_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(packed({"a.tif": b"1", "b.tif": b"2"}), "z")
    opened: list[str] = []
    real = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, info: opened.append(info.filename) or real(self, info))
    first, second = archive.members
    assert [archive.read(member) for member in (first, first, second, second)] == [b"1", b"1", b"2", b"2"]
    assert opened == ["a.tif", "b.tif"]


def test_what_is_an_archive() -> None:
    assert is_archive("a.ZIP", b"")
    assert is_archive("a", packed({"a": b""}))
    assert not is_archive("a.png", b"\x89PNG")


def test_names_for_the_eye() -> None:
    assert sorted(["a10", "a9", "B1", "a"], key=natural) == ["a", "a9", "a10", "B1"]
    assert readable("a\n\x1b[31m\udcff.png") == "a??[31m?.png"
    assert len(readable("x" * 1000)) == 120
