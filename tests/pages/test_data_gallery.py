"""The gallery of the Data page: filters, sorts, pages, an opened image in the viewer, images that are left out."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pages.server import pixel_store
from pages.server.datasets import comparison, thumbnails
from pages.server.datasets.thumbnails import FILLED, NONE, OUTLINES, SIDE, Look
from pages.views.data import GALLERY, PAIRS
from pages.views.data.left_out import leave_out, list_names, take_back
from tests.helpers.datasets import labels, read_mask, show_views, widget
from tests.helpers.pages import texts
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.data.recipe import recipe as recipe_file
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.io.pixels import composite, encode_png

pytestmark = pytest.mark.usefixtures("quick_scans")


@pytest.fixture
def many(tmp_path) -> Path:
    """50 tiny images, of which number 7 is the darkest and 9 has two classes; in the folders of three mice."""
    root = tmp_path / "many"
    rng = np.random.default_rng(0)
    for number in range(50):
        folder = f"mouse{number % 3}"
        image = rng.integers(100, 200, (24, 30)).astype(np.uint8) // (4 if number == 7 else 1)
        mask = np.zeros((24, 30), np.uint8)
        mask[4:12, 4 : 12 + number % 5] = 1
        if number == 9:
            mask[16:20, 16:20] = 2
        for kind, pixels in (("images", image), ("masks", mask)):
            path = root / kind / folder / f"cell_{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(pixels))
    return root


def shown(app) -> list[str]:
    """The names on the buttons of the grid."""
    return [button.label.replace("\\", "") for button in app.button if str(button.key).startswith("open ")]


def viewer(app) -> dict:
    """What the page tells the viewer."""
    return next(
        data for data in (json.loads(item.proto.json) for item in app.get("bidi_component")) if "layers" in data
    )


def pictures(app) -> list:
    return [image for element in app.get("image") for image in element.proto.imgs]


def test_a_page_shows_24_images_and_reads_no_others(many, monkeypatch):
    read = []
    original = thumbnails.read_pair
    monkeypatch.setattr(
        thumbnails, "read_pair", lambda sample, look: (read.append(sample.id), original(sample, look))[1]
    )
    app = show_views(many, GALLERY)
    assert len(shown(app)) == len(pictures(app)) == 24 and "1 to 24 of 50 images" in texts(app)
    assert sorted(name.rpartition("/")[2] for name in read) == sorted(name.rpartition("/")[2] for name in shown(app))
    app.session_state[f"gallery_page {many.resolve()}"] = 3
    app.run()
    assert len(shown(app)) == 2 and "49 to 50 of 50 images" in texts(app)
    assert len(read) == len(set(read)) == 26
    app.session_state[f"gallery_page {many.resolve()}"] = 1
    app.run()
    assert len(read) == 26  # kept


def test_search_class_and_sort(many):
    app = show_views(many, GALLERY)
    widget(app.text_input, "gallery_text").set_value("CELL_1").run()
    assert sorted(shown(app)) == sorted(f"mouse{number % 3}/cell_{number}" for number in range(10, 20))
    widget(app.text_input, "gallery_text").set_value("").run()
    widget(app.selectbox, "gallery_class").select_index(2).run()
    assert shown(app) == ["mouse0/cell_09"]
    widget(app.selectbox, "gallery_class").select(None).run()
    widget(app.selectbox, "gallery_sort").select("darkest").run()
    assert shown(app)[0] == "mouse1/cell_07"
    app.session_state[f"gallery_page {many.resolve()}"] = 3
    app.run()
    widget(app.selectbox, "gallery_sort").select("brightest").run()
    assert "1 to 24 of 50 images" in texts(app)  # at the first page again
    widget(app.text_input, "gallery_text").set_value("no such file").run()
    assert shown(app) == [] and "No image passes this filter" in texts(app)


def test_images_with_findings_are_marked_and_can_be_shown_alone(faulty):
    app = show_views(faulty, GALLERY)
    widget(app.selectbox, "gallery_shown").select("With problems").run()
    assert {"cells_001", "cells_003"} <= set(shown(app)) <= {f"cells_{number:03}" for number in range(8)}
    marked = {button.label for button in app.button if button.proto.icon}
    assert "cells\\_001" in marked


def test_an_image_opens_in_the_viewer_with_its_mask_in_the_chosen_color(healthy):
    recipe_file.save(healthy, Recipe(settings=(("class_names", "ground,nucleus"),), colors=("#000000", "#0072b2")))
    app = show_views(healthy, GALLERY)
    widget(app.button, "open cells_002").click().run()
    assert not app.exception
    data = viewer(app)
    assert data["settings"]["mode"] == "truth" and data["settings"]["color"] == "#0072b2"
    assert data["class_names"] == ["ground", "nucleus"] and not data["multiclass"]
    truth = pixel_store.STORE.get(data["layers"]["truth"]["id"]).values
    np.testing.assert_array_equal(truth, read_mask(healthy, "cells_002") > 0)
    assert "(3 of 8)" in texts(app) and "uint8" in texts(app)
    widget(app.button, "image_next").click().run()
    assert viewer(app)["name"] == "cells_003"
    widget(app.button, "close_image").click().run()
    assert len(shown(app)) == 8


def test_an_opened_image_leads_to_its_pair(many):
    app = show_views(many, GALLERY, data_image="mouse0/cell_09")
    widget(app.button, "change_mask").click().run()
    assert app.session_state["data_view"] == PAIRS
    assert list(app.dataframe[0].value["Image"]) == ["images/mouse0/cell_09.png"]
    assert widget(app.multiselect, "masks of mouse0/cell_09").value == ["masks/mouse0/cell_09.png"]


def test_the_filter_outlives_an_opened_image_and_orders_its_neighbors(many):
    app = show_views(many, GALLERY)
    widget(app.selectbox, "gallery_sort").select("darkest").run()
    widget(app.text_input, "gallery_text").set_value("mouse1").run()
    names = shown(app)
    widget(app.button, f"open {names[0]}").click().run()
    assert f"(1 of {len(names)})" in texts(app) and widget(app.button, "image_previous").disabled
    widget(app.button, "image_next").click().run()
    assert viewer(app)["name"] == names[1]
    widget(app.button, "close_image").click().run()
    assert shown(app) == names


def test_contrast_limits_change_what_is_shown_and_not_the_values(healthy):
    app = show_views(healthy, GALLERY, data_image="cells_002")
    before = pixel_store.STORE.get(viewer(app)["layers"]["image"]["id"])
    widget(app.slider, "data-contrast").set_value((10.0, 90.0)).run()
    after = pixel_store.STORE.get(viewer(app)["layers"]["image"]["id"])
    np.testing.assert_array_equal(after.values, before.values)
    expected = composite(before.values, (0,), (10.0, 90.0), ((255, 255, 255),))
    np.testing.assert_array_equal(after.shown, expected)


def test_several_classes_open_with_a_color_each(many):
    app = show_views(many, GALLERY, data_image="mouse0/cell_09")
    data = viewer(app)
    assert data["multiclass"] and len(data["colors"]) == 3
    assert set(np.unique(pixel_store.STORE.get(data["layers"]["truth"]["id"]).values)) == {0, 1, 2}


def test_an_image_is_left_out_listed_and_taken_back(healthy):
    app = show_views(healthy, GALLERY, data_image="cells_002")
    widget(app.button, "leave_out").click().run()
    assert list_names(recipe_file.load(healthy)) == ["cells_002"]
    assert viewer(app)["name"] == "cells_003"  # the next one
    widget(app.button, "close_image").click().run()
    assert len(shown(app)) == 7
    widget(app.selectbox, "gallery_shown").select("Left out").run()
    assert len(pictures(app)) == 1 and "Use this image" in labels(app)
    widget(app.button, "take back cells_002").click().run()
    assert recipe_file.load(healthy).is_empty and "No image is left out" in texts(app)


def test_an_image_without_a_readable_mask_says_why(faulty):
    app = show_views(faulty, GALLERY, data_image="cells_003")
    assert "truth" not in viewer(app)["layers"]
    assert "pixels" in " ".join(warning.value for warning in app.warning)


def test_leaving_out_keeps_one_repair_and_other_repairs():
    other = make_repair("invert", ["b"])
    recipe = leave_out(leave_out(Recipe((other,)), "b"), "a")
    assert recipe.repairs == (other, make_repair("leave_out", ["a", "b"]))
    assert take_back(recipe, "b").repairs == (other, make_repair("leave_out", ["a"]))
    assert take_back(take_back(recipe, "b"), "a").repairs == (other,)
    assert take_back(recipe, "c") == recipe


def decoded(thumbnail: thumbnails.Thumbnail) -> np.ndarray:
    import cv2

    return cv2.imdecode(np.frombuffer(thumbnail.data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_thumbnails_are_square_and_follow_style_and_color(many):
    sample = discovery.find(many)[0]
    plain, red = thumbnails.make(sample, Look(style=NONE)), Look(colors=("#000000", "#ff0000"), style=FILLED)
    pixels = decoded(plain)
    assert pixels.shape == (SIDE, SIDE, 4)
    rows = np.flatnonzero(pixels[:, SIDE // 2, 3] > 128)
    assert len(rows) == round(SIDE * 24 / 30)
    filled = decoded(thumbnails.make(sample, red)).astype(int)
    inside = filled[96, 96], pixels[96, 96].astype(int)
    assert inside[0][2] - inside[1][2] > 20 > abs(inside[0][1] - inside[1][1] // 2)
    assert thumbnails.make(sample, Look(style=OUTLINES)).data != plain.data
    assert thumbnails.make(sample, Look(style=NONE)) is plain


def test_a_thumbnail_of_a_damaged_file_says_why(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no image")
    thumbnail = thumbnails.make(Sample("a", path, ()), Look())
    assert thumbnail.data == b"" and "a.png" in thumbnail.problem
    gone = thumbnails.make(Sample("b", tmp_path / "b.png", ()), Look())
    assert gone.data == b"" and gone.problem


def test_a_small_change_is_shown_as_a_close_up(many):
    from dataclasses import replace

    sample = discovery.find(many)[0]
    same = comparison.compare((sample, Look()), (sample, Look()))
    assert same.changed == 0 and not same.is_close_up
    inverted = replace(sample, repairs=(make_repair("invert"),))
    assert comparison.compare((sample, Look()), (inverted, Look())).changed == 0  # without a coding


def test_masks_of_different_size_are_not_compared(faulty):
    shutil.copy(faulty / "masks" / "cells_000.png", faulty / "masks" / "cells_002.png")
    sample = next(item for item in discovery.examine(config(faulty)).samples if item.id == "cells_003")
    pair = comparison.compare((sample, Look()), (sample, Look()))
    assert pair.changed is None and pair.before.data and pair.before.problem


def config(root: Path):
    from unet_core.config.schema import DataConfig

    return DataConfig(root=str(root))
