"""The browser's pieces of the Train page as Python sees them: their sources fit together, answers are checked."""

import re
from types import SimpleNamespace

import pytest

from pages.components import HERE, live_chart, snapshots, source
from unet_core.runs import run as runs
from unet_core.runs.history import MARKS

SCRIPTS = {
    "live_chart": (
        "shared/fetch_with_timeout.js",
        *(f"live_chart/{name}.js" for name in ("columns", "plot", "live_chart")),
    ),
    "snapshots": ("shared/fetch_with_timeout.js", "snapshots/snapshots.js"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_one_module_with_one_entry(name):
    text = source(*SCRIPTS[name])
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1
    assert re.search(r"^export default function", text, re.MULTILINE)
    assert not re.search(r"^import ", text, re.MULTILINE)
    names = re.findall(r"^(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_element_that_the_script_looks_for_is_in_the_page(name):
    text, html = source(*SCRIPTS[name]), source(f"{name}/{name}.html")
    sought = set(re.findall(r'find\("([\w-]+)"\)', text)) - {"now-", "legend-"}
    assert len(sought) > 4
    assert sought <= set(re.findall(r'data-is="([\w-]+)"', html))


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_comes_from_outside_is_text_and_never_markup(name):
    text = source(*SCRIPTS[name])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_control_has_a_name(name):
    html = source(f"{name}/{name}.html")
    for tag in re.findall(r"<(?:canvas|progress|input|select|section|dl)\b[^>]*>", html):
        named = "aria-label" in tag or re.search(rf"<label>[^<]*\s*{re.escape(tag)}|<label>{re.escape(tag)}", html)
        assert named, tag


def test_every_kind_of_mark_has_its_words():
    table = re.search(r"const MARKS = \{(.*?)\};", source("live_chart/live_chart.js"), re.DOTALL)
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
    assert asked["data"] == {"run": "one", "active": True, "epoch": 3}
    assert asked["key"] == "live_chart"


def test_a_browser_that_knows_more_than_the_page_has_it_run_again(monkeypatch, tmp_path):
    again = []
    monkeypatch.setattr(live_chart, "_mount", lambda **given: SimpleNamespace(epoch=None, stale=True))
    monkeypatch.setattr(live_chart.st, "rerun", lambda: again.append(True))
    live_chart.show_live_chart(runs.Run(tmp_path / "one"), True)
    assert again == [True]


def test_the_film_gets_the_run_and_the_epoch(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(snapshots, "_mount", lambda **given: asked.update(given))
    snapshots.show_snapshots(runs.Run(tmp_path / "one"), False, 4)
    assert asked == {"key": "film", "data": {"run": "one", "active": False, "epoch": 4}}


def test_the_sources_are_in_the_package():
    for name in (
        "live_chart/columns.js",
        "live_chart/plot.js",
        "live_chart/live_chart.js",
        "live_chart/live_chart.html",
        "live_chart/live_chart.css",
        "snapshots/snapshots.js",
        "snapshots/snapshots.html",
    ):
        assert (HERE / name).stat().st_size > 300
