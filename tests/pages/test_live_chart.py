"""The Train page's components as Python sees them: scripts and markup fit together, what comes back is checked."""

import re
from types import SimpleNamespace

import pytest

from pages.components import HERE, live_chart, program_address, snapshots, source
from unet_core.runs import run as runs
from unet_core.runs.history import MARKS

FOLDERS = ("live_chart", "snapshots")


def program(name: str) -> str:
    """All JavaScript of a component, with what is shared."""
    return "\n".join(
        path.read_text(encoding="utf-8") for folder in (name, "shared") for path in HERE.glob(f"{folder}/*.js")
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_every_element_that_the_script_looks_for_is_in_the_page(name):
    text, html = program(name), source(f"{name}/{name}.html")
    sought = {*re.findall(r'\bfind\("([\w-]+)"\)', text), *re.findall(r'\blisten\("([\w-]+)", "', text)}
    assert len(sought) > 4
    assert sought <= set(re.findall(r'data-is="([\w-]+)"', html))


@pytest.mark.parametrize("name", FOLDERS)
def test_what_comes_from_outside_is_text_and_never_markup(name):
    text = program(name)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_control_has_a_name(name):
    html = source(f"{name}/{name}.html")
    for tag in re.findall(r"<(?:canvas|progress|input|select|section|dl)\b[^>]*>", html):
        named = "aria-label" in tag or re.search(rf"<label>[^<]*\s*{re.escape(tag)}|<label>{re.escape(tag)}", html)
        assert named, tag


def test_every_kind_of_mark_has_its_words():
    table = re.search(r"const MARKS = \{(.*?)\};", source("live_chart/marks.js"), re.DOTALL)
    assert set(re.findall(r"^  (\w+):", table[1], re.MULTILINE)) == set(MARKS)


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (None, None),
        ({"run": "one", "epoch": 7}, 7),
        ({"run": "two", "epoch": 7}, None),  # of a run that was shown before
        ({"run": "one", "epoch": "7"}, None),
        ({"run": "one"}, None),
        (7, None),
    ],
)
def test_the_epoch_that_was_clicked(answered, expected, monkeypatch, tmp_path):
    asked = {}

    def mount(**given):
        asked.update(given)
        return SimpleNamespace(epoch=answered, stale=None)

    monkeypatch.setattr(live_chart, "_mount", mount)
    assert live_chart.show_live_chart(runs.Run(tmp_path / "one"), True, 3) == expected
    assert asked["data"] == {"run": "one", "active": True, "epoch": 3, **program_address()}
    assert asked["key"] == "live_chart"


def test_a_browser_that_knows_more_than_the_page_has_it_run_again(monkeypatch, tmp_path):
    again = []
    result = SimpleNamespace(epoch=None, stale={"run": "one", "active": False, "id": "a"})
    monkeypatch.setattr(live_chart, "_mount", lambda **given: result)
    monkeypatch.setattr(live_chart.st, "rerun", lambda: again.append(True))
    monkeypatch.setattr(live_chart.st, "session_state", {})
    for _ in range(3):
        live_chart.show_live_chart(runs.Run(tmp_path / "one"), True)
    assert again == [True], "the state stays; it is news once"
    result.stale = result.stale | {"id": "b"}
    live_chart.show_live_chart(runs.Run(tmp_path / "one"), True)
    assert again == [True, True]


def test_the_snapshots_get_the_run_and_the_epoch(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(snapshots, "_mount", lambda **given: asked.update(given))
    snapshots.show_snapshots(runs.Run(tmp_path / "one"), False, 4)
    data = {"run": "one", "active": False, "epoch": 4, **program_address()}
    assert asked == {"key": "film", "data": data}
