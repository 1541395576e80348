"""A trial foretells what a run is: its split, its crops, its steps."""

import shutil
from dataclasses import replace

import pytest

from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery, sampling
from unet_core.planning import trial
from unet_core.training import splitting
from unet_core.training.state import TrainerState

SMALL = {"base_channels": 2, "depth": 1, "image_size": 32, "batch_size": 4}


def real(config: RunConfig) -> tuple[int, int, int, int]:
    """(train images, val images, crops, steps) as a run has them."""
    pictures = dataset.load_dataset(discovery.find(config.data.root), config.data, config.model)
    split = splitting.draw_split(pictures, config.data, splitting.make_records(pictures)).split
    config = replace(config, model=pictures.model)
    training = TrainerState(config, pictures.subset(split.train), pictures.subset(split.val))
    crops = int(sampling.crop_counts(training.train_dataset, config.train).sum())
    return len(split.train), len(split.val), crops, training.steps_per_epoch


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"val_fraction": 0.0},
        {"val_fraction": 0.5, "test_fraction": 0.3},
        {"crops_per_image": 3},
        {"seed": 5, "split_seed": 3},
        {"group_by": r"([0-3])$", "val_fraction": 0.5},
    ],
    ids=str,
)
def test_it_knows_the_whole_from_headers_and_a_sample(changes, sample_folder, tmp_path):
    config = RunConfig().replace(root=str(sample_folder), **SMALL, **changes)
    found = trial.prepare(config, tmp_path, max_images=4)
    assert len(found.dataset) == 4
    whole = found.dataset_size
    assert (whole.train_images, whole.val_images, whole.crops, found.steps) == real(config)


def test_a_pattern_that_groups_nothing_is_told_before_the_start(sample_folder, tmp_path):
    config = RunConfig().replace(root=str(sample_folder), **SMALL, group_by="(nothing)")
    (message,) = trial.prepare(config, tmp_path, max_images=4).warnings
    assert message.startswith("group_by '(nothing)' matches none of the 8 image ids")
    assert trial.prepare(config.replace(group_by="auto"), tmp_path, max_images=4).warnings == ()


def test_folders_that_name_their_parts(sample_folder, tmp_path):
    for number, source in enumerate(sorted((sample_folder / "images").iterdir())):
        part = "val" if number == 0 else "train"
        for folder in ("images", "masks"):
            (tmp_path / part / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(sample_folder / folder / source.name, tmp_path / part / folder / source.name)
    config = RunConfig().replace(root=str(tmp_path), **SMALL)
    found = trial.prepare(config, tmp_path, max_images=3)
    assert (found.dataset_size.train_images, found.dataset_size.val_images) == real(config)[:2] == (7, 1)
    assert len(found.training.val_dataset) == 1  # though a spread sample might have missed it


def test_batches_have_the_size_that_was_asked_for(sample_folder, tmp_path):
    found = trial.prepare(RunConfig().replace(root=str(sample_folder), **SMALL), tmp_path)
    batches = found.batches(50)
    for _ in range(6):
        batch = next(batches)
        assert len(batch.ids) == 50 and len(batch.images) == len(batch.target) == 50


def test_fine_tuning_begins_with_the_weights_of_the_other_model(sample_folder, tmp_path):
    from unet_core.models.checkpoint import save_checkpoint

    source = trial.prepare(RunConfig().replace(root=str(sample_folder), **SMALL | {"seed": 5}), tmp_path)
    save_checkpoint(tmp_path / "source", source.training.model)
    config = RunConfig().replace(root=str(sample_folder), **SMALL, init=str(tmp_path / "source"))
    found = trial.prepare(config, tmp_path).training.model.state_dict()
    assert all(bool((found[name] == value).all()) for name, value in source.training.model.state_dict().items())
