"""QuPath: a GeoJSON file for each image, of polygons with holes and classifications, in pixels of the whole image."""

from pathlib import Path
from typing import Any

from unet_core.data.annotations import polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_json, reading
from unet_core.io.filenames import is_image_name

KIND = "QuPath GeoJSON"
FLAT = ("Point", "MultiPoint", "LineString", "MultiLineString")
UNCLASSIFIED = ""


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like QuPath; other GeoJSON has degrees or meters."""
    marks = ('"objectType"', '"object_type"', '"classification"', '"isLocked"', "PathAnnotationObject")
    geometry = '"geometry"' in text and '"coordinates"' in text
    return path.suffix.lower() in (".json", ".geojson") and geometry and any(mark in text for mark in marks)


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all files: `a.geojson` or `a.png.geojson` of `a.png`. The classes are sorted by name.

    Without any classification all objects are of one class. Where some have one and others not, it is a problem.
    """
    collection = Collection(tree, KIND)
    shapes: dict[Path, list[Named]] = {}
    for path in files:
        content = read_json(path)
        with reading(path, KIND):
            features = content.get("features", [content]) if isinstance(content, dict) else content
            shapes[path] = [shape for f in features if (shape := _read_feature(f, collection)) is not None]
    bare = [path for path, drawn in shapes.items() if any(shape.name == UNCLASSIFIED for shape in drawn)]
    classified = any(shape.name != UNCLASSIFIED for drawn in shapes.values() for shape in drawn)
    if bare and classified:
        collection.problems.append(f"{tree.name(bare[0])} holds objects without a class, while others have one")
    for path, drawn in shapes.items():
        name = Path(path.stem)
        images = tree.find_images(name.name, path) if is_image_name(name) else tree.find_stem(path.stem, path)
        if (image := collection.find(path.stem, path, images)) is not None:
            collection.add(path, image, None, [Named(s.name or "object", s.rings) for s in drawn])
    return collection.finish(files)


def _read_feature(feature: dict[str, Any], collection: Collection) -> Named | None:
    geometry, facts = feature["geometry"], feature.get("properties") or {}
    if geometry["type"] in FLAT:
        collection.flat[str(geometry["type"])] += 1
        return None
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"the geometry {geometry['type']!r} is not read")
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    classification = facts.get("classification") or {}
    name = classification.get("name") if isinstance(classification, dict) else classification
    if not name and isinstance(classification, dict):
        name = ": ".join(classification.get("names") or ())
    return Named(str(name or UNCLASSIFIED), tuple(tuple(polygons.as_ring(ring) for ring in part) for part in parts))
