"""VGG Image Annotator."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, read, triangle
from unet_core.errors import DataError

X, Y = ([point[at] for point in TRIANGLE] for at in (0, 1))
POLYGON = {"name": "polygon", "all_points_x": X, "all_points_y": Y}


def region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def via(*regions: dict[str, Any], name: str = "a.png") -> dict[str, Any]:
    return {f"{name}123": {"filename": name, "size": 123, "regions": list(regions), "file_attributes": {}}}


def test_a_project_of_version_2(tmp_path: Path) -> None:
    file = {"_via_settings": {}, "_via_img_metadata": via(region(POLYGON, type="cell")), "_via_attributes": {}}
    grow(tmp_path, {"images/a.png": None, "project.json": file})
    assert read(tmp_path).class_names == ("background", "cell")
    assert (draw(tmp_path, "images/a.png") == triangle()).all()


def test_annotations_of_version_1(tmp_path: Path) -> None:
    file = via(region({**POLYGON, "all_points_x": [*X, X[0]], "all_points_y": [*Y, Y[0]]}))
    file["a.png123"]["regions"] = {"0": file["a.png123"]["regions"][0]}
    file["a.png123"]["fileref"] = ""
    grow(tmp_path, {"a.png": None, "via_region_data.json": file})
    assert read(tmp_path).class_names == ("background", "object")
    assert (draw(tmp_path, "a.png") == triangle()).all()


def test_every_kind_of_shape(tmp_path: Path) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    shapes = [
        region({"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, label="a"),
        region({"name": "circle", "cx": 9, "cy": 4, "r": 2.6}, label="b"),
        region({"name": "ellipse", "cx": 9, "cy": 9, "rx": 4.3, "ry": 1.2, "theta": 0}, label="c"),
        region({"name": "polyline", "all_points_x": [1, 2], "all_points_y": [1, 2]}, label="c"),
    ]
    grow(tmp_path, {"a.png": None, "via.json": via(*shapes)})
    expected = box(2, 1, 6, 4)
    expected[(x - 9) ** 2 + (y - 4) ** 2 <= 2.6**2] = 2
    expected[((x - 9) / 4.3) ** 2 + ((y - 9) / 1.2) ** 2 <= 1] = 3
    assert (draw(tmp_path, "a.png") == expected).all()
    assert "Shapes without an area are not drawn: 1 x polyline." in read(tmp_path).warnings


def test_a_box_keeps_its_width_beside_polygons_of_pixels(tmp_path: Path) -> None:
    rect = region({"name": "rect", "x": 10, "y": 2, "width": 3, "height": 4}, label="a")
    grow(tmp_path, {"a.png": None, "via.json": via(region(POLYGON, label="a"), rect)})
    assert (draw(tmp_path, "a.png") == triangle() + box(2, 10, 6, 13)).all()


def test_the_attribute_that_is_called_class_is_the_class(tmp_path: Path) -> None:
    regions = region(POLYGON, Class="cell", sure="yes"), region(POLYGON, Class={"dirt": True, "cell": False}, sure="no")
    grow(tmp_path, {"a.png": None, "via.json": via(*regions)})
    assert read(tmp_path).class_names == ("background", "cell", "dirt")
    assert (draw(tmp_path, "a.png") == triangle(2)).all()


def test_an_image_without_region_is_not_labeled(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "b.png": None, "via.json": via(region(POLYGON)) | via(name="b.png")})
    assert read(tmp_path).unlabeled == (tmp_path / "b.png",)


def test_an_image_that_is_missing_is_told_and_an_ambiguous_one_a_problem(tmp_path: Path) -> None:
    file = via(region(POLYGON)) | via(region(POLYGON), name="gone.png")
    grow(tmp_path, {"x/a.png": None, "y/a.png": None, "via.json": file})
    result = read(tmp_path)
    assert result.problems[0] == "via.json: a.png may be x/a.png or y/a.png"
    assert any("gone.png" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([region({"name": "polygon", "all_points_x": X})], "lacks 'all_points_y'"),
        ([region({"name": "polygon", "all_points_x": X, "all_points_y": Y[:2]})], "not as VIA JSON should be"),
        ([region({"name": "star"})], "lacks 'cx'"),
        ([region({"name": "star", "cx": 1, "cy": 1})], "'star' is not read"),
        ([region(POLYGON, kind="a", state="b")], "none of the attributes kind, state is called class or label"),
        ([region(POLYGON, label="a"), region(POLYGON)], "a region has no value of the attribute 'label'"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, regions: list[Any], message: str) -> None:
    grow(tmp_path, {"a.png": None, "via.json": via(*regions)})
    with pytest.raises(DataError, match=rf"via\.json: .*{message}"):
        read(tmp_path)
