"""Objects whose measures are known by hand: discs, rectangles, lines; and what cannot be measured."""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError, DataError
from unet_core.postprocessing import objects

Array = NDArray[np.uint8]


def canvas(height: int = 60, width: int = 80) -> Array:
    return np.zeros((height, width), np.uint8)


def gray(mask: Array) -> Array:
    return np.zeros((*mask.shape, 1), np.uint8)


def only(found: objects.Objects) -> dict[str, object]:
    assert len(found) == 1
    return found.rows()[0]


def test_a_rectangle() -> None:
    mask = canvas()
    mask[10:20, 30:50] = 1
    row = only(objects.find(mask, gray(mask)))
    assert row["area_px2"] == 200
    assert row["perimeter_px"] == 2 * (19 + 9)  # the line through the middles of its outer pixels
    assert row["equivalent_diameter_px"] == pytest.approx(math.sqrt(4 * 200 / math.pi))
    # variances of n pixels in a row: (n^2 - 1) / 12
    assert row["eccentricity"] == pytest.approx(math.sqrt(1 - (10**2 - 1) / (20**2 - 1)))
    assert (row["centroid_x_px"], row["centroid_y_px"]) == (40, 15)
    assert (row["left_px"], row["top_px"], row["width_px"], row["height_px"]) == (30, 10, 20, 10)
    assert row["touches_border"] is False
    assert (row["id"], row["class"]) == (1, 1)


def test_a_disc() -> None:
    y, x = np.mgrid[:101, :101]
    mask = ((x - 50) ** 2 + (y - 50) ** 2 <= 40**2).astype(np.uint8)
    row = only(objects.find(mask, gray(mask)))
    assert row["area_px2"] == pytest.approx(math.pi * 40**2, rel=0.005)
    assert row["equivalent_diameter_px"] == pytest.approx(80, rel=0.005)
    assert row["perimeter_px"] == pytest.approx(2 * math.pi * 40, rel=0.06)
    assert row["eccentricity"] == pytest.approx(0, abs=0.02)
    assert row["centroid_x_px"] == row["centroid_y_px"] == pytest.approx(50.5)


def test_an_ellipse() -> None:
    y, x = np.mgrid[:121, :201]
    mask = (((x - 100) / 80) ** 2 + ((y - 60) / 40) ** 2 <= 1).astype(np.uint8)
    assert only(objects.find(mask, gray(mask)))["eccentricity"] == pytest.approx(math.sqrt(1 - 0.25), abs=0.002)


def test_one_pixel_and_a_line() -> None:
    mask = canvas()
    mask[5, 5] = 1
    mask[20, 10:30] = 1
    pixel, line = objects.find(mask, gray(mask)).rows()
    assert (pixel["area_px2"], pixel["eccentricity"]) == (1, 0)
    assert (line["area_px2"], line["eccentricity"], line["centroid_y_px"]) == (20, 1, 20.5)


def test_micrometers_turn_lengths_and_areas_and_nothing_else() -> None:
    mask = canvas()
    mask[10:20, 30:50] = 1
    pixels, measured = (objects.find(mask, gray(mask), pixel_size=size) for size in (None, 0.5))
    assert (pixels.unit, measured.unit) == ("px", "um")
    row, before = only(measured), only(pixels)
    assert row["area_um2"] == 50
    assert row["perimeter_um"] == 28
    assert row["equivalent_diameter_um"] == pytest.approx(before["equivalent_diameter_px"] / 2)  # type: ignore[operator]
    same = ("eccentricity", "centroid_x_px", "centroid_y_px", "left_px", "top_px", "width_px", "height_px")
    assert [row[name] for name in same] == [before[name] for name in same]
    assert not {"area_px2", "perimeter_px"} & set(row)


@pytest.mark.parametrize("size", [0, -1.0, math.nan, math.inf])
def test_a_pixel_size_that_is_none_is_refused(size: float) -> None:
    with pytest.raises(ConfigError, match="pixel size"):
        objects.find(canvas(), gray(canvas()), pixel_size=size)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(DataError, match=r"\(60, 80\)"):
        objects.find(canvas(), gray(canvas(50)))
    with pytest.raises(DataError, match="differ"):
        objects.find(canvas(), gray(canvas()), probability=np.zeros((60, 81)))


def test_intensities_of_colors_and_of_16_bits() -> None:
    mask = canvas(4, 4)
    mask[0, :2] = 1
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, 0], image[0, 1] = (100, 40, 10), (200, 60, 30)
    row = only(objects.find(mask, image))
    assert (row["mean_red"], row["mean_green"], row["mean_blue"]) == (150, 50, 20)
    assert row["mean_intensity"] == pytest.approx(0.299 * 150 + 0.587 * 50 + 0.114 * 20, abs=0.6)
    deep = np.full((4, 4, 1), 40000, np.uint16)
    row = only(objects.find(mask, deep))
    assert row["mean_intensity"] == 40000
    assert "mean_red" not in row
    assert "mean_red" not in only(objects.find(mask, np.repeat(deep, 3, axis=2)))  # gray, stored as colors


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.uint16])
def test_probabilities_of_any_type(dtype: type) -> None:
    mask = canvas(4, 4)
    mask[1:3, 1:3] = 1
    shares = np.where(mask == 1, [0.25, 0.5, 1.0, 0], 0)
    whole = np.issubdtype(dtype, np.integer)
    stored = (shares * np.iinfo(dtype).max).astype(dtype) if whole else shares.astype(dtype)
    row = only(objects.find(mask, gray(mask), probability=stored))
    assert row["mean_probability"] == pytest.approx(0.75, abs=0.003)
    assert "mean_probability" not in only(objects.find(mask, gray(mask)))


def test_a_mean_of_float16_is_not_rounded_to_float16() -> None:
    mask = canvas(400, 400) + 1
    probability = np.full(mask.shape, 0.25, np.float16)
    probability[::2] += np.float16(2**-12)  # the next number that float16 knows
    row = only(objects.find(mask, gray(mask), probability=probability))
    assert row["mean_probability"] == pytest.approx(0.25 + 2**-13, abs=1e-7)


def test_each_class_has_its_objects_and_its_own_probability() -> None:
    mask = canvas(6, 6)
    mask[0, 0], mask[4:, 4:], mask[0, 1], mask[3, 0] = 2, 2, 1, IGNORE
    probability = np.stack([np.full((6, 6), share) for share in (0.1, 0.2, 0.7)])
    found = objects.find(mask, gray(mask), probability=probability)
    assert found.table["class"].tolist() == [1, 2, 2]  # classes that touch are apart, IGNORE is none
    assert found.table["mean_probability"].tolist() == pytest.approx([0.2, 0.7, 0.7])
    assert found.labels[0].tolist() == [2, 1, 0, 0, 0, 0]
    assert found.labels[3, 0] == 0


def test_numbers_go_by_top_and_left_and_corners_join() -> None:
    mask = canvas(8, 9)
    mask[5, 0] = mask[0, 7] = mask[0, 1] = 1
    mask[2, 4] = mask[3, 5] = 1
    found = objects.find(mask, gray(mask))
    assert [(row["left_px"], row["top_px"]) for row in found.rows()] == [(1, 0), (7, 0), (4, 2), (0, 5)]
    assert found.labels[3, 5] == found.labels[2, 4] == 3
    assert (found.at(4.2, 2.9), found.at(0, 0), found.at(-1, 2), found.at(9, 0)) == (3, 0, 0, 0)


@pytest.mark.parametrize("split", [False, True])
def test_an_empty_mask_has_an_empty_table_of_the_same_columns(split: bool) -> None:
    mask = canvas()
    empty = objects.find(mask, gray(mask), probability=mask, split=split)
    mask[3, 3] = 1
    assert len(empty) == 0
    assert empty.rows() == []
    assert not empty.labels.any()
    assert list(empty.table) == list(objects.find(mask, gray(mask), probability=mask).table)


def test_the_border_of_the_picture_is_told() -> None:
    mask = canvas(20, 30)
    mask[0, 15] = mask[19, 15] = mask[10, 0] = mask[10, 29] = mask[10, 15] = 1
    rows = objects.find(mask, gray(mask)).rows()
    assert [row["touches_border"] for row in rows] == [True, True, False, True, True]


def test_every_measure_is_that_of_scikit_image_one_object_at_a_time() -> None:
    """Numbering, boxes and columns of many objects belong together."""
    from skimage.measure import regionprops

    rng = np.random.default_rng(3)
    mask = cv2.GaussianBlur(rng.random((200, 200)), (0, 0), 4)
    mask = (mask > np.median(mask)).astype(np.uint8)
    image = rng.integers(0, 255, (200, 200, 1), np.uint8)
    found = objects.find(mask, image)
    assert len(found) > 10
    for row in found.rows():
        (region,) = regionprops((found.labels == row["id"]).astype(np.uint8), image[:, :, 0])
        top, left, bottom, right = region.bbox
        assert (row["left_px"], row["top_px"], row["width_px"], row["height_px"]) == (
            left,
            top,
            right - left,
            bottom - top,
        )
        assert row["area_px2"] == region.area
        for name, value in (
            ("perimeter_px", region.perimeter),
            ("eccentricity", region.eccentricity),
            ("mean_intensity", region.intensity_mean),
            ("centroid_x_px", region.centroid[1] + 0.5),
        ):
            assert row[name] == pytest.approx(value)


@pytest.mark.parametrize(
    ("channels", "names", "columns"),
    [
        (2, (), ["mean_intensity", "mean_intensity_0", "mean_intensity_1"]),
        (2, ("DAPI", "probability"), ["mean_intensity", "mean_intensity_DAPI", "mean_intensity_probability"]),
        (4, ("a",), ["mean_intensity", *(f"mean_intensity_{number}" for number in range(4))]),
        (3, ("A", "B", "C"), ["mean_intensity", "mean_intensity_A", "mean_intensity_B", "mean_intensity_C"]),
        (3, ("red", "green", "blue"), ["mean_intensity", "mean_red", "mean_green", "mean_blue"]),
        (1, ("DAPI",), ["mean_intensity"]),
    ],
)
def test_intensities_are_measured_in_each_channel(channels, names, columns):
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 1:4] = mask[4:, 5:] = 1
    image = np.random.default_rng(0).integers(0, 4000, (6, 8, channels)).astype(np.uint16)
    table = objects.find(mask, image, channel_names=names).table
    assert [name for name in table if name.startswith("mean_")] == columns
    for channel, name in enumerate(columns[1:]):
        assert table[name].tolist() == pytest.approx([image[1:3, 1:4, channel].mean(), image[4:, 5:, channel].mean()])
    if len(columns) == channels + 1 and "mean_red" not in columns:
        np.testing.assert_allclose(table["mean_intensity"], np.mean([table[name] for name in columns[1:]], 0))
