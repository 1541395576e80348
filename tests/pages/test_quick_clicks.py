"""A click right after a change, which the server gets before it has drawn the page with that change.

Each test sends the value of a field and the click in one message, as a browser does whose visitor types and clicks:
what happens must follow what the visitor sees, never what the page was drawn with before.
"""

import pytest

from pages.server import paths
from pages.ui import form_state
from tests.helpers.pages import make_run, show
from tests.pages.test_form import write_nuclei
from tests.pages.test_live_run import EPOCH, OVER, STARTED, STEP, held  # noqa: F401 - a fixture
from unet_core.config.schema import RunConfig
from unet_core.planning import process


@pytest.fixture
def launched(place, sample_folder, monkeypatch) -> list[RunConfig]:
    """The settings that Start gave."""
    configs: list[RunConfig] = []
    run = make_run(place, sample_folder)
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: configs.append(config) or run)
    return configs


def click(app, key: str):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_start_takes_a_number_that_was_just_typed(launched):
    app = show("train")
    app.number_input(key="epochs").set_value(3)
    click(app, "start")
    assert [config.train.epochs for config in launched] == [3]
    assert app.session_state["run"] and "start_asked" not in app.session_state
    click(app, "start")
    assert [config.train.epochs for config in launched] == [3, 3]


def test_start_takes_a_number_of_a_page_that_was_never_drawn_to_its_end(launched):
    """The click has interrupted the run of the page that the number began: the session has it, the button has not."""
    app = show("train")
    app.session_state["epochs"] = 4
    app.session_state["form_state"].changes["epochs"] = 4
    app.session_state["form_state"].shown["epochs"] = 4
    click(app, "start")
    assert [config.train.epochs for config in launched] == [4]


def test_start_takes_the_dataset_that_was_just_chosen_with_its_plan(launched, tmp_path):
    root = write_nuclei(tmp_path / "nuclei")
    name = paths.library().link(root).name
    app = show("train")
    app.selectbox(key="dataset").set_value(name)
    click(app, "start")
    assert [(config.data.root, config.train.epochs) for config in launched] == [(str(root), 80)]


def test_start_does_nothing_where_the_dataset_that_was_just_chosen_cannot_be_read(launched, tmp_path):
    root = write_nuclei(tmp_path / "nuclei")
    name = paths.library().link(root).name
    app = show("train")
    for mask in (root / "masks").iterdir():
        mask.unlink()
    app.selectbox(key="dataset").set_value(name)
    click(app, "start")
    assert launched == [] and app.button(key="start").disabled
    assert [toast.value for toast in app.toast] == ["Not started: the form was still changing. Click Start again."]


def test_a_browser_that_has_not_got_the_plan_yet_does_not_change_it(place, tmp_path, monkeypatch):
    """The run of the page that the choice of a dataset began was interrupted: the next message has the old values."""
    name = paths.library().link(write_nuclei(tmp_path / "nuclei")).name
    app = show("train")
    app.selectbox(key="dataset").set_value(name)
    message = app._tree.get_widget_states()
    clicks = [item for item in message.widgets if item.WhichOneof("value") == "trigger_value"]
    for item in clicks:  # a browser sends those of buttons that were clicked
        message.widgets.remove(item)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(form_state, "write_address", lambda: None)
        app.run()
    assert app.number_input(key="epochs").value == 80
    app._run(message)
    assert not app.exception
    state = app.session_state["form_state"]
    assert (state.mode, state.changes) == ("", {})
    assert app.number_input(key="epochs").value == 80 and app.selectbox(key="preset_or_plan").value is None
    app.number_input(key="epochs").set_value(15).run()  # the browser has got the 80, which the visitor changes
    assert (state.mode, state.changes) == ("", {"epochs": 15})
    app.selectbox(key="preset_or_plan").set_value("default").run()
    assert app.session_state["form_state"].mode == "off"


def test_a_check_takes_a_number_that_was_just_typed(place, sample_folder, monkeypatch):
    checked = []

    def start(config, runs_dir, kind):
        checked.append((config.model.base_channels, kind))
        return process.check_for(config, runs_dir, kind)

    monkeypatch.setattr(process, "start", start)
    app = show("train")
    app.number_input(key="base_channels").set_value(8)
    click(app, "check")
    assert checked == [(8, "check")]
    app.number_input(key="base_channels").set_value(12)
    click(app, "lr-range_begin")
    assert checked[1:] == [(12, "lr-range")]
    app.run()
    assert len(checked) == 2


def test_a_sweep_takes_what_was_just_typed_and_chosen(place, sample_folder, monkeypatch):
    filed: list[dict[str, RunConfig]] = []
    monkeypatch.setattr("unet_core.training.sweep.start", lambda configs, folder: filed.append(configs) or "sweep-1")
    app = show("train", view="Sweep")
    app.text_input(key="sweep_seed").set_value("1, 2").run()
    app.text_input(key="sweep_seed").set_value("1, 2, 3")
    app.number_input(key="epochs").set_value(3)
    click(app, "start_sweep")
    assert [(config.train.seed, config.train.epochs) for config in filed[0].values()] == [(1, 3), (2, 3), (3, 3)]
    app.text_input(key="sweep_seed").set_value("1, x")
    click(app, "start_sweep")
    app.text_input(key="sweep_seed").set_value("1, 2").run()
    assert len(filed) == 1, "the list that could not be read was not started later"


def test_changes_of_a_run_take_what_was_just_typed(place, sample_folder, held):  # noqa: F811 - the fixture
    run = held(make_run(place, sample_folder, STARTED, STEP))
    app = show("train")
    app.number_input(key=f"change_lr:{run.id}:0").set_value(0.0005)
    click(app, "set_learning_rate")
    assert float((run.control / "lr").read_text()) == 0.0005
    assert "Learning rate set to 0.0005 from the next step." in [toast.value for toast in app.toast]
    app.number_input(key=f"change_epochs:{run.id}:0").set_value(7)
    click(app, "set_epochs")
    assert int((run.control / "epochs").read_text()) == 7


def test_continuing_takes_what_was_just_typed(place, sample_folder, monkeypatch):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.last.mkdir(parents=True)
    continued = []
    monkeypatch.setattr(
        "unet_core.training.launch.continue_run", lambda run, epochs, lr: continued.append((epochs, lr))
    )
    app = show("train")
    app.number_input(key=f"more_epochs:{run.id}").set_value(5)
    app.number_input(key=f"more_lr:{run.id}").set_value(0.0001)
    click(app, "proceed")
    assert continued == [(5, 0.0001)]
