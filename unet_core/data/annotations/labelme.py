"""LabelMe: a JSON file beside each image, with labeled shapes in pixels."""

from pathlib import Path
from typing import Any

import numpy as np

from unet_core.data.annotations import bitmaps, polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_json, read_text, reading

KIND = "LabelMe JSON"
OUTLINES = ("polygon", "oriented_rectangle", "rotation")  # that are given corner by corner
FLAT = ("line", "linestrip", "point", "points")  # shapes without an area


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like LabelMe."""
    marks = ('"shapes"', '"shape_type"', '"imagePath"', '"imageData"', '"imageHeight"')
    return path.suffix.lower() == ".json" and sum(mark in text for mark in marks) >= 2


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all LabelMe files. The classes stand in the order of `labels.txt` or else in that of their names.

    The image is the one that `imagePath` names or, where that was moved, the one beside the file with its name.
    Shapes with the same label and group are one object. An image whose file has no shape is an empty mask.
    """
    collection = Collection(tree, KIND)
    for path in files:
        content = read_json(path)
        with reading(path, KIND):
            reference = str(content.get("imagePath") or path.stem)
            name = reference.replace("\\", "/").rpartition("/")[2]
            beside = tree.beside(path.parent, path.stem)
            images = tree.find_images(reference, path) or beside
            if len(images) > 1 and len(beside) == 1:
                images = beside
            elif beside and images != beside:  # imagePath and the file's name speak of two images
                images = list(dict.fromkeys([*images, *beside]))
            image = collection.find(name, path, images)
            height, width = content.get("imageHeight"), content.get("imageWidth")
            shapes = [_read_shape(shape, collection) for shape in content["shapes"]]
            if image is not None:
                size = (int(height), int(width)) if height and width else None
                collection.add(path, image, size, [shape for shape in shapes if shape is not None])
    lists = [read_text(path).split("\n") for path in tree.files if path.name == "labels.txt"]
    names = [[line.strip() for line in lines if line.strip()] for lines in lists]
    if any(other != names[0] for other in names):
        collection.problems.append(f"{len(names)} files labels.txt list different classes")
    return collection.finish(files, names[0] if names else None)


def _read_shape(shape: dict[str, Any], collection: Collection) -> Named | None:
    kind, group = shape.get("shape_type") or "polygon", shape.get("group_id")
    if kind in FLAT:
        collection.flat[kind] += 1
        return None
    name, group = str(shape["label"]), None if group is None else f"group {group}"
    points = np.asarray(shape["points"], np.float64).reshape(-1, 2)
    if kind in OUTLINES or (kind == "rectangle" and len(points) == 4):  # as X-AnyLabeling writes its rectangles
        return Named(name, ((polygons.as_ring(points),),), group=group)
    if kind == "mask":
        return Named(name, bitmap=_read_mask(shape, points), group=group)
    if kind not in ("rectangle", "circle"):
        raise ValueError(f"the shape {kind!r} is not read")
    (x0, y0), (x1, y1) = points
    if kind == "rectangle":
        return Named(name, ((polygons.rectangle(x0, y0, x1, y1),),), group=group)
    radius = float(np.hypot(x1 - x0, y1 - y0))
    return Named(name, ((polygons.ellipse(x0, y0, radius, radius),),), group=group)


def _read_mask(shape: dict[str, Any], points: polygons.Points) -> bitmaps.Bitmap:
    """A PNG of the box whose corners are pixels."""
    import base64
    import zlib

    left, top = (int(value) for value in np.floor(points.min(0)))
    return bitmaps.Bitmap("png", zlib.compress(base64.b64decode(shape["mask"])), None, top, left)
