"""CVAT for images 1.1: one XML file of images with polygons, boxes, ellipses and masks."""

import re
from pathlib import Path
from xml.etree import ElementTree

from unet_core.data.annotations import bitmaps, polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_text, reading
from unet_core.errors import DataError

KIND = "CVAT XML"
FLAT = ("polyline", "points", "cuboid", "skeleton")


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like CVAT."""
    return path.suffix.lower() == ".xml" and bool(re.search(r"<annotations>\s*<(version|meta|image|track)\b", text))


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all CVAT files. Classes stand in the order of the labels in `meta`, shapes in that of their `z_order`.

    An image without a shape is not labeled: CVAT lists all images of a task.
    """
    collection = Collection(tree, KIND)
    order: dict[str, None] = {}
    for path in files:
        top = _parse(path)
        if top.find("track") is not None:
            raise DataError(f"{path}: it is CVAT XML of a video. Export the task as 'CVAT for images 1.1'.")
        with reading(path, KIND):
            for label in top.iterfind("./meta//label"):
                if not label.findtext("parent"):  # else a point of a skeleton
                    order[str(label.findtext("name"))] = None
            for entry in top.iterfind("image"):
                image = collection.find(entry.attrib["name"], path)
                if image is None:
                    continue
                shapes = sorted(
                    (shape for shape in entry if shape.get("label") is not None),
                    key=lambda shape: int(shape.get("z_order") or 0),
                )
                drawn = [named for shape in shapes if (named := _read_shape(shape, collection)) is not None]
                if shapes:
                    collection.add(path, image, (int(entry.attrib["height"]), int(entry.attrib["width"])), drawn)
                else:
                    collection.unlabeled.add(image)
    return collection.finish(files, list(order) or None)


def _parse(path: Path) -> ElementTree.Element:
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path}: XML with a document type of its own is not read. Export it from CVAT again.")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(
            f"{path}: no valid XML ({error}). The file is damaged or cut short; export it again."
        ) from error


def _read_shape(shape: ElementTree.Element, collection: Collection) -> Named | None:
    name, kind = shape.attrib["label"], shape.tag
    if kind == "tag":
        return None
    if kind in FLAT:
        collection.flat[kind] += 1
        return None
    if kind == "polygon":
        corners = [corner.split(",") for corner in shape.attrib["points"].split(";")]
        return Named(name, ((polygons.as_ring(corners),),))
    if kind == "mask":
        lengths = [int(length) for length in shape.attrib["rle"].split(",")]
        top, left, height, width = (int(shape.attrib[key]) for key in ("top", "left", "height", "width"))
        return Named(name, bitmap=bitmaps.from_lengths("rows", lengths, (height, width), top, left))
    angle = float(shape.get("rotation") or 0)
    if kind == "box":
        x0, y0, x1, y1 = (float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        ring = polygons.turn(polygons.rectangle(x0, y0, x1, y1), angle, (x0 + x1) / 2, (y0 + y1) / 2)
        return Named(name, ((ring,),), exact=True)
    if kind == "ellipse":
        x, y, rx, ry = (float(shape.attrib[key]) for key in ("cx", "cy", "rx", "ry"))
        return Named(name, ((polygons.turn(polygons.ellipse(x, y, rx, ry), angle, x, y),),), exact=True)
    raise ValueError(f"the shape {kind!r} is not read")
