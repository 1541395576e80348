"""Names that users give, made harmless."""

import csv
import io
from pathlib import PurePosixPath

import pytest

from unet_core.io.filenames import LONGEST, Names, plain_cell, readable, safe_stem


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a"),
        ("plate 1/well.A1.TIF", "plate 1/well.A1"),
        ("stack_003", "stack_003"),
        ("v1.2", "v1.2"),  # no picture's ending
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd.png", "etc/passwd"),
        ("..\\..\\windows\\a.png", "windows/a"),
        ("C:\\data\\a.png", "C_/data/a"),
        ("a/./b//c.png", "a/b/c"),
        ('a<b>:"|?*.png', "a_b______"),
        ("line\nbreak\0.png", "line_break_"),
        ("con.png", "_con"),
        ("Lpt1/aux.b.png", "_Lpt1/_aux.b"),
        ("dots...png", "dots"),
        (". . /a .png", "a"),
        ("", "image"),
        ("..", "image"),
        (".png", "png"),
        ("Zelle_äß_细胞.png", "Zelle_äß_细胞"),
        ("byte\udcff.png", "byte_"),
        ("right\u202eleft.png", "right_left"),
    ],
)
def test_a_name_is_made_safe(name: str, expected: str) -> None:
    assert safe_stem(name) == expected
    safe_stem(name).encode()


def test_no_part_leads_out_or_is_too_long() -> None:
    for name in ("a/" * 3 + "../" * 9 + "x" * 500 + ".png", "....//....//a", "~/a", "\\\\server\\share\\a.png"):
        path = PurePosixPath(safe_stem(name))
        assert not path.is_absolute()
        assert not {"..", ".", ""} & set(path.parts)
        assert max(map(len, path.parts)) <= LONGEST


def test_names_are_given_once() -> None:
    names = Names()
    given = [names.unique(name) for name in ("a", "A", "a", "a_2", "b", "\u00e9", "e\u0301")]
    assert given == ["a", "A_2", "a_3", "a_2_2", "b", "\u00e9", "e\u0301_2"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\n@a"])
def test_a_formula_is_shown_and_not_computed(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a=1.png", "plate-1", "", "1", "ä"])
def test_other_cells_stay(text: str) -> None:
    assert plain_cell(text) == text


def test_bytes_that_are_no_text_become_a_mark() -> None:
    assert readable("a\udcffb") == "a\ufffdb"
    csv.writer(io.StringIO()).writerow([plain_cell("a\udcff")])
