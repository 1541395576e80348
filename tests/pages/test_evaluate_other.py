"""Evaluate on another dataset of the list: all its images, those trained on left out or told, as the command line."""

import shutil
from functools import partial

import numpy as np
import pytest
import streamlit as st

from pages.server import model_registry, paths
from pages.ui.dataset_picker import SAMPLE
from tests.helpers.pages import finish_job, show, texts
from unet_core import evaluate
from unet_core.data import synthetic
from unet_core.data.recipe import recipe as recipes
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs

settled = partial(finish_job, key="scoring")


@pytest.fixture
def model(trained, place):
    shutil.copytree(trained.folder, place / trained.id)
    run = runs.Run(place / trained.id)
    return model_registry.Model(run.id, run.best, run)


@pytest.fixture
def others(place, tmp_path):
    """Five images that the model has never seen, named "others"."""
    root = synthetic.write(tmp_path / "others", images=5, seed=7)
    paths.library().link(root)
    return root


@pytest.fixture
def mixed(place, tmp_path, sample_folder, others):
    """The eight images of the run's dataset under other names, and two new ones, named "mixed"."""
    root = tmp_path / "mixed"
    for kind in ("images", "masks"):
        shutil.copytree(sample_folder / kind, root / kind)
        for path in sorted((root / kind).iterdir()):
            path.rename(path.with_name(f"copy_{path.name}"))
        for name in ("cells_000.png", "cells_001.png"):
            shutil.copy(others / kind / name, root / kind / name)
    paths.library().link(root)
    return root


def table(app):
    return next(element.value for element in app.dataframe if "image" in element.value)


def said(app) -> str:
    return texts(app).replace("\\", "")


def evaluated(dataset: str, split: str = "other"):
    return settled(show("evaluate", split=split, dataset=dataset))


def test_another_dataset_is_scored_as_by_the_command_line(model, others):
    app = evaluated("others")
    assert app.selectbox(key="dataset").value == "others" and app.query_params["dataset"] in ("others", ["others"])
    expected = evaluate(model.run, others, split="held-out")
    rows = table(app)
    assert dict(zip(rows["image"], rows["dice"], strict=True)) == pytest.approx(
        {score.id: score.scores["dice"] for score in expected.images}, nan_ok=True
    )
    assert set(rows["subset"]) == {"new"} and len(rows) == 5
    assert list(app.session_state["scoring"].scores.warnings) == expected.warnings
    code = next(block.value for block in app.code)
    assert str(others) in code and "split='held-out'" in code


def test_images_that_the_model_was_trained_on_are_left_out_and_told(model, mixed):
    app = evaluated("mixed")
    expected = evaluate(model.run, mixed)
    assert expected.images_by_split["train"] == 6
    assert len(table(app)) == len(expected.images) == 4
    assert "6 images are left out: the model was trained on them (copy_cells_0" in said(app)
    assert set(table(app)["subset"]) == {"val (chose the epoch)", "new"}
    app.selectbox(key="split").set_value("other-all").run()
    settled(app)
    rows = table(app)
    assert len(rows) == 10 and list(rows["subset"]).count("train (trained on)") == 6
    assert "The model was trained on 6 of these images" in said(app)
    assert app.session_state["scoring"].scores.record.remarks == evaluate(model.run, mixed, split="all").warnings


def test_the_runs_own_images_stay_the_first_choice(model, others):
    app = settled(show("evaluate", dataset="others"))
    assert app.selectbox(key="split").value == "held-out"
    assert sorted(table(app)["image"]) == sorted(model.run.split()["val"])
    assert "dataset" not in [box.key for box in app.selectbox]
    app.selectbox(key="split").set_value("other").run()
    settled(app)
    assert app.selectbox(key="dataset").value == "others"
    app.selectbox(key="dataset").set_value(SAMPLE).run()
    settled(app)
    assert sorted(table(app)["image"]) == sorted(model.run.split()["val"])


def test_a_repair_of_the_dataset_changes_its_scores(model, others):
    before = table(evaluated("others")).set_index("image")["dice"]
    recipes.save(others, Recipe((make_repair("leave_out", ["cells_002"]),)))
    rows = table(evaluated("others")).set_index("image")["dice"]
    assert set(before.index) - set(rows.index) == {"cells_002"}
    np.testing.assert_array_equal(rows.sort_index(), before.drop("cells_002").sort_index())


def test_a_dataset_that_was_removed_and_a_damaged_recipe_are_said(model, others):
    app = evaluated("gone")
    assert "There is no dataset 'gone' any more" in said(app) and not app.dataframe
    (others / "studio.json").write_text("{")
    app = evaluated("others")
    assert "studio.json" in said(app) and not app.dataframe


def test_a_mask_that_is_replaced_changes_the_scores(model, others):
    before = table(evaluated("others")).set_index("image")["dice"]
    path = others / "masks" / "cells_000.png"
    path.write_bytes(encode_png(images.read_mask(path)[::-1]))
    st.cache_data.clear()  # as after half a minute
    after = table(evaluated("others")).set_index("image")["dice"]
    assert [name for name in before.index if before[name] != after[name]] == ["cells_000"]
