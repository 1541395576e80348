"""Files in a folder and in a ZIP: which there are, what they are called, and what happens when it goes wrong."""

import gc
import io
import json
import weakref
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.made import empty, result
from unet_core.errors import ConfigError, DataError, RunError
from unet_core.export import writer as export_writer
from unet_core.export.result import Result
from unet_core.io import images


def probable(name: str) -> Result:
    return result(name, probability=np.full((70, 90), 0.75, np.float32))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_writer_gives_each_picture_its_files_and_all_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    with export_writer.Writer(tuple(export_writer.FORMATS), folder) as writer:
        paths = writer.add(probable("a.png"))
        assert folder / "a_labels.tif" in paths
        assert all(path.is_file() for path in paths)
        assert not (folder / "coco.json").exists()
        writer.add(probable("sub/b.tif"), stem="given")
    each = (".png", "_prob.png", "_prob.tif", "_overlay.png", "_labels.tif", ".geojson", ".txt")
    all_ = {"coco.json", "coco_polygons.json", "objects.csv", "summary.csv", "classes.txt"}
    assert files(folder) == {stem + suffix for stem in ("a", "given") for suffix in each} | all_
    assert len(json.loads((folder / "coco.json").read_text())["images"]) == 2


def test_nothing_is_collected_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not stored"), export_writer.Writer(("coco", "prob"), tmp_path) as writer:
        writer.add(result())
    assert files(tmp_path) == set()


def test_one_picture_alone(tmp_path: Path) -> None:
    paths = export_writer.write(("mask", "coco", "yolo"), tmp_path, "x", result())
    assert [path.name for path in paths] == ["x.png", "x.txt", "x_coco.json", "x_classes.txt"]
    assert (images.read_mask(tmp_path / "x.png") == result().mask * 255).all()


def test_a_writer_names_each_picture_once(tmp_path: Path) -> None:
    with export_writer.Writer(("mask",), tmp_path) as writer:
        for name in ("a.png", "a.tif", "../a.png", "A.png"):
            writer.add(empty(name))
    assert files(tmp_path) == {"a.png", "a_2.png", "a_3.png", "A_4.png"}


@pytest.mark.parametrize("act", ["write", "archive"])
def test_where_nothing_can_be_written_it_is_told(act: str, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunError, match=r"file.*cannot be written \(.*\. Free disk space"):
        if act == "write":
            export_writer.write(("mask",), blocked, "x", result())
        else:
            export_writer.archive([result()], ("mask",), blocked / "a.zip")


def test_an_archive_of_one_format_is_flat_and_of_several_in_folders(tmp_path: Path) -> None:
    results = [result("p/a.png"), empty("b.png")]
    names = export_writer.archive(results, ("mask",), tmp_path / "one.zip")
    assert names == ["p/a.png", "b.png"]
    names = export_writer.archive(results, ("mask", "yolo", "csv"), tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert packed.testzip() is None
        assert packed.namelist() == names
        with packed.open("mask/p/a.png") as file:
            assert (images.decode(file.read(), "a")[:, :, 0] == results[0].mask * 255).all()
    assert set(names) == {"mask/p/a.png", "mask/b.png", "yolo/p/a.txt", "yolo/b.txt", "objects.csv", "yolo/classes.txt"}


def test_no_name_in_an_archive_leads_out_of_it_or_comes_twice(tmp_path: Path) -> None:
    evil = ("../../a.png", "/a.png", "C:\\a.png", "..\\a.png", "a.png", "A.PNG", "a\0.png", "con.png", "x\udcff.png")
    export_writer.archive([empty(name) for name in evil], ("mask", "labels"), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        names = packed.namelist()
        packed.extractall(tmp_path / "out")
    assert len({name.casefold() for name in names}) == 2 * len(evil)
    assert files(tmp_path) == {"a.zip"} | {f"out/{name}" for name in names}
    assert not any(name.startswith("/") or ".." in name or "\\" in name or ":" in name for name in names)


def test_results_are_taken_one_at_a_time_and_let_go(tmp_path: Path) -> None:
    alive: list[weakref.ref[Result]] = []

    def results() -> Iterator[Result]:
        for number in range(4):
            gc.collect()
            assert sum(ref() is not None for ref in alive) <= 1
            each = empty(f"{number}.png")
            alive.append(weakref.ref(each))
            yield each
            del each

    export_writer.archive(results(), ("mask", "coco", "csv", "summary"), tmp_path / "a.zip")
    assert len(alive) == 4


def test_an_archive_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"before")

    def results() -> Iterator[Result]:
        yield empty()
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        export_writer.archive(results(), ("mask", "coco"), path)
    assert path.read_bytes() == b"before"
    assert files(tmp_path) == {"a.zip"}


@pytest.mark.parametrize("formats", [(), ("masks",)])
def test_formats_are_checked_before_anything_is_written(formats: tuple[str, ...], tmp_path: Path) -> None:
    for act in (
        lambda: export_writer.write(formats, tmp_path, "a", result()),
        lambda: export_writer.archive([result()], formats, tmp_path / "a.zip"),
        lambda: export_writer.Writer(formats, tmp_path),
    ):
        with pytest.raises(ConfigError, match="Use mask"):
            act()
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mask", "a.png"),
        ("labels", "a_labels.tif"),
        ("coco", "a_coco.json"),
        ("yolo", "a.txt"),
        ("csv", "a_objects.csv"),
    ],
)
def test_one_file_for_a_button(name: str, expected: str) -> None:
    file_name, data = export_writer.encode(name, result("sub/a.tif"))
    assert file_name == expected
    assert data
    if name == "mask":
        assert (images.decode(data, "a")[:, :, 0] == result().mask * 255).all()


def test_an_archive_of_nothing_holds_the_collected_files(tmp_path: Path) -> None:
    assert export_writer.archive([], ("mask", "coco"), tmp_path / "a.zip") == ["coco.json"]
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert json.load(io.BytesIO(packed.read("coco.json")))["annotations"] == []
