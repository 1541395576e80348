"""COCO files, read back with pycocotools: the same pixels."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pycocotools.coco import COCO

from tests.helpers.made import empty, result
from unet_core.export.coco import Coco
from unet_core.export.result import Result

Shape = Literal["rle", "polygons"]


def written(shape: Shape, *results: Result) -> dict[str, Any]:
    coco, file = Coco(shape), io.BytesIO()
    for each in results:
        coco.add(each)
    coco.write(file)
    found: dict[str, Any] = json.loads(file.getvalue())
    return found


def opened(found: dict[str, Any], folder: Path) -> COCO:
    (folder / "coco.json").write_text(json.dumps(found))
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(folder / "coco.json"))


@pytest.mark.parametrize("shape", ["rle", "polygons"])
@pytest.mark.parametrize("num_classes", [1, 4])
def test_pycocotools_reads_the_same_pixels(shape: Shape, num_classes: int, tmp_path: Path) -> None:
    """An intersection over union of 1 for run lengths, and for polygons along the pixels' edges too."""
    results = [result("a.png", num_classes=num_classes), empty(num_classes=num_classes)]
    results.append(result("b.png", results[0].mask.T.copy(), num_classes))
    coco = opened(written(shape, *results), tmp_path)
    assert [coco.imgs[number]["file_name"] for number in (1, 2, 3)] == ["a.png", "empty.png", "b.png"]
    for number, each in enumerate(results, 1):
        info = coco.imgs[number]
        assert (info["height"], info["width"]) == each.mask.shape
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
        assert len(annotations) == len(each.objects)
        for index, annotation in enumerate(annotations, 1):
            own = each.objects.labels == index
            assert (coco.annToMask(annotation).astype(bool) == own).all()
            assert annotation["area"] == own.sum()
            y, x = np.nonzero(own)
            left, top, width, height = annotation["bbox"]
            assert (left, top, left + width, top + height) == (x.min(), y.min(), x.max() + 1, y.max() + 1)
            assert annotation["category_id"] == each.mask[y[0], x[0]]
            assert annotation["iscrowd"] == 0


def test_the_categories_are_the_classes_without_the_background() -> None:
    names = ("sky", "road", "tree", "car")
    found = written("rle", result(num_classes=4, class_names=names))
    assert [(each["id"], each["name"]) for each in found["categories"]] == [(1, "road"), (2, "tree"), (3, "car")]
    assert [each["name"] for each in written("rle", result())["categories"]] == ["object"]
    assert [each["name"] for each in written("rle", empty(num_classes=3))["categories"]] == ["class 1", "class 2"]


def test_areas_stay_in_pixels_whatever_the_pixel_size() -> None:
    plain, sized = (written("rle", result(pixel_size=size))["annotations"] for size in (None, 0.5))
    assert [each["area"] for each in plain] == [each["area"] for each in sized]


def test_the_mean_probability_is_the_score() -> None:
    each = result()
    found = written("rle", result(probability=np.full(each.mask.shape, 51, np.uint8)))
    assert {annotation["score"] for annotation in found["annotations"]} == {0.2}
    assert "score" not in written("rle", each)["annotations"][0]


@pytest.mark.parametrize("shape", ["rle", "polygons"])
def test_nothing_found_and_no_picture_are_valid_files(shape: Shape, tmp_path: Path) -> None:
    assert written(shape)["images"] == []
    found = written(shape, empty())
    assert found["annotations"] == []
    assert opened(found, tmp_path).getAnnIds() == []


def test_a_name_with_bytes_that_are_no_text_is_written() -> None:
    assert written("rle", empty("a\udcff.png"))["images"][0]["file_name"] == "a\ufffd.png"
