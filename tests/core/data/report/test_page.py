"""The data report: whole in one file, names inert, pictures before and after."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.core.data.checks.planted import FAULTS, make_clean
from unet_core.config.schema import DataConfig
from unet_core.data.checks.scan import scan
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe
from unet_core.data.report.page import make_report, write_report

EVIL = "<img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def read(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(text)
    return reader.tags


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_clean(tmp_path / "cells", images=8)


def report(root: Path) -> str:
    data = DataConfig(root=str(root))
    return make_report(data, scan(data))


def test_the_parts_of_a_report(root: Path) -> None:
    FAULTS["inverted"].plant(root, ["cell_02"])
    text = report(root)
    assert re.findall("<h2>(.*?)</h2>", text) == ["Overview", "Findings", "Classes", "Objects", "Intensities", "Split"]
    assert "Inverted masks" in text and "128 x 96 (8)" in text and "background" in text
    pictures = [attributes["src"] or "" for tag, attributes in read(text) if tag == "img"]
    assert len(pictures) == 2 and len(set(pictures)) == 2  # as it is, repaired
    assert all(source.startswith("data:image/jpeg;base64,") for source in pictures)


def test_nothing_comes_from_elsewhere_and_no_script_runs(root: Path) -> None:
    tags = read(report(root))
    assert "script" not in {tag for tag, _ in tags} and "link" not in {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not {"href", "srcset"} & attributes.keys()


def test_names_are_inert(root: Path) -> None:
    for kind in ("images", "masks"):
        (root / kind / "cell_03.png").rename(root / kind / f"a{EVIL.replace('/', '')}.png")
    FAULTS["inverted"].plant(root, [f"a{EVIL.replace('/', '')}"])
    recipe.save(root, Recipe(name=f"</title>{EVIL}", colors=("#000000", 'red"/><script>')))
    tags = read(report(root))
    assert not any("onerror" in attributes for _, attributes in tags)
    assert "script" not in {tag for tag, _ in tags}
    assert all((attributes["src"] or "").startswith("data:") for tag, attributes in tags if tag == "img")


def test_it_says_why_training_cannot_start(root: Path) -> None:
    FAULTS["masks padded"].plant(root, ["cell_02"])
    assert "Training cannot start: 1 mask has another size" in report(root)


def test_it_is_written_as_one_file(root: Path) -> None:
    data = DataConfig(root=str(root))
    path = write_report(data, scan(data), root.parent / "deep" / "report.html")
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
