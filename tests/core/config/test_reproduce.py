"""The code that is shown makes the same settings again."""

import ast
import shlex

import pytest

from unet_core.cli import train
from unet_core.cli.common import read_settings
from unet_core.cli.parser import make_parser
from unet_core.config import reproduce
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.training import launch

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
    monkeypatch.setattr(launch, "launch", lambda config, runs_dir: started.append(config) or "the run")
    monkeypatch.setattr(train, "follow", lambda run: {"followed": run})
    code = reproduce.python_code(CONFIGS[name])
    ast.parse(code)
    exec(code, {})
    assert started == [of(CONFIGS[name])]
    assert "the run" in capsys.readouterr().out


def test_only_what_differs_from_the_defaults_is_shown():
    assert reproduce.command_line(CONFIGS["defaults"]) == "python -m unet_core train /data/cells"
    assert set(reproduce.changed_settings(CONFIGS["many"])) < {option.name for option in all_fields()}
