"""What travels with weights says which images they saw, and is taken from nobody unchecked."""

import json
from pathlib import Path
from typing import Any

import pytest

from unet_core.config.schema import ModelConfig
from unet_core.data.groups import training_images
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.models import checkpoint, weight_file
from unet_core.models.unet import UNet

DIGEST = "0123456789abcdef"
LOOK = "look:48x64:" + "0f" * 32 + " cells:48x64:" + "0f" * 72
SEEN = TrainingImages(
    frozenset({f"px:{DIGEST} {LOOK} file:{DIGEST}"}), frozenset({"px:fedcba9876543210"}), frozenset({DIGEST})
)


def test_it_lies_beside_the_weights_and_is_protected_by_the_same_sums(tmp_path: Path) -> None:
    folder = tmp_path / "best"
    model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))
    checkpoint.save_checkpoint(folder, model, images=SEEN.to_values())
    assert training_images.load(folder) == SEEN
    content = (folder / "images.json").read_text()
    (folder / "images.json").write_text(content.replace("px:fedc", "px:0000"))
    assert training_images.load(folder) is None
    with pytest.raises(checkpoint.CheckpointError, match=r"images\.json: damaged"):
        checkpoint.verify(folder)
    (folder / "images.json").unlink()
    with pytest.raises(checkpoint.CheckpointError, match="not a complete checkpoint"):
        checkpoint.load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"train": "px"},
        {"train": [1]},
        {"train": ["look:9x9:" + "zz" * 32]},
        {"train": [f"look:{'9' * 30}x9:" + "0f" * 32]},
        {"train": ["cells:9x9:" + "0g" * 72]},
        {"val": ["/home/anna/image.png"]},
        {"test": [f"px:{DIGEST}\n"]},
        {"train": [" ".join([f"px:{DIGEST}"] * 5)]},
        {"unknown": ["everything"]},
        {"unknown": None},
    ],
)
def test_anything_else_counts_as_nothing(change: dict[str, Any]) -> None:
    values = SEEN.to_values()
    assert TrainingImages.from_values(json.loads(json.dumps(values))) == SEEN
    assert TrainingImages.from_values(values | change) is None
    assert training_images.read(json.dumps(values | change).encode()) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"[" * 100_000])
def test_a_file_of_something_else_counts_as_nothing(data: bytes) -> None:
    assert training_images.read(data) is None


def test_of_very_many_images_the_looks_stay_behind_and_of_more_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_images, "MOST_LOOKS", 2)
    assert TrainingImages.from_values(SEEN.to_values()) == SEEN.without_looks() != SEEN
    assert SEEN.has_looks and not SEEN.without_looks().has_looks
    monkeypatch.setattr(training_images, "MOST", 2)
    assert TrainingImages.from_values(SEEN.to_values()) == UNKNOWN


def test_the_largest_file_that_is_written_is_read() -> None:
    look = f"look:20000x20000:{'0f' * 32} cells:20000x20000:{'0f' * 72}"
    records = [f"px:{number:016x} {look} file:{number:016x}" for number in range(1000)]
    full = TrainingImages(frozenset(records))
    for images, most in ((full, training_images.MOST_LOOKS), (full.without_looks(), training_images.MOST)):
        size = len(json.dumps(images.to_values(), indent=0)) / 1000
        assert size * most < weight_file.MOST_EXTRAS["images.json"]


@pytest.mark.parametrize("about", [{}, {"trained_on": "all"}, {"trained_on": [3]}, {"trained_on": ["a/b.png"]}])
def test_facts_of_an_older_release_without_records_say_nothing(about: dict[str, Any]) -> None:
    assert training_images.of_older_release(about) is None
