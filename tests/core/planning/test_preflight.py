"""The check on real steps of a tiny net; memory that runs out is made up, since a test must not fill the machine."""

import numpy as np
import pytest
import torch

from unet_core.config.schema import RunConfig
from unet_core.errors import DataError, TrainingError
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.planning import benchmark, preflight
from unet_core.planning.report import Progress, Report

SMALL = {"base_channels": 2, "depth": 2, "image_size": 32, "crops_per_image": 8}


@pytest.fixture
def config(sample_folder):
    return RunConfig().replace(root=str(sample_folder), **SMALL)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(benchmark, "MOST_STEPS", 3)


def report(config: RunConfig, folder, seconds: float = 600.0) -> Report:
    told = list(preflight.run(config, folder, seconds))
    shares = [item.share for item in told[:-1]]
    assert all(isinstance(item, Progress) for item in told[:-1]) and shares == sorted(shares)
    assert isinstance(told[-1], Report)
    return told[-1]


def made_up(monkeypatch, limit: int) -> list[int]:
    """Steps with more than `limit` crops run out of memory; the sizes of those that were made."""
    made = []
    step = benchmark.make_step

    def scarce(training, batch, lr):
        if len(batch.ids) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        made.append(len(batch.ids))
        return step(training, batch, lr)

    monkeypatch.setattr(benchmark, "make_step", scarce)
    return made


def test_what_a_run_would_cost(config, tmp_path):
    found = report(config, tmp_path)
    assert (found.images, found.train_images, found.val_images) == (8, 6, 2)
    assert (found.crops, found.steps, found.batch_size) == (48, 3, 16)
    assert found.train_seconds == pytest.approx(3 * found.step_seconds)
    assert min(found.step_seconds, found.val_seconds, found.save_seconds, found.start_seconds) > 0
    assert (found.largest_batch, found.largest_by) == (48, "data")
    assert found.memory_mb > 50
    assert found.fingerprint.images == 8 and found.fingerprint.object_diameter > 5
    assert any("45 steps in total" in warning for warning in found.warnings)


@pytest.mark.parametrize("limit", [17, 40])
def test_the_batch_it_names_was_made_and_the_next_one_did_not_fit(config, tmp_path, monkeypatch, limit):
    made = made_up(monkeypatch, limit)
    found = report(config, tmp_path)
    assert found.largest_by == "memory"
    assert found.largest_batch <= limit and limit - found.largest_batch <= 2
    assert found.largest_batch in made


def test_a_batch_that_is_too_large_is_told_and_time_is_taken_with_a_smaller_one(config, tmp_path, monkeypatch):
    made_up(monkeypatch, 5)
    found = report(config, tmp_path)
    assert found.batch_size == 4 and found.largest_batch in (4, 5)
    assert any("does not fit in memory" in warning for warning in found.warnings)


def test_where_not_a_single_crop_fits_it_says_what_to_lower(config, tmp_path, monkeypatch):
    made_up(monkeypatch, 1)
    with pytest.raises(TrainingError, match="Lower image_size"):
        report(config, tmp_path)


def test_another_error_is_not_taken_for_memory(config, tmp_path, monkeypatch):
    def broken(training, batch, lr):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(benchmark, "make_step", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        report(config, tmp_path)


def test_without_time_it_names_what_was_made_anyway(config, tmp_path):
    found = report(config, tmp_path, seconds=0.0)
    assert (found.largest_batch, found.largest_by) == (16, "time")


def test_slow_steps_are_measured_with_a_smaller_batch_and_reckoned(config, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "LONGEST_STEP", 0.0)
    monkeypatch.setattr(preflight, "LONGEST_STEP", 0.0)
    found = report(config, tmp_path, seconds=0.0)
    assert found.batch_size == 2
    assert found.train_seconds == pytest.approx(24 * found.step_seconds)
    assert any("estimated from batch_size 2" in warning for warning in found.warnings)


def test_without_validation_images_it_costs_nothing(config, tmp_path):
    found = report(config.replace(val_fraction=0.0), tmp_path)
    assert found.val_seconds == 0 and found.val_images == 0
    assert any("There are no validation images" in warning for warning in found.warnings)


def test_a_class_that_no_image_holds_is_named(config, tmp_path, sample_folder):
    for source in (sample_folder / "images").iterdir():
        mask = images.read_mask(sample_folder / "masks" / source.name)
        for folder, content in (("images", source.read_bytes()), ("masks", encode_png(np.uint8(mask > 0)))):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / source.name).write_bytes(content)
    found = report(config.replace(root=str(tmp_path), num_classes=3), tmp_path)
    assert any("Class 2 is in none of the 6 training images" in warning for warning in found.warnings)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="no images"):
        list(preflight.run(RunConfig().replace(root=str(tmp_path)), tmp_path))
