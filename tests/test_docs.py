"""The documentation is what the code is: API, picture of the packages, links, notebook, examples."""

import doctest
import inspect
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import unet_core
from docs import make_datasets
from docs.make_api import page
from tests.test_architecture import CORE_EDGES
from unet_core.data import synthetic

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
SMALL = {"epochs": 1, "base_channels": 2, "depth": 2, "image_size": 32, "crops_per_image": 1}


def test_the_api_page_is_made_from_the_docstrings_of_today() -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == page(), "run python -m docs.make_api"


@pytest.mark.parametrize("name", make_datasets.PAGES)
def test_layouts_checks_and_repairs_are_those_of_today(name: str) -> None:
    """Each tree of a layout is made and read in tests/core/data: layouts/test_examples, annotations/test_formats."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert text == make_datasets.page(name), "run python -m docs.make_datasets"


@pytest.mark.parametrize("name", unet_core.__all__)
def test_every_public_name_is_described(name: str) -> None:
    value = getattr(unet_core, name)
    text = inspect.getdoc(value) or ""
    assert text.splitlines()[0].endswith((".", ":")), f"{name}: the first line is no sentence"
    if inspect.isfunction(value):
        for section in ("Args:", "Returns:", "Raises:", "Example:"):
            assert section in text, f"{name} has no {section}"
        for parameter in inspect.signature(value).parameters:
            assert re.search(rf"^ +{parameter}:", value.__doc__ or "", re.MULTILINE), f"{name}: {parameter}"
        assert name in page()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample dataset as `cells`, and a run, for the examples of the docstrings."""
    place = tmp_path_factory.mktemp("docs")
    synthetic.write(place / "cells")
    return place


@pytest.fixture(scope="module")
def run_id(folder: Path) -> str:
    return str(unet_core.train(folder / "cells", runs_dir=folder / "runs", **SMALL).id)


def examples() -> list[doctest.DocTest]:
    """Every example in the docstrings of the public names."""
    finder = doctest.DocTestFinder(recurse=True)
    tests = []
    for name in unet_core.__all__:
        value = getattr(unet_core, name)
        tests += finder.find(value, name) if "Error" not in name else []
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("name", sorted({test.name for test in examples()}))
def test_the_examples_of_the_docstrings_run(
    name: str, folder: Path, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    test = next(test for test in examples() if test.name == name)
    test.globs.update(run_id=run_id)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert result.failed == 0, "".join(report)


def reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the edges that follow from others (the transitive reduction of a graph without circles)."""
    after: dict[str, set[str]] = {
        a: {b for first, b in edges if first == a} for a in {x for edge in edges for x in edge}
    }

    def reach(start: str) -> set[str]:
        return after[start] | {far for near in after[start] for far in reach(near)}

    return {(a, b) for a, b in edges if not any(b in reach(other) for other in after[a] - {b})}


def test_the_picture_of_the_packages_is_the_code() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE))
    code = reduced({edge for edge in CORE_EDGES if "__" not in "".join(edge)})
    assert drawn == code, "\n" + "\n".join(f"    {a} --> {b}" for a, b in sorted(code))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_and_file_name_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target
    if path.name == "architecture.md":
        for name in re.findall(r"`((?:\w+/)*\w+\.(?:py|js))`", text):
            homes = (ROOT / name, ROOT / "unet_core" / name)
            assert any(home.exists() for home in homes), name
    assert not re.search(r"AFTER_|PICTURE", text)


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 50


def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "quick_start.ipynb", tmp_path)
    notebook = nbformat.read(tmp_path / "quick_start.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "16 images, 1 class" in printed and "epoch 3/3" in printed and "'dice'" in printed
    assert (tmp_path / "cells_000.zip").is_file()
