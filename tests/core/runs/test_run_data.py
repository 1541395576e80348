"""The recipe in the folder of a run: written once where there is one, read ever after."""

from pathlib import Path

import pytest

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.recipe.recipe import Recipe, load, make_repair, save
from unet_core.errors import DataError
from unet_core.runs import run as runs
from unet_core.runs import run_data

RECIPE = Recipe(
    (make_repair("invert", ["a"]),), (("class_names", ("sky", "road")), ("ignore_index", 7)), ("#000000",), "x"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_a_run_keeps_the_recipe_and_its_settings(tmp_path: Path, data: Path) -> None:
    save(data, RECIPE)
    run = runs.create(tmp_path / "runs", RunConfig(DataConfig(root=str(data), labels="classes")))
    assert load(run.folder) == RECIPE
    assert run.config.data == DataConfig(root=str(data), labels="classes", ignore_index=7)
    assert run.config.model.class_names == "sky,road"
    assert run.data.recipe == str(run.folder / "studio.json")
    assert run.repeatable == run.config
    save(data, Recipe())
    assert run.repeatable.data.recipe == str(run.folder / "studio.json")
    assert run_data.find_changes(run.data)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(name="cells", colors=("#ffffff",))])
def test_a_run_without_repairs_has_no_file(tmp_path: Path, data: Path, recipe: Recipe) -> None:
    save(data, recipe)
    run = runs.create(tmp_path / "runs", RunConfig(DataConfig(root=str(data))))
    assert not (run.folder / "studio.json").exists()
    assert (run.data.recipe, run.config.data.recipe, run.repeatable) == ("none", "auto", run.config)
    save(data, RECIPE)
    assert run.data.recipe == run.repeatable.data.recipe == "none"
    (data / "studio.json").write_text("{")
    assert run.repeatable.data.recipe == "none"


def test_the_settings_of_a_run_with_a_damaged_copy_are_shown_all_the_same(tmp_path: Path, data: Path) -> None:
    save(data, RECIPE)
    run = runs.create(tmp_path / "runs", RunConfig(DataConfig(root=str(data))))
    (run.folder / "studio.json").write_text("{")
    assert run.repeatable.data.recipe == str(run.folder / "studio.json")
    with pytest.raises(DataError, match="The recipe of repairs cannot be read"):
        run_data.find_changes(run.data)


def test_a_damaged_recipe_makes_no_run(tmp_path: Path, data: Path) -> None:
    (data / "studio.json").write_text('{"repairs": [{"kind": "blur"}]}')
    with pytest.raises(DataError, match="the repair 'blur' is unknown"):
        runs.create(tmp_path / "runs", RunConfig(DataConfig(root=str(data))))
    assert not (tmp_path / "runs").exists()


def test_which_recipe_a_folder_is_scored_with(tmp_path: Path, data: Path) -> None:
    save(data, RECIPE)
    run = runs.create(tmp_path / "runs", RunConfig(DataConfig(root=str(data))))
    own = str(run.folder / "studio.json")
    assert run_data.choose_recipe(run.data, data) == (own, [])
    assert run_data.choose_recipe(run.data, data / ".." / "data") == (own, [])
    assert run_data.choose_recipe(run.data, tmp_path) == ("auto", [])
    assert run_data.choose_recipe(run.data, data, "none") == ("none", [])
    assert run_data.choose_recipe(DataConfig(), data) == ("auto", [])
    save(data, Recipe())
    chosen, told = run_data.choose_recipe(run.data, data)
    assert chosen == own
    assert "(1, kept with it)" in told[0]
