"""Random changes of crops: a function of the seed alone, image and mask moved alike, no mask value invented."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.config import choices
from unet_core.data.augmentation import AUGMENTATIONS, Augment

Array = NDArray[np.uint8]
every_preset = pytest.mark.parametrize("preset", AUGMENTATIONS)
SEEDS = range(40)


def case(side: int = 8, channels: int = 1) -> tuple[Array, Array]:
    """A mask of raw values and an image that says, by its gray, which mask value lies below it."""
    values = np.array([0, 1, 7, 255], np.uint8)
    index = np.random.default_rng(0).integers(len(values), size=(side, side))
    gray = np.array([60, 100, 140, 180], np.uint8)[index]
    image = np.stack([gray - 5 * channel for channel in range(channels)], 2)
    return image, values[index]


def numbered(side: int = 8) -> tuple[Array, Array]:
    """Every pixel another value, the same in image and mask."""
    values = np.arange(side * side, dtype=np.uint8).reshape(side, side)
    return values[:, :, None].copy(), values


def symmetries(array: Array) -> list[Array]:
    """The square's eight flips and quarter turns; the first is the array itself, the second its mirror image."""
    return [np.rot90(flipped, turns) for turns in range(4) for flipped in (array, array[:, ::-1])]


def test_the_registry_holds_what_the_settings_offer() -> None:
    assert list(AUGMENTATIONS) == list(choices.AUGMENTATIONS)


@every_preset
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_types_stay(preset: str, channels: int) -> None:
    image, mask = case(channels=channels)
    for seed in SEEDS:
        new_image, new_mask = Augment(preset)(image, mask, seed)
        assert new_image.shape == image.shape
        assert new_mask.shape == mask.shape
        assert new_image.dtype == new_mask.dtype == np.uint8


@pytest.mark.parametrize("preset", ["none", "flips", "light", "street"])
@pytest.mark.parametrize("channels", [1, 3])
def test_without_resampling_image_and_mask_agree_to_the_pixel(preset: str, channels: int) -> None:
    image, mask = case(channels=channels)
    augment = Augment(preset)
    for seed in SEEDS:
        new_image, new_mask = augment(image, mask, seed)
        assert set(np.unique(new_mask)) == set(np.unique(mask))
        for value in np.unique(mask):
            below = new_image[new_mask == value]
            assert (below == below[0]).all(), f"{preset}, seed {seed}: two grays over mask value {value}"
        grays = [int(new_image[new_mask == value][0, 0]) for value in np.unique(mask)]
        assert grays == sorted(set(grays)), "light changes may not swap what is darker and what is lighter"


@every_preset
def test_image_and_mask_are_moved_alike_and_no_mask_value_is_invented(preset: str) -> None:
    """Blobs of one gray on another: after any change the brighter pixels are still those of the mask."""
    y, x = np.mgrid[:96, :96]
    mask = ((np.hypot(x - 30, y - 40) < 18) | (np.hypot(x - 72, y - 70) < 12)).astype(np.uint8) * 5
    image = np.where(mask > 0, 170, 60).astype(np.uint8)[:, :, None]
    augment = Augment(preset)
    for seed in range(40):
        new_image, new_mask = augment(image, mask, seed)
        assert set(np.unique(new_mask)) <= {0, 5}
        bright = new_image[:, :, 0] > (int(new_image.min()) + int(new_image.max())) / 2
        assert ((new_mask > 0) == bright).mean() > 0.97, f"{preset}, seed {seed}"


@every_preset
def test_the_seed_alone_decides_whatever_came_before(preset: str) -> None:
    image, mask = case(channels=3)
    alone = {seed: Augment(preset)(image, mask, seed) for seed in SEEDS}
    used, others = Augment(preset), [Augment(other) for other in AUGMENTATIONS]
    for seed in random.Random(1).sample(SEEDS, len(SEEDS)):
        for other in others:
            other(image, mask, seed + 1)  # the presets share transforms
        np.random.seed(seed + 2)  # the global generators must not matter
        random.seed(seed + 3)
        again = used(image, mask, seed)
        assert np.array_equal(again[0], alone[seed][0])
        assert np.array_equal(again[1], alone[seed][1])


@every_preset
def test_what_comes_in_is_left_as_it_is(preset: str) -> None:
    image, mask = case()
    kept = image.copy(), mask.copy()
    for seed in SEEDS:
        Augment(preset)(image, mask, seed)
    assert np.array_equal(image, kept[0])
    assert np.array_equal(mask, kept[1])


@every_preset
def test_every_preset_but_none_changes_the_crops(preset: str) -> None:
    image, mask = case()
    drawn = {Augment(preset)(image, mask, seed)[0].tobytes() for seed in SEEDS}
    assert len(drawn) == 1 if preset == "none" else len(drawn) > 1


@every_preset
@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1])
def test_every_seed_a_generator_draws_is_taken(preset: str, seed: int) -> None:
    image, mask = case()
    assert Augment(preset)(image, mask, seed)[1].shape == mask.shape


@pytest.mark.parametrize(
    ("preset", "allowed"), [("none", [0]), ("flips", range(8)), ("light", range(8)), ("street", [0, 1])]
)
def test_moves_are_those_the_settings_name_and_all_of_them_occur(preset: str, allowed: list[int]) -> None:
    image, mask = numbered()
    possible = [turned.tobytes() for turned in symmetries(mask)]
    augment = Augment(preset)
    seen = {possible.index(augment(image, mask, seed)[1].tobytes()) for seed in range(120)}
    assert seen == set(allowed)


@pytest.mark.parametrize(
    ("preset", "brightens"), [("none", False), ("flips", False), ("light", True), ("street", True)]
)
def test_brightness_changes_where_the_settings_say_so(preset: str, brightens: bool) -> None:
    image, mask = np.full((8, 8, 3), 120, np.uint8), np.zeros((8, 8), np.uint8)
    augment = Augment(preset)
    levels = {int(augment(image, mask, seed)[0][0, 0, 0]) for seed in SEEDS}
    assert (len(levels) > 2 and 120 in levels) if brightens else levels == {120}


EVERY_NUMBER = (1, 2, 3, 4, 5, 8, 32)


@every_preset
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", EVERY_NUMBER)
def test_any_number_of_channels_is_moved_with_its_mask(preset: str, channels: int, dtype: type) -> None:
    """Each channel, faint or bright, is the mask at a level of its own, and stays so."""
    y, x = np.mgrid[:96, :96]
    mask = ((np.hypot(x - 30, y - 40) < 18) | (np.hypot(x - 72, y - 70) < 12)).astype(np.uint8) * 5
    most = {np.uint8: 250, np.uint16: 40_000, np.float32: 1e5}[dtype]
    levels = most * np.geomspace(1, 0.1 if dtype == np.uint8 else 1e-3, channels)
    image = (np.where(mask > 0, 0.8, 0.3)[:, :, None] * levels).astype(dtype)
    augment = Augment(preset, "zscore_per_channel" if channels > 1 else "zscore")
    for seed in range(12):
        new_image, new_mask = augment(image, mask, seed)
        assert new_image.shape == image.shape
        assert set(np.unique(new_mask)) <= {0, 5}
        for channel in range(channels):
            plane = new_image[:, :, channel].astype(np.float64)
            bright = plane > (plane.min() + plane.max()) / 2
            assert ((new_mask > 0) == bright).mean() > 0.96, f"{preset}, seed {seed}, channel {channel}"


@pytest.mark.parametrize("channels", [2, 5])
@pytest.mark.parametrize("preset", ["strong", "light"])
def test_a_faint_channel_is_not_drowned_by_a_bright_one(preset: str, channels: int) -> None:
    y, x = np.mgrid[:64, :64]
    pattern = (((x // 8 + y // 8) % 2) * 0.5 + 0.2)[:, :, None]
    image = (pattern * np.geomspace(1, 1e5, channels)).astype(np.float32)
    mask = np.zeros((64, 64), np.uint8)
    for seed in range(8):
        changed, _ = Augment(preset)(image, mask, seed)
        spread = changed.std((0, 1)) / image.std((0, 1))
        assert (spread > 0.4).all(), f"seed {seed}: {spread}"


def test_unlike_channels_come_back_in_their_own_levels() -> None:
    image = np.dstack([np.full((8, 8), 3, np.uint8), np.arange(64, dtype=np.uint8).reshape(8, 8)])
    for seed in SEEDS:
        changed, _ = Augment("flips")(image, image[:, :, 0], seed)
        np.testing.assert_allclose(np.sort(changed.reshape(-1, 2), 0), np.sort(image.reshape(-1, 2), 0), atol=1e-4)
