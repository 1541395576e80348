"""The uploader as Python sees it: script and markup fit together, what comes back is checked."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from pages.components import source, uploader
from pages.server.uploads import datasets as uploads
from tests.pages.test_live_chart import program


def test_every_element_that_the_script_looks_for_is_in_the_page() -> None:
    text, html = program("uploader"), source("uploader/uploader.html")
    sought = set(re.findall(r'\b(?:find|on|say)\("([\w-]+)"', text))
    assert len(sought) > 15
    assert sought <= set(re.findall(r'data-is="([\w-]+)"', html))


def test_what_comes_from_outside_is_text_and_never_markup() -> None:
    text = program("uploader")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)


def test_every_control_has_a_name_and_the_hidden_ones_are_out_of_the_way() -> None:
    html = source("uploader/uploader.html")
    for tag in re.findall(r"<(?:progress|input|section)\b[^>]*>", html):
        hidden = "aria-hidden" in tag and 'tabindex="-1"' in tag
        assert "aria-label" in tag or hidden or re.search(rf"<label>[^<]+{re.escape(tag)}", html), tag


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (None, None),
        ({"name": "cells", "notes": ["x"], "id": "1"}, uploader.Uploaded("cells", ("x",))),
        ({"name": "cells", "id": "1"}, uploader.Uploaded("cells", ())),
        ({"name": "cells", "notes": "x", "id": "1"}, uploader.Uploaded("cells", ())),
        ({"name": "cells", "id": 1}, None),
        ({"name": "cells"}, None),
        ({"name": 3, "id": "1"}, None),
        ({}, None),
        ("cells", None),
    ],
)
def test_what_the_browser_says_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, answered: Any, expected: uploader.Uploaded | None
) -> None:
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path))
    mounted: list[dict[str, Any]] = []

    def mount(**arguments: Any) -> SimpleNamespace:
        mounted.append(arguments)
        return SimpleNamespace(done=answered)

    session: dict[str, Any] = {}
    monkeypatch.setattr(uploader, "_mount", mount)
    monkeypatch.setattr(uploader.st, "session_state", session)
    assert uploader.uploader("upload") == expected
    assert uploader.uploader("upload") is None, "what was told once is no news"
    first, second = (arguments["data"] for arguments in mounted)
    assert first == second, "a new token at each run would be a new mount"
    assert uploads.is_token(first["token"])
    assert first["uploads"] == "/api/uploads"
    session[uploader._TOKEN] = "old"
    uploader.uploader("upload")
    assert uploads.is_token(mounted[-1]["data"]["token"])
