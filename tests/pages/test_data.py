"""The states of the Data page: scanning, healthy, with findings, refused; repairs, their undo, export and import."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pages.views.data import DOCTOR, GALLERY, OVERVIEW, VIEWS
from tests.helpers.datasets import DoneScan, labels, scan_at_once, show_views, widget
from tests.helpers.pages import texts as marked_texts
from unet_core.config.schema import DataConfig
from unet_core.data.checks import process
from unet_core.data.checks.process import ScanProgress, ScanState
from unet_core.data.recipe import recipe as recipe_file
from unet_core.data.recipe.recipe import Recipe, Remedy, make_repair


def texts(app) -> str:
    """All texts, as they are seen."""
    return marked_texts(app).replace("\\", "")


pytestmark = pytest.mark.usefixtures("quick_scans")


def files_of(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("*.png")}


def test_a_healthy_dataset_is_said_to_be_so_with_what_was_checked(healthy):
    app = show_views(healthy, DOCTOR)
    assert "No problems found in 8 images and their masks." in texts(app)
    assert "masks of another size than their image" in texts(app)
    assert "never changed" in texts(app) and "studio" in texts(app)
    assert not app.error and not app.warning
    assert not (healthy / "studio.json").exists()


def test_the_overview_counts_what_is_there(healthy):
    app = show_views(healthy)
    tiles = {metric.label: metric.value for metric in app.metric}
    assert (tiles["Images"], tiles["Channels"], tiles["Bit depth"], tiles["Classes"]) == ("8", "1", "uint8", "2")
    assert "layout `paired`" in texts(app) and "255 = foreground" in texts(app)
    titles = [text for text in ("Intensities", "Foreground", "Object sizes") if f"**{text}**" in texts(app)]
    assert len(titles) == 3 and len(app.get("plotly_chart")) >= 5


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_for_a_healthy_and_for_a_faulty_dataset(healthy, faulty, view):
    for root in (healthy, faulty):
        app = show_views(root, view)
        assert not app.exception


def test_a_first_scan_shows_its_progress_and_the_names_of_the_files(healthy, monkeypatch):
    running = DoneScan(ScanProgress(3, 8, "cells_003", ScanState.RUNNING, ""))
    monkeypatch.setattr(process, "start", lambda data: running)
    app = show_views(healthy, GALLERY)
    assert "Scanning image 3 of 8 cells\\_003" in app.get("progress")[0].proto.text
    assert "1 to 8 of 8 images" in texts(app)
    widget(app.button, "scan_cancel").click().run()
    assert running.cancelled == [True]
    assert {metric.label: metric.value for metric in show_views(healthy, OVERVIEW).metric} == {"Images": "8"}
    assert "Findings appear when the scan is done" in texts(show_views(healthy, DOCTOR))


@pytest.mark.parametrize(
    ("progress", "message"),
    [
        (ScanProgress(3, 8, "", ScanState.CANCELLED, ""), "The scan was canceled"),
        (ScanProgress(3, 8, "", ScanState.FAILED, "Memory is full."), "Memory is full"),
        (ScanProgress(8, 8, "", ScanState.DONE, ""), "changed while they were scanned"),
    ],
)
def test_a_scan_that_ended_without_a_result_can_be_started_again(healthy, monkeypatch, progress, message):
    monkeypatch.setattr(process, "start", lambda data: DoneScan(progress))
    app = show_views(healthy)
    assert message in texts(app)
    monkeypatch.setattr(process, "start", scan_at_once)
    widget(app.button, "scan_again").click().run()
    assert not app.exception and message not in texts(app)
    assert "8 images scanned" in texts(app)


def test_a_known_dataset_is_there_without_a_scan(healthy, monkeypatch):
    scan_at_once(DataConfig(root=str(healthy.resolve())))
    monkeypatch.setattr(process, "start", None)
    assert "8 images scanned" in texts(show_views(healthy))


def test_findings_are_told_by_severity_and_block_training(faulty):
    app = show_views(faulty, DOCTOR)
    assert [header.value for header in app.header][:2] == [
        "Errors: training cannot start (1)",
        "Warnings: masks or scores suffer (1)",
    ]
    assert "**Mask size: 1 image**" in texts(app) and "**Inverted masks: 1 image**" in texts(app)
    assert "cells_003" in texts(show_views(faulty)) and len(show_views(faulty).error) == 1


def test_a_repair_is_recorded_and_undone_and_no_file_changes(faulty):
    before = files_of(faulty)
    app = show_views(faulty, DOCTOR)
    button = next(button for button in app.button if "inverted" in str(button.key) and "remedy" in str(button.key))
    button.click().run()
    assert not app.exception
    saved = recipe_file.load(faulty)
    assert [(repair.kind, repair.samples) for repair in saved.repairs] == [("invert", ("cells_001",))]
    assert "Inverted masks" not in texts(app)
    assert "Mask of cells_001 inverted" in texts(app)
    widget(app.button, "undo repair 0").click().run()
    assert recipe_file.load(faulty).is_empty and "**Inverted masks: 1 image**" in texts(app)
    assert files_of(faulty) == before


def test_all_suggestions_are_listed_applied_at_once_and_undone_at_once(faulty):
    app = show_views(faulty, DOCTOR)
    assert "**2 suggested repairs**" in texts(app)
    assert "- Inverted masks: 1 image: Swap foreground and background" in texts(app)
    widget(app.button, "repair_all").click().run()
    assert not app.exception and "No problems found" in texts(app)
    assert {repair.kind for repair in recipe_file.load(faulty).repairs} == {"fit", "invert"}
    widget(app.button, "undo_all").click().run()
    assert recipe_file.load(faulty).is_empty
    widget(app.button, "undo_last").click().run()
    assert len(recipe_file.load(faulty).repairs) == 2
    widget(app.button, "undo_last").click().run()
    assert recipe_file.load(faulty).is_empty
    assert widget(app.button, "undo_last").disabled


def test_an_opened_example_shows_the_mask_before_and_after(faulty):
    app = show_views(faulty, DOCTOR, **{"examples warning 0 inverted": True})
    pictures = [image for element in app.get("image") for image in element.proto.imgs]
    assert [image.caption for image in pictures] == ["Now", "Repaired"]
    assert "100.0 % of the mask changes" in texts(app)


def test_a_recipe_is_imported_and_a_damaged_one_is_not(healthy):
    app = show_views(healthy, DOCTOR)
    wanted = Recipe().add(Remedy("", (make_repair("remove_specks", area=9),), (("val_fraction", 0.3),)))
    upload = widget(app.file_uploader, "import_recipe")
    upload.set_value([("studio.json", wanted.to_json().encode(), "application/json")]).run()
    assert "1 repairs and 1 settings" in texts(app)
    widget(app.button, "use_recipe").click().run()
    assert recipe_file.load(healthy) == wanted
    for content in (b"{", b"\xff\xfe", json.dumps({"repairs": [{"kind": "explode"}]}).encode()):
        app = show_views(healthy, DOCTOR)
        widget(app.file_uploader, "import_recipe").set_value([("a.json", content, "application/json")]).run()
        assert app.error and "Use this recipe" not in labels(app)
    assert recipe_file.load(healthy) == wanted


def test_a_folder_that_is_no_dataset_is_refused_with_a_choice_of_layouts(tmp_path, healthy):
    empty = tmp_path / "nothing"
    empty.mkdir()
    app = show_views(empty)
    assert app.error and not app.metric
    widget(app.selectbox, "refused layout").select("stack").run()
    assert recipe_file.load(empty).get("layout") == "stack"
    widget(app.selectbox, "refused layout").select("auto").run()
    assert recipe_file.load(empty).get("layout") is None


def test_a_damaged_recipe_is_named_and_can_be_replaced(healthy):
    (healthy / "studio.json").write_text("{")
    app = show_views(healthy)
    assert "studio" in app.error[0].value
    widget(app.button, "replace_recipe").click().run()
    assert not app.error and "8 images scanned" in texts(app)


def test_a_recipe_that_cannot_be_saved_is_told(healthy, monkeypatch):
    def refuse(root, recipe):
        raise OSError(28, "No space left on device")

    app = show_views(healthy)
    monkeypatch.setattr(recipe_file, "save", refuse)
    widget(app.text_input, "name 1").set_value("nucleus")
    widget(app.button, "save classes").click().run()
    assert "No space left on device" in app.error[0].value


def test_names_and_colors_of_classes_are_saved_used_and_set_back(healthy):
    app = show_views(healthy)
    widget(app.text_input, "name 1").set_value("cell, nucleus")
    widget(app.color_picker, "color 1").set_value("#0072b2")
    widget(app.button, "save classes").click().run()
    saved = recipe_file.load(healthy)
    assert saved.get("class_names") == "background,cell nucleus"
    assert saved.colors[1] == "#0072b2"
    assert widget(app.text_input, "name 1").value == "cell nucleus"
    widget(app.button, "reset_classes").click().run()
    assert recipe_file.load(healthy).is_empty and not recipe_file.load(healthy).colors
    assert widget(app.text_input, "name 1").value == "foreground"


def test_other_layouts_are_one_click_away(tmp_path, sample_folder):
    root = Path(shutil.copytree(sample_folder, tmp_path / "two"))
    app = show_views(root)
    others = [button for button in app.button if str(button.key).startswith("layout ")]
    for button in others:
        assert button.key != "layout paired"
    recipe_file.save(root, Recipe(settings=(("layout", "paired"),)))
    app = show_views(root)
    widget(app.button, "layout auto").click().run()
    assert recipe_file.load(root).is_empty


@pytest.mark.parametrize("view", VIEWS)
def test_names_that_are_not_utf8_are_shown_and_repaired(tmp_path, sample_folder, view):
    root = tmp_path / os.fsdecode(b"b\xe4ume")
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
        for number, letter in enumerate((b"\xe4", b"\xf6", b"\xfc", b"a")):
            name = os.fsdecode(b"cell_" + letter + b".png")
            shutil.copy(sample_folder / kind / f"cells_{number:03}.png", root / kind / name)
    for opened in (None, os.fsdecode(b"cell_\xf6")):
        app = show_views(root, view, data_image=opened)
        assert not app.exception
    if view == GALLERY:
        widget(app.button, "image_next").click().run()
        assert not app.exception
        widget(app.button, "leave_out").click().run()
        assert not app.exception and not app.error
        assert len(recipe_file.load(root).repairs) == 1
        assert "3 images scanned" in texts(app)


def test_pixels_of_a_repaired_mask_equal_the_untouched_one(faulty, sample_folder):
    from pages.server.datasets import thumbnails
    from tests.helpers.datasets import read_mask
    from unet_core.data import discovery
    from unet_core.data.checks import scan

    show_app = show_views(faulty, DOCTOR)
    widget(show_app.button, "repair_all").click().run()
    data = DataConfig(root=str(faulty.resolve()))
    result = scan.load_cached(data)
    assert result is not None and not result.refused
    sample = next(item for item in discovery.search_data(data).samples if item.id == "cells_001")
    _, mask, problem = thumbnails.read_pair(sample, thumbnails.Look(result.coding))
    assert problem == ""
    np.testing.assert_array_equal(mask, read_mask(sample_folder, "cells_001") > 0)
