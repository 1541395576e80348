"""The threshold in the checkpoint: all or nothing, weights untouched, taken back, and read by every reader."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from safetensors.torch import load_file

from tests.core.evaluation.tuning.test_measure import studied
from unet_core.config.model import ModelConfig
from unet_core.errors import CheckpointError, ConfigError, RunError
from unet_core.evaluation.tuning import frozen
from unet_core.inference.predictor import load_predictor
from unet_core.io import owners
from unet_core.models import checkpoint, import_weights, weight_file
from unet_core.runs import run as runs


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tensors(data: bytes) -> bytes:
    return data[8 + int.from_bytes(data[:8], "little") :]


def test_the_threshold_is_in_settings_and_weight_file_and_every_tensor_keeps_its_bytes(tuned_run: runs.Run) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    study, before = studied(tuned_run, predictor), contents(tuned_run.best)
    run_settings = (tuned_run.folder / "config.json").read_bytes()
    record = frozen.freeze(tuned_run.best, study, 0.8, "dice", tuned_run)
    after = contents(tuned_run.best)
    assert json.loads(after["config.json"]) == json.loads(before["config.json"]) | {"threshold": 0.8}
    assert tensors(after["model.safetensors"]) == tensors(before["model.safetensors"])
    assert load_file(tuned_run.best / "model.safetensors").keys() == predictor.model.state_dict().keys()
    header = weight_file.header_of(after["model.safetensors"], "a")
    assert json.loads(header.metadata["config"])["threshold"] == 0.8
    assert int.from_bytes(after["model.safetensors"][:8], "little") % 8 == 0
    assert after["images.json"] == before["images.json"]
    about = json.loads(after["training.json"])
    assert about.pop("threshold")["threshold"] == 0.8
    assert about == json.loads(before["training.json"])
    assert (tuned_run.folder / "config.json").read_bytes() == run_settings
    checkpoint.verify(tuned_run.best)
    checkpoint.verify(tuned_run.best.with_name("best.old"))
    assert (record.trained, record.images, record.chosen_on) == (0.5, 3, "validation images")
    assert record.before == study.validation.score(0.5, "dice")
    assert record.after == study.validation.score(0.8, "dice")
    assert frozen.read_record(tuned_run.best) == record


def test_every_reader_takes_it(tuned_run: runs.Run, tmp_path: Path) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    frozen.freeze(tuned_run.best, studied(tuned_run, predictor), 0.8, "dice", tuned_run)
    changed, warning = load_predictor(tuned_run.best)
    image = np.random.default_rng(0).integers(0, 255, (64, 64, predictor.model.config.in_channels), np.uint8)
    assert (warning, changed.model.config.threshold) == ("", 0.8)
    assert (changed.mask(image) == predictor.mask(image, 0.8)).all()
    lone = import_weights.import_model({"lone.safetensors": tuned_run.best / "model.safetensors"}, tmp_path / "models")
    assert load_predictor(lone)[0].model.config.threshold == 0.8


def test_it_is_taken_back_to_the_byte_and_twice_changed_knows_the_first(tuned_run: runs.Run) -> None:
    study, before = studied(tuned_run, load_predictor(tuned_run.best)[0]), contents(tuned_run.best)
    frozen.freeze(tuned_run.best, study, 0.8, "dice", tuned_run)
    again = frozen.freeze(tuned_run.best, study, 0.3, "iou", tuned_run)
    assert (again.threshold, again.trained) == (0.3, 0.5)
    assert frozen.unfreeze(tuned_run.best, tuned_run) == 0.5
    after = contents(tuned_run.best)
    assert after.keys() == before.keys()
    for name in before.keys() - {"model.safetensors", "sha256"}:
        assert after[name] == before[name], name
    assert tensors(after["model.safetensors"]) == tensors(before["model.safetensors"])
    assert frozen.read_record(tuned_run.best) is None
    with pytest.raises(CheckpointError, match="nothing to take back"):
        frozen.unfreeze(tuned_run.best, tuned_run)


@pytest.mark.parametrize("call", range(4))
def test_a_crash_at_any_point_leaves_a_checkpoint(
    tuned_run: runs.Run, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    study = studied(tuned_run, load_predictor(tuned_run.best)[0])
    weights = load_file(tuned_run.best / "model.safetensors")
    original, calls = checkpoint.flush_to_disk, 0

    def fail(path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls > call:
            raise OSError(28, "No space left on device")
        original(path)

    monkeypatch.setattr(checkpoint, "flush_to_disk", fail)
    with pytest.raises(CheckpointError, match="No space left on device"):
        frozen.freeze(tuned_run.best, study, 0.8, "dice", tuned_run)
    predictor, warning = load_predictor(tuned_run.best)
    assert (warning, predictor.model.config.threshold) == ("", 0.5)
    assert all((predictor.model.state_dict()[name] == weights[name]).all() for name in weights)


def test_a_run_that_trains_or_waits_or_is_of_others_is_refused(tuned_run: runs.Run) -> None:
    study, before = studied(tuned_run, load_predictor(tuned_run.best)[0]), contents(tuned_run.best)

    def change() -> None:
        frozen.freeze(tuned_run.best, study, 0.8, "dice", tuned_run)

    with FileLock(tuned_run.folder / "lock"), pytest.raises(RunError, match="is training"):
        change()
    (tuned_run.folder / "queue").write_text("1")
    with pytest.raises(RunError, match="is queued"):
        change()
    (tuned_run.folder / "queue").unlink()
    with owners.acting_as("a" * 32):
        owners.record(tuned_run.folder)
    with owners.acting_as("b" * 32):
        with pytest.raises(RunError, match="There is no run"):
            change()
        with pytest.raises(RunError, match="There is no run"):
            frozen.unfreeze(tuned_run.best, tuned_run)
    (tuned_run.folder / "owner").unlink()
    with owners.acting_as("b" * 32), pytest.raises(RunError, match="belongs to this server"):
        change()
    with pytest.raises(ConfigError, match="threshold"):
        frozen.freeze(tuned_run.best, study, 1.5, "dice", tuned_run)
    assert contents(tuned_run.best) == before


@pytest.mark.parametrize("change", [{"threshold": "x"}, {"metric": "f2"}, {"extra": 1}, {"trained": 7}, {"date": 3}])
def test_a_record_of_an_upload_that_is_none_is_passed_over(tuned_run: runs.Run, change: dict[str, object]) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    frozen.freeze(tuned_run.best, studied(tuned_run, predictor), 0.8, "dice", tuned_run)
    about = checkpoint.load_about(tuned_run.best)
    about["threshold"] |= change
    checkpoint.rewrite_config(tuned_run.best, replace(predictor.model.config, threshold=0.8), about)
    assert frozen.read_record(tuned_run.best) is None


def test_a_checkpoint_without_facts_gets_and_loses_them(tmp_path: Path) -> None:
    from unet_core.models.unet import UNet

    config = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)
    checkpoint.save_checkpoint(tmp_path / "m", UNet(config))
    checkpoint.rewrite_config(tmp_path / "m", replace(config, threshold=0.7), {"threshold": {}})
    assert checkpoint.load_config(tmp_path / "m").threshold == 0.7
    checkpoint.rewrite_config(tmp_path / "m", config, {})
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["config.json", "model.safetensors", "sha256"]
