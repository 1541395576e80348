"""Data in numbers: figures worked out by hand, and what a folder gives."""

import json

import numpy as np
import pytest

from unet_core.config.schema import DataConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.fingerprint import Fingerprint
from unet_core.data.masks import files
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import DataError
from unet_core.io import images
from unet_core.io.pixels import encode_png


def gray(side: int = 64, value: int = 51) -> np.ndarray:
    return np.full((side, side, 1), value, np.uint8)


def squares(*corners: tuple[int, int], side: int = 64, width: int = 8, label: int = 1) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    for top, left in corners:
        mask[top : top + width, left : left + width] = label
    return mask


def test_objects_their_size_and_how_far_apart_they_are():
    found = fingerprint.measure([(gray(), squares((0, 0), (0, 20), (40, 0)))])
    assert found.objects_per_image == 3
    assert found.object_diameter == pytest.approx(2 * np.sqrt(64 / np.pi))
    assert found.object_gap == pytest.approx(13, abs=1)  # columns 8 to 19 lie between the first two
    assert found.class_shares == pytest.approx((1 - 3 * 64 / 64**2, 3 * 64 / 64**2))


def test_gaps_are_those_between_objects_of_one_class():
    mask = squares((0, 0), (0, 40)) + squares((20, 0), (20, 40), label=2)
    found = fingerprint.measure([(gray(), mask)])
    assert found.objects_per_image == 4
    assert found.object_gap == pytest.approx(33, abs=1)  # and not the 13 to the other class


def test_a_single_object_has_no_gap_and_none_no_size():
    assert fingerprint.measure([(gray(), squares((5, 5)))]).object_gap is None
    empty = fingerprint.measure([(gray(), squares())])
    assert (empty.object_diameter, empty.object_gap, empty.objects_per_image) == (None, None, 0)


def test_specks_are_no_objects():
    mask = squares((0, 0), (30, 30))
    mask[60, 60] = 1
    assert fingerprint.measure([(gray(), mask)]).objects_per_image == 2


def test_pixels_that_are_ignored_count_nowhere():
    mask = squares((0, 0))
    mask[32:] = IGNORE
    found = fingerprint.measure([(gray(), mask)])
    assert found.class_shares[1] == pytest.approx(64 / (32 * 64))
    assert len(found.class_shares) == 2


@pytest.mark.parametrize(("dtype", "value"), [(np.uint8, 51), (np.uint16, 13107), (np.float32, 0.2)])
def test_intensities_are_shares_of_the_full_range(dtype, value):
    image = np.zeros((40, 40, 3), dtype)
    image[..., 1] = value
    found = fingerprint.measure([(image, None)])
    assert found.dtype == np.dtype(dtype).name and found.channels == 3
    assert found.mean == pytest.approx((0, 0.2, 0))
    assert found.high == pytest.approx((0, 0.2, 0)) and found.std == pytest.approx((0, 0, 0), abs=1e-6)


def test_up_and_down_are_told_from_left_and_right():
    layers = np.zeros((64, 64), np.uint8)
    layers[32:] = 1
    assert fingerprint.measure([(gray(), layers)]).upright == pytest.approx(1)
    assert fingerprint.measure([(gray(), layers.T.copy())]).upright == 0
    assert fingerprint.measure([(gray(), layers), (gray(), layers[::-1].copy())]).upright == pytest.approx(0)


def test_of_large_pictures_the_middle_is_looked_at_and_objects_are_scaled(monkeypatch):
    monkeypatch.setattr(fingerprint, "WINDOW", 64)
    corners = [(top, left) for top in range(4, 128, 16) for left in range(4, 128, 16)]
    found = fingerprint.measure([(gray(128), squares(*corners, side=128))])
    assert found.objects_per_image == len(corners)
    assert (found.height, found.width) == (128, 128)


def test_its_memory_is_bounded_whatever_the_number_of_images(monkeypatch):
    monkeypatch.setattr(fingerprint, "MOST_SAMPLED", 4)
    look = fingerprint._Stats()
    for value in range(100):
        look.add_image(gray(16, value))
    assert len(look.intensities) <= 5
    assert look.result().mean[0] == pytest.approx(49.5 / 255, abs=0.05)  # spread over all of them


def test_it_goes_to_json_and_back_and_later_keys_are_passed_over():
    found = fingerprint.measure([(gray(), squares((0, 0), (0, 20)))])
    stored = json.loads(json.dumps(found.to_dict())) | {"of_a_later_release": 1}
    assert Fingerprint.from_dict(stored) == found
    assert Fingerprint.from_dict({}) == Fingerprint()


def test_a_folder_gives_what_its_pictures_give(sample_folder):
    found = discovery.find(sample_folder)
    pairs = []
    for sample in found:
        image = images.read(sample.image)
        pairs.append((image, files.foreground(files.read(sample, image.shape).values)))
    whole = fingerprint.measure_samples(found)
    assert whole == fingerprint.measure(pairs)
    assert 5 < whole.object_diameter < 60
    few = fingerprint.measure_samples(found, most=2)
    assert few.images == len(found) and few.object_diameter != whole.object_diameter


def test_classes_are_those_of_training(tmp_path):
    mask = squares((0, 0), label=2) + squares((20, 20))
    mask[50:] = 7
    for folder, pixels in (("images", gray()[:, :, 0]), ("masks", mask)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(encode_png(pixels))
    found = discovery.find(tmp_path)
    assert len(fingerprint.measure_samples(found).class_shares) == 8
    shares = fingerprint.measure_samples(found, DataConfig(ignore_index=7)).class_shares
    assert len(shares) == 3 and shares[2] == pytest.approx(64 / (50 * 64))


def test_unreadable_images_are_passed_over_and_all_of_them_are_an_error(tmp_path):
    for name in ("a", "b"):
        for folder, pixels in (("images", gray()[:, :, 0]), ("masks", squares((0, 0)))):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.png").write_bytes(encode_png(pixels))
    found = discovery.find(tmp_path)
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    assert fingerprint.measure_samples(found).object_diameter is not None
    (tmp_path / "images" / "b.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="png"):
        fingerprint.measure_samples(found)
