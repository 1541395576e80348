"""Mask values as numbers, and tables of colors and names in every form that they are written in."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.data.masks.values import (
    LABELS,
    count_codes,
    encode_pixels,
    encode_value,
    find_unique,
    format_code,
    is_color,
    parse_color_map,
    read_class_names,
)
from unet_core.errors import DataError


@pytest.mark.parametrize(
    ("value", "code", "text", "color"),
    [
        ((0,), 0, "0", False),
        ((7,), 0x070707, "7", False),
        ((7, 7, 7), 0x070707, "7", False),
        ((255, 0, 1), 0xFF0001, "255,0,1", True),
        ((256,), LABELS + 256, "256", False),
        ((65535,), LABELS + 65535, "65535", False),
    ],
)
def test_codes_and_their_names(value: tuple[int, ...], code: int, text: str, color: bool) -> None:
    assert (encode_value(value), format_code(code), is_color(code)) == (code, text, color)


@pytest.mark.parametrize(
    ("pixels", "codes"),
    [
        (np.array([[0, 255]], np.uint8), [[0, 0xFFFFFF]]),
        (np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8), [[0xFFFFFF, 0xFF0000]]),
        (np.array([[255, 300]], np.uint16), [[0xFFFFFF, LABELS + 300]]),
        (np.array([[7, 2**31]], np.uint32), [[0x070707, LABELS + 2**31]]),
    ],
)
def test_a_value_has_one_code_whatever_it_is_stored_as(pixels: np.ndarray, codes: list[list[int]]) -> None:
    assert encode_pixels(pixels).tolist() == codes


@pytest.mark.parametrize("high", [0xFFFFFF, LABELS + 2**31])
def test_different_codes_are_found_with_their_places(high: int) -> None:
    codes = np.array([[3, high, 3], [high, high, 0]], np.int64)
    unique, index = find_unique(codes)
    assert unique.tolist() == [0, 3, high]
    np.testing.assert_array_equal(unique[index], codes)
    assert count_codes(codes) == {0: 1, 3: 2, high: 3}


CVAT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell wall:250,50,83::\n"
FILES = {
    "a.csv": "r,g,b,name\n0,0,0,sky\n255, 0, 0,tree\n",
    "b.txt": "# of the paper\n\n0 0 0 sky\n255\t0 0\ttree top\n",
    "c.csv": "name;r;g;b\nsky;0;0;0\ntree;255;0;0\n",
    "d.json": "[[0, 0, 0], [255, 0, 0]]",
    "e.json": '{"sky": [0, 0, 0], "tree": [255, 0, 0]}',
    "f.json": '[{"name": "sky", "color": [0, 0, 0]}, {"name": "tree", "color": [255, 0, 0]}]',
    "g.csv": "\ufeff0,0,0\n255,0,0\n",
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\ntree top:255,0,0::\n",
}


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    assert parse_color_map(name, tmp_path) == parse_color_map(str(tmp_path / name), Path("elsewhere")) == [0, 0xFF0000]


@pytest.mark.parametrize("text", ["0,0,0;255,0,0", " 0, 0,0 ; 255,0 ,0; ", "0 0 0;255 0 0"])
def test_inline(tmp_path: Path, text: str) -> None:
    assert parse_color_map(text, tmp_path) == [0, 0xFF0000]
    assert parse_color_map("0;128;1000", tmp_path) == [0, encode_value((128,)), LABELS + 1000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gone.csv", "there is no file 'gone.csv'"),
        ("0,0,0;1,2", "class 1: expected r,g,b of 0 to 255 or one gray level, got"),
        ("0,0,0;256,0,0", "class 1: expected r,g,b"),
        ("0;70000", "class 1: expected"),
        ("0,0,0;0,0,0", "has 0 twice; give each class one color"),
        ("0,0,0", "has 1 colors, but needs at least two"),
        ("bad.json", "cannot be read as a color map"),
        ("odd.json", "cannot be read as a color map"),
    ],
)
def test_what_is_no_color_map(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "odd.json").write_text("3")
    with pytest.raises(DataError, match=message):
        parse_color_map(text, tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("labelmap.txt", CVAT, {0: "background", 0xFA3253: "cell wall"}),
        ("_classes.csv", "Pixel Value, Class\n0, unlabeled\n1, cell\n", {0: "unlabeled", 0x010101: "cell"}),
        ("class_dict.csv", "name,r,g,b\nroad,255,255,255\nbackground,0,0,0\n", {0xFFFFFF: "road", 0: "background"}),
        ("dataset.json", '{"labels": {"background": 0, "cell": 1}}', {0: "background", 0x010101: "cell"}),
        ("dataset.json", '{"labels": {"0": "background", "1": "cell"}}', {0: "background", 0x010101: "cell"}),
        ("dataset.json", "{}", {}),
        ("classes.txt", "background\ncell\n", {0: "background", 0x010101: "cell"}),
    ],
)  # fmt: skip
def test_names_of_classes(tmp_path: Path, name: str, text: str, names: dict[int, str]) -> None:
    (tmp_path / name).write_text(text)
    assert read_class_names(tmp_path / name) == names


def test_a_damaged_table_of_names_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("[1")
    with pytest.raises(DataError, match=r"dataset\.json: cannot be read as a table of classes"):
        read_class_names(tmp_path / "dataset.json")
