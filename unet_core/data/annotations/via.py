"""VGG Image Annotator (VIA): one JSON file, a project or an export, of version 1 or 2."""

from pathlib import Path
from typing import Any

import numpy as np

from unet_core.data.annotations import polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.polygons import Ring
from unet_core.data.annotations.tree import Tree, read_json, reading

KIND = "VIA JSON"
ATTRIBUTES = ("class", "label", "name", "type", "category", "object")  # that hold a class where there are several
FLAT = ("point", "polyline")


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like VIA."""
    named = '"filename"' in text and '"regions"' in text
    return path.suffix.lower() == ".json" and ('"_via_' in text or '"shape_attributes"' in text or named)


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all VIA files. An image without a region is not labeled: VIA lists all that were opened.

    The class is the region's one attribute, of several the first that is called class, label, name, type, category or
    object; without attributes all regions are of one class.
    """
    collection = Collection(tree, KIND)
    for path in files:
        content = read_json(path)
        with reading(path, KIND):
            entries = list(content.get("_via_img_metadata", content).values())
            regions = {str(entry["filename"]): _regions(entry) for entry in entries if "filename" in entry}
            if len(regions) < len(entries):
                raise ValueError("an image has no filename of its own")
            attribute = _class_attribute([region for listed in regions.values() for region in listed])
            for name, listed in regions.items():
                image = collection.find(name, path)
                shapes = [_read_region(region, attribute, collection) for region in listed]
                if image is not None and listed:
                    collection.add(path, image, None, [shape for shape in shapes if shape is not None])
                elif image is not None:
                    collection.unlabeled.add(image)
    return collection.finish(files)


def _regions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    regions = entry["regions"]
    return list(regions.values()) if isinstance(regions, dict) else list(regions)


def _attributes(region: dict[str, Any]) -> dict[str, str]:
    """The values of a region's attributes; of check boxes the one that is set."""
    values = {}
    for name, value in (region.get("region_attributes") or {}).items():
        if isinstance(value, dict):
            chosen = [option for option, on in value.items() if on]
            value = chosen[0] if len(chosen) == 1 else ""
        if value not in (None, ""):
            values[str(name)] = str(value)
    return values


def _class_attribute(regions: list[dict[str, Any]]) -> str | None:
    names = {name for region in regions for name in _attributes(region)}
    if len(names) <= 1:
        return next(iter(names), None)
    by_name = {name.lower(): name for name in names}
    for name in ATTRIBUTES:
        if name in by_name:
            return by_name[name]
    raise ValueError(f"none of the attributes {', '.join(sorted(names))} is called class or label")


def _read_region(region: dict[str, Any], attribute: str | None, collection: Collection) -> Named | None:
    shape = region["shape_attributes"]
    if shape["name"] in FLAT:
        collection.flat[str(shape["name"])] += 1
        return None
    name = "object" if attribute is None else _attributes(region).get(attribute)
    if name is None:
        raise ValueError(f"a region has no value of the attribute {attribute!r}")
    ring, exact = _outline(shape)
    return Named(name, ((ring,),), exact=exact)


def _outline(shape: dict[str, Any]) -> tuple[Ring, bool]:
    """A region's outline, and whether it is known by its width and not by its corners."""
    kind = shape["name"]
    if kind == "polygon":
        return polygons.as_ring(np.stack([shape["all_points_x"], shape["all_points_y"]], 1)), False
    if kind == "rect":
        x, y = float(shape["x"]), float(shape["y"])
        return polygons.rectangle(x, y, x + float(shape["width"]), y + float(shape["height"])), True
    x, y = float(shape["cx"]), float(shape["cy"])
    if kind == "circle":
        return polygons.ellipse(x, y, float(shape["r"]), float(shape["r"])), False
    if kind == "ellipse":
        angle = float(np.rad2deg(float(shape.get("theta") or 0)))
        return polygons.turn(polygons.ellipse(x, y, float(shape["rx"]), float(shape["ry"])), angle, x, y), False
    raise ValueError(f"the shape {kind!r} is not read")
