"""Supervisely."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, packed_png, read, triangle
from unet_core.data import annotations
from unet_core.errors import DataError

META = {"classes": [{"title": "dirt", "shape": "polygon"}, {"title": "cell", "shape": "any"}]}


def entry(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": 1, "classTitle": name, "geometryType": kind, "points": {"exterior": [], "interior": []}} | more


def supervisely(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"description": "", "tags": [], "size": {"height": HEIGHT, "width": WIDTH}, "objects": list(objects)}


def polygon(name: str = "cell") -> dict[str, Any]:
    return entry(name, "polygon", points={"exterior": TRIANGLE, "interior": []})


def test_a_project_of_two_datasets(tmp_path: Path) -> None:
    tree = {"meta.json": META}
    for number, name in enumerate(("cell", "dirt")):
        tree |= {f"ds{number}/img/a.jpg": None, f"ds{number}/ann/a.jpg.json": supervisely(polygon(name=name))}
    assert read(grow(tmp_path, tree)).class_names == ("background", "dirt", "cell")
    assert (draw(tmp_path, "ds0/img/a.jpg") == triangle(2)).all()
    assert (draw(tmp_path, "ds1/img/a.jpg") == triangle(1)).all()


def test_bitmaps_and_rectangles(tmp_path: Path) -> None:
    bitmap = entry("dirt", "bitmap", bitmap={"data": packed_png(np.eye(3, dtype=np.uint8)), "origin": [9, 8]})
    rectangle = entry("dirt", "rectangle", points={"exterior": [[10, 1], [12, 2]], "interior": []})
    shapes = supervisely(polygon(), bitmap, rectangle, entry("dirt", "point"))
    grow(tmp_path, {"meta.json": META, "ds0/img/a.jpg": None, "ds0/ann/a.jpg.json": shapes})
    expected = triangle(2) + box(1, 10, 3, 13)
    expected[[8, 9, 10], [9, 10, 11]] = 1
    assert (draw(tmp_path, "ds0/img/a.jpg") == expected).all()
    assert "Shapes without an area are not drawn: 1 x point." in read(tmp_path).warnings


def test_a_hole_leaves_its_outline_to_the_object(tmp_path: Path) -> None:
    outer = [[1, 1], [9, 1], [10, 5], [9, 9], [1, 9]]
    shape = entry("cell", "polygon", points={"exterior": outer, "interior": [[[3, 3], [6, 3], [6, 6], [3, 6]]]})
    grow(tmp_path, {"img/a.jpg": None, "ann/a.jpg.json": supervisely(shape)})
    classes = draw(tmp_path, "img/a.jpg")
    assert not classes[4:6, 4:6].any()
    assert classes[3:7, 3:7].sum() == 12


def test_older_names_and_classes_without_meta(tmp_path: Path) -> None:
    grow(tmp_path, {"img/a.jpg": None, "ann/a.json": supervisely(polygon(name="x"), polygon(name="b"))})
    assert read(tmp_path).class_names == ("background", "b", "x")


def test_files_without_objects_are_empty_masks_but_only_beside_others(tmp_path: Path) -> None:
    tree = {"img/a.jpg": None, "img/b.jpg": None, "ann/a.jpg.json": supervisely(), "ann/b.jpg.json": supervisely()}
    assert annotations.read(grow(tmp_path, tree)) is None
    grow(tmp_path, {"ann/a.jpg.json": supervisely(polygon())})
    assert not draw(tmp_path, "img/b.jpg").any()


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    tree = {"img/a.jpg": None, "img/a.png": None, "ann/a.json": supervisely(polygon())}
    result = read(grow(tmp_path, tree | {"ann/gone.jpg.json": supervisely(polygon())}))
    assert result.problems[0] == "ann/a.json: a may be img/a.jpg or img/a.png"
    assert any("gone.jpg" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"size": {"height": 1}, "objects": []}, "lacks 'width'"),
        (supervisely(entry("cell", "heart")), "'heart' is not read"),
        (supervisely(entry("cell", "bitmap", bitmap={"data": "A", "origin": [0, 0]})), "not as Supervisely JSON"),
        (supervisely({"geometryType": "polygon", "points": {"exterior": TRIANGLE}}), "lacks 'classTitle'"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, content: Any, message: str) -> None:
    grow(tmp_path, {"img/a.jpg": None, "ann/a.jpg.json": content})
    with pytest.raises(DataError, match=rf"a\.jpg\.json: .*{message}"):
        read(tmp_path)


def test_a_damaged_bitmap_is_told_when_it_is_drawn(tmp_path: Path) -> None:
    shape = entry("cell", "bitmap", bitmap={"data": "AAAA", "origin": [0, 0]})
    grow(tmp_path, {"img/a.jpg": None, "ann/a.jpg.json": supervisely(shape)})
    with pytest.raises(DataError, match=r"a\.jpg\.json: the bitmap cannot be decoded"):
        draw(tmp_path, "img/a.jpg")
