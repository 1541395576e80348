"""The code that is shown makes the same settings again."""

import shlex
from types import SimpleNamespace

import pytest

import unet_core
from unet_core.api.settings import run_settings
from unet_core.cli.common import read_settings
from unet_core.cli.parser import make_parser
from unet_core.config import reproduce
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig, all_fields

CONFIGS = {
    "defaults": RunConfig().replace(root="/data/cells"),
    "many": RunConfig().replace(
        root="/data/my cells; rm -rf '$HOME'",
        epochs=3,
        lr=0.00123,
        deep_supervision=True,
        ignore_index=11,
        color_map="0,0,0;255,0,0",
        series="series-1 a",
        tensorboard=True,
    ),
    **{name: get_preset(name).replace(root="/d") for name in PRESETS},
}


def of(config: RunConfig) -> RunConfig:
    return config.replace(series="")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_command_line_gives_the_same_settings(name):
    words = shlex.split(reproduce.command_line(CONFIGS[name]))
    assert words[:3] == ["python", "-m", "unet_core"]
    parsed = make_parser().parse_args(words[3:])
    assert get_preset(parsed.preset).replace(**read_settings(parsed)) == of(CONFIGS[name])


@pytest.mark.parametrize("name", CONFIGS)
def test_the_program_starts_the_same_run(name, monkeypatch, capsys):
    started = []

    def train(data, progress, **settings):
        started.append(run_settings(data, "default", settings))
        return SimpleNamespace(best="the best")

    monkeypatch.setattr(unet_core, "train", train, raising=False)
    exec(reproduce.python_code(CONFIGS[name]), {})
    assert started == [of(CONFIGS[name])]
    assert capsys.readouterr().out == "the best\n"


def test_the_programs_of_predict_and_evaluate_ask_for_the_same(monkeypatch, capsys):
    calls = []
    prediction = SimpleNamespace(save=lambda path, formats: calls.append((path, formats)))
    model = SimpleNamespace(predict=lambda image, **options: calls.append((image, options)) or prediction)
    monkeypatch.setattr(unet_core, "load", lambda name: calls.append(name) or model, raising=False)
    exec(reproduce.prediction_code("runs/one", "d4", None, 0.25), {})
    assert calls == [
        "runs/one",
        ("image.png", {"tta": "d4", "threshold": 0.25}),
        ("image.zip", ["mask", "coco", "csv"]),
    ]
    assert "tta" not in reproduce.prediction_code("one", "none", None, None)
    scores = SimpleNamespace(mean={"dice": 0.5, "iou": 0.25})
    monkeypatch.setattr(
        unet_core, "evaluate", lambda *names, **options: calls.append((names, options)) or scores, raising=False
    )
    exec(reproduce.evaluation_code("runs/one", "/data/cells", "all"), {})
    assert calls[-1] == (("runs/one", "/data/cells"), {"split": "all"})
    assert capsys.readouterr().out == "0.5 0.25\n"


def test_only_what_differs_from_the_defaults_is_shown():
    assert reproduce.command_line(CONFIGS["defaults"]) == "python -m unet_core train /data/cells"
    assert set(reproduce.changed_settings(CONFIGS["many"])) < {option.name for option in all_fields()}
