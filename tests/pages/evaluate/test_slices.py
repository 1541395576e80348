"""The view of slices: the numbers of the core, the worst first, and a click lists the images of a slice."""

from functools import partial

import numpy as np

from pages.server.evaluation import score_tables
from pages.views.evaluate import slices as slices_view
from pages.views.evaluate.listing import filters
from tests.helpers.pages import finish_job, show, texts
from unet_core.evaluation.slices import PROPERTIES, slice_scores

settled = partial(finish_job, key="scoring")
LABELS = {name: entry.label for name, entry in PROPERTIES.items()}


def table(app):
    return next(element.value for element in app.dataframe if "slice" in element.value)


def test_all_slices_are_listed_worst_first_with_their_intervals(make_model):
    make_model(images=45)
    app = settled(show("evaluate", evaluate_view="Slices"))
    rows, expected = table(app), slice_scores(app.session_state["scoring"].scores.images)
    assert list(zip(rows["by"], rows["slice"], strict=True)) == [(LABELS[part.of], part.name) for part in expected]
    assert {"folder", "brightness", "contrast", "foreground"} <= {part.of for part in expected}
    np.testing.assert_array_equal(rows["dice"], [part.mean for part in expected])
    np.testing.assert_array_equal(rows["low"], [part.interval.low for part in expected])
    assert list(rows["images"]) == [len(part.ids) for part in expected]
    dark = next(part for part in expected if part.of == "folder" and part.name == "dark")
    assert len(dark.ids) == 15 and all(name.startswith("dark/") for name in dark.ids)
    app.segmented_control(key="slices_by").set_value("folder").run()
    assert set(table(app)["by"]) == {"Folder"}


def test_a_click_on_a_slice_lists_its_images(make_model):
    make_model(images=6)
    app = settled(show("evaluate", evaluate_view="Slices"))
    scoring = app.session_state["scoring"]
    part = next(part for part in score_tables.prepare(scoring).slices if part.name == "dark")
    app.session_state[filters.PICKED] = filters.Picked(scoring, "Folder: dark", ids=frozenset(part.ids))
    app.session_state["evaluate_view"] = "Images"
    app.run()
    listed = next(element.value for element in app.dataframe if "image" in element.value)
    assert sorted(listed["image"]) == ["dark/002", "dark/005"]
    assert app.button(key="drop_picked").label.replace("\\", "") == "Folder: dark"


def test_the_click_itself_picks_the_images_and_opens_the_list(make_model, monkeypatch):
    make_model(images=6)
    scoring = settled(show("evaluate")).session_state["scoring"]
    slices = score_tables.prepare(scoring).slices
    state = {"key": {"selection": {"rows": [1]}}}
    monkeypatch.setattr(filters.st, "session_state", state)
    slices_view.open_slice(scoring, slices, LABELS, "key")
    assert state[filters.PICKED].ids == frozenset(slices[1].ids)
    assert state[filters.PICKED].words == f"{LABELS[slices[1].of]}: {slices[1].name}"
    assert state["evaluate_view"] == "Images"


def test_images_that_are_all_alike_have_no_slices(make_model):
    make_model(images=2)
    app = settled(show("evaluate", evaluate_view="Slices"))
    assert "there are no slices to compare" in texts(app)
