"""Pairs and the split on the Data page: corrected by hand, divided, checked for leaks, and handed to Train."""

import shutil

import pytest

from pages.server.datasets import scans
from pages.views.data import AUGMENTATION, PAIRS, SPLIT, pairs
from tests.helpers.datasets import labels, scan_at_once, show_views, widget
from tests.helpers.pages import texts
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import dataset, discovery
from unet_core.data.recipe import recipe as recipe_file
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.training import splitting

pytestmark = pytest.mark.usefixtures("quick_scans")


@pytest.fixture
def lacking(healthy):
    """Two images without a mask, of which one has a mask by another name."""
    (healthy / "masks" / "cells_001.png").unlink()
    (healthy / "masks" / "cells_002.png").rename(healthy / "masks" / "strange.png")
    return healthy


def selected(root, row: int):
    """The page with a row of the table selected."""
    return show_views(root, PAIRS, pairs_table={"selection": {"rows": [row], "columns": [], "cells": []}})


def test_pairs_are_listed_with_what_is_missing(lacking):
    app = show_views(lacking, PAIRS)
    said = texts(app).replace("\\", "")
    assert "6 images have a mask, 2 have none; 1 masks have no image" in said
    assert "masks/strange.png" in said
    table = app.dataframe[0].value
    assert list(table["Pairing"]) == ["no mask"] * 2 + ["paired"] * 6
    assert list(table["Image"][:2]) == ["images/cells_001.png", "images/cells_002.png"]
    widget(app.text_input, "pairs_text").set_value("CELLS_004").run()
    assert list(app.dataframe[0].value["Mask"]) == ["masks/cells_004.png"]
    widget(app.text_input, "pairs_text").set_value("nowhere").run()
    assert not app.dataframe and "No image passes this filter" in texts(app)


def test_a_mask_is_chosen_by_hand_and_given_back(lacking):
    app = selected(lacking, 1)
    chooser = widget(app.multiselect, "masks of cells_002")
    assert chooser.options == ["masks/strange.png"] and widget(app.button, "use_masks").disabled
    chooser.select("masks/strange.png").run()
    widget(app.button, "use_masks").click().run()
    assert not app.exception
    repair = make_repair("pair", ["cells_002"], masks=["masks/strange.png"])
    assert recipe_file.load(lacking).repairs == (repair,)
    sample = next(item for item in discovery.examine(DataConfig(root=str(lacking))).samples if item.id == "cells_002")
    assert [path.name for path in sample.masks] == ["strange.png"]
    app = show_views(lacking, PAIRS)
    assert list(app.dataframe[0].value["Pairing"][:2]) == ["no mask", "by hand"]
    app = selected(lacking, 1)
    widget(app.button, "unpair").click().run()
    assert recipe_file.load(lacking).is_empty


def test_images_without_a_mask_are_left_out_or_empty_by_one_click(lacking):
    (lacking / "masks" / "strange.png").unlink()
    app = show_views(lacking, PAIRS)
    widget(app.button, "unlabeled empty").click().run()
    assert recipe_file.load(lacking).get("unlabeled") == "empty"
    assert len(discovery.search_data(DataConfig(root=str(lacking))).samples) == 8
    recipe_file.save(lacking, Recipe())
    app = show_views(lacking, PAIRS)
    widget(app.button, "unlabeled leave_out").click().run()
    assert len(discovery.search_data(DataConfig(root=str(lacking))).samples) == 6


def test_one_image_is_left_out(healthy):
    app = selected(healthy, 0)
    widget(app.button, "leave_out_pair").click().run()
    assert recipe_file.load(healthy).repairs == (make_repair("leave_out", ["cells_000"]),)


def test_pairing_again_replaces_the_pair_and_leaves_others():
    other = make_repair("pair", ["b"], masks=["m/b.png"])
    recipe = pairs.pair(pairs.pair(Recipe((other,)), "a", ["m/1.png"]), "a", ["m/2.png", "m/3.png"])
    assert recipe.repairs == (other, make_repair("pair", ["a"], masks=["m/2.png", "m/3.png"]))
    assert pairs.unpair(recipe, "a").repairs == (other,)


def drawn_in_training(root, **changes):
    config = RunConfig().replace(root=str(root), **changes)
    images = dataset.load_dataset(discovery.find(root), config.data, config.model)
    return splitting.draw_split(images, config.data, splitting.make_records(images)).split


def test_the_split_is_that_of_training_and_its_settings_are_saved(healthy):
    app = show_views(healthy, SPLIT)
    assert list(app.dataframe[0].value["Images"]) == [6, 2]
    assert "Leak check: no image" in texts(app)
    assert widget(app.button, "use_split").disabled
    widget(app.slider, "split test_fraction").set_value(0.25)
    widget(app.number_input, "split seed").set_value(3).run()
    assert list(app.dataframe[0].value["Part"]) == ["Training", "Validation", "Test"]
    widget(app.button, "use_split").click().run()
    saved = recipe_file.load(healthy)
    assert dict(saved.settings) == {"test_fraction": 0.25, "split_seed": 3}
    configured = recipes.configure(RunConfig().replace(root=str(healthy)), saved)
    assert (configured.data.test_fraction, configured.data.split_seed) == (0.25, 3)
    scans.forget()
    from unet_core.data.checks import scan

    parts = scan.load_cached(DataConfig(root=str(healthy.resolve()))).parts
    expected = drawn_in_training(healthy, test_fraction=0.25, split_seed=3)
    assert {part: set(ids) for part, ids in parts.items()} == {part: set(ids) for part, ids in expected.parts()}
    app = show_views(healthy, SPLIT, split_images=True)
    for part, ids in expected.parts():
        assert f"**{ {'train': 'Training', 'val': 'Validation', 'test': 'Test'}[part] }**: " + ", ".join(ids) in texts(
            app
        ).replace("\\", "")
    widget(app.button, "reset_split").click().run()
    assert recipe_file.load(healthy).is_empty


def test_groups_by_a_pattern_stay_together_and_a_bad_one_is_told(healthy):
    app = show_views(healthy, SPLIT)
    widget(app.selectbox, "split group").select("pattern").run()
    assert "Enter a pattern" in texts(app)
    widget(app.text_input, "split pattern").set_value("cells_00([0-3])").run()
    assert not app.error
    widget(app.text_input, "split pattern").set_value("(").run()
    assert "regular expression" in app.error[0].value
    widget(app.selectbox, "split group").select("none").run()
    assert not app.error and list(app.dataframe[0].value["Groups"]) == [6, 2]


def test_copies_across_folders_are_a_leak(tmp_path, healthy):
    root = tmp_path / "divided"
    for kind in ("images", "masks"):
        for number, path in enumerate(sorted((healthy / kind).iterdir())):
            part = root / ("val" if number > 5 else "train") / kind
            part.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, part / path.name)
        shutil.copy(healthy / kind / "cells_000.png", root / "val" / kind / "other.png")
    app = show_views(root, SPLIT)
    said = " ".join(warning.value for warning in app.warning).replace("\\", "")
    assert "1 images for validation are copies of training images" in said and "val/other" in said
    assert "Folders give the images for validation" in texts(app)
    assert widget(app.slider, "split val_fraction").disabled


def test_the_preview_of_the_augmentation_shows_the_users_own_pairs(healthy):
    app = show_views(healthy, AUGMENTATION)
    assert len([image for element in app.get("image") for image in element.proto.imgs]) == 15
    widget(app.selectbox, "data_crop").select(64).run()
    assert not app.exception and "Crops are 64 px wide" in texts(app)
    assert "Start training" not in labels(app)


def test_a_scan_is_found_by_its_settings(healthy):
    assert scans.find(DataConfig(root=str(healthy)), "") is None
    scan_at_once(DataConfig(root=str(healthy)))
    first = scans.find(DataConfig(root=str(healthy)), "")
    assert first is not None and scans.find(DataConfig(root=str(healthy)), "") is first
    scans.forget()
    again = scans.find(DataConfig(root=str(healthy)), "")
    assert again is not first and again == first
