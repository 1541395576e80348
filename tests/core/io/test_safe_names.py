"""Names that are safe to write and shared by no two files; `test_intake` has the table of odd ones."""

import pytest

from unet_core.io.filenames import safe_name, unique


@pytest.mark.parametrize("name", ["", "..", "/", "...", " ", "../..", "\\\\"])
def test_a_name_of_nothing_gets_one(name: str) -> None:
    assert safe_name(name) == "picture"


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
