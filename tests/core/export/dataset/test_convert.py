"""Datasets of every kind written in every format: what is read back has the same images, masks and classes."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from unet_core import convert_dataset, open_dataset
from unet_core.__main__ import main
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.dataset import load_dataset
from unet_core.data.recipe.recipe import Recipe, make_repair, save
from unet_core.errors import ConfigError, DataError

RNG = np.random.default_rng(1)
SIZE = (40, 36)
FORMATS = ("folders", "coco", "nnunet")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def noise(dtype: type, channels: int = 1) -> NDArray[Any]:
    high = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    pixels = (RNG.random((*SIZE, channels)) * high).astype(dtype)
    return pixels[:, :, 0] if channels == 1 else pixels


def blobs(*values: int, dtype: type = np.uint8) -> NDArray[Any]:
    """Disks with these values that do not touch, on 0."""
    mask = np.zeros(SIZE, np.int32)
    for number, value in enumerate(values):
        center = (6 + 12 * (number % 3), 6 + 12 * (number // 3))
        cv2.circle(mask, center, 3 + number % 2, int(value), -1)
    return mask.astype(dtype)


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels)
    else:
        shown = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels
        path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(shown))[1].tobytes())


def binary(root: Path) -> None:
    for number in range(4):
        write(root / "images" / f"a{number}.png", noise(np.uint8))
        write(root / "masks" / f"a{number}.png", blobs(*[255] * (number + 1)))


def multiclass(root: Path) -> None:
    for number, subset in enumerate(("train", "train", "train", "val", "test")):
        write(root / subset / "images" / f"a{number}.png", noise(np.uint8, 3))
        write(root / subset / "masks" / f"a{number}.png", blobs(1, 2, 1 if number else 3))
    (root / "classes.txt").write_text("background\nroad\ncar\ntree, old\n")


def with_ignored(root: Path) -> None:
    for number in range(4):
        write(root / "images" / f"a{number}.png", noise(np.uint8))
        write(root / "masks" / f"a{number}.png", blobs(1, 2, 255, 1))


def instances(root: Path) -> None:
    for number in range(4):
        write(root / "images" / f"a{number}.png", noise(np.uint8))
        write(root / "masks" / f"a{number}.png", blobs(*range(1, 6 + number), dtype=np.uint16))


def files_of_objects(root: Path) -> None:
    for number in range(3):
        folder = root / f"id{number}"
        write(folder / "images" / f"id{number}.png", noise(np.uint8))
        for at in range(number + 1):
            write(folder / "masks" / f"{at}.png", blobs(*[0] * at, 255))


def deep(root: Path) -> None:
    for number in range(3):
        write(root / "images" / f"a{number}.tif", noise(np.uint16))
        write(root / "masks" / f"a{number}.tif", blobs(255, 255))


def deep_color(root: Path) -> None:
    for number in range(3):
        write(root / "images" / f"a{number}.png", noise(np.uint16, 3))
        write(root / "masks" / f"a{number}.png", blobs(255, 255))


def stack(root: Path) -> None:
    root.mkdir(parents=True)
    for name in ("one", "two"):
        tifffile.imwrite(root / f"{name}.tif", np.stack([noise(np.uint8) for _ in range(4)]), photometric="minisblack")
        tifffile.imwrite(
            root / f"{name}_mask.tif", np.stack([blobs(*[255] * n) for n in (1, 2, 3, 4)]), photometric="minisblack"
        )


def annotated(root: Path) -> None:
    for number in range(3):
        write(root / f"a{number}.png", noise(np.uint8))
        shapes = [
            {"label": label, "points": [[x, 4], [x + 7, 4], [x + 7, 20], [x, 20.5]], "shape_type": "polygon"}
            for label, x in (("cell", 2.5), ("dirt", 14), ("cell", 24))[: number + 1]
        ]
        content = {"imagePath": f"a{number}.png", "imageHeight": SIZE[0], "imageWidth": SIZE[1], "shapes": shapes}
        (root / f"a{number}.json").write_text(json.dumps(content))


def floats(root: Path) -> None:
    for number in range(3):
        write(root / "images" / f"a{number}.tif", noise(np.float32))
        write(root / "masks" / f"a{number}.png", blobs(255))


def channels(root: Path) -> None:
    for number in range(3):
        for channel in range(2):
            write(root / "imagesTr" / f"a{number}_{channel:04d}.tif", noise(np.uint16))
        write(root / "labelsTr" / f"a{number}.tif", blobs(1, 2))
    (root / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "cell": 1, "edge": 2}}))


SOURCES: dict[str, tuple[Callable[[Path], None], str]] = {
    "binary": (binary, "png"),
    "multiclass": (multiclass, "png"),
    "ignored": (with_ignored, "png"),
    "instances": (instances, "png"),
    "files of objects": (files_of_objects, "png"),
    "16 bit": (deep, "png"),
    "16 bit RGB": (deep_color, "png"),
    "stack": (stack, "tiff"),
    "annotations": (annotated, "png"),
    "float": (floats, "tiff"),
    "channels": (channels, "tiff"),
    "RGB as TIFF": (multiclass, "tiff"),
}


def contents(root: Path) -> dict[bytes, tuple[Any, ...]]:
    """By the pixels of each image: its mask and its part of the split; the images' own type and shape too."""
    data = DataConfig(root=str(root))
    search = discovery.search_data(data)
    opened = open_dataset(root)
    subsets = {sample.id: sample.subset for sample in search.samples}
    return {
        item.image.tobytes(): (item.image.dtype, item.image.shape, item.mask.tolist(), subsets[item.id])
        for item in opened
    }


def objects(root: Path) -> dict[bytes, Any]:
    """By the pixels of each image: the sets of pixels of its objects."""
    data = DataConfig(root=str(root))
    search = discovery.search_data(data)
    dataset = load_dataset(list(search.samples), data, ModelConfig(), None, search)
    found = {}
    for index in range(len(dataset)):
        numbers = dataset.objects(index)
        if numbers is None:  # the one file of an image, where others have several
            numbers = (dataset[index].mask == 1).astype(np.int32)
        found[dataset[index].image.tobytes()] = {
            frozenset(np.flatnonzero(numbers == number).tolist()) for number in np.unique(numbers) if number
        }
    return found


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("source", SOURCES)
def test_what_is_written_is_read_back(tmp_path: Path, source: str, format: str) -> None:
    make, kind = SOURCES[source]
    make(tmp_path / "in")
    if (source, format) == ("ignored", "coco"):
        with pytest.raises(DataError, match="pixels do not count, which COCO cannot say"):
            convert_dataset(tmp_path / "in", tmp_path / "out", format=format, images=kind)
        assert not (tmp_path / "out").exists()
        return
    written = convert_dataset(tmp_path / "in", tmp_path / "out", format=format, images=kind)
    expected = contents(tmp_path / "in")
    assert written.images == len(expected)
    assert contents(tmp_path / "out") == expected
    before, after = open_dataset(tmp_path / "in"), open_dataset(tmp_path / "out")
    assert after.num_classes == before.num_classes
    assert not any("Skipped" in text for text in (*after.warnings, *written.warnings))
    if source in ("instances", "files of objects") and format != "nnunet":
        assert objects(tmp_path / "out") == objects(tmp_path / "in")


def class_names(root: Path) -> str:
    data = DataConfig(root=str(root))
    search = discovery.search_data(data)
    return load_dataset(list(search.samples), data, ModelConfig(), None, search).model.class_names


@pytest.mark.parametrize("format", FORMATS)
def test_names_of_classes_survive(tmp_path: Path, format: str) -> None:
    multiclass(tmp_path / "in")
    convert_dataset(tmp_path / "in", tmp_path / "out", format=format, class_names="background,road,car,tree")
    assert class_names(tmp_path / "out") == "background,road,car,tree"


def test_what_nnunet_needs_to_know(tmp_path: Path) -> None:
    multiclass(tmp_path / "in")
    convert_dataset(tmp_path / "in", tmp_path / "out", format="nnunet", class_names="none,road,car,tree")
    out = tmp_path / "out"
    assert json.loads((out / "dataset.json").read_text()) == {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, "road": 1, "car": 2, "tree": 3},
        "numTraining": 4,
        "file_ending": ".png",
    }
    assert json.loads((out / "splits_final.json").read_text()) == [{"train": ["a0", "a1", "a2"], "val": ["a3"]}]
    assert sorted(path.name for path in (out / "imagesTr").iterdir()) == [f"a{n}_0000.png" for n in range(4)]
    assert sorted(path.name for path in (out / "labelsTs").iterdir()) == ["a4.png"]
    with_ignored(tmp_path / "other")
    convert_dataset(tmp_path / "other", tmp_path / "ignored", format="nnunet")
    labels = json.loads((tmp_path / "ignored" / "dataset.json").read_text())["labels"]
    assert labels == {"background": 0, "class 1": 1, "class 2": 2, "ignore": 3}


def test_objects_that_a_format_cannot_number_are_told(tmp_path: Path) -> None:
    instances(tmp_path / "in")
    assert (
        "numbers of objects are not kept"
        in convert_dataset(tmp_path / "in", tmp_path / "out", format="nnunet").warnings[-1]
    )


def test_pages_of_a_stack_stay_together(tmp_path: Path) -> None:
    stack(tmp_path / "in")
    convert_dataset(tmp_path / "in", tmp_path / "out")
    kept = [sample.repairs for sample in discovery.search_data(DataConfig(root=str(tmp_path / "out"))).samples]
    assert all(len(repairs) == 1 and repairs[0].kind == "together" for repairs in kept)
    assert len(set(kept)) == 2


def test_repairs_are_applied_and_the_source_stays(tmp_path: Path) -> None:
    binary(tmp_path / "in")
    recipe = Recipe((make_repair("invert", ["a1"]), make_repair("leave_out", ["a3"])))
    save(tmp_path / "in", recipe)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in (tmp_path / "in").rglob("*.*")}
    written = convert_dataset(tmp_path / "in", tmp_path / "out")
    assert written.images == 3
    assert "2 repairs of studio.json are applied" in written.warnings[0]
    assert contents(tmp_path / "out") == contents(tmp_path / "in")
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in (tmp_path / "in").rglob("*.*")} == before
    assert convert_dataset(tmp_path / "in", tmp_path / "bare", recipe="none").images == 4


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    binary(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match="holds other files and is left alone"):
        convert_dataset(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("make", "what"), [(floats, "32-bit float"), (channels, "2 channels that are no colors")])
def test_what_a_png_cannot_hold_is_refused_with_the_right_way(
    tmp_path: Path, make: Callable[[Path], None], what: str
) -> None:
    make(tmp_path / "in")
    with pytest.raises(DataError, match=f"a PNG cannot hold {what}"):
        convert_dataset(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    binary(tmp_path / "in")
    with pytest.raises(ConfigError, match="Expected format to be one of folders, coco, nnunet, got 'voc'"):
        convert_dataset(tmp_path / "in", tmp_path / "out", format="voc")
    with pytest.raises(ConfigError, match="Expected images to be one of png, tiff, got 'jpg'"):
        convert_dataset(tmp_path / "in", tmp_path / "out", images="jpg")


def test_names_that_would_collide_or_look_like_channels(tmp_path: Path) -> None:
    for name in ("x/a", "x_a", "b_0001"):
        write(tmp_path / "in" / "images" / f"{name}.png", noise(np.uint8))
        write(tmp_path / "in" / "masks" / f"{name}.png", blobs(255))
    for format in FORMATS:
        convert_dataset(tmp_path / "in", tmp_path / format, format=format)
        assert contents(tmp_path / format) == contents(tmp_path / "in")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_ignored(tmp_path / "in")
    assert main(["convert", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--format", "nnunet"]) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "in")
    assert main(["convert", str(tmp_path / "in"), "--output", str(tmp_path / "out")]) != 0
    assert "is left alone" in capsys.readouterr().err
