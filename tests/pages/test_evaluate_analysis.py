"""The views "Errors" and "Robustness" over a dataset with known faults, whose model predicts what its images say."""

import csv
import json

import pytest

from pages.server import model_registry
from pages.server.analysis.dataset_jobs import RobustnessJob, SuspectsJob
from pages.views.evaluate.analysis import jobs
from pages.views.evaluate.analysis.errors import JOB as CAUSES
from pages.views.evaluate.analysis.robustness import JOB as ROBUSTNESS
from pages.views.evaluate.analysis.suspects import JOB as SUSPECTS
from tests.helpers.known_faults import SHARES, UNLABELED, echo_images, make_pairs, make_run, write
from tests.helpers.pages import finish_job, show, texts
from unet_core import compare_kinds, find_label_errors, measure_robustness
from unet_core.evaluation.analysis.suspects import HIDDEN


@pytest.fixture
def run(place, tmp_path, monkeypatch):
    echo_images(monkeypatch)
    return make_run(place, write(tmp_path / "data"), train=("good",))


def open_view(view: str, **query: str):
    app = finish_job(show("evaluate", evaluate_view=view, **query), "scoring")
    assert app.segmented_control(key="evaluate_view").value == view
    return app


def finish(app, key: str):
    """After the background job of a view is over."""
    job, _ = app.session_state[key]
    assert job.wait(60)
    app.run()
    assert not app.exception
    return job


def viewer(app) -> dict:
    """What the page tells the viewer."""
    return next(data for data in (json.loads(one.proto.json) for one in app.get("bidi_component")) if "layers" in data)


def cells(app) -> list[str]:
    """The images of the gallery, in their order."""
    return [button.key.removeprefix("open fault ") for button in app.button if str(button.key).startswith("open fault")]


def captions(app) -> str:
    return "\n".join(item.value for item in app.caption).replace("\\", "")


def test_every_fault_is_named_with_its_share_and_its_images(run):
    app = open_view("Errors", split="All")
    finish(app, CAUSES)
    mean = sum(share for _, share in SHARES.values()) / 5
    assert f"Mean Dice {1 - mean:.3f}: lost 0.020 to outlines" in texts(app)
    (bar,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    lost = {trace["name"].split(" ")[0]: trace["x"][0] for trace in bar["data"]}
    assert lost == {
        "Outlines": pytest.approx(SHARES["shift"][1] / 5),
        "Merged": pytest.approx(SHARES["bridge"][1] / 5),
        "Missed": pytest.approx(SHARES["missed"][1] / 5),
        "False": pytest.approx(SHARES["label"][1] / 5),
    }
    menu = app.selectbox(key="cause")
    assert [option.split(" (")[0] for option in menu.options] == [
        "Outlines",
        "Merged objects",
        "Missed objects",
        "False objects",
    ]
    for cause, name, words in (
        ("missed", "missed", "3 of 7 objects missed, all under 60 px"),
        ("merge", "bridge", "1 merge of 2 objects"),
        ("false", "label", "1 false object"),
        ("outline", "shift", "outlines"),
    ):
        app.selectbox(key="cause").set_value(cause).run()
        assert cells(app) == [name]
        assert words in captions(app) and f"**−{SHARES[name][1]:.3f}**" in captions(app)
    assert not app.exception


def test_an_image_of_the_gallery_opens_below_and_in_the_view_of_images(run):
    app = open_view("Errors")
    finish(app, CAUSES)
    assert not [one for one in app.get("bidi_component") if "layers" in one.proto.json]
    app.selectbox(key="cause").set_value("missed").run()
    app.button(key="open fault missed").click().run()
    told = viewer(app)
    assert (told["name"], told["settings"]["mode"]) == ("missed", "errors")
    app.segmented_control(key="evaluate_view").set_value("Images").run()
    assert viewer(app)["name"] == "missed"
    assert not app.exception


def test_a_second_visit_finds_the_analysis(run, monkeypatch):
    app = open_view("Errors")
    job = finish(app, CAUSES)
    assert len(job.analyses) == 4
    monkeypatch.setattr(jobs, "start", None)
    again = open_view("Errors")
    assert "lost 0.0" in texts(again)


def test_the_gallery_has_pages(place, tmp_path, monkeypatch):
    echo_images(monkeypatch)
    pairs = {f"{name} {number:02}": pair for number in range(10) for name, pair in make_pairs().items()}
    make_run(place, write(tmp_path / "data", pairs))
    monkeypatch.setattr("pages.views.evaluate.analysis.errors.PAGE", 4)
    app = open_view("Errors")
    finish(app, CAUSES)
    app.selectbox(key="cause").set_value("missed").run()
    assert cells(app) == [f"missed {number:02}" for number in range(4)]
    app.session_state["causes_page missed"] = 3
    app.run()
    assert cells(app) == ["missed 08", "missed 09"]


def test_the_wrong_label_leads_the_list_which_is_that_of_python(run):
    app = open_view("Errors", errors_list="Suspected label errors")
    assert "Predicts 4 images in 4 views each" in captions(app)
    app.button(key="find_suspects").click().run()
    job = finish(app, SUSPECTS)
    assert isinstance(job, SuspectsJob)
    expected = find_label_errors(run)
    assert job.suspects == expected.suspects
    rows = app.dataframe[0].value
    top, left, height, width = UNLABELED
    assert (rows["image"][0], rows["kind"][0]) == ("label", "Not labeled")
    assert rows["place"][0] == f"{left}, {top}; {width} x {height}"
    for column in ("image_crop", "truth_crop", "pred_crop"):
        assert rows[column][0].startswith("data:image/webp;base64,")
    assert rows["truth_crop"][0] != rows["pred_crop"][0], "their outlines differ there"
    assert not app.warning


def test_the_time_is_estimated_by_that_of_the_scoring(run):
    app = open_view("Robustness")
    scores = app.session_state["scoring"].scores
    scores.times[:] = [0.0, 0.5, 0.5, 0.5]  # one was cached
    app.multiselect(key="corruptions").set_value(["darker", "noise"]).run()
    assert "44 predictions, about 22 s." in captions(app)
    scores.times[:] = [0.0] * 4  # all were
    app.multiselect(key="corruptions").set_value(["noise"]).run()
    assert "24 predictions." in captions(app)


def test_training_images_are_said_to_hide_label_errors(run):
    app = open_view("Errors", errors_list="Suspected label errors", split="All")
    assert HIDDEN in [item.value for item in app.warning]


def test_robustness_is_that_of_python(run):
    app = open_view("Robustness")
    app.multiselect(key="corruptions").set_value(["darker", "noise"]).run()
    assert "44 predictions" in captions(app)
    app.button(key="measure_robustness").click().run()
    job = finish(app, ROBUSTNESS)
    assert isinstance(job, RobustnessJob)
    expected = measure_robustness(run, corruptions=["darker", "noise"])
    assert [(point.corruption, point.severity, point.mean) for point in job.points()] == [
        (point.corruption, point.severity, point.mean) for point in expected.points
    ]
    assert expected.sentence in texts(app).replace("\\", "")
    assert "4 images. Under 15 images there is no interval." in texts(app)
    (chart,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert {trace["name"]: trace["y"] for trace in chart["data"]} == {
        label: [expected.points[0].mean] + [point.mean for point in expected.points if point.corruption == name]
        for name, label in (("darker", "Darker"), ("noise", "Noise"))
    }


def test_one_corrupted_image_is_shown_with_its_dice(run):
    app = open_view("Robustness")
    app.multiselect(key="corruptions").set_value(["scale", "noise"]).run()
    app.button(key="measure_robustness").click().run()
    job = finish(app, ROBUSTNESS)
    dice = {(step.image, step.corruption, step.severity): step.dice for step in job.steps}
    for corruption, severity, words in (("scale", 5, "to 25% of the size"), ("noise", 1, "sigma 2% of the range")):
        app.selectbox(key="robustness_name").set_value(corruption)
        app.slider(key="robustness_severity").set_value(severity).run()
        name = app.selectbox(key="robustness_image").value
        assert f"{words}: Dice {dice[name, corruption, severity]:.3f}" in texts(app).replace("\\", "")
        assert viewer(app)["name"] == name
    assert not app.exception


def test_a_canceled_bench_keeps_what_is_done(run):
    app = open_view("Robustness")
    with model_registry.DEVICE_LOCK.turn(object()):  # the device is another visitor's
        app.button(key="measure_robustness").click().run()
        assert not app.exception
        app.button(key=f"cancel {ROBUSTNESS}").click().run()
        job, _ = app.session_state[ROBUSTNESS]
        assert job.wait(60)
    app.run()
    assert "Canceled after 0 of 0 images" in texts(app) and not app.exception


def test_the_tables_to_download_are_those_of_python(run):
    app = open_view("Errors", errors_list="Suspected label errors")
    app.button(key="find_suspects").click().run()
    job = finish(app, SUSPECTS)
    from unet_core.evaluation.analysis.suspects import to_csv

    subsets = {item.id: item.subset for item in app.session_state["scoring"].scores.images}
    assert to_csv(job.suspects, subsets) == find_label_errors(run).to_csv()
    rows = list(csv.DictReader(to_csv(job.suspects, subsets).splitlines()))
    assert rows[0]["image"] == "label"


def test_kinds_are_compared_without_a_prediction(run):
    app = open_view("Robustness")
    assert "None of the 4 held-out images such as 'bridge' has a kind by 'folder'." in texts(app).replace("\\", "")
    app.text_input(key="kind_by").set_value("^(go|la|mi|sh)").run()
    expected = compare_kinds(run, group_by="^(go|la|mi|sh)")
    assert expected.sentence in texts(app).replace("\\", "")
    rows = app.dataframe[0].value
    assert sorted(rows["kind"]) == ["la", "mi", "sh"] and set(rows["side"]) == {"Never seen"}
    app.text_input(key="kind_by").set_value("(").run()
    assert "regular expression" in app.error[0].value and not app.exception
