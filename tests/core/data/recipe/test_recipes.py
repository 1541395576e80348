"""Which recipe the settings name, and the settings that it brings along."""

from pathlib import Path
from typing import Any

import pytest

from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe, make_repair, save
from unet_core.errors import DataError

RECIPE = Recipe((make_repair("invert"),), (("labels", "instances"),))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_auto_none_and_a_file(tmp_path: Path) -> None:
    save(tmp_path, RECIPE)
    other = tmp_path / "other.json"
    other.write_text(Recipe(name="other").to_json())
    assert recipes.of(DataConfig(root=str(tmp_path))) == RECIPE
    assert recipes.of(DataConfig(root=str(tmp_path), recipe="none")) == Recipe()
    assert recipes.of(DataConfig(root=str(tmp_path), recipe=str(other))) == Recipe(name="other")
    assert recipes.of(DataConfig()) == Recipe()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file or directory. Set recipe to 'auto', 'none' or the path of a studio.json."),
        ("{", "The recipe of repairs cannot be read"),
        ('{"repairs": [{"kind": "blur"}]}', "studio.json: the repair 'blur' is unknown"),
        ('{"settings": {"lr": 3}}', "studio.json: 'lr' is no setting of data or model that a recipe can have."),
        ('{"settings": {"root": "/"}}', "studio.json: 'root' is no setting of data or model that a recipe can have."),
        ('{"settings": {"labels": "many"}}', "studio.json: Expected labels to be one of auto, classes, instances"),
        ('{"settings": {"source_channels": ["3"]}}', "'source_channels' is no setting"),
    ],
)
def test_a_recipe_that_cannot_be_used(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError) as refusal:
        recipes.of(DataConfig(recipe=str(path)))
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("ignore_index", 7, 7),
        ("class_names", ("sky", "road"), "sky,road"),
        ("channels", ("0", "2"), "0,2"),
        ("color_map", ("0,0,0", "255,0,0"), "0,0,0;255,0,0"),
        ("num_classes", 3, 3),
    ],
)
def test_settings_stand_in_for_defaults_alone(name: str, value: Any, setting: Any) -> None:
    configured = recipes.configure(RunConfig(), Recipe(settings=((name, value),)))
    assert getattr(configured.data, name, None) == setting or getattr(configured.model, name, None) == setting
    assert recipes.configure(configured, Recipe(settings=((name, value),))) == configured
    explicit = RunConfig().replace(ignore_index=1, class_names="a,b", channels="1", color_map="1;2", num_classes=1)
    assert recipes.configure(explicit, Recipe(settings=((name, value),))) == explicit


def test_a_contradiction_is_told_as_the_recipes() -> None:
    with pytest.raises(DataError, match=r"^studio\.json: class_names has 3 names, but there are 2 classes"):
        recipes.configure(RunConfig(model=ModelConfig(num_classes=1)), Recipe(settings=(("class_names", "a,b,c"),)))
