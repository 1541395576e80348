"""Names that users give, made harmless and given once; `test_inputs` has the table of odd names of uploads."""

import csv
import io
from pathlib import PurePosixPath

import pytest

from unet_core.io.filenames import MOST_BYTES, plain_cell, readable, safe_name, safe_stem, stem_of, suffix_of, unique


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a"),
        ("plate 1/well.A1.TIF", "plate 1/well.A1"),
        ("plate 1/well.A1.Ome.TIFF", "plate 1/well.A1"),
        ("brain.NII.gz", "brain"),
        ("brain.tar.gz", "brain.tar.gz"),
        ("stack_003", "stack_003"),
        ("v1.2", "v1.2"),  # no image's suffix
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
def test_a_stem_is_made_safe(name: str, expected: str) -> None:
    assert safe_stem(name) == expected
    safe_stem(name).encode()


@pytest.mark.parametrize(
    ("name", "stem", "suffix"),
    [
        ("a.png", "a", ".png"),
        ("sub/a.ome.tif", "a", ".ome.tif"),
        ("sub\\a.OME.TIFF", "a", ".OME.TIFF"),
        ("a.nii.gz", "a", ".nii.gz"),
        ("a.nii", "a", ".nii"),
        ("a.b.npy", "a.b", ".npy"),
        ("chrome.tif", "chrome", ".tif"),
        ("ome.tif", "ome", ".tif"),
        (".ome.tif", ".ome", ".tif"),  # a hidden file
        ("plain", "plain", ""),
        (".hidden", ".hidden", ""),
        ("", "", ""),
    ],
)
def test_stem_and_suffix_make_up_the_name(name: str, stem: str, suffix: str) -> None:
    assert (stem_of(name), suffix_of(name)) == (stem, suffix)


@pytest.mark.parametrize("suffix", [".png", ".ome.tiff", ".nii.gz"])
def test_a_name_that_is_cut_keeps_its_ending(suffix: str) -> None:
    assert safe_name("x" * 300 + suffix) == "x" * (MOST_BYTES - len(suffix)) + suffix


def test_a_number_goes_before_the_double_ending() -> None:
    taken: set[str] = set()
    assert [unique(name, taken) for name in ("a.ome.tif", "A.ome.tif", "b.nii.gz", "b.nii.gz")] == [
        "a.ome.tif",
        "A_2.ome.tif",
        "b.nii.gz",
        "b_2.nii.gz",
    ]


def test_no_part_leads_out_or_is_too_long() -> None:
    for name in ("a/" * 3 + "../" * 9 + "x" * 500 + ".png", "....//....//a", "~/a", "\\\\server\\share\\a.png"):
        path = PurePosixPath(safe_stem(name))
        assert not path.is_absolute()
        assert not {"..", ".", ""} & set(path.parts)
        assert max(len(part.encode()) for part in path.parts) <= MOST_BYTES


@pytest.mark.parametrize("name", ["", "..", "/", "...", " ", "../..", "\\\\"])
def test_a_name_of_nothing_gets_one(name: str) -> None:
    assert safe_name(name) == "image"


@pytest.mark.parametrize("name", ["a. /b.png", " a . /b.png", ". a/b.png"])
def test_no_part_begins_or_ends_with_a_blank_or_dot(name: str) -> None:
    assert safe_name(name) == "a/b.png"


def test_a_safe_name_stays_as_it_is() -> None:
    assert safe_name("a b/Zelle-1_ä (2).tif") == "a b/Zelle-1_ä (2).tif"
    assert safe_name(safe_name("x" * 300 + ".tiff")) == safe_name("x" * 300 + ".tiff")


def test_the_second_of_a_name_gets_a_number_before_its_suffix() -> None:
    taken: set[str] = set()
    assert [unique(name, taken) for name in ("d/a.png", "d/A.PNG", "d/a.png", "a.png", "d/a_2.png")] == [
        "d/a.png",
        "d/A_2.PNG",
        "d/a_3.png",
        "a.png",
        "d/a_2_2.png",
    ]


def test_stems_are_given_once() -> None:
    names, taken = ("a", "A", "a", "a_2", "b", "\u00e9", "e\u0301", "d/v1.2", "d/v1.2"), set[str]()
    unique_names = [unique(name, taken, before_suffix=False) for name in names]
    assert unique_names == ["a", "A_2", "a_3", "a_2_2", "b", "\u00e9", "e\u0301_2", "d/v1.2", "d/v1.2_2"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\n@a"])
def test_a_formula_is_shown_and_not_computed(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a=1.png", "plate-1", "", "1", "ä"])
def test_other_cells_stay(text: str) -> None:
    assert plain_cell(text) == text


def test_bytes_that_are_no_text_become_a_mark() -> None:
    assert readable("a\udcffb") == "a\ufffdb"
    csv.writer(io.StringIO()).writerow([plain_cell("a\udcff")])
