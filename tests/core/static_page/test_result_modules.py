"""The page's own objects, CSV and mask files are those of unet_core."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from tests.helpers import node
from tests.helpers.made import difficult_mask
from unet_core.postprocessing import objects
from unet_core.postprocessing.cleanup import clean

pytestmark = node.needs_node

MASKS = {
    "binary": difficult_mask(),
    "three classes": difficult_mask(classes=4, seed=3),
    "empty": np.zeros((7, 9), np.uint8),
    "full": np.ones((5, 6), np.uint8),
    "one pixel": np.ones((1, 1), np.uint8),
    "ignored": np.where(difficult_mask(seed=5) > 0, 255, difficult_mask(seed=6)).astype(np.uint8),
    "spiral": (np.add.outer(np.arange(40) % 4 < 2, np.zeros(40)) + (np.arange(40) % 7 == 0)[None] > 0).astype(np.uint8),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_objects_are_found_and_measured_as_in_python(mask: np.ndarray) -> None:
    height, width = mask.shape
    value = {"mask": mask, "width": width, "height": height}
    got = node.run(
        "{ findObjects } from result/objects.js", "findObjects(input.mask, input.width, input.height)", value
    )
    expected = objects.find(mask, np.zeros((height, width, 1), np.uint8))
    assert np.array_equal(got["labels"].reshape(height, width), expected.labels)
    names = {
        "id": "id", "class": "class", "area": "area_px2", "left": "left_px", "top": "top_px", "width": "width_px",
        "height": "height_px", "x": "centroid_x_px", "y": "centroid_y_px", "touches": "touches_border",
    }  # fmt: skip
    for mine, theirs in names.items():
        np.testing.assert_allclose(
            [each[mine] for each in got["list"]], expected.table[theirs], atol=1e-9, err_msg=mine
        )


@pytest.mark.parametrize("least", [0, 1, 2, 30, 10_000])
def test_small_objects_are_removed_as_in_python(least: int) -> None:
    mask = MASKS["binary"]
    height, width = mask.shape
    value = {"mask": mask, "width": width, "height": height, "least": least}
    code = "withoutSmall(input.mask, input.width, input.height, input.least)"
    got = node.run("{ withoutSmall } from result/objects.js", code, value)
    expected = clean(mask, least)
    assert np.array_equal(got["mask"].reshape(mask.shape), expected)
    assert len(got["list"]) == len(objects.find(expected, np.zeros((height, width, 1), np.uint8)))


def test_small_objects_of_several_classes_are_not_counted_and_the_mask_stays() -> None:
    mask = MASKS["three classes"]
    height, width = mask.shape
    answer = {"classes": mask, "confidence": np.full(mask.shape, 255, np.uint8)}
    value = {"answer": answer, "size": {"width": width, "height": height}}
    got = node.run("{ resultOf } from result/answer.js", "resultOf(input.answer, input.size, 0.5, 20)", value)
    assert np.array_equal(got["mask"].reshape(mask.shape), mask)
    areas = objects.find(mask, np.zeros((height, width, 1), np.uint8)).table["area_px2"]
    assert [each["area"] for each in got["list"]] == [area for area in areas if area >= 20]
    assert [each["id"] for each in got["list"]] == list(range(1, len(got["list"]) + 1))
    assert np.unique(got["labels"]).tolist() == list(range(len(got["list"]) + 1))
    assert got["means"] == [1.0] * len(got["list"])


def test_the_mean_probability_of_an_object_is_that_of_python() -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (40, 50), np.uint16)
    code = "resultOf({ levels: input }, { width: 50, height: 40 }, 0.6, 3)"
    got = node.run("{ resultOf } from result/answer.js", code, levels)
    mask = clean((levels > int(0.6 * 65535)).astype(np.uint8), 3)
    expected = objects.find(mask, np.zeros((40, 50, 1), np.uint8), probability=levels).table["mean_probability"]
    assert len(expected) > 5
    np.testing.assert_allclose(got["means"], expected, rtol=1e-9)


def test_the_table_is_a_csv_that_no_spreadsheet_computes() -> None:
    row = {
        "id": 1,
        "class": 1,
        "area": 9,
        "left": 0,
        "top": 2,
        "width": 3,
        "height": 3,
        "x": 1.5,
        "y": 3.5,
        "touches": True,
    }
    results = [
        {"name": '=SUM(A1),"x".png', "list": [row], "means": [0.123456789]},
        {"name": "é.png", "list": [row], "means": [1]},
    ]
    text = node.run("{ toCsv } from result/answer.js", "toCsv(input, ['background', 'a,b'])", results)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [line["image"] for line in rows] == ['\'=SUM(A1),"x".png', "é.png"]
    assert rows[0]["class_name"] == "a,b"
    assert (rows[0]["area_px2"], rows[0]["mean_probability"], rows[0]["touches_border"]) == ("9", "0.1234568", "True")
    plain = node.run("{ toCsv } from result/answer.js", "toCsv(input, [])", [])
    assert plain.count("\n") == 1 and plain.startswith("image,id,class,class_name,area_px2")


def test_a_mask_is_written_with_exactly_its_values() -> None:
    mask = np.random.default_rng(0).integers(0, 256, (37, 53), np.uint8)
    code = "writePng(input, 53, 37).then((blob) => blob.arrayBuffer()).then((data) => new Uint8Array(data))"
    data = node.run("{ writePng } from result/png_writer.js", code, mask).tobytes()
    image = Image.open(io.BytesIO(data))
    image.verify()  # the checksums
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), mask)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_contrast_is_that_of_the_app(dtype: type) -> None:
    from pages.server.pixel_store import _measure

    rng = np.random.default_rng(0)
    for pixels in (rng.integers(3, 200, (40, 50, 3), dtype), np.full((4, 5, 1), 7, dtype)):
        got = node.run("{ contrastOf } from result/contrast.js", "contrastOf(input)", pixels)
        expected = _measure(pixels, False)
        np.testing.assert_allclose([got["auto"], got["bounds"]], [expected.auto, expected.bounds])
