"""What the README claims, run as it stands there."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.helpers.browser import poll
from unet_core.cli.parser import make_parser
from unet_core.config.choices import LAYOUTS
from unet_core.config.presets import PRESETS
from unet_core.data import discovery

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_it_opens_with_the_two_commands():
    assert [line.split("#")[0].strip() for line in blocks("sh")[0].splitlines()] == ["make app", "make test"]
    assert README.index("make app") < 100


@pytest.fixture(scope="module")
def followed(installed, tmp_path_factory):
    """A folder in which every line of the shell block was run from the installed wheel, and each line's JSON."""
    folder = tmp_path_factory.mktemp("readme")
    environment = {"OMP_NUM_THREADS": "1", "HOME": str(folder), "PATH": f"{installed}:/usr/bin:/bin"}
    answers = {}
    for line in blocks("sh")[1].splitlines():
        words = shlex.split(line, comments=True)
        assert words[0] == "unet-studio"
        run = answers.get("train", {}).get("run", "RUN")
        command = [str(installed / words[0]), *(run if word == "RUN" else word for word in words[1:])]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answers[words[1]] = json.loads(done.stdout.splitlines()[-1])
    return folder, answers


def test_the_shell_block_does_what_it_says(followed):
    folder, answers = followed
    assert list(answers) == ["sample", "train", "runs", "predict", "evaluate"]
    assert len(discovery.find(folder / "cells")) == 48
    assert answers["runs"]["runs"] == [{"run": Path(answers["train"]["run"]).name, "state": "finished"}]
    assert len(list((folder / "masks").glob("*.png"))) == answers["predict"]["images"] == 48
    assert len((folder / "scores.csv").read_text().splitlines()) == 1 + answers["evaluate"]["images"]
    assert answers["evaluate"]["mean_dice"] == pytest.approx(answers["train"]["val_dice"], abs=1e-6)


def test_the_python_block_runs_as_it_stands_from_the_installed_wheel(followed, installed):
    folder, _ = followed
    environment = {"OMP_NUM_THREADS": "1", "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command = [str(installed / "python"), "-c", blocks("python")[0]]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0.5 < float(done.stdout.splitlines()[-1]) <= 1
    names = zipfile.ZipFile(folder / "cells_000.zip").namelist()
    assert any(name.endswith(".png") for name in names)
    assert any(name.endswith(".json") for name in names)
    assert any(name.endswith(".csv") for name in names)


def test_the_layouts_are_the_cores():
    assert re.findall(r"^### `(\w+)`", DATA, re.MULTILINE) == [name for name in LAYOUTS if name != "auto"]


def test_the_table_of_presets_is_the_cores():
    table = COMMANDS[COMMANDS.index("| preset |") :].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert [name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row)] == list(PRESETS)


def test_the_commands_in_the_table_can_be_given():
    table = COMMANDS[COMMANDS.index("| command |") :].split("\n\n")[0]
    parser = make_parser()
    for line in table.splitlines()[2:]:
        for command in re.findall(r"`([a-z]+(?: [^`]*)?)`", line.split("|")[1]):
            parsed = parser.parse_args(shlex.split(command))
            assert parsed.command, command


def test_make_app_answers():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(["make", "app", f"PORT={port}"], cwd=ROOT, start_new_session=True) as process:
        try:

            def answers() -> bool:
                try:
                    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).status == 200
                except OSError:
                    return False

            poll(answers, 120, "the app that `make app` starts")
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_the_commands_that_contributors_need_are_in_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"app", "test", "check", "test-long"} <= set(targets)
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")
