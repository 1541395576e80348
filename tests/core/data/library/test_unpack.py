"""ZIP files on the disk: whole or not at all, nothing outside the folder, what is left out is named."""

import io
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from unet_core.data.library import unpack as unpacking
from unet_core.data.library.unpack import Unpacked, content_of, unpack
from unet_core.errors import Cancelled, DataError
from unet_core.io.zip_reader import Limits


def limited(**limits: int) -> Limits:
    return replace(unpacking.LIMITS, **limits)


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_with_progress(tmp_path: Path) -> None:
    files = {"a/b/c/d/images/2.png": b"two" * 10**6, "a/b/c/d/masks/ü.png": b"", "notes: x?.txt": b"n"}
    told: list[tuple[int, int, str]] = []
    result = unpack(packed(tmp_path / "a.zip", files), tmp_path / "out", lambda *values: told.append(values))
    assert content(tmp_path / "out") == files
    assert result == Unpacked(3, 3 * 10**6 + 1)
    assert told[-1][:2] == (3 * 10**6 + 1, 3 * 10**6 + 1)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert len(told) == 4, "in pieces of a MiB"


def test_what_systems_leave_behind_is_counted_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"x/a.png": b"1", "__MACOSX/x/._a.png": b"2", "x/in.zip": b"3", ".DS_Store": b""})
    with zipfile.ZipFile(path, "a") as file:
        for number, kind in enumerate((stat.S_IFLNK, stat.S_IFCHR)):
            info = zipfile.ZipInfo(f"link{number}.png")
            info.create_system, info.external_attr = 3, (kind | 0o777) << 16
            file.writestr(info, "/etc/passwd")
    notes = unpack(path, tmp_path / "out").notes
    assert content(tmp_path / "out") == {"x/a.png": b"1"}
    assert notes[0] == "a.zip: skipped 2 hidden or system files, such as __MACOSX."
    assert "x/in.zip is an archive inside the archive" in notes[1]
    assert notes[1].count("is a link or a device") == 2


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "C:/a.png", "..\\a.png"])
def test_a_name_that_leads_out_refuses_all_of_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    path = packed(tmp_path / "work" / "a.zip", {"good.png": b"good", name: b"out"})
    with pytest.raises(DataError, match=r"leads out of the archive, so nothing was unpacked\."):
        unpack(path, tmp_path / "work" / "out")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "work", path]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a/b.png": b"1", "a": b"2"}, "a/b.png lies in a folder whose name is also that of a file"),
        ({"a_1/b.png": b"1", "a_1/B_2": b"2", "a_1/B_2/x.png": b"3"}, "x.png lies in a folder whose name is also that"),
        ({}, "no file in it can be used. It is empty"),
        ({"in.zip": b""}, "no file in it can be used. a.zip: in.zip is an archive inside"),
        ({"n" * 300 + ".png": b""}, "cannot be unpacked"),
    ],
)
def test_what_no_disk_can_hold_leaves_nothing(tmp_path: Path, files: dict[str, bytes], says: str) -> None:
    path = packed(tmp_path / "a.zip", files)
    with pytest.raises(DataError, match=says):
        unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_differ_by_case_are_both_there_or_refuse_it(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"1", "A.png": b"2"})
    (tmp_path / "probe").touch()
    if (tmp_path / "PROBE").exists():
        with pytest.raises(DataError, match="at least for this disk"):
            unpack(path, tmp_path / "out")
    else:
        unpack(path, tmp_path / "out")
        assert content(tmp_path / "out") == {"a.png": b"1", "A.png": b"2"}


def test_a_damaged_file_refuses_all_of_it(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"good", "b.png": b"0123456789"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))
    with pytest.raises(DataError, match=r"a\.zip: b\.png is damaged"):
        unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="shown: not a ZIP file"):
        unpack(path, tmp_path / "out", name="shown")


def test_cancelled_in_the_middle_of_a_file_leaves_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"1", "b.png": bytes(5 * 2**20)})
    told: list[int] = []
    with pytest.raises(Cancelled):
        unpack(path, tmp_path / "out", lambda done, total, name: told.append(done), lambda: len(told) == 3)
    assert told == [1, 1 + 2**20, 1 + 2 * 2**20]
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": bytes(1000)})
    monkeypatch.setattr(unpacking, "SPARE", 2**60)
    with pytest.raises(DataError, match=r"its 1,000 bytes do not fit on the server's disk, 0 are free"):
        unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (limited(entries=2), "contains 3 entries, over the limit of 2"),
        (limited(directory=100), "its list of entries takes"),
        (limited(total=50), "would unpack to 90"),
    ],
)
def test_over_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, says: str) -> None:
    path = packed(tmp_path / "a.zip", {f"{number}.png": bytes(30) for number in range(3)})
    monkeypatch.setattr(unpacking, "LIMITS", limits)
    with pytest.raises(DataError, match=says):
        unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_file_is_named_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": bytes(30), "b.png": bytes(31)})
    monkeypatch.setattr(unpacking, "LIMITS", limited(each=30))
    assert unpack(path, tmp_path / "out").notes == ("a.zip: b.png is larger than 30 bytes; skipped.",)
    assert content(tmp_path / "out") == {"a.png": bytes(30)}


def test_a_folder_with_content_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(packed(tmp_path / "a.zip", {"a.png": b"1"}), tmp_path / "out")
    assert content(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize(
    ("files", "inside"),
    [
        (["a/b/x.png"], "a/b"),
        (["a/b/images/x.png", "a/b/masks/x.png", ".DS_Store"], "a/b"),
        (["data/images/x.png"], "data"),
        (["train/images/x.png"], "."),
        (["a/x.png", "y.png"], "."),
    ],
)
def test_wrappers_are_looked_through(tmp_path: Path, files: list[str], inside: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert content_of(tmp_path) == tmp_path / inside


def test_zip_of_a_zip_of_bytes_is_streamed(tmp_path: Path) -> None:
    """Zip64 and data descriptors, as writers of streams make them."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.png", "w", force_zip64=True) as part:
        part.write(b"abc")
    (tmp_path / "a.zip").write_bytes(raw.getvalue())
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert content(tmp_path / "out") == {"a.png": b"abc"}
