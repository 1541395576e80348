"""The commands about what is kept of a run, as a shell calls them."""

import json
import zipfile

import pytest

from unet_core.cli.parser import main
from unet_core.config.schema import RunConfig
from unet_core.runs import manage
from unet_core.runs import run as runs


@pytest.fixture
def run(tmp_path) -> runs.Run:
    run = runs.create(tmp_path, RunConfig().replace(root="/data/cells", epochs=3))
    run.beat()
    return run


def call(capsys, *words: str) -> dict:
    assert main([str(word) for word in words]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_name_and_a_note(run, capsys):
    assert call(capsys, "note", run.folder)["name"] == ""
    assert call(capsys, "note", run.folder, "--name", "mine") == {"run": str(run.folder), "name": "mine", "note": ""}
    assert call(capsys, "note", run.folder, "--note", "good")["name"] == "mine"
    assert call(capsys, "note", run.folder, "--name", "")["note"] == "good"


def test_a_zip(run, capsys, tmp_path):
    told = call(capsys, "pack", run.id, "--runs-dir", tmp_path, "--output", tmp_path / "a.zip")
    assert zipfile.is_zipfile(told["output"])
    (run.best).mkdir(parents=True)
    (run.best / "model.safetensors").write_bytes(b"weights")
    told = call(capsys, "pack", run.folder, "--model", "--output", tmp_path / "model.zip")
    with zipfile.ZipFile(told["output"]) as packed:
        assert packed.namelist() == [f"{run.id}/model.safetensors"]


def test_the_code(run, capsys):
    assert call(capsys, "code", run.folder)["command"] == "python -m unet_core train /data/cells --epochs=3"


def test_a_run_is_deleted_only_when_it_is_said_twice_and_can_be_restored(run, capsys, tmp_path):
    manage.write_notes(run, manage.Notes("mine"))
    assert main(["delete", str(run.folder)]) == 2
    error = capsys.readouterr().err
    assert "mine" in error and "restored for 24 hours" in error
    assert run.folder.exists()
    assert main(["delete", str(run.folder), "--yes"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["can_be_restored"] is True
    assert f"unet-studio restore {run.id}" in told.out + told.err
    assert not run.folder.exists()
    assert list_deleted(capsys, tmp_path) == [run.id]
    assert main(["restore", run.id, "--runs-dir", str(tmp_path)]) == 0
    assert manage.notes(run).name == "mine"
    capsys.readouterr()
    assert main(["restore", run.id, "--runs-dir", str(tmp_path)]) == 2
    assert "no deleted run" in capsys.readouterr().err


def list_deleted(capsys, runs_dir) -> list[str]:
    assert main(["restore", "--runs-dir", str(runs_dir)]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])["deleted"]


def test_permanently_leaves_nothing(run, capsys, tmp_path):
    assert main(["delete", str(run.folder), "--permanently"]) == 2
    assert "permanently" in capsys.readouterr().err
    assert main(["delete", str(run.folder), "--permanently", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["can_be_restored"] is False
    assert list_deleted(capsys, tmp_path) == []
