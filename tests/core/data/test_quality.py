"""Images that lie in two parts of a dataset are told, in whatever format."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.processes import make_data, picture
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.dataset import load_dataset

TINY = ModelConfig(base_channels=2, depth=1, image_size=16)


def save(root: Path, part: str, name: str, number: int, ending: str = "png") -> None:
    for kind, pixels in zip(("images", "masks"), picture(number), strict=True):
        (root / part / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / part / kind / f"{name}.{ending if kind == 'images' else 'png'}")


def warnings_of(root: Path) -> list[str]:
    return load_dataset(discovery.find(root), DataConfig(root=str(root)), TINY).warnings


@pytest.mark.parametrize(("part", "word"), [("val", "validation"), ("test", "test")])
@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_a_training_image_that_is_held_back_is_told(tmp_path: Path, ending: str, part: str, word: str) -> None:
    for number in range(3):
        save(tmp_path, "train", f"t{number}", number)
    save(tmp_path, part, "again", 1, ending)
    save(tmp_path, part, "new", 9, ending)
    assert warnings_of(tmp_path) == [
        f"1 images are in both train and {part}, so {word} scores are too high: {part}/again. Remove them from one of "
        "the two folders."
    ]


def test_copies_within_a_part_and_without_parts_are_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / "parts", "train", name, 1)
        save(tmp_path / "parts", "val", name, 2)
    assert warnings_of(tmp_path / "parts") == []
    data = make_data(tmp_path / "data", 3)
    for kind in ("images", "masks"):
        (data / kind / "copy.png").write_bytes((data / kind / "p1.png").read_bytes())
    assert warnings_of(data) == []
    assert np.array_equal(Image.open(data / "images/copy.png"), Image.open(data / "images/p1.png"))
