"""GeoJSON, read back with shapely: valid, the same pixels, and what QuPath looks for."""

import json
import uuid
from typing import Any

import numpy as np
import pytest
from shapely import contains_xy
from shapely.geometry import shape

from tests.helpers.made import empty, result
from unet_core.export import geojson
from unet_core.export.result import Result
from unet_core.io.colors import CLASS_COLORS


def features(each: Result) -> list[dict[str, Any]]:
    found = json.loads(geojson.encode(each))
    assert found["type"] == "FeatureCollection"
    assert set(found) == {"type", "features"}
    return list(found["features"])


@pytest.mark.parametrize("num_classes", [1, 4])
def test_shapely_reads_the_same_pixels(num_classes: int) -> None:
    each = result(num_classes=num_classes)
    found = features(each)
    assert len(found) == len(each.objects)
    y, x = np.mgrid[: each.mask.shape[0], : each.mask.shape[1]] + 0.5
    kinds, holes = set(), 0
    for index, feature in enumerate(found, 1):
        geometry = shape(feature["geometry"])
        coordinates = feature["geometry"]["coordinates"]
        polygons = [coordinates] if feature["geometry"]["type"] == "Polygon" else coordinates
        assert all(ring[0] == ring[-1] for rings in polygons for ring in rings)  # shapely would close it itself
        kinds.add(geometry.geom_type)
        assert geometry.is_valid
        assert (contains_xy(geometry, x, y) == (each.objects.labels == index)).all()
        for polygon in getattr(geometry, "geoms", [geometry]):
            assert polygon.exterior.is_ccw
            assert polygon.exterior.is_ring
            holes += len(polygon.interiors)
    assert kinds == {"Polygon", "MultiPolygon"}
    assert holes > 2


def test_what_qupath_reads() -> None:
    each = result(num_classes=3, class_names=("none", "cell", "dead"), pixel_size=0.5)
    for feature, row in zip(features(each), each.objects.rows(), strict=True):
        properties = feature["properties"]
        assert properties["objectType"] == "annotation"
        name, color = (("cell", CLASS_COLORS[1]), ("dead", CLASS_COLORS[2]))[row["class"] - 1]
        assert properties["classification"] == {"name": name, "color": list(color)}
        assert properties["measurements"]["area_um2"] == row["area_um2"]
        assert all(type(value) in (int, float) for value in properties["measurements"].values())
        assert not {"id", "class", "touches_border"} & set(properties["measurements"])
        uuid.UUID(feature["id"])
    identities = [feature["id"] for feature in features(each)]
    assert len(set(identities)) == len(identities)
    assert identities == [feature["id"] for feature in features(each)]


def test_nothing_found_is_a_valid_file() -> None:
    assert features(empty()) == []


def test_what_is_not_a_number_is_left_out() -> None:
    each = result(mask=np.ones((2, 2), np.uint8), probability=np.full((2, 2), np.nan, np.float32))
    assert "mean_probability" not in features(each)[0]["properties"]["measurements"]
    assert b"NaN" not in geojson.encode(each)
