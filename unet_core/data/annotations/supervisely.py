"""Supervisely: `ann/a.jpg.json` for each `img/a.jpg`, the classes in `meta.json`."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from unet_core.data.annotations import polygons
from unet_core.data.annotations.bitmaps import Bitmap
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_json, reading

KIND = "Supervisely JSON"
FLAT = ("line", "polyline", "point", "graph", "cuboid")


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like Supervisely."""
    inside = path.parent.name == "ann" or '"geometryType"' in text
    return path.suffix.lower() == ".json" and inside and '"objects"' in text and '"size"' in text


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all files of all datasets of a project. Classes stand in the order of `meta.json`, else of their names.

    Corners are pixels. An image whose file has no object is an empty mask.
    """
    collection = Collection(tree, KIND)
    for path in files:
        content = read_json(path)
        with reading(path, KIND):
            size = int(content["size"]["height"]), int(content["size"]["width"])
            shapes = [_read_object(entry, collection) for entry in content["objects"]]
        folder = path.parent.parent / "img" if path.parent.name == "ann" else path.parent
        # "a.jpg.json" names the image; older projects leave out its extension.
        exact = folder / path.stem
        images = [exact] if tree.has(exact) else tree.beside(folder, path.stem)
        image = collection.find(path.stem, path, images)
        if image is not None:
            collection.add(path, image, size, [shape for shape in shapes if shape is not None])
    return collection.finish(files, _read_classes(tree, collection))


def _read_classes(tree: Tree, collection: Collection) -> list[str] | None:
    lists = []
    for path in (path for path in tree.files if path.name == "meta.json"):
        with reading(path, KIND):
            lists.append([str(entry["title"]) for entry in read_json(path)["classes"]])
    if any(names != lists[0] for names in lists):
        collection.problems.append(f"{len(lists)} files meta.json list different classes")
    return lists[0] if lists else None


def _read_object(entry: dict[str, Any], collection: Collection) -> Named | None:
    kind, name = entry.get("geometryType") or ("bitmap" if entry.get("bitmap") else "polygon"), str(entry["classTitle"])
    if kind in FLAT:
        collection.flat[str(kind)] += 1
        return None
    if kind == "bitmap":
        left, top = (int(value) for value in entry["bitmap"]["origin"])
        return Named(name, bitmap=Bitmap("png", base64.b64decode(entry["bitmap"]["data"]), None, top, left))
    if kind == "polygon":
        rings = (entry["points"]["exterior"], *(entry["points"].get("interior") or ()))
        return Named(name, (tuple(polygons.as_ring(ring) for ring in rings),))
    if kind == "rectangle":
        points = np.asarray(entry["points"]["exterior"], np.float64)
        (left, top), (right, bottom) = points.min(0), points.max(0) + 1  # both corners are pixels of the box
        return Named(name, ((polygons.rectangle(left, top, right, bottom),),), exact=True)
    raise ValueError(f"the shape {kind!r} is not read")
