"""What a visitor may take of a public server."""

import pytest

from pages.server import paths
from pages.server.visitors import quotas
from tests.helpers.pages import STARTED, make_run
from unet_core.config.schema import RunConfig
from unet_core.errors import CheckpointError, DataError, RunError
from unet_core.io import owners
from unet_core.runs import run as runs
from unet_core.runs.run import RunState

ANNA, BERT = "a" * 32, "b" * 32


@pytest.fixture
def place(tmp_path, monkeypatch, sample_folder):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNET_DATASETS", str(tmp_path / "datasets"))
    monkeypatch.setattr(paths, "sample_data", lambda: sample_folder)
    for name in quotas.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


@pytest.fixture
def config(sample_folder):
    return RunConfig().replace(root=str(sample_folder.resolve()), image_size=64)


def refuse(config, place, owner=ANNA, number=1):
    with owners.acting_as(owner), pytest.raises(RunError) as error:
        quotas.admit([config] * number, place, True)
    return str(error.value)


def test_the_sample_with_usual_settings_is_admitted_and_the_operator_always(place, config):
    with owners.acting_as(ANNA):
        quotas.admit([config], place, True)
    quotas.admit([config.replace(root="/etc", epochs=100_000, image_size=2048, init="x")] * 100, place, True)


def test_own_uploads_are_admitted_and_no_other_folder(place, config, tmp_path):
    folders = {}
    for owner in (None, ANNA, BERT):
        with owners.acting_as(owner):
            staging = paths.library().folder / ".new"
            staging.mkdir(parents=True)
            folders[owner] = str(paths.library().add(staging, "cells").root.resolve())
    with owners.acting_as(ANNA):
        quotas.admit([config.replace(root=folders[ANNA])], place, True)
    for root in (
        folders[None],
        folders[BERT],
        "/",
        str(tmp_path),
        f"{folders[ANNA]}/..",
        "",
        folders[ANNA] + "/images",
    ):
        assert "train on their own uploads" in refuse(config.replace(root=root), place)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 101}, "has 101 epochs; this server trains at most 100"),
        ({"image_size": 544}, "crop size is 544 px; this server trains with at most 512 px"),
        ({"image_size": 512, "batch_size": 9}, "at most 8 of 512 px"),
        ({"recipe": "/etc/passwd"}, "cannot be named as recipe or color map"),
        ({"color_map": "/etc/passwd"}, "cannot be named as recipe or color map"),
        ({"init": "/etc"}, "Fine-tuning starts from a run of the list here, not '/etc'"),
        ({"init": "org/name"}, "not 'org/name'"),
    ],
)
def test_what_is_refused(place, config, changes, message):
    assert message in refuse(config.replace(**changes), place)


def test_fine_tuning_starts_from_a_run_that_one_sees(place, config, sample_folder):
    with owners.acting_as(BERT):
        berts = make_run(place, sample_folder, STARTED)
    servers = make_run(place, sample_folder, STARTED)
    with owners.acting_as(ANNA):
        quotas.admit([config.replace(init=servers.id)], place, True)
    assert "Fine-tuning" in refuse(config.replace(init=berts.id), place)


def test_a_stranger_and_a_server_without_training(place, config, monkeypatch):
    assert "does not know this visitor" in refuse(config, place, owners.STRANGER)
    monkeypatch.setenv("UNET_STUDIO_TRAINING", "0")
    assert "Training is switched off on this server" in refuse(config, place)
    with owners.acting_as(None):
        assert quotas.training_problem() == ""


def test_numbers_of_runs(place, config, sample_folder, monkeypatch):
    assert "may have 10 runs that wait or train" in refuse(config, place, number=11)
    monkeypatch.setenv("UNET_STUDIO_MAX_RUNS", "2")
    for owner in (ANNA, ANNA, BERT):
        with owners.acting_as(owner):
            make_run(place, sample_folder, STARTED)
    assert "may have 2 runs on its disk. Delete one" in refuse(config, place)
    with owners.acting_as(ANNA):
        quotas.admit([config], place, False)  # resumes one
    with owners.acting_as(BERT):
        quotas.admit([config], place, True)


def test_bytes_of_datasets_and_models(place, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_MAX_STORAGE_MB", "1")
    with owners.acting_as(ANNA):
        quotas.check_room(1_000_000)
        for folder in (paths.library().folder / "cells", paths.models_dir() / "net"):
            folder.mkdir(parents=True)
            (folder / "x").write_bytes(bytes(300_000))
        quotas.check_room(400_000)
        with pytest.raises(DataError, match="may store 1 MB; you have 1 MB and add 0 MB"):
            quotas.check_room(400_001)
    for owner in (BERT, None):
        with owners.acting_as(owner):
            quotas.check_room(1_000_000)
    with owners.acting_as(owners.STRANGER), pytest.raises(DataError, match="does not know this visitor"):
        quotas.check_room()


def test_weights_of_visitors_are_safetensors():
    for owner in (ANNA, owners.STRANGER):
        with owners.acting_as(owner):
            quotas.check_model_files(["model.safetensors", "config.json", "a.zip"])
            for name in ("a.pth", "b.PT", "pytorch_model.bin", "x.ckpt"):
                with pytest.raises(CheckpointError, match=r"takes weights as \.safetensors alone"):
                    quotas.check_model_files(["model.safetensors", name])
    quotas.check_model_files(["a.pth"])


def test_runs_that_have_the_device_too_long_are_stopped(place, sample_folder, monkeypatch):
    from unet_core.runs import run_state

    with owners.acting_as(ANNA):
        own = make_run(place, sample_folder, STARTED)
    servers = make_run(place, sample_folder, STARTED)
    monkeypatch.setattr(runs.Run, "state", lambda run: RunState.PAUSED)
    now = run_state.time.time()
    assert quotas.stop_overlong(place, now + 19 * 60) == []
    assert quotas.stop_overlong(place, now + 21 * 60) == [own]
    assert own.stop_requested() and not servers.stop_requested()
