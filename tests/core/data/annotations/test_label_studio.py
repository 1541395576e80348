"""Label Studio."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, brush, draw, grow, read, triangle
from unet_core.errors import DataError

POINTS = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in TRIANGLE]


def item(kind: str, name: str = "cell", **value: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "from_name": "label",
        "value": {**value, kind: [name]},
    }


POLYGON = item("polygonlabels", points=POINTS)


def task(*results: dict[str, Any], image: str = "/data/upload/1/0123abcd-a.png", **more: Any) -> dict[str, Any]:
    annotation = {"id": 1, "completed_by": 1, "was_cancelled": False, "result": list(results)}
    return {"id": 1, "annotations": [annotation], "data": {"image": image}, **more}


@pytest.mark.parametrize(
    ("image", "file"),
    [
        ("/data/upload/1/0123abcd-a.png", "a.png"),
        ("/data/upload/1/0123abcd-a.png", "0123abcd-a.png"),
        ("/data/local-files/?d=folder%2Fa.png", "a.png"),
        ("s3://bucket/b%20c.png", "b c.png"),
        ("https://host/x/a.png?token=1", "a.png"),
    ],
)
def test_polygons_and_the_names_of_images(tmp_path: Path, image: str, file: str) -> None:
    grow(tmp_path, {f"images/{file}": None, "project-1.json": [task(POLYGON, image=image)]})
    assert (draw(tmp_path, f"images/{file}") == triangle()).all()


def test_every_kind_of_shape(tmp_path: Path) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    strokes = box(8, 12, 11, 15)
    shapes = [
        item("rectanglelabels", "a", x=100 / WIDTH, y=200 / HEIGHT, width=300 / WIDTH, height=400 / HEIGHT, rotation=0),
        item("rectanglelabels", "b", x=1400 / WIDTH, y=0, width=400 / WIDTH, height=200 / HEIGHT, rotation=90),
        item("ellipselabels", "c", x=700 / WIDTH, y=850 / HEIGHT, radiusX=230 / WIDTH, radiusY=140 / HEIGHT),
        item("brushlabels", "d", format="rle", rle=brush(strokes)),
        item("keypointlabels", "d", x=1, y=1, width=1),
        {"type": "choices", "value": {"choices": ["sharp"]}},
    ]
    grow(tmp_path, {"a.png": None, "project-1.json": [task(*shapes)]})
    expected = box(2, 1, 6, 4) + box(0, 12, 4, 14, 2) + strokes * np.uint8(4)
    expected[((x - 7) / 2.3) ** 2 + ((y - 8.5) / 1.4) ** 2 <= 1] = 3
    assert (draw(tmp_path, "a.png") == expected).all()
    assert any("keypoint" in text for text in read(tmp_path).warnings)


def test_json_min(tmp_path: Path) -> None:
    shape = {"original_width": WIDTH, "original_height": HEIGHT, "points": POINTS, "polygonlabels": ["cell"]}
    file = [{"image": "/data/upload/1/0123abcd-a.png", "id": 1, "label": [shape], "annotator": 1, "annotation_id": 1}]
    grow(tmp_path, {"a.png": None, "min.json": file})
    assert (draw(tmp_path, "a.png") == triangle()).all()


def test_submitted_without_shape_is_empty_and_not_submitted_not_labeled(tmp_path: Path) -> None:
    skipped = task(POLYGON, image="c.png")
    skipped["annotations"][0]["was_cancelled"] = True
    file = [task(POLYGON, image="a.png"), task(image="b.png"), skipped]
    result = read(grow(tmp_path, {"a.png": None, "b.png": None, "c.png": None, "p.json": file}))
    assert not draw(tmp_path, "b.png").any()
    assert result.unlabeled == (tmp_path / "c.png",)


def test_two_annotations_of_one_task_are_a_problem(tmp_path: Path) -> None:
    file = task(POLYGON)
    file["annotations"] *= 2
    grow(tmp_path, {"a.png": None, "p.json": [file]})
    assert "0123abcd-a.png has 2 annotations" in read(tmp_path).problems[0]


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    tree = {"x/a.png": None, "y/a.png": None, "p.json": [task(POLYGON), task(POLYGON, image="gone.png")]}
    result = read(grow(tmp_path, tree))
    assert result.problems[0] == "p.json: 0123abcd-a.png may be x/a.png or y/a.png"
    assert any("gone.png" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([{**POLYGON, "value": {"points": POINTS}}], "a shape polygonlabels has no label"),
        ([{**POLYGON, "value": {"points": POINTS, "polygonlabels": ["a", "b"]}}], "a shape has 2 labels"),
        ([{**POLYGON, "value": {"points": [[1, 2], [3]], "polygonlabels": ["a"]}}], "not as Label Studio JSON"),
        ([item("bitmasklabels", imageDataURL="data:")], "a shape bitmasklabels has no label or is of a kind"),
        ([POLYGON, {**POLYGON, "original_width": 99}], "2 image sizes"),
        ([{key: value for key, value in POLYGON.items() if key != "original_width"}], "lacks 'original_width'"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, results: list[Any], message: str) -> None:
    grow(tmp_path, {"a.png": None, "p.json": [task(*results)]})
    with pytest.raises(DataError, match=rf"p\.json: .*{message}"):
        read(tmp_path)


def test_a_task_without_image_is_told(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "p.json": [task(POLYGON) | {"data": {"text": "a"}}]})
    with pytest.raises(DataError, match="lacks 'image'"):
        read(tmp_path)
