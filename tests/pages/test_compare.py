"""The Compare page: runs side by side, the leaderboard, and duels, whose numbers are those of Python."""

import json
import shutil

import pytest

from pages.server import model_registry, paths
from pages.ui.figures import charts
from tests.helpers.pages import EPOCH, STARTED, finish_job, make_run, show, texts
from tests.helpers.untrained import make_untrained
from unet_core import duel
from unet_core.io import owners
from unet_core.runs import manage
from unet_core.runs.manage import Notes


def words(app) -> str:
    return texts(app).replace("\\", "")


def table(app, column: str):
    return next(element.value for element in app.dataframe if column in element.value).to_dict("records")


def open_duel(**query):
    """After both models are scored, one after the other."""
    app = show("compare", compare_view="Duel", **query)
    for key in ("duel_job_a", "duel_job_b"):
        finish_job(app, key)
    return app


@pytest.fixture
def pair(place, sample_folder):
    """Of the eight images the first has seen 0 to 2, the second 1 to 3."""
    first = make_untrained(place, sample_folder, range(3), [3, 4], seed=1)
    return first, make_untrained(place, sample_folder, range(1, 4), [4, 5], seed=2)


# Runs ---------------------------------------------------------------------------------------------------------------


def test_without_runs_it_says_what_to_do(place, sample_folder):
    app = show("compare")
    assert not app.exception
    assert "Comparing takes two runs or more" in texts(app)
    assert "There is no trained model yet" in texts(show("compare", compare_view="Duel"))
    make_run(place, sample_folder, STARTED, EPOCH)
    assert "Comparing takes two runs or more" in texts(show("compare"))


def test_the_newest_two_are_compared_and_the_address_names_them(pair, place, sample_folder):
    newest = make_untrained(place, sample_folder, range(3), [3, 4], seed=3)
    app = show("compare")
    assert not app.exception
    assert app.session_state["compare_runs"] == [newest.id, pair[1].id]
    assert app.query_params["runs"] in (f"{newest.id},{pair[1].id}", [f"{newest.id},{pair[1].id}"])
    assert [row["seed"] for row in table(app, "seed")] == ["3", "2"]
    assert "They differ in: Random seed (3, 2)." in words(app)
    named = show("compare", runs=f"{pair[0].id},{newest.id}")
    assert [row["best Dice"] for row in table(named, "seed")] == [0.5, 0.7]
    assert {row["validation images"] for row in table(named, "seed")} == {"2 (set 1)"}
    assert all(row["model size"] > 0 for row in table(named, "seed"))


def test_two_chosen_runs_are_a_button_away_from_their_duel(pair, place):
    app = show("compare", runs=f"{pair[0].id},{pair[1].id}")
    app.button(key="open_duel").click().run()
    assert not app.exception
    assert (app.session_state["duel_a"], app.session_state["duel_b"]) == (pair[0].id, pair[1].id)
    assert "Model A" in [box.label for box in app.selectbox]
    newest = make_run(place, pair[0].config.data.root, STARTED, EPOCH)  # without a checkpoint
    app = show("compare", runs=f"{pair[0].id},{newest.id}")
    assert "open_duel" not in [button.key for button in app.button]


def test_a_run_of_the_address_that_is_gone_is_said(pair, place):
    app = show("compare", runs=f"{pair[0].id},gone,{pair[1].id}")
    assert not app.exception
    assert "Not available, because deleted or not yours: gone." in words(app)
    assert app.session_state["compare_runs"] == [run.id for run in pair]


def test_curves_over_epochs_steps_and_minutes(pair, place):
    app = show("compare")

    def points() -> list[list[float]]:
        return [trace["x"] for trace in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]]

    assert points() == [[1], [1]]
    for over, value in (("Step", 3), ("Minute", 4.0 / 60)):
        app.session_state["chosen_over"] = over
        app.run()
        assert points() == [[value], [value]]


def test_the_leaderboard_is_of_one_dataset_and_says_which_scores_compare(pair, place, sample_folder, tmp_path):
    others = shutil.copytree(sample_folder, tmp_path / "others")
    foreign = make_untrained(place, others, range(3), [3, 4], seed=5)
    app = show("compare", leaderboard_dataset="cells")
    board = table(app, "place")
    assert [(row["place"], row["name"], row["best Dice"]) for row in board] == [
        (1, pair[1].id, 0.6),
        (1, pair[0].id, 0.5),
    ]
    assert [row["validation images"] for row in board] == ["2 (set 1)", "2 (set 2)"]
    assert "validated on different images (2 sets)" in words(app)
    app = show("compare")
    assert [row["name"] for row in table(app, "place")] == [foreign.id]


def test_train_compares_with_the_same_table_and_links_to_the_page(pair, place):
    app = show("train", view="Runs", runs=",".join(run.id for run in pair))
    app.session_state["view"] = "Runs"
    app.run()
    assert not app.exception
    assert [row["seed"] for row in table(app, "seed")] == ["1", "2"]
    links = [link.proto for link in app.get("page_link")]
    assert [link.query_string for link in links if link.page.endswith("compare")] == [
        f"runs={pair[0].id}%2C{pair[1].id}"
    ]


# Duels --------------------------------------------------------------------------------------------------------------


def test_a_duel_has_the_numbers_of_python(pair, place):
    app = open_duel(duel_a=pair[0].id, duel_b=pair[1].id)
    assert not app.exception
    match = duel(*pair)
    assert f"**{match.sentence}**" in words(app)
    for note in match.notes:
        assert note in words(app)
    rows = {row["image"]: (row["a"], row["b"], row["difference"]) for row in table(app, "difference")}
    result = match.duel
    assert rows == {
        name: (a, b, difference)
        for name, a, b, difference in zip(result.ids, result.first, result.second, result.differences, strict=True)
    }
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Images"] == "4"
    assert values["B − A"] == f"{result.mean:+.4f}"
    assert values["With rare failures"] == "–"  # under 15 images
    order = [abs(row["difference"]) for row in table(app, "difference")]
    assert order == sorted(order, reverse=True)


def test_the_runs_of_a_duel_are_the_newest_and_one_that_is_gone_is_said(pair, place):
    app = open_duel()
    assert (app.session_state["duel_a"], app.session_state["duel_b"]) == (pair[0].id, pair[1].id)
    app = show("compare", compare_view="Duel", duel_a="gone", duel_b=pair[1].id)
    assert not app.exception
    assert "The run gone of this address is not available" in words(app)
    assert not app.metric


def test_a_run_against_itself_is_equal_everywhere(pair, place):
    app = open_duel(duel_a=pair[0].id, duel_b=pair[0].id)
    assert "Both have the same Dice on all 5 images." in words(app)
    values = {metric.label: metric.value for metric in app.metric}
    assert (values["B − A"], values["p"], values["Equal"]) == ("+0.0000", "1.00", "5")
    assert "A and B predict the same." in words(app)


def test_a_duel_is_followed_canceled_and_continued(pair, place):
    with model_registry.DEVICE_LOCK.turn(object()):  # the device is another visitor's
        app = show("compare", compare_view="Duel", duel_a=pair[0].id, duel_b=pair[1].id)
        scoring = app.session_state["duel_job_a"]
        assert "Scoring A" in words(app) and "1 of 2 models" in words(app)
        assert "1 job ahead" in str(app.get("progress")[0].proto)
        app.button(key="cancel_duel_job_a").click().run()
        assert scoring.wait(60)
        app.run()
        assert "Canceled after 0 images of model A." in words(app)
        assert "duel_job_b" not in app.session_state
    app.button(key="again_duel_job_a").click().run()
    for key in ("duel_job_a", "duel_job_b"):
        finish_job(app, key)
    assert f"**{duel(*pair).sentence}**" in words(app)


def test_a_duel_of_several_classes_has_their_names(place, sample_folder):
    made = [make_untrained(place, sample_folder, range(3), [3], seed, num_classes=2) for seed in (1, 2)]
    app = open_duel(duel_a=made[0].id, duel_b=made[1].id)
    assert f"**{duel(*made).sentence}**" in words(app)
    views = [data for data in (json.loads(one.proto.json) for one in app.get("bidi_component")) if "layers" in data]
    assert [view["class_names"] for view in views] == [
        *[["class 0", "class 1"]] * 2,
        ["same", "A is right", "B is right", "both are wrong"],
    ]
    assert [view["settings"]["mode"] for view in views] == ["errors", "errors", "mask"]
    assert [sorted(view["layers"]) for view in views] == [*[["classes", "image", "truth"]] * 2, ["classes", "image"]]
    assert {view["link"] for view in views} == {"duel"}


def test_nothing_left_is_said_with_the_reason(pair, place, sample_folder):
    rest = make_untrained(place, sample_folder, range(3, 8), [0])
    app = open_duel(duel_a=pair[0].id, duel_b=rest.id)
    assert not app.exception
    assert "A was trained on 3 images of this dataset, B on 5, together on 8" in words(app)


def test_runs_of_different_datasets_need_another_dataset(pair, place, sample_folder, tmp_path):
    others = shutil.copytree(sample_folder, tmp_path / "others")
    (others / "images" / "cells_007.png").rename(others / "images" / "new.png")
    (others / "masks" / "cells_007.png").rename(others / "masks" / "new.png")
    foreign = make_untrained(place, others, range(3), [3, 4], seed=5)
    app = open_duel(duel_a=pair[0].id, duel_b=foreign.id)
    assert 'Choose "Another dataset" to score both on it' in words(app)
    paths.library().link(others)
    app = open_duel(duel_a=pair[0].id, duel_b=foreign.id, duel_images="Another dataset", dataset="others")
    match = duel(pair[0], foreign, others)
    assert f"**{match.sentence}**" in words(app)
    assert "new" in {row["image"] for row in table(app, "difference")}


def test_an_image_of_the_address_is_shown_or_said_to_be_missing(pair, place):
    app = open_duel(duel_a=pair[0].id, duel_b=pair[1].id, image="cells_006")
    assert app.session_state["duel_image"] == "cells_006"
    assert "**cells_006** ·" in words(app)
    app = open_duel(duel_a=pair[0].id, duel_b=pair[1].id, image="cells_000")  # the first was trained on it
    assert "The image cells_000 of this address is not part of this duel." in words(app)


def test_a_click_on_a_point_shows_its_image(pair, place):
    app = open_duel(duel_a=pair[0].id, duel_b=pair[1].id)
    first = table(app, "difference")[0]["image"]
    other = table(app, "difference")[1]["image"]
    assert f"**{first}** ·" in words(app)
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    named = [name for trace in figure["data"] for name in trace.get("customdata", [])]
    assert sorted(named) == sorted(row["image"] for row in table(app, "difference"))
    app.session_state["duel_table-0"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.session_state["duel_image"] = other  # as the click's callback does
    app.run()
    assert f"**{other}** ·" in words(app)


def test_a_name_of_a_run_is_inert(pair, place):
    manage.write_notes(pair[0], Notes("<b>*mine*"))
    app = show("compare")
    assert not app.exception
    assert {row["name"] for row in table(app, "seed")} == {"‹b›*mine*", pair[1].id}


def test_a_visitor_sees_and_names_only_own_runs(pair, place, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    (pair[0].folder / owners.FILE).write_text("somebody else")
    app = show("compare", runs=f"{pair[0].id},{pair[1].id}")
    assert not app.exception
    assert pair[0].id not in "".join(str(element.value) for element in app.dataframe)
    assert "Comparing takes two runs or more" in texts(app)
    app = show("compare", compare_view="Duel", duel_a=pair[0].id)
    assert f"The run {pair[0].id} of this address is not available" in words(app)


# Figures ------------------------------------------------------------------------------------------------------------


def test_the_scatter_has_every_image_once_by_who_is_better():
    figure = charts.dice_scatter(["a", "<b>", "c"], [0.5, 0.25, 0.75], [0.5, 0.5, 0.25], shown="c")
    points = {
        (name, x, y, trace.name)
        for trace in figure.data
        if trace.customdata is not None
        for name, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    assert points == {
        ("a", 0.5, 0.5, "equal"),
        ("<b>", 0.25, 0.5, "B is better"),
        ("c", 0.75, 0.25, "A is better"),
    }
    assert [trace.text for trace in figure.data if trace.name == "B is better"] == [("‹b›",)]
    ring = figure.data[-1]
    assert (ring.x, ring.y) == ((0.75,), (0.25,))
    assert figure.layout.xaxis.range[0] < 0.25
