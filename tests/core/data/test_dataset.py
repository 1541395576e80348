"""Pictures to tensors: what is found and refused, the same pixels from memory and disk, crops anyone can make again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unet_core.config.choices import AUGMENTATIONS, NORMALIZATIONS
from unet_core.config.schema import DataConfig, ModelConfig, TrainConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import find
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.data.normalization import normalize, statistics
from unet_core.data.sampling import Batch, batches, crop_counts, steps_per_epoch
from unet_core.errors import ConfigError, DataError
from unet_core.io import images
from unet_core.io.pixels import encode_png

Array = NDArray[np.uint8]
TINY = ModelConfig(base_channels=2, depth=1, image_size=16, normalization="unit")
GRAY = 40  # gray levels of a class index, in pictures that show their mask


def showing(mask: Array, channels: int = 1) -> Array:
    """An image from which its mask of class indices can be read."""
    gray = (mask * GRAY).astype(np.uint8)
    return gray if channels == 1 else np.stack([gray] * channels, 2)


def folder(root: Path, pictures: list[tuple[Array, Array]]) -> list[Sample]:
    """Write (image, mask) pairs as images/00.png, masks/00.png, ..."""
    for kind, index in (("images", 0), ("masks", 1)):
        (root / kind).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            (root / kind / f"{number:02d}.png").write_bytes(encode_png(picture[index]))
    return find(root)


def noise(side: int, values: int, seed: int, channels: int = 1, width: int | None = None) -> tuple[Array, Array]:
    mask = np.random.default_rng(seed).integers(values, size=(side, width or side)).astype(np.uint8)
    return showing(mask, channels), mask


def loaded(samples: list[Sample], model: ModelConfig = TINY, **data: int) -> Dataset:
    return load_dataset(samples, DataConfig(**data), model)


def epoch(pictures: Dataset, number: int = 1, **settings: int | str) -> list[Batch]:
    return list(batches(pictures, TrainConfig(**{"batch_size": 3, "crops_per_image": 2, **settings}), number))


def crops(found: list[Batch]) -> list[tuple[str, bytes, bytes]]:
    """(id, pixels, mask) of each crop, in order."""
    return [
        (name, image.numpy().tobytes(), target.numpy().tobytes())
        for batch in found
        for name, image, target in zip(batch.ids, batch.images, batch.target, strict=True)
    ]


# Loading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "values", "scale", "classes"),
    [(1, 2, 1, 1), (1, 2, 255, 1), (3, 2, 255, 1), (1, 3, 1, 3), (3, 6, 1, 6)],
)
def test_channels_and_classes_are_found(tmp_path: Path, channels: int, values: int, scale: int, classes: int) -> None:
    pairs = [noise(20, values, seed, channels) for seed in range(2)]
    samples = folder(tmp_path, [(image, mask * np.uint8(scale)) for image, mask in pairs])
    pictures = load_dataset(samples, DataConfig(), TINY)
    assert (pictures.model.in_channels, pictures.model.num_classes, pictures.skipped) == (channels, classes, [])
    assert len(pictures) == 2
    for index, (image, mask) in enumerate(pairs):
        assert np.array_equal(pictures[index].image, image.reshape(20, 20, channels))
        assert np.array_equal(pictures[index].mask, mask)


def test_what_the_settings_give_is_kept(tmp_path: Path) -> None:
    samples = folder(tmp_path, [noise(20, 2, 0, channels=3)])
    given = ModelConfig(in_channels=1, num_classes=4, base_channels=2, depth=1, image_size=16, normalization="unit")
    pictures = load_dataset(samples, DataConfig(), given)
    assert pictures.model == replace(given, source_channels=(3,))
    assert pictures[0].image.shape == (20, 20, 1)


def test_one_color_picture_among_gray_ones_makes_all_of_them_rgb(tmp_path: Path) -> None:
    pictures = loaded(folder(tmp_path, [noise(20, 2, 0), noise(20, 2, 1, channels=3)]))
    assert [pictures[index].image.shape for index in range(2)] == [(20, 20, 3)] * 2


def test_ignored_mask_values_are_ignore_and_no_class(tmp_path: Path) -> None:
    mask = np.tile(np.array([0, 1, 2, 7], np.uint8), (20, 5))
    pictures = loaded(folder(tmp_path, [(showing(mask), mask)]), ignore_index=7)
    assert pictures.model.num_classes == 3
    assert np.array_equal(pictures[0].mask, np.where(mask == 7, IGNORE, mask))
    for batch in epoch(pictures):
        assert set(batch.target.unique().tolist()) == {0, 1, 2, IGNORE}


def test_a_tenth_of_unreadable_files_is_skipped_and_named(tmp_path: Path) -> None:
    samples = folder(tmp_path, [noise(20, 2, seed) for seed in range(10)])
    samples[3].image.write_bytes(b"no picture")
    pictures = load_dataset(samples, DataConfig(), TINY)
    assert [sample.id for sample in pictures.samples] == ["00", "01", "02", "04", "05", "06", "07", "08", "09"]
    assert len(pictures.skipped) == 1
    assert str(samples[3].image) in pictures.skipped[0]
    assert {name for batch in epoch(pictures) for name in batch.ids} == {sample.id for sample in pictures.samples}


def test_more_than_a_tenth_is_refused_and_all_are_named(tmp_path: Path) -> None:
    samples = folder(tmp_path, [noise(20, 2, seed) for seed in range(10)])
    samples[3].image.write_bytes(b"no picture")
    whole = samples[8].masks[0].read_bytes()
    samples[8].masks[0].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"^2 of 10 images or masks cannot be read") as refused:
        load_dataset(samples, DataConfig(), TINY)
    # Each file by its folder and name, and each reason once: full paths of many files hid what is wrong with them.
    assert "images/03.png: not a supported image file" in str(refused.value)
    assert "masks/08.png: the image is damaged" in str(refused.value)


def test_one_reason_of_many_files_is_said_once(tmp_path: Path) -> None:
    samples = folder(tmp_path, [noise(20, 2, seed) for seed in range(10)])
    for sample in samples[:4]:
        sample.image.write_bytes(b"no picture")
    with pytest.raises(DataError) as refused:
        load_dataset(samples, DataConfig(), TINY)
    assert str(refused.value).count("not a supported image file") == 1
    assert "images/00.png, images/01.png, images/02.png, images/03.png: not a supported" in str(refused.value)


def test_the_first_pictures_may_be_unreadable(tmp_path: Path) -> None:
    samples = folder(tmp_path, [noise(20, 2, seed, channels=3) for seed in range(10)])
    samples[0].image.write_bytes(b"")
    pictures = load_dataset(samples, DataConfig(), TINY)
    assert pictures.model.in_channels == 3
    assert len(pictures.skipped) == 1


def test_every_mask_of_another_size_is_listed(tmp_path: Path) -> None:
    pairs = [noise(20, 2, seed) for seed in range(5)]
    pairs[1] = pairs[1][0], pairs[1][1][:-1]
    pairs[4] = pairs[4][0], pairs[4][1][:, :-3]
    samples = folder(tmp_path, pairs)
    with pytest.raises(DataError, match=r"^2 masks do not fit their images") as refused:
        load_dataset(samples, DataConfig(), TINY)
    assert f"{samples[1].masks[0]}: the mask is 20 x 19 pixels, its image 01.png is 20 x 20" in str(refused.value)
    assert f"{samples[4].masks[0]}: the mask is 17 x 20 pixels, its image 04.png is 20 x 20" in str(refused.value)


# Memory -------------------------------------------------------------------------------------------------------------


def test_memory_changes_how_often_files_are_read_and_never_the_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = folder(tmp_path, [noise(20 + seed, 3, seed) for seed in range(3)])
    reads = []
    read = images.read_with_remarks
    monkeypatch.setattr(images, "read_with_remarks", lambda path, page=None: reads.append(path) or read(path, page))
    seen = {}
    for cache_mb in (0, 4096):
        pictures = loaded(samples, cache_mb=cache_mb)
        part = pictures.subset(("00", "02"))
        reads.clear()
        seen[cache_mb] = crops(epoch(pictures)) + crops(epoch(part))
        assert bool(reads) == (cache_mb == 0)
    assert seen[0] == seen[4096]


def test_memory_is_filled_to_its_bound_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture takes 600 x 600 bytes of image and as many of mask: one of three fits into 1 MiB."""
    samples = folder(tmp_path, [noise(600, 2, seed) for seed in range(3)])
    pictures = loaded(samples, cache_mb=1)
    reads = []
    read = images.read_with_remarks
    monkeypatch.setattr(images, "read_with_remarks", lambda path, page=None: reads.append(path) or read(path, page))
    for index in range(3):
        assert pictures[index].image.shape == (600, 600, 1)
    assert len(reads) == 2


def test_a_subset_holds_its_samples_and_what_was_found(tmp_path: Path) -> None:
    pictures = loaded(folder(tmp_path, [noise(20, 3, seed) for seed in range(4)]), ignore_index=2)
    part = pictures.subset(("03", "01"))
    assert [sample.id for sample in part.samples] == ["01", "03"]
    assert part.model == pictures.model
    assert np.array_equal(part[1].image, pictures[3].image)
    assert np.array_equal(part[1].mask, pictures[3].mask)
    assert len(pictures.subset(())) == 0


# Normalization ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NORMALIZATIONS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["noise", "black", "white", "one pixel"])
def test_every_normalization_gives_finite_numbers_of_a_usual_size(name: str, channels: int, kind: str) -> None:
    side = 1 if kind == "one pixel" else 24
    image = np.random.default_rng(0).integers(256, size=(side, side, channels)).astype(np.uint8)
    if kind in ("black", "white"):
        image[:] = 255 * (kind == "white")
    if (name, channels) == ("imagenet", 1):
        with pytest.raises(ConfigError, match="got 1 channels"):
            statistics(image, name)
        return
    tensor = normalize(image, *statistics(image, name))
    assert tensor.shape == (channels, side, side)
    assert tensor.dtype == torch.float32
    assert tensor.isfinite().all()
    assert tensor.abs().max() < 10


def test_unit_maps_0_to_255_onto_0_to_1() -> None:
    image = np.array([[[0, 51, 255]]], np.uint8)
    assert normalize(image, *statistics(image, "unit")).flatten().tolist() == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_zscore_makes_an_image_mean_0_and_deviation_1(channels: int) -> None:
    rng = np.random.default_rng(0)
    level, spread = np.array([60, 120, 180])[:channels], np.array([5, 10, 15])[:channels]
    image = (level + spread * rng.standard_normal((200, 150, channels))).astype(np.uint8)
    tensor = normalize(image, *statistics(image, "zscore"))
    assert tensor.mean().item() == pytest.approx(0, abs=0.01)
    assert tensor.std().item() == pytest.approx(1, abs=0.01)


def test_statistics_are_of_the_image_alone() -> None:
    one, other = (np.random.default_rng(seed).integers(256, size=(30, 30, 3)).astype(np.uint8) for seed in (1, 2))
    before = statistics(one, "zscore")
    statistics(other, "zscore")
    for first, again in zip(before, statistics(one, "zscore"), strict=True):
        assert np.array_equal(first, again)
        assert first.shape == (3,)
        assert first.dtype == np.float32


# Batches ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Dataset:
    """Five pictures larger and smaller than a crop, one of a single pixel."""
    shapes = [(20, 20), (40, 18), (16, 16), (17, 31), (1, 1)]
    pairs = [noise(height, 6, seed, 3, width) for seed, (height, width) in enumerate(shapes)]
    pairs[0][1][0, :6] = range(6)  # all six classes are there
    pairs[0] = showing(pairs[0][1], 3), pairs[0][1]
    return loaded(folder(tmp_path, pairs))


@pytest.mark.parametrize(("batch_size", "crops_per_image"), [(3, 2), (4, 1), (1, 1), (64, 3), (5, 2)])
def test_an_epoch_visits_every_image_as_often_as_told(pictures: Dataset, batch_size: int, crops_per_image: int) -> None:
    found = epoch(pictures, batch_size=batch_size, crops_per_image=crops_per_image)
    ids = [name for batch in found for name in batch.ids]
    assert sorted(ids) == sorted(["00", "01", "02", "03", "04"] * crops_per_image)
    assert [len(batch.ids) for batch in found[:-1]] == [batch_size] * (len(found) - 1)
    settings = TrainConfig(batch_size=batch_size, crops_per_image=crops_per_image)
    assert len(found) == steps_per_epoch(pictures, settings)
    for batch in found:
        assert batch.images.shape == (len(batch.ids), 3, 16, 16)
        assert batch.target.shape == (len(batch.ids), 16, 16)
        assert batch.images.dtype == torch.float32
        assert batch.target.dtype == torch.int64


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (8, 4), (9, 5)])
def test_steps_per_epoch_by_hand(count: int, expected: int, tmp_path: Path) -> None:
    nine = loaded(folder(tmp_path, [noise(16, 2, seed) for seed in range(9)]))
    found = nine.subset(tuple(f"{number:02d}" for number in range(count)))
    assert steps_per_epoch(found, TrainConfig(batch_size=4, crops_per_image=2)) == expected


def test_left_open_an_epoch_covers_each_image_with_one_to_four_crops(tmp_path: Path) -> None:
    shapes = [(8, 8), (16, 16), (16, 39), (32, 32), (90, 90)]  # in crops of 16: 1/4, 1, 2.4, 4 and 31.6
    found = loaded(folder(tmp_path, [noise(height, 2, 0, 1, width) for height, width in shapes]))
    assert crop_counts(found, TrainConfig()).tolist() == [1, 1, 2, 4, 4]
    assert crop_counts(found, TrainConfig(crops_per_image=3)).tolist() == [3] * 5
    ids = [name for batch in batches(found, TrainConfig(batch_size=5), 1) for name in batch.ids]
    assert sorted(ids) == sorted(["00", "01", "02", "02", *["03"] * 4, *["04"] * 4])
    assert steps_per_epoch(found, TrainConfig(batch_size=5)) == 3
    found.model = replace(found.model, padding="valid", depth=1, convs_per_block=1, image_size=16)
    assert crop_counts(found, TrainConfig()).tolist() == [1, 4, 4, 4, 4], "what counts is the mask that a crop gives"


@pytest.mark.parametrize("augment", ["none", "flips", "light", "street"])  # the others resample
@pytest.mark.parametrize("side", [16, 64])
def test_image_and_mask_are_cut_turned_and_padded_alike(pictures: Dataset, augment: str, side: int) -> None:
    """Through brightness changes too: over one mask value of one crop lies one gray, and more over a higher one."""
    pictures.model = ModelConfig(in_channels=3, num_classes=6, depth=1, image_size=side, normalization="unit")
    for number in (1, 2):
        for batch in epoch(pictures, number, augment=augment, crops_per_image=4):
            for image, target in zip(batch.images, batch.target, strict=True):
                if augment in ("none", "flips"):
                    assert torch.equal((image * 255 / GRAY).round().long(), target.expand(3, -1, -1))
                levels = [image[:, target == value].unique() for value in target.unique()]
                assert all(len(level) == 1 for level in levels)
                assert [level.item() for level in levels] == sorted(level.item() for level in levels)
                assert set(target.unique().tolist()) <= set(range(6))


def test_crops_come_from_all_over_the_picture(tmp_path: Path) -> None:
    place = np.arange(81, dtype=np.uint8).reshape(9, 9)  # each pixel says where it lies
    tiny = ModelConfig(base_channels=2, depth=1, image_size=8, normalization="unit")
    pictures = loaded(folder(tmp_path, [(np.pad(place, (0, 3)), np.zeros((12, 12), np.uint8))]), tiny)
    corners = set()
    for number in range(1, 9):
        for batch in epoch(pictures, number, augment="none", crops_per_image=24):
            corners |= {int((image[0, 0, 0] * 255).round()) for image in batch.images}
    assert corners == {9 * top + left for top in range(5) for left in range(5)}


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_an_epoch_is_a_function_of_seed_and_number_whatever_came_before(pictures: Dataset, augment: str) -> None:
    first = {number: crops(epoch(pictures, number, augment=augment)) for number in (1, 2, 3)}
    np.random.seed(9)  # the global generators must not matter
    torch.manual_seed(9)
    assert crops(epoch(pictures, 3, augment=augment)) == first[3]
    assert crops(epoch(pictures, 1, augment=augment)) == first[1]
    assert first[1] != first[2]
    assert crops(epoch(pictures, 1, augment=augment, seed=1)) != first[1]


def test_a_crop_is_a_function_of_its_position_and_not_of_the_batch_size(pictures: Dataset) -> None:
    wanted = crops(epoch(pictures, 2, batch_size=3))
    for batch_size in (1, 4, 100):
        assert crops(epoch(pictures, 2, batch_size=batch_size)) == wanted


def test_the_order_of_images_differs_from_epoch_to_epoch(pictures: Dataset) -> None:
    orders = {tuple(name for batch in epoch(pictures, number) for name in batch.ids) for number in range(1, 9)}
    assert len(orders) > 4


def test_crops_of_one_image_differ(pictures: Dataset) -> None:
    found = crops(epoch(pictures.subset(("01",)), augment="none", crops_per_image=8))
    assert len({pixels for _, pixels, _ in found}) > 4


def test_batches_leave_the_pictures_in_memory_as_they_are(pictures: Dataset) -> None:
    before = [(pictures[index].image.copy(), pictures[index].mask.copy()) for index in range(len(pictures))]
    for batch in epoch(pictures, augment="light"):
        batch.images.zero_()
        batch.target.zero_()
    for index, (image, mask) in enumerate(before):
        assert np.array_equal(pictures[index].image, image)
        assert np.array_equal(pictures[index].mask, mask)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (2, 3), (15, 17)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_smaller_than_a_crop_are_mirrored(tmp_path: Path, height: int, width: int, channels: int) -> None:
    samples = folder(tmp_path, [noise(height, 2, 0, channels, width)])
    pictures = loaded(samples, ModelConfig(num_classes=2, depth=1, image_size=32, normalization="unit"))
    whole = pictures[0].image
    for batch in epoch(pictures, augment="none"):
        assert batch.images.shape == (2, channels, 32, 32)
        for image, target in zip(batch.images, batch.target, strict=True):
            assert torch.equal((image[0] * 255 / GRAY).round().long(), target)
            if height < 32 and width < 32:  # every pixel of the picture is in the crop
                counted = torch.bincount(target.flatten(), minlength=2).gt(0).tolist()
                assert counted == [bool((whole[:, :, 0] == GRAY * value).any()) for value in (0, 1)]
