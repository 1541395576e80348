"""Names in messages: all of a few, then how many more."""

import pytest

from unet_core.errors import ConfigError, DataError, ImageError, UnetError, listing


@pytest.mark.parametrize(
    ("items", "most", "expected"),
    [
        ([], 3, ""),
        (["a"], 3, "a"),
        (["a", "b", "c"], 3, "a, b, c"),
        (["a", "b", "c", "d"], 3, "a, b, c and 1 more"),
        (["a", "b", "c", "d", "e"], 2, "a, b and 3 more"),
    ],
)
def test_listing(items: list[str], most: int, expected: str) -> None:
    assert listing(items, most) == expected


def test_ten_names_are_told_unless_asked_otherwise() -> None:
    names = [f"n{number}" for number in range(12)]
    assert listing(names) == "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 2 more"


def test_a_page_that_catches_the_root_catches_a_bad_file() -> None:
    assert issubclass(ImageError, DataError)
    assert all(issubclass(cls, UnetError) for cls in (ConfigError, DataError))
