"""The list of all runs: its table, its panel, and what the buttons do."""

import json
import re

import pytest

from pages.server import paths
from tests.helpers.pages import EPOCH, STARTED, make_run, show, texts
from unet_core.data.splits import Split
from unet_core.io.files import write_atomically
from unet_core.runs import manage
from unet_core.runs import run as runs
from unet_core.runs.events import RunFailed, RunFinished
from unet_core.runs.manage import Notes

FINISHED = RunFinished("completed", 1, 0.71, 0.55, 12.0, 4.0)


def open_list(*picked: int):
    app = show("train")
    app.session_state["view"] = "Runs"
    if picked:
        app.session_state["runs_table"] = {"selection": {"rows": list(picked), "columns": [], "cells": []}}
    return app.run()


def table(app):
    return app.dataframe[0].value.to_dict("records")


def test_without_a_run_it_says_so(place):
    app = open_list()
    assert not app.exception
    assert "No runs yet" in texts(app)


def test_every_run_has_a_row_with_what_it_reached(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    manage.write_notes(run, Notes("my run", "with *stars*"))
    make_run(place, sample_folder)
    app = open_list()
    assert not app.exception
    rows = table(app)
    assert [row["state"] for row in rows] == ["interrupted", "finished"]
    assert rows[1]["name"] == "my run"
    assert rows[1]["note"] == "with *stars*"
    assert (rows[1]["val_dice"], rows[1]["val_iou"]) == (0.71, 0.55)
    assert rows[1]["epochs"] == "1 of 2"
    assert rows[1]["size"] > 0


def test_names_and_notes_are_kept(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    app = open_list(0)
    next(item for item in app.text_input if item.label == "Name").input("fine")
    next(item for item in app.text_area if item.label == "Note").input("as it should be")
    next(item for item in app.button if item.label == "Save").click()
    app.run()
    assert not app.exception
    assert manage.notes(run) == Notes("fine", "as it should be")


def compare_runs(place, sample_folder, **changes) -> list[runs.Run]:
    """Two finished runs on the same dataset, the second with settings changed."""
    pair = []
    for values in ({}, changes):
        run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
        write_atomically(run.folder / "config.json", run.config.replace(**values).to_json())
        run.write_split(Split(train=("a", "b"), val=("c",), test=()), {name: name for name in "abc"})
        pair.append(run)
    return pair


def test_two_runs_are_compared_by_what_sets_them_apart(place, sample_folder):
    first, second = compare_runs(place, sample_folder, loss="dice", epochs=3)
    manage.write_notes(first, Notes("<b>mine"))
    app = open_list(0, 1)
    assert not app.exception
    assert "Compare 2 runs" in texts(app)
    rows = app.dataframe[1].value.to_dict("records")
    assert {row["name"]: (row["loss"], row["epochs"]) for row in rows} == {
        "‹b›mine": ("Auto (cross-entropy + Dice)", str(first.config.train.epochs)),
        second.id: ("Dice", "3"),
    }
    assert {row["best Dice"] for row in rows} == {0.71}
    (figure,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert [trace["y"] for trace in figure["data"]] == [[0.71], [0.71]]
    assert not app.warning


def test_ten_runs_of_all_kinds_are_compared_and_the_link_keeps_them(place, sample_folder):
    kinds = [
        (STARTED, EPOCH, FINISHED),  # finished
        (STARTED, EPOCH, RunFailed("out of *memory*")),
        (STARTED, EPOCH),  # interrupted
        (STARTED,),  # without an epoch
        (),  # without an event
    ] * 2
    made = [make_run(place, sample_folder, *events) for events in kinds]
    for number, run in enumerate(made):
        changes = {
            "loss": "dice" if number % 2 else "bce",
            "deep_supervision": number > 4,
            "lr": 0.001 * (1 + number % 3),
        }
        write_atomically(run.folder / "config.json", run.config.replace(**changes).to_json())
    with made[0].events.open("a") as file:
        file.write("torn li")
    app = open_list(*range(10))
    assert not app.exception and "Compare 10 runs" in words(app)
    sentence = next(line for line in words(app).splitlines() if line.startswith("They differ in: "))
    values = dict(re.findall(r"([A-Z][a-z ]+) \(([^)]*)\)", sentence))
    assert {name: set(text.split(", ")) for name, text in values.items()} == {
        "Deep supervision": {"On", "Off"},
        "Loss function": {"Dice", "Binary cross-entropy"},
        "Learning rate": {"0.001", "0.002", "0.003"},
    }
    (figure,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert sorted(trace["name"] for trace in figure["data"]) == sorted(run.id for run in made[:3] + made[5:8])
    assert "Without a finished epoch" in words(app) and made[3].id in words(app)
    named = app.query_params["runs"]
    named = named[0] if isinstance(named, list) else named
    assert set(named.split(",")) == {run.id for run in made}
    again = show("train", view="All runs", runs=",".join([made[2].id, made[7].id, "gone"]))
    again.session_state["view"] = "All runs"
    assert not again.run().exception and "Compare 2 runs" in words(again)


def test_runs_with_the_same_settings_say_so(place, sample_folder):
    compare_runs(place, sample_folder)
    assert "The runs have the same settings." in words(open_list(0, 1))


def test_scores_that_cannot_be_compared_are_told(place, sample_folder, tmp_path):
    first, second = compare_runs(place, sample_folder, loss="dice")
    second.write_split(Split(train=("a", "c"), val=("b",), test=()), {name: name for name in "abc"})
    assert "validated on different images" in words(open_list(0, 1))
    write_atomically(second.folder / "config.json", first.config.replace(root=str(tmp_path / "others")).to_json())
    assert f"different datasets ({sample_folder.name}, others)" in words(open_list(0, 1))


def words(app) -> str:
    return texts(app).replace("\\", "")


def test_the_code_that_repeats_it_is_shown(place, sample_folder):
    make_run(place, sample_folder, STARTED)
    code = [block.value for block in open_list(0).code]
    assert any(f"python -m unet_core train {sample_folder}" in text for text in code)
    assert any("from unet_core import train" in text for text in code)


def test_deleting_is_asked_twice(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    app = open_list(0)
    assert run.folder.exists()
    app.button(key="run_delete_sure").click().run()
    assert not app.exception
    assert not run.folder.exists()
    assert runs.find(place) == []
    assert f"Run {run.id} deleted. It is kept for 24 hours." in words(app)


def test_a_deleted_run_comes_back_by_undo(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    app = open_list(0)
    app.button(key="run_delete_sure").click().run()
    app.button(key="undo-run-1").click().run()
    assert not app.exception and not app.error
    assert [row["id"] for row in table(app)] == [run.id]
    assert f"Run {run.id} deleted" not in words(app) and manage.deleted(place) == []


def test_a_deleted_run_comes_back_in_another_session_from_the_list_of_deleted_ones(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    manage.write_notes(run, Notes("mine"))
    removed = manage.delete(run)
    app = open_list()
    app.session_state["trash-run"] = True
    app.run()
    assert f"mine ({run.id}) · deleted" in words(app)
    app.button(key=f"restore-run-{removed.key}").click().run()
    assert not app.exception and [row["name"] for row in table(app)] == ["mine"]


def test_what_is_no_longer_in_the_trash_is_told(place, sample_folder):
    make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    app = open_list(0)
    app.button(key="run_delete_sure").click().run()
    manage.empty_trash(place, 0)
    app.button(key="undo-run-1").click().run()
    assert not app.exception and "no longer in the trash" in words(app)


def test_the_trash_is_emptied_only_after_a_question(place, sample_folder):
    manage.delete(make_run(place, sample_folder, STARTED, EPOCH, FINISHED))
    app = open_list()
    app.session_state["trash-run"] = True
    app.run()
    assert "This cannot be undone" in words(app) and len(manage.deleted(place)) == 1
    app.button(key="empty-run-sure").click().run()
    assert not app.exception and manage.deleted(place) == []


def test_a_copy_fills_the_form(place, sample_folder, monkeypatch):
    monkeypatch.setattr("pages.server.paths.sample_data", lambda: place / "another")
    run = make_run(place, sample_folder, STARTED)
    config = run.config.replace(epochs=7, loss="focal", deep_supervision=True, val_fraction=0.3)
    write_atomically(run.folder / "config.json", config.to_json())
    app = open_list(0)
    app.button(key="run_copy").click().run()
    assert not app.exception
    assert app.session_state["epochs"] == 7
    assert app.session_state["loss"] == "focal"
    assert app.session_state["deep_supervision"] is True
    assert app.session_state["val_fraction"] == pytest.approx(0.3)
    assert app.selectbox(key="dataset").value == sample_folder.name
    assert paths.library().find(sample_folder.name).root == sample_folder


def test_open_shows_its_curves(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, FINISHED)
    make_run(place, sample_folder)
    app = open_list(1)
    app.button(key="run_open").click().run()
    assert not app.exception
    assert (app.session_state["run"], app.session_state["view"]) == (run.id, "Live")
