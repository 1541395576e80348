"""The pre-flight view, the form and its link, by Streamlit's AppTest."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from streamlit.testing.v1 import AppTest

from pages.server import paths
from pages.ui.settings import applies
from pages.views.train import form
from tests.core.planning.test_report import REPORT
from tests.helpers.pages import texts
from tests.pages.test_pages import PAGES, ROOT
from unet_core.config.schema import RunConfig, all_fields
from unet_core.planning import process
from unet_core.planning.report import LrRange, Refused, encode
from unet_core.runs import run as runs

ASKED = [option for option in all_fields() if option.name not in form.ELSEWHERE]


def show(**query) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    app.run()
    app.query_params.update(query)
    return app.switch_page(str(ROOT / "pages" / PAGES["train"].file)).run()


def before_start(**query) -> AppTest:
    app = show(**query)
    app.session_state["view"] = "Check"
    return app.run()


def value(app: AppTest, name: str):
    kinds = (*app.number_input, *app.selectbox, *app.toggle, *app.text_input)
    return next(widget.value for widget in kinds if widget.key == name)


def button(app: AppTest, key: str):
    return next((button for button in app.button if button.key == key), None)


def make(kind: str, config: RunConfig, runs_dir: Path, *told) -> None:
    check = process.check_for(config, runs_dir, kind)
    check.folder.mkdir(parents=True)
    (check.folder / "config.json").write_text(config.to_json())
    (check.folder / "wanted").touch()
    check.output.write_text("".join(encode(item) + "\n" for item in told))


def test_single_proposals_and_the_whole_plan_are_taken(place):
    app = before_start(image_size="64", augment="none")
    assert not app.exception
    assert "Object diameter" in [metric.label for metric in app.metric]
    assert value(app, "image_size") == 64
    button(app, "take_image_size").click().run()
    assert value(app, "image_size") == 128 and value(app, "augment") == "none"
    assert button(app, "take_image_size") is None  # as proposed now
    button(app, "take_plan").click().run()
    assert not app.exception
    assert value(app, "augment") == "flips" and value(app, "image_size") == 128
    assert button(app, "take_plan") is None and "already match" in texts(app)


def test_results_of_a_check_are_tiles_warnings_and_a_batch_to_use(place, sample_folder):
    config = RunConfig().replace(root=str(sample_folder))
    make("check", config, place, REPORT)
    app = before_start(epochs="30")
    assert not app.exception
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["Time per epoch"] == "13.3 s" and tiles["30 epochs"] == "6 min 42 s"
    assert (
        tiles["Receptive field"] == "204 px" and tiles["Object diameter"] == "22 px" and tiles["Largest batch"] == "64"
    )
    assert [warning.value for warning in app.warning] == ["Few images.", "Large objects."]
    button(app, "use_batch").click().run()
    assert value(app, "batch_size") == 64


def test_of_other_settings_nothing_is_shown(place, sample_folder):
    make("check", RunConfig().replace(root=str(sample_folder), lr=0.5), place, REPORT)
    app = before_start()
    assert "Largest batch" not in [metric.label for metric in app.metric]


def test_a_check_that_was_refused_says_why(place, sample_folder):
    make("check", RunConfig().replace(root=str(sample_folder)), place, Refused("Run a is training; wait."))
    app = before_start()
    assert not app.exception
    assert "Run a is training" in " ".join(error.value for error in app.error)


def test_the_range_test_has_a_curve_and_a_rate_to_use(place, sample_folder):
    curve = LrRange((0.001, 0.01, 0.1), (1.0, 0.5, 0.9), 0.004, 0.01, 0.001, "diverged", 3.0)
    make("lr-range", RunConfig().replace(root=str(sample_folder)), place, curve)
    app = before_start()
    assert not app.exception
    assert "Suggested peak: **0.001**" in texts(app)
    button(app, "use_lr").click().run()
    assert value(app, "lr") == 0.001


def test_the_form_starts_a_check_and_shows_it(place, sample_folder, monkeypatch):
    started = []

    def start(config, runs_dir, kind):
        started.append((config, kind))
        make(kind, config, runs_dir, REPORT)
        return process.check_for(config, runs_dir, kind)

    monkeypatch.setattr(process, "start", start)
    app = show()
    button(app, "check").click().run()
    assert not app.exception
    [(config, kind)] = started
    assert (config.data.root, kind) == (str(sample_folder), "check")
    assert app.session_state["view"] == "Check"
    assert "Time per epoch" in [metric.label for metric in app.metric]


def other(option) -> object:
    """A value that is not the default."""
    if option.choices is not None:
        return next(name for name in reversed(list(option.choices)) if name != option.default)
    if option.kind is bool:
        return not option.default
    if option.kind is str:
        return f"my {option.name}/50 %"
    if option.name == "head_kernel":
        return 3
    default = option.default or 0
    if default == 1 and option.kind is float:
        return 0.5
    return default + 1 if option.kind is int else default + 0.0625


def test_a_link_reproduces_the_form(place, tmp_path):
    wanted = {option.name: other(option) for option in ASKED}
    wanted |= {"in_channels": 3, "deep_supervision": False, "device": "cpu", "precision": "fp32"}
    link = {name: json.dumps(value) if isinstance(value, bool) else str(value) for name, value in wanted.items()}
    (tmp_path / "my data").mkdir()
    query = urlencode(link | {"dataset": paths.library().link(tmp_path / "my data").name})
    app = show(**{name: values[0] for name, values in parse_qs(query).items()})
    assert not app.exception
    assert {name: app.session_state[name] for name in wanted} == pytest.approx(wanted)
    assert {name: value(app, name) for name in wanted if applies(name, wanted)} == pytest.approx(
        {name: value for name, value in wanted.items() if applies(name, wanted)}
    )
    assert value(app, "dataset") == "my data"


def test_a_copy_sets_every_option(place, sample_folder):
    origin = runs.create(place, RunConfig().replace(root=str(sample_folder)))
    origin.best.mkdir(parents=True)
    (origin.best / "config.json").write_text("{}")
    app = show()
    for option in ASKED:
        app.session_state[option.name] = option.default
    app.session_state["loss"], app.session_state["epochs"], app.session_state["init"] = "dice", 7, origin.id
    app.run()
    assert not app.exception
    assert (value(app, "loss"), value(app, "epochs"), value(app, "init")) == ("dice", 7, origin.id)


def test_a_model_to_start_from_that_does_not_exist_is_explained(place):
    app = show(init="20260101-nothing")
    assert not app.exception
    assert "20260101" in app.error[0].value and button(app, "start").disabled


def test_start_queues_while_another_run_has_the_device(place, sample_folder, monkeypatch):
    other_run = runs.create(place, RunConfig().replace(root=str(sample_folder)))
    monkeypatch.setattr("unet_core.runs.run.find_active", lambda folder: other_run)
    start = button(show(), "start")
    assert start.label == "Add to the queue" and not start.disabled
