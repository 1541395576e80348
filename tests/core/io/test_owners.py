"""Owners of folders: who may look at a run or dataset and who may change it."""

import threading

import pytest

from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import DataError, RunError
from unet_core.io import owners

ANNA, BERT = "a" * 32, "b" * 32


def test_the_operator_sees_and_changes_all(tmp_path):
    for owner in (ANNA, owners.STRANGER):
        folder = tmp_path / owner
        folder.mkdir()
        with owners.acting_as(owner):
            owners.record(folder)
        assert owners.owner_of(folder) == owner
        assert owners.is_own(folder) and owners.is_visible(folder)
        owners.check_run(folder)


def test_what_the_operator_makes_has_no_record_and_is_for_all_to_see(tmp_path):
    owners.record(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for owner in (ANNA, owners.STRANGER):
        with owners.acting_as(owner):
            assert owners.is_visible(tmp_path) and not owners.is_own(tmp_path)
            with pytest.raises(RunError, match="belongs to this server and cannot be changed here"):
                owners.check_run(tmp_path)


def test_what_is_anothers_is_answered_as_what_is_not_there(tmp_path):
    with owners.acting_as(ANNA):
        owners.record(tmp_path)
        owners.check_run(tmp_path)
    for owner in (BERT, owners.STRANGER):
        with owners.acting_as(owner):
            assert not owners.is_visible(tmp_path)
            with pytest.raises(RunError, match=f"There is no run '{tmp_path.name}' here."):
                owners.check_run(tmp_path)


def test_a_stranger_owns_nothing_not_even_what_strangers_made(tmp_path):
    with owners.acting_as(owners.STRANGER):
        owners.record(tmp_path)
        assert not owners.is_own(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"c" * 32])
def test_a_damaged_record_is_nobodys(tmp_path, content):
    (tmp_path / owners.FILE).write_bytes(content)
    with owners.acting_as(ANNA):
        assert not owners.is_visible(tmp_path) and not owners.is_own(tmp_path)


def test_acting_ends_with_the_block_also_after_an_error():
    with pytest.raises(ValueError), owners.acting_as(ANNA):
        with owners.acting_as(None):
            assert owners.current() is None
        assert owners.current() == ANNA
        raise ValueError
    assert owners.current() is None


def test_threads_do_not_inherit_who_acts(monkeypatch):
    monkeypatch.setattr(owners, "_identify", lambda: owners.STRANGER)
    said = []
    with owners.acting_as(ANNA):
        thread = threading.Thread(target=lambda: said.append(owners.current()))
        thread.start()
        thread.join()
    assert said == [owners.STRANGER]


def test_a_recipe_is_saved_for_the_owner_of_the_folder_above_alone(tmp_path):
    cells = tmp_path / "cells"
    cells.mkdir()
    with owners.acting_as(ANNA):
        with pytest.raises(DataError, match="The dataset cells belongs to this server"):
            recipe.save(cells, Recipe(name="mine"))
        assert list(cells.iterdir()) == []
        owners.record(tmp_path)
        recipe.save(cells, Recipe(name="mine"))
    with owners.acting_as(BERT), pytest.raises(DataError, match="Upload a copy of your own"):
        recipe.save(cells, Recipe(name="theirs"))
    assert recipe.load(cells).name == "mine"
