"""Numbers and names as the pages show them."""

import math

import pytest

from pages.ui.formatting import duration_text, plain, score_text


@pytest.mark.parametrize(
    ("value", "text"), [(0.8126, "0.813"), (0.0, "0.000"), (1.0, "1.000"), (None, "–"), (math.nan, "–")]
)
def test_score_text(value, text):
    assert score_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (math.nan, "–")],
)
def test_duration_text(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize("name", ["![x](http://127.0.0.1/x.png)", "<b>bold</b>", "a_b_c", "`code`", ":red[x]", "$x$"])
def test_plain_leaves_no_markup(name):
    shown = plain(name)
    assert shown.replace("\\", "") == name
    assert all(shown[index - 1] == "\\" for index, sign in enumerate(shown) if sign in "![](<>_`:$")
