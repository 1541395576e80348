"""The labels of the settings, and the rules by which the form hides those that do not apply."""

import json

import pytest

from pages.ui.settings import APPLIES, WEIGHTED, applies, values_of
from pages.ui.widgets import LABELS, label_of
from pages.views.train import form
from tests.pages.test_before_start import show, value
from unet_core import losses
from unet_core.config.fields import fields_of
from unet_core.config.schema import ModelConfig, RunConfig, all_fields
from unet_core.runs import run as runs
from unet_core.training import finetune

OPTIONS = {option.name: option for option in all_fields()}


def shown(app) -> set[str]:
    return {widget.key for widget in [*app.number_input, *app.selectbox, *app.toggle, *app.text_input]}


def base(sample_folder, runs_dir) -> runs.Run:
    """A run to fine-tune, with a shallow model."""
    run = runs.create(runs_dir, RunConfig().replace(root=str(sample_folder)))
    run.best.mkdir(parents=True)
    (run.best / "config.json").write_text(json.dumps({"depth": 1, "image_size": 16}))
    return run


def test_every_setting_has_a_label_and_no_label_is_left_over():
    assert set(LABELS) == set(OPTIONS)
    assert len(set(LABELS.values())) == len({label_of(name) for name in LABELS}) == len(LABELS)


def test_the_rules_name_settings_and_values_that_there_are():
    for name, rule in APPLIES.items():
        assert name in OPTIONS and rule
        for other, values in rule.items():
            assert other not in APPLIES or other == name, "a setting that others depend on is always shown"
            assert [OPTIONS[other].checked(item) for item in values] == list(values)


def test_the_rules_are_those_of_training():
    assert set(WEIGHTED) == {"auto", *(name for name, loss in losses.LOSSES.items() if loss.weighted)}
    adopted = {option.name for option in fields_of("model", ModelConfig)} - set(finetune.FROM_RUN)
    assert {name for name, rule in APPLIES.items() if "init" in rule} == adopted


@pytest.mark.parametrize("name", [name for name, rule in APPLIES.items() if "init" not in rule])
def test_a_setting_is_shown_where_it_applies_and_nowhere_else(name, place):
    rule = APPLIES[name]
    app = show(**{other: str(values[-1]) for other, values in rule.items()})
    assert not app.exception and name in shown(app)
    for other, values in rule.items():
        option = OPTIONS[other]
        outside = next(item for item in option.choices or range(9) if item not in values)
        app.session_state[other] = outside
        app.run()
        assert not app.exception and name not in shown(app), f"{other} {outside}"
        app.session_state[other] = values[-1]
        app.run()
        assert name in shown(app)


def test_a_fine_tuned_model_has_no_architecture_to_choose(place, sample_folder):
    run = base(sample_folder, place)
    architecture = {name for name, rule in APPLIES.items() if "init" in rule} - {"encoder"}
    assert architecture <= shown(show())
    app = show(init=run.id)
    assert not app.exception and not app.error
    assert not architecture & shown(app)
    assert "taken from the model" in " ".join(item.value for item in app.caption)


def test_a_hidden_value_of_an_address_is_kept_and_trained_with(place):
    app = show(loss="dice", tversky_alpha="0.45", plateau_patience="oops")
    assert "tversky_alpha" not in shown(app)
    assert app.session_state["tversky_alpha"] == 0.45
    app.selectbox(key="loss").set_value("tversky").run()
    assert value(app, "tversky_alpha") == 0.45
    app.selectbox(key="schedule").set_value("plateau").run()
    assert value(app, "plateau_patience") == 5, "what does not fit is ignored, as of a setting that is shown"


def test_a_value_outlives_its_being_hidden(place):
    app = show(loss="tversky")
    app.number_input(key="tversky_beta").set_value(0.25).run()
    for loss in ("dice", "bce", "focal_tversky"):
        app.selectbox(key="loss").set_value(loss).run()
        assert ("tversky_beta" in shown(app)) == (loss == "focal_tversky")
    assert value(app, "tversky_beta") == 0.25


def test_a_preset_sets_hidden_values_too(place):
    app = show(loss="tversky", tversky_alpha="0.45")
    app.selectbox(key="loss").set_value("dice").run()
    app.selectbox(key="preset").set_value("carvana").run()
    app.selectbox(key="loss").set_value("tversky").run()
    assert not app.exception
    assert value(app, "tversky_alpha") == 0.3


def test_a_copied_run_that_was_fine_tuned_can_start(place, sample_folder, monkeypatch):
    """Its crops are too small for the default depth, which is not shown."""
    started = []
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: started.append(config) or run)
    run = base(sample_folder, place)
    config = RunConfig().replace(root=str(sample_folder), init=run.id, depth=1, image_size=16)
    app = show()
    for name, setting in values_of(config).items():
        if name not in form.ELSEWHERE:
            app.session_state[name] = setting
    app.run()
    assert not app.exception and not app.error
    app.button(key="start").click().run()
    assert not app.exception
    assert [(item.model.depth, item.model.image_size, item.train.init) for item in started] == [(1, 16, run.id)]


def test_the_encoder_of_a_copied_run_is_kept_shown_and_can_be_reset(place, sample_folder, monkeypatch):
    started = []
    run = base(sample_folder, place)
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: started.append(config) or run)
    resnet = {"encoder": "resnet18", "depth": 5, "up": "nearest", "image_size": 64}
    config = RunConfig().replace(root=str(sample_folder), **resnet)
    app = show()
    assert not app.error and "encoder" not in shown(app), "without one there is nothing to choose"
    for name, setting in values_of(config).items():
        if name not in form.ELSEWHERE:
            app.session_state[name] = setting
    app.run()
    assert not app.exception and not app.error
    assert value(app, "encoder") == "resnet18"
    app.button(key="start").click().run()
    assert [(item.model.encoder, item.model.depth) for item in started] == [("resnet18", 5)]
    app.button(key="reset-encoder").click().run()
    assert not app.exception and not app.error and "encoder" not in shown(app)


def test_suggestions_leave_out_what_does_not_apply(place, sample_folder):
    run = base(sample_folder, place)
    app = show(init=run.id, batch_size="2")
    app.session_state["view"] = "Check"
    app.run()
    assert not app.exception
    listed = " ".join(item.value for item in app.markdown)
    assert "Batch size" in listed and "Depth" not in listed and "Base channels" not in listed


def test_applies_knows_settings_without_a_rule():
    assert applies("epochs", {})
