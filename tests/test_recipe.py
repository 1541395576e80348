"""The code that is shown makes the same settings again."""

import ast
import shlex

import pytest

from unet_core import recipe, run_commands, worker
from unet_core.__main__ import _parser as parser
from unet_core.config import RunConfig, options
from unet_core.presets import PRESETS, preset
from unet_core.run_commands import given_settings

CONFIGS = {
    "defaults": RunConfig().replace(root="/data/cells"),
    "many": RunConfig().replace(
        root="/data/my cells; rm -rf '$HOME'",
        epochs=3,
        lr=0.00123,
        deep_supervision=True,
        ignore_index=11,
        colour_map="0,0,0;255,0,0",
        series="series-1 a",
        tensorboard=True,
    ),
    **{name: preset(name).replace(root="/d") for name in PRESETS},
}


def of(config: RunConfig) -> RunConfig:
    return config.replace(series="")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_command_line_gives_the_same_settings(name):
    words = shlex.split(recipe.command_line(CONFIGS[name]))
    assert words[:3] == ["python", "-m", "unet_core"]
    parsed = parser().parse_args(words[3:])
    assert preset(parsed.preset).replace(**given_settings(parsed)) == of(CONFIGS[name])


@pytest.mark.parametrize("name", CONFIGS)
def test_the_program_starts_the_same_run(name, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(worker, "launch", lambda config, runs_dir: started.append(config) or "the run")
    monkeypatch.setattr(run_commands, "follow", lambda run: {"followed": run})
    code = recipe.python_code(CONFIGS[name])
    ast.parse(code)
    exec(code, {})
    assert started == [of(CONFIGS[name])]
    assert "the run" in capsys.readouterr().out


def test_only_what_differs_from_the_defaults_is_shown():
    assert recipe.command_line(CONFIGS["defaults"]) == "python -m unet_core train /data/cells"
    assert set(recipe.given(CONFIGS["many"])) < {option.name for option in options()}
