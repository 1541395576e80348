"""Train, push, an empty cache, pull, predict: the same masks; and what was tampered with is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.numpy import load, save

from tests.helpers.hub_push_server import PushHub, PushRepo
from unet_core.cli.parser import main
from unet_core.io import images
from unet_core.runs.run import Run

REPO = "anna/cells"
SETTINGS = ["--device", "cpu", "--precision", "fp32"]


@pytest.fixture
def pushed(run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]) -> PushRepo:
    assert main(["push", str(run.folder), REPO, "--yes", *SETTINGS]) == 0
    capsys.readouterr()
    repo = hub.repos[REPO]
    assert isinstance(repo, PushRepo)
    return repo


def masks(folder: Path) -> dict[str, bytes]:
    return {path.name: images.read_mask(path).tobytes() for path in sorted(folder.glob("*.png"))}


def test_masks_are_identical_after_a_round_trip_through_the_hub(
    run: Run, pushed: PushRepo, trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_images = str(trained_once / "cells" / "images")
    assert main(["predict", str(run.folder), new_images, "--output", str(tmp_path / "before"), *SETTINGS]) == 0
    there = tmp_path / "there"
    monkeypatch.setenv("HF_HOME", str(there / "hf-home"))  # a cache that has nothing
    assert main(["pull", REPO, "--runs-dir", str(there / "runs")]) == 0
    command = ["predict", REPO, new_images, "--runs-dir", str(there / "runs"), "--output", str(tmp_path / "after")]
    assert main([*command, *SETTINGS]) == 0
    before = masks(tmp_path / "before")
    assert len(before) == 12 and len(set(before.values())) == 12
    assert masks(tmp_path / "after") == before


def without(files: Mapping[str, bytes], *names: str) -> bytes:
    return save({name: value for name, value in load(files["model.safetensors"]).items() if name not in names})


def reshaped(files: Mapping[str, bytes], name: str) -> bytes:
    tensors = load(files["model.safetensors"])
    return save(tensors | {name: tensors[name].repeat(2, axis=0)})


@pytest.mark.parametrize("what", ["missing", "shape", "code", "pickle"])
def test_a_repository_that_was_tampered_with_is_refused_with_what_differs(
    pushed: PushRepo, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    names = sorted(load(pushed.files["model.safetensors"]))
    del pushed.files["sha256"]
    says: tuple[str, ...]
    if what == "missing":
        pushed.files["model.safetensors"] = without(pushed.files, *names[:5])
        says = ("is missing;", "and 2 more")
    elif what == "shape":
        pushed.files["model.safetensors"] = reshaped(pushed.files, "head.bias")
        says = ("head.bias has shape 2 instead of 1.",)
    elif what == "code":
        pushed.files["modeling.py"] = b"raise SystemExit"
        says = ("contains code (modeling.py)",)
    else:
        pushed.files["pytorch_model.bin"] = pushed.files.pop("model.safetensors")
        says = ("may run code when they are opened (pytorch_model.bin)",)
    assert main(["pull", REPO, "--runs-dir", str(tmp_path / "there")]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: {REPO}") and all(text in error for text in says)
    if what == "missing":
        assert error.count(" is missing") == 3  # the first three
    assert not list((tmp_path / "there").rglob("model.safetensors"))
