"""The recipe: what it holds comes back from the file as it was, repairs are added once and undone one by one."""

from pathlib import Path

import pytest

from unet_core.data.recipe import recipe as recipes
from unet_core.data.recipe.recipe import Recipe, Remedy, load, make_repair, path_elsewhere, save
from unet_core.errors import DataError
from unet_core.io.files import write_atomically

SHIFT = make_repair("shift", ["b", "ä"], down=3, right=-2)
PAIR = make_repair("pair", ["a"], masks=["x.png", "y.png"])
FULL = Recipe((SHIFT, PAIR), (("ignore_index", 255), ("labels", "values")), ("#000000", "#ff8800"), "Möbius cells")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_recipe_comes_back_as_it_was(tmp_path: Path) -> None:
    assert Recipe.from_json(FULL.to_json()) == FULL
    assert save(tmp_path, FULL) == tmp_path / "studio.json"
    assert load(tmp_path) == FULL
    assert load(tmp_path / "elsewhere") == Recipe()


def test_names_that_are_not_utf8_come_back(tmp_path: Path) -> None:
    recipe = Recipe((make_repair("invert", ["Zelle_\udce4", "ä"]),))
    save(tmp_path, recipe)
    assert load(tmp_path) == recipe
    assert "ä" in Recipe((SHIFT,)).to_json()


def test_what_is_added_can_be_undone() -> None:
    remedy = Remedy("Shift", (SHIFT,), (("labels", "instances"),))
    changed = Recipe().add(remedy)
    assert (changed.repairs, changed.settings) == ((SHIFT,), (("labels", "instances"),))
    assert changed.add(remedy) == changed
    assert changed.get("labels") == "instances"
    assert changed.without(SHIFT).without_setting("labels") == Recipe()
    assert changed.without(PAIR) == changed
    assert not changed.is_empty
    assert Recipe(colors=("#000000",), name="a").is_empty


def test_a_repair_concerns_its_samples_or_all() -> None:
    assert SHIFT.concerns("b")
    assert not SHIFT.concerns("c")
    assert make_repair("invert").concerns("anything")
    assert (SHIFT.get("down"), SHIFT.get("up", 7), PAIR.get("masks")) == (3, 7, ("x.png", "y.png"))


@pytest.mark.parametrize("text", ["", "[]", '{"repairs": [{}]}', '{"repairs": 3}', '{"settings": []}'])
def test_a_damaged_recipe_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "studio.json").write_text(text)
    with pytest.raises(
        DataError, match=r"studio\.json: The recipe of repairs cannot be read .* Correct or remove it\."
    ):
        load(tmp_path)


def test_where_the_folder_cannot_be_written_the_recipe_lies_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    write = write_atomically

    def refuse(path: Path, data: bytes | str) -> None:
        if path.parent == root:
            raise PermissionError(13, "Permission denied")
        write(path, data)

    monkeypatch.setattr(recipes, "write_atomically", refuse)
    assert save(root, FULL) == path_elsewhere(root)
    assert load(root) == FULL
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save(root, Recipe(name="new"))
    assert load(root) == Recipe(name="new")
    assert not path_elsewhere(root).exists()
