"""The list of scored images: all measures as on the command line, filters, order, pages, and the numbers above it."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from pages.server.evaluation import measuring_job, score_tables
from pages.ui.formatting import score_text
from pages.views.evaluate import scores as scores_view
from pages.views.evaluate import table as scores_table
from pages.views.evaluate.listing import distribution, filters
from tests.helpers.pages import finish_job, show, texts
from tests.pages.evaluate.conftest import root_of
from unet_core import evaluate
from unet_core.evaluation.measures.registry import MEASURES, Settings
from unet_core.evaluation.summary import to_csv
from unet_core.evaluation.tables.distribution import describe_values
from unet_core.evaluation.tables.rows import Range

settled = partial(finish_job, key="scoring")
measured = partial(finish_job, key="measuring")


def table(app):
    return next(element.value for element in app.dataframe if "image" in element.value)


def said(app) -> str:
    return texts(app).replace("\\", "")


def prepared(app, settings: Settings | None = None) -> score_tables.Prepared:
    return score_tables.prepare(app.session_state["scoring"], settings)


def switch_on(app):
    return measured(app.toggle(key="all_measures").set_value(True).run())


def test_all_measures_are_those_of_the_command_line_to_the_last_digit(make_model):
    model = make_model()
    app = switch_on(settled(show("evaluate")))
    expected = evaluate(model.run, root_of(model), metrics="all")
    page = prepared(app, Settings())
    assert page.table.has_causes and "panoptic_quality" in page.table.values
    assert to_csv(page.scores) == expected.to_csv()
    np.testing.assert_equal(page.summary.to_dict(), expected.summary.to_dict())
    by_id = {item.id: item.measured for item in expected.images}
    rows = table(app)
    assert {"hd95", "nsd", "boundary_iou", "object_f1_50", "v_rand", "count_error", "accuracy"} <= set(rows.columns)
    shown = [page.table.ids[row] for row in np.lexsort((page.table.rank, page.table.values["dice"]))]
    for name in set(rows.columns) & set(MEASURES):
        expected_column = [MEASURES[name].function(by_id[name_of]) for name_of in shown]
        np.testing.assert_array_equal(rows[name].astype(float), expected_column, err_msg=name)


def test_tolerance_and_pixel_size_change_outlines_and_nothing_else(make_model):
    model = make_model()
    app = switch_on(settled(show("evaluate")))
    before = prepared(app, Settings()).table.values
    app.number_input(key="evaluate_pixel_size").set_value(0.5).run()
    app = measured(app.number_input(key="evaluate_tolerance").set_value(0.25).run())
    settings = Settings(0.25, 0.5)
    after = prepared(app, settings)
    expected = evaluate(model.run, root_of(model), metrics="all", tolerance=0.25, pixel_size=0.5)
    assert to_csv(after.scores) == expected.to_csv()
    np.testing.assert_array_equal(after.table.values["hd95"], before["hd95"] / 2)
    for name in set(before) - {"hd95", "nsd"}:
        np.testing.assert_array_equal(after.table.values[name], before[name], err_msg=name)
    assert "HD95 (µm)" in app.selectbox(key="distribution_of").options
    assert "NSD at 0.25 µm" in app.selectbox(key="distribution_of").options


def test_measuring_is_canceled_and_continued_and_the_table_stays(make_model):
    make_model()
    app = settled(show("evaluate"))
    with measuring_job.LOCK.turn(object()):  # another visitor measures
        app.toggle(key="all_measures").set_value(True).run()
        assert "Until then the table has the basic ones" in said(app) and len(table(app)) == 3
        job = app.session_state["measuring"]
        app.button(key="cancel_measuring").click().run()
        assert job.wait(60)
        app.run()
    assert "Canceled after 0 of 3 images" in said(app) and "hd95" not in table(app)
    measured(app.button(key="measure_again").click().run())
    assert "hd95" in table(app)
    other = switch_on(settled(show("evaluate")))
    assert "measuring" not in other.session_state, "a second visit finds it done"
    assert "hd95" in table(other)


def test_the_search_the_filters_and_the_way_back(make_model):
    make_model(images=6)
    app = switch_on(settled(show("evaluate")))
    app.text_input(key="evaluate_text").set_value("DARK").run()
    assert sorted(table(app)["image"]) == ["dark/002", "dark/005"]
    assert "2 images, filtered from 6" in said(app)
    app.text_input(key="evaluate_text").set_value("").run()
    dice = np.sort(prepared(app).table.values["dice"])
    app.number_input(key="evaluate_below").set_value(float(dice[2])).run()
    assert len(table(app)) == 2
    assert "Filter (1)" in [block.proto.popover.label for block in app.get("popover")]
    app.number_input(key="evaluate_below").set_value(0.0).run()
    assert "No image passes these filters" in said(app) and not [
        element for element in app.dataframe if "image" in element.value
    ]
    app.button(key="clear_filters").click().run()
    assert len(table(app)) == 6
    values = prepared(app, Settings()).table.values
    for cause in ("outline", "missed", "false"):
        app.selectbox(key="evaluate_cause").set_value(cause).run()
        passed = int((values[f"lost_{cause}"] >= 0.005).sum())
        listed = [element.value for element in app.dataframe if "image" in element.value]
        assert (len(listed[0]) if listed else 0) == passed


def test_what_a_chart_or_another_view_has_picked_is_listed_until_it_is_dropped(make_model):
    make_model(images=6)
    app = settled(show("evaluate"))
    values = prepared(app).table.values["dice"]
    scoring = app.session_state["scoring"]
    within = Range("dice", float(np.sort(values)[1]), 1.0, closed=True)
    app.session_state[filters.PICKED] = filters.Picked(scoring, "Dice 0.2 to 1", within)
    app.run()
    assert len(table(app)) == 5 and app.button(key="drop_picked").label == "Dice 0.2 to 1"
    app.button(key="drop_picked").click().run()
    assert len(table(app)) == 6
    app.session_state[filters.PICKED] = filters.Picked(object(), "of other scores", within)
    app.run()
    assert len(table(app)) == 6, "of another scoring"


def test_a_click_on_a_bar_picks_its_images_and_a_second_one_drops_them(monkeypatch):
    state = {"histogram": {"selection": {"points": [{"curve_number": 0, "point_index": 9}]}}, filters.PAGE: 7}
    monkeypatch.setattr(filters.st, "session_state", state)
    spread, scoring = describe_values("dice", np.array([0.1, 0.48, 0.9])), object()
    distribution.pick_bar(scoring, spread, "Dice", "histogram")
    assert state[filters.PICKED].within == spread.range_of(9) and state[filters.PICKED].words == "Dice 0.45 to 0.5"
    assert state[filters.PAGE] == 1
    state["histogram"] = {"selection": {"points": []}}
    distribution.pick_bar(scoring, spread, "Dice", "histogram")
    assert filters.PICKED not in state


def test_a_click_on_the_head_of_a_column_sorts_by_it_and_a_second_one_turns_the_order(monkeypatch):
    state = {filters.SORT: "Sort by Dice", filters.REVERSE: False}
    monkeypatch.setattr(filters.st, "session_state", state)
    for option, reverse in (
        ("Sort by IoU", False),
        ("Sort by IoU", True),
        ("Sort by IoU", False),
        ("Sort by name", False),
    ):
        filters.sort_by(option)
        assert (state[filters.SORT], state[filters.REVERSE], state[filters.PAGE]) == (option, reverse, 1)


def test_the_sort_by_a_measure_that_is_switched_off_is_that_by_dice(make_model):
    make_model(images=6)
    app = switch_on(settled(show("evaluate")))
    app.selectbox(key="sort").set_value("Sort by HD95 (px)").run()
    values = list(table(app)["hd95"])
    assert values == sorted(values, reverse=True), "the worst, the largest distance, first"
    app.toggle(key="all_measures").set_value(False).run()
    assert not app.exception and app.selectbox(key="sort").value == "Sort by Dice"
    assert list(table(app)["dice"]) == sorted(table(app)["dice"])


def test_a_page_has_twenty_images_and_an_image_of_the_address_opens_its_page(make_model):
    make_model(images=23)
    app = settled(show("evaluate", sort="Sort by name"))
    names = sorted(prepared(app).table.ids)
    assert list(table(app)["image"]) == names[:20] and "1 to 20 of 23 images" in said(app)
    app.session_state[filters.PAGE] = 2
    app.run()
    assert list(table(app)["image"]) == names[20:] and "21 to 23 of 23 images" in said(app)
    app = settled(show("evaluate", sort="Sort by name", image=names[21]))
    assert list(table(app)["image"]) == names[20:]
    assert f"**{names[21]}**" in said(app)


def test_rows_have_pictures_of_the_image_and_its_masks(make_model):
    make_model()
    rows = table(settled(show("evaluate")))
    for name in scores_table.PICTURES:
        assert all(url.startswith("data:image/") for url in rows[name]), name
    assert len(set(rows["thumb_image"])) == 3


def test_under_15_images_there_is_no_interval_and_with_more_it_is_the_one_that_covers(make_model):
    make_model(images=3)
    app = settled(show("evaluate"))
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["95 % interval"] == "too few images" and "Bootstrap interval" not in tiles
    assert "**too few images** for an interval of the mean (15 with a Dice are needed)" in said(app)


def test_the_interval_that_covers_is_beside_the_usual_one(make_model):
    make_model(images=16)
    app = settled(show("evaluate"))
    summary = prepared(app).summary
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["95 % interval"] == f"{summary.bound.low:.3f}–{summary.bound.high:.3f}"
    assert tiles["Bootstrap interval"] == "{:.3f}–{:.3f}".format(*summary.dice_interval)
    assert (tiles["Mean Dice"], tiles["Pooled Dice"]) == tuple(
        score_text(values["dice"]) for values in (summary.mean, summary.pooled)
    )
    assert "**no forecast** for another dataset" in said(app)
    helps = {metric.label: metric.help for metric in app.metric}
    assert "not among these are not covered" in helps["95 % interval"] and "too narrow" in helps["Bootstrap interval"]


def test_means_over_images_and_pooled_are_listed_with_what_is_undefined(make_model):
    make_model()
    app = switch_on(settled(show("evaluate")))
    rows = next(element.value for element in app.dataframe if "pooled" in element.value).set_index("measure")
    summary = prepared(app, Settings()).summary
    assert rows.loc["Dice", "mean"] == summary.mean["dice"] and rows.loc["Dice", "pooled"] == summary.pooled["dice"]
    assert rows.loc["NSD at 2 px", "pooled"] == summary.measures.pooled["nsd"]
    assert np.isnan(rows.loc["HD95 (px)", "pooled"])
    assert rows.loc["HD95 (px)", "undefined"] == summary.measures.undefined["hd95"]


def test_the_scores_that_are_saved_have_all_measures_once_they_are_there(make_model):
    model = make_model()
    app = settled(show("evaluate"))
    assert to_csv(prepared(app).scores) == evaluate(model.run, root_of(model)).to_csv()
    assert "hd95" not in to_csv(prepared(app).scores)
    assert scores_view.explain_trust(prepared(app)).startswith("3 images: ")


@pytest.mark.parametrize(
    ("subsets", "remedy"),
    [
        (["val", "new"], "train with a test share and evaluate its images."),
        (["val", "test"], "choose **Test** in Images."),
    ],
)
def test_the_way_to_an_unbiased_score_is_one_that_is_there(subsets, remedy):
    class Table(SimpleNamespace):
        def __len__(self) -> int:
            return len(self.subsets)

    table = Table(subsets=subsets, empty=np.zeros(2, bool))
    fake = SimpleNamespace(table=table, summary=SimpleNamespace(bound=SimpleNamespace(too_few=True)))
    assert f"For an unbiased score, {remedy}" in scores_view.explain_trust(fake)
