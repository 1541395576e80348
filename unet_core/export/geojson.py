"""GeoJSON (RFC 7946) of one image's objects, as QuPath 0.4 and later opens it, in pixels from the upper left."""

import json
import math
import uuid
from typing import Any

import numpy as np

from unet_core.export.result import Result
from unet_core.io.filenames import readable
from unet_core.overlay import palette
from unet_core.postprocessing.contours import Polygon, Ring

NAMESPACE = uuid.UUID("5f0c7c2e-6d0b-5c1f-9a55-2f6f1d0a7e11")  # ours: the same object gets the same id each time
NO_MEASURES = ("id", "class", "touches_border")


def encode(result: Result) -> bytes:
    """A FeatureCollection with an annotation for each object: its polygons with their holes, class and measures."""
    colors = palette(result.num_classes).tolist()
    features = []
    for row, parts in zip(result.objects.rows(), result.polygons, strict=True):
        index = row["class"]
        properties = {
            "objectType": "annotation",
            "name": str(row["id"]),
            "classification": {"name": readable(result.class_name(index)), "color": colors[index]},
            "measurements": {name: _number(value) for name, value in row.items() if _measured(name, value)},
        }
        identity = uuid.uuid5(NAMESPACE, f"{readable(result.name)}/{row['id']}")
        features.append(
            {"type": "Feature", "id": str(identity), "geometry": _geometry(parts), "properties": properties}
        )
    texts = (json.dumps(feature, separators=(",", ":")) for feature in features)
    return ('{"type":"FeatureCollection","features":[\n' + ",\n".join(texts) + "\n]}\n").encode()


def _geometry(parts: list[Polygon]) -> dict[str, Any]:
    shapes = [[_closed(ring) for ring in (part.exterior, *part.holes)] for part in parts]
    if len(shapes) == 1:
        return {"type": "Polygon", "coordinates": shapes[0]}
    return {"type": "MultiPolygon", "coordinates": shapes}


def _closed(ring: Ring) -> Any:
    return np.concatenate([ring, ring[:1]]).tolist()


def _measured(name: str, value: Any) -> bool:
    return name not in NO_MEASURES and math.isfinite(value)


def _number(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.7g}")
