"""The datasets of visitors: each has a library, beside which the server's is seen."""

import pytest

from pages.server import paths
from pages.server.uploads.store import GoneError, UploadStore
from pages.server.visitors.libraries import all_libraries
from unet_core.data.library.library import Library
from unet_core.data.recipe import recipe
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import DataError
from unet_core.io import owners

ANNA, BERT = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def datasets(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "datasets"))
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    return tmp_path / "datasets"


def add(name, owner):
    with owners.acting_as(owner):
        library = paths.library()
        staging = library.folder / ".new"
        staging.mkdir(parents=True)
        (staging / "a.png").write_bytes(b"x")
        return library.add(staging, name)


def names(owner):
    with owners.acting_as(owner):
        return [entry.name for entry in paths.library().entries()]


def test_each_sees_the_own_datasets_and_those_of_the_server():
    add("shared", None)
    assert add("cells", ANNA).name == "cells"
    assert add("cells", BERT).name == "cells", "the name of another's dataset is free, and is not told"
    assert add("shared", BERT).name != "shared", "that of the server is taken"
    assert names(ANNA) == ["cells", "shared"]
    assert names(BERT) == ["cells", "shared", "shared_2"]
    assert names(owners.STRANGER) == ["shared"]
    assert names(None) == ["shared"]


def test_a_name_that_the_server_takes_later_is_told_apart():
    add("cells", ANNA)
    add("cells", None)
    with owners.acting_as(ANNA):
        entries = {entry.name: entry.root.parent.name for entry in paths.library().entries()}
    assert entries == {"cells": ANNA, "cells_2": "datasets"}


def test_only_ones_own_are_renamed_removed_restored_and_repaired(datasets):
    shared, annas = add("shared", None), add("cells", ANNA)
    with owners.acting_as(BERT):
        for name, message in (("shared", "belongs to this server"), ("cells", "There is no dataset 'cells' here")):
            with pytest.raises(DataError, match=message):
                paths.library().rename(name, "mine")
            with pytest.raises(DataError, match=message):
                paths.library().remove(name)
        for entry in (shared, annas):
            with pytest.raises(DataError, match="belongs to this server"):
                recipe.save(entry.root, Recipe(name="x"))
        with pytest.raises(DataError, match="Folders of the server cannot be chosen here"):
            paths.library().link(annas.root)
    assert names(ANNA) == ["cells", "shared"] and annas.root.is_dir()
    with owners.acting_as(ANNA):
        recipe.save(annas.root, Recipe(name="x"))
        assert paths.library().rename("cells", "nuclei").name == "nuclei"
        removed = paths.library().remove("nuclei")
    with owners.acting_as(BERT):
        assert paths.library().removed() == [] and paths.library().removed_size() == 0
        paths.library().empty_trash(0)
        with pytest.raises(DataError, match="no longer in the trash"):
            paths.library().restore(removed.key)
    with owners.acting_as(ANNA):
        assert paths.library().restore(removed.key).root == annas.root


def test_a_stranger_adds_nothing():
    with pytest.raises(DataError, match="does not know this visitor"):
        add("cells", owners.STRANGER)


def test_housekeeping_reaches_all(datasets):
    add("cells", ANNA)
    add("shared", None)
    (datasets / ".visitors" / "no owner").mkdir()
    assert [library.folder for library in all_libraries(datasets)] == [datasets, datasets / ".visitors" / ANNA]
    with owners.acting_as(ANNA):
        paths.library().remove("cells")
    for library in all_libraries(datasets):
        library.empty_trash(0)
    with owners.acting_as(ANNA):
        assert paths.library().removed() == []


def test_locally_there_is_one_library_without_folders_of_visitors(datasets):
    assert type(paths.library()) is Library and paths.library().folder == datasets
    assert paths.models_dir() == paths.shared_models_dir()


def test_models_that_a_visitor_adds_are_the_visitors(tmp_path):
    from pages.server import model_registry

    with owners.acting_as(ANNA):
        own = paths.models_dir()
    for folder in (
        paths.shared_models_dir() / "shared",
        paths.shared_models_dir() / "same",
        own / "mine",
        own / "same",
    ):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").touch()
    with owners.acting_as(ANNA):
        assert model_registry.find_imported() == [own / "mine", own / "same", paths.shared_models_dir() / "shared"]
    with owners.acting_as(BERT):
        assert [folder.name for folder in model_registry.find_imported()] == ["same", "shared"]


def test_an_upload_of_predict_is_nothing_for_another_who_has_its_key(tmp_path):
    store = UploadStore(tmp_path / "uploads")
    with owners.acting_as(ANNA):
        upload = store.add([("a.png", b"x")])
        assert upload.visitor == ANNA
    for owner in (BERT, owners.STRANGER):
        with owners.acting_as(owner):
            with pytest.raises(GoneError):
                store.get(upload.key)
            with pytest.raises(GoneError):
                store.set_removed(upload, ["a.png"])
            store.remove(upload.key)
    with owners.acting_as(ANNA):
        assert store.get(upload.key) == upload
        store.remove(upload.key)
        with pytest.raises(GoneError):
            store.get(upload.key)
