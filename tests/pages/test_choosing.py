"""What an address names is what opens, or the page says that it is gone: never another run or model in its place."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import ROOT, show, texts
from unet_core.runs.run import Run

OLD, NEW, GONE = "20261101-100000-old", "20261103-100000-new", "20261102-100000-gone"


@pytest.fixture(autouse=True)
def two_runs(place: Path) -> None:
    for name in (OLD, NEW):
        shutil.copytree(ROOT / "tests" / "golden" / "release_0_1" / "run", place / name)


def words(app: AppTest) -> str:
    """What the page says, without the backslashes that make markup inert."""
    return texts(app).replace("\\", "")


def open_at(page: str, **parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.parametrize("page", ["train", "predict", "evaluate"])
@pytest.mark.parametrize("name", ["run", "model"])
def test_the_run_of_the_address_is_chosen(page: str, name: str) -> None:
    app = open_at(page, **{name: OLD})
    assert not app.exception
    assert app.selectbox(key="run").value == OLD
    assert app.query_params["run"] == [OLD] or app.query_params["run"] == OLD
    assert "model" not in app.query_params


@pytest.mark.parametrize("page", ["train", "predict", "evaluate"])
@pytest.mark.parametrize("name", ["run", "model"])
def test_a_run_that_is_gone_is_named_and_no_other_is_chosen(page: str, name: str) -> None:
    app = open_at(page, **{name: GONE})
    assert not app.exception
    assert app.selectbox(key="run").value is None
    assert f"{GONE} of this address is not available" in words(app)
    app.run()
    assert GONE in words(app)
    app.selectbox(key="run").select(OLD).run()
    assert app.selectbox(key="run").value == OLD
    assert GONE not in words(app)


@pytest.mark.parametrize("page", ["train", "predict", "evaluate"])
def test_a_run_that_is_restored_is_chosen_again(page: str, place: Path) -> None:
    (place / OLD).rename(place.parent / "elsewhere")
    app = open_at(page, run=OLD)
    assert f"{OLD} of this address is not available" in words(app)
    (place.parent / "elsewhere").rename(place / OLD)
    app.run()
    assert not app.exception
    assert app.selectbox(key="run").value == OLD
    assert "not available" not in words(app)


@pytest.mark.parametrize("page", ["train", "predict", "evaluate"])
def test_without_a_name_the_newest_is_chosen(page: str) -> None:
    assert show(page).selectbox(key="run").value == NEW


def test_a_run_deleted_meanwhile_is_named(place: Path) -> None:
    app = open_at("predict", run=OLD)
    shutil.rmtree(Run(place / OLD).folder)
    app.run()
    assert not app.exception
    assert app.selectbox(key="run").value is None
    assert OLD in words(app)
