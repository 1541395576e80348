"""What a checkpoint tells of its training is right and can be read back."""

from contextlib import closing
from pathlib import Path

import pytest

from unet_core.config.schema import RunConfig
from unet_core.data import appearance, dataset, discovery, fingerprint
from unet_core.models import checkpoint
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import EpochFinished
from unet_core.training import runner


@pytest.fixture(scope="module")
def pictures(sample_folder: Path) -> dataset.Dataset:
    return dataset.load_dataset(discovery.find(sample_folder, "auto"), RunConfig().data, RunConfig().model)


def test_images_are_told_as_they_are(pictures: dataset.Dataset) -> None:
    told = runner.describe_images(pictures)
    found = fingerprint.Fingerprint.from_dict(told["fingerprint"])
    assert found.images == len(pictures)
    assert found.channels == 1
    assert 0.1 < found.class_shares[1] < 0.5
    usual = appearance.TypicalStats.from_dict(told["looks"])
    assert usual is not None
    means = sorted(appearance.measure(pictures[index].image).mean for index in range(len(pictures)))
    assert means[0] <= usual.mean[0] < usual.mean[2] <= means[-1]


def test_of_many_images_some_are_looked_at(pictures: dataset.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appearance, "MOST", 3)
    assert runner.describe_images(pictures)["fingerprint"]["images"] == 3


def test_of_no_images_nothing_is_told(pictures: dataset.Dataset) -> None:
    assert runner.describe_images(pictures.subset(())) == {}


def test_the_best_checkpoint_of_a_run_has_it(sample_folder: Path, tmp_path: Path) -> None:
    config = RunConfig().replace(
        root=str(sample_folder), epochs=2, base_channels=2, depth=1, image_size=32, batch_size=8, threads=1
    )
    run = runs.create(tmp_path, config)
    with closing(EventLog(run.events)) as log:
        runner.run_to_end(run, log)
    told = checkpoint.load_about(run.best)
    best = [event for event, _ in read_events(run.events)[0] if isinstance(event, EpochFinished) and event.best][-1]
    assert (told["epoch"], told["val_dice"], told["val_iou"]) == (best.epoch, best.val_dice, best.val_iou)
    assert told["batches"] == best.step
    assert told["fingerprint"]["images"] == len(run.split()["train"])
    assert str(sample_folder) not in (run.best / checkpoint.ABOUT_FILE).read_text(), "no local path goes with weights"
    assert checkpoint.load_about(run.last) == {}


def test_a_damaged_one_is_found_by_its_sum(sample_folder: Path, tmp_path: Path) -> None:
    from unet_core.config.schema import ModelConfig
    from unet_core.errors import CheckpointError
    from unet_core.models.unet import UNet

    model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=32))
    checkpoint.save_checkpoint(tmp_path / "best", model, about={"val_dice": 0.5})
    assert checkpoint.load_about(tmp_path / "best") == {"val_dice": 0.5}
    (tmp_path / "best" / checkpoint.ABOUT_FILE).write_text('{"val_dice": 0.9}')
    assert checkpoint.load_about(tmp_path / "best") == {}
    with pytest.raises(CheckpointError, match=checkpoint.ABOUT_FILE):
        checkpoint.verify(tmp_path / "best")
