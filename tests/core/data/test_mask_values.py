"""Mask values as bytes, and color maps in every form that they are written in."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.data.mask_values import LABELS, ValueTable, encode_value, format_code, is_color, parse_color_map
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


def test_gray_masks_are_left_as_they_are() -> None:
    codes, mask = ValueTable(), np.array([[0, 200]], np.uint8)
    assert codes.encode(mask) is mask
    assert codes.bytes_by_code == {0: 0, encode_value((200,)): 200}


def test_a_value_has_one_byte_whatever_it_is_stored_as_and_whenever_it_comes() -> None:
    codes = ValueTable()
    first = codes.encode(np.array([[0, 255]], np.uint8))
    colors = np.array([[[255, 255, 255], [255, 0, 0], [0, 0, 0]]], np.uint8)
    second, third = codes.encode(colors), codes.encode(np.array([[255, 300, 254]], np.uint16))
    assert first.tolist() == [[0, 255]]
    assert second.tolist() == [[255, 254, 0]]
    assert third.tolist() == [[255, 252, 253]], "254 was taken by red"
    assert codes.encode(colors).tolist() == second.tolist()
    assert codes.encode(np.array([[254]], np.uint8)).tolist() == [[253]]
    assert len(set(codes.bytes_by_code.values())) == len(codes.bytes_by_code) == 5


FILES = {
    "a.csv": "r,g,b,name\n0,0,0,sky\n255, 0, 0,tree\n",
    "b.txt": "# of the paper\n\n0 0 0 sky\n255\t0 0\ttree top\n",
    "c.csv": "name;r;g;b\nsky;0;0;0\ntree;255;0;0\n",
    "d.json": "[[0, 0, 0], [255, 0, 0]]",
    "e.json": '{"sky": [0, 0, 0], "tree": [255, 0, 0]}',
    "f.json": '[{"name": "sky", "color": [0, 0, 0]}, {"name": "tree", "color": [255, 0, 0]}]',
    "g.csv": "\ufeff0,0,0\n255,0,0\n",
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
