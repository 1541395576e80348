"""The learning film: what is written, that it is small, that it reads back as what was predicted."""

import numpy as np
import pytest

from unet_core import data, film, samples
from unet_core.config import DataConfig, ModelConfig


@pytest.fixture
def pictures(sample_folder):
    found = samples.find(sample_folder)
    return data.load(found, DataConfig(), ModelConfig())[0]


def test_each_epoch_is_kept_with_its_scores(tmp_path, pictures):
    folder = tmp_path / "film"
    assert film.epochs(folder) == []
    film.shoot(folder, 1, lambda image: np.zeros(image.shape[:2], np.uint8), pictures)
    truths = iter([pictures.target(pictures[index].raw_mask) for index in film.probes(pictures)])
    film.shoot(folder, 2, lambda image: next(truths), pictures)
    assert film.epochs(folder) == [1, 2]
    blind, perfect = film.frames(folder, 1), film.frames(folder, 2)
    assert [frame.dice for frame in blind] == [0.0] * 4
    assert [frame.dice for frame in perfect] == [1.0] * 4
    for frame in perfect:
        assert (frame.pred == frame.truth).all()
        assert frame.pred.any()
        assert frame.image.shape[:2] == frame.truth.shape
        assert max(frame.truth.shape) <= film.SIDE
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{kind}.json" for kind in ("0001", "0002")]
        + [f"{start}-{number}.png" for start in ("0001", "0002") for number in range(4)]
        + [f"{number}-{what}.png" for number in range(4) for what in ("image", "truth")]
    )


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [0]), (2, [0, 1]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9])])
def test_probes_are_spread_over_the_validation_images(count, expected):
    assert film.probes(range(count)) == expected


def test_an_incomplete_or_damaged_epoch_is_left_out(tmp_path, pictures):
    folder = tmp_path / "film"
    film.shoot(folder, 1, lambda image: np.zeros(image.shape[:2], np.uint8), pictures)
    (folder / "0001-2.png").write_bytes(b"damaged")
    assert len(film.frames(folder, 1)) == 3
    assert film.frames(folder, 2) == []
