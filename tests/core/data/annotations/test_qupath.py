"""QuPath."""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.annotated import TRIANGLE, box, draw, grow, read, triangle
from tests.helpers.made import result
from unet_core.data.annotations import name_found
from unet_core.errors import DataError
from unet_core.export import geojson
from unet_core.io.pixels import encode_png

RING = [*TRIANGLE, TRIANGLE[0]]


def feature(name: str | None, *parts: Any, kind: str = "Polygon") -> dict[str, Any]:
    properties: dict[str, Any] = {"objectType": "annotation"}
    if name:
        properties["classification"] = {"name": name, "color": [0, 0, 0]}
    geometry = {"type": kind, "coordinates": list(parts)}
    return {"type": "Feature", "id": "x", "geometry": geometry, "properties": properties}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def square(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


@pytest.mark.parametrize("name", ["a.geojson", "a.png.geojson", "annotations/a.geojson", "a.json"])
def test_one_file_for_each_image(tmp_path: Path, name: str) -> None:
    grow(tmp_path, {"a.png": None, name: collection(feature("Tumor", RING))})
    assert read(tmp_path).class_names == ("background", "Tumor")
    assert (draw(tmp_path, "a.png") == triangle()).all()


def test_polygons_with_holes_and_several_parts(tmp_path: Path) -> None:
    first = [square(1, 1, 7, 8), square(2, 2, 4, 5)]
    parts = [[square(9, 1, 12, 4)], [square(9, 6, 15, 11), square(10, 7, 12, 9)]]
    file = collection(feature("Tumor", *first), feature("Stroma", *parts, kind="MultiPolygon"))
    grow(tmp_path, {"a.png": None, "a.geojson": file})
    stroma = box(1, 9, 4, 12) + box(6, 9, 11, 15) - box(7, 10, 9, 12)
    tumor = box(1, 1, 8, 7) - box(2, 2, 5, 4)
    assert (draw(tmp_path, "a.png") == stroma + 2 * tumor).all()


def test_ignored_regions_do_not_count(tmp_path: Path) -> None:
    file = collection(feature("Tumor", square(1, 1, 7, 8)), feature("Ignore*", square(0, 0, 3, 3)))
    grow(tmp_path, {"a.png": None, "a.geojson": file})
    classes = draw(tmp_path, "a.png")
    assert (classes[0, 0], classes[5, 5]) == (255, 1)
    assert read(tmp_path).class_names == ("background", "Tumor")


def test_without_classes_all_are_objects_and_a_mixture_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "a.geojson": collection(feature(None, RING))})
    assert read(tmp_path).class_names == ("background", "object")
    grow(tmp_path, {"a.geojson": collection(feature(None, RING), feature("Tumor", RING))})
    assert read(tmp_path).problems == ("a.geojson holds objects without a class, while others have one",)


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    file = collection(feature("Tumor", RING))
    data = read(grow(tmp_path, {"a.png": None, "a.jpg": None, "a.geojson": file, "gone.geojson": file}))
    assert data.problems[0] == "a.geojson: a may be a.jpg or a.png"
    assert any("gone" in text for text in data.warnings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (collection(feature("a", RING), {"type": "Feature"}), "lacks 'geometry'"),
        (collection(feature("a", RING, kind="Curve")), "'Curve' is not read"),
        (collection(feature("a", [[1, 2], [3, "x"]])), "not as QuPath GeoJSON should be"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, content: Any, message: str) -> None:
    grow(tmp_path, {"a.png": None, "a.geojson": content})
    with pytest.raises(DataError, match=rf"a\.geojson: .*{message}"):
        read(tmp_path)


def test_maps_are_not_meant(tmp_path: Path) -> None:
    """GeoJSON of buildings in degrees: not pixels."""
    file = {
        "type": "FeatureCollection",
        "crs": {},
        "features": [
            {
                "type": "Feature",
                "properties": {"area": 1},
                "geometry": {"type": "Polygon", "coordinates": [square(13.1, 52.1, 13.2, 52.2)]},
            }
        ],
    }
    assert name_found(grow(tmp_path, {"a.png": None, "a.geojson": file})) == []


@pytest.mark.parametrize("classes", [1, 3])
def test_what_this_project_exports_is_read_pixel_by_pixel(tmp_path: Path, classes: int) -> None:
    exported = result("a.png", num_classes=classes)
    grow(tmp_path, {"a.png": encode_png(exported.image), "a.geojson": geojson.encode(exported)})
    drawn = read(tmp_path).drawings[tmp_path / "a.png"].draw(*exported.mask.shape)
    assert (drawn[0] == exported.mask).all()
    assert (drawn[1] == exported.objects.labels).all()
