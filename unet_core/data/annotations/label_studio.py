"""Label Studio: one JSON or JSON-MIN file of tasks; polygons, brush strokes, rectangles and ellipses in percent."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from unet_core.data.annotations import polygons
from unet_core.data.annotations.bitmaps import Bitmap
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.polygons import Ring
from unet_core.data.annotations.tree import Tree, read_json, reading

KIND = "Label Studio JSON"
LABELS = ("polygonlabels", "brushlabels", "rectanglelabels", "ellipselabels", "labels")
FLAT = ("keypointlabels", "keypoint", "vectorlabels", "vector")
UPLOADED = re.compile(r"[0-9a-f]{8}-")  # that Label Studio puts before the name of a file


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like Label Studio."""
    marks = ('"original_width"', '"polygonlabels"', '"brushlabels"', '"from_name"', '"completed_by"', '"annotation_id"')
    return path.suffix.lower() == ".json" and text.lstrip().startswith("[") and any(mark in text for mark in marks)


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all files. The classes are sorted by name. A task that was submitted without a shape is an empty mask.

    The image is known by the last part of its address, as it is or without the eight digits put before an upload.
    A task that several people annotated is a problem: which is the truth?
    """
    collection = Collection(tree, KIND)
    for path in files:
        content = read_json(path)
        with reading(path, KIND):
            for task in content:
                _read_task(task, path, collection)
    return collection.finish(files)


def _read_task(task: dict[str, Any], path: Path, collection: Collection) -> None:
    name = _image_name(task.get("data") or task)
    images = collection.tree.find_images(name, path)
    image = collection.find(name, path, images or collection.tree.find_images(UPLOADED.sub("", name, count=1), path))
    if image is None:
        return
    if "data" in task:
        submitted = [one for one in task["annotations"] if not one.get("was_cancelled")]
        if len(submitted) > 1:
            collection.problems.append(
                f"{path.name}: {name} has {len(submitted)} annotations; which is the ground truth?"
            )
        results = submitted[0]["result"] if submitted else None
    else:  # JSON-MIN: lists of shapes under names of the project's own
        lists = [value for value in task.values() if isinstance(value, list)]
        results = [item for items in lists for item in items if isinstance(item, dict)] or None
    if results is None:
        collection.unlabeled.add(image)
        return
    shapes = [shape for result in results if (shape := _read_result(result, collection)) is not None]
    sizes = {
        (int(result["original_height"]), int(result["original_width"]))
        for result in results
        if "original_width" in result and "original_height" in result
    }
    if len(sizes) > 1:
        raise ValueError(f"the shapes of {name} have {len(sizes)} image sizes")
    collection.add(path, image, next(iter(sizes), None), shapes)


def _image_name(data: dict[str, Any]) -> str:
    """The file name in the address of the task's image."""
    addresses = [value for key, value in data.items() if isinstance(value, str) and key in ("image", "img", "picture")]
    if not addresses:
        addresses = [
            v for v in data.values() if isinstance(v, str) and re.search(r"(?i)\.(png|jpe?g|tiff?|bmp|webp|gif)\b", v)
        ]
    if len(addresses) != 1:
        raise KeyError("image")
    parts = urlsplit(addresses[0])
    local = parse_qs(parts.query).get("d", [""])[0]  # /data/local-files/?d=folder/a.jpg
    return (local or unquote(parts.path)).replace("\\", "/").rpartition("/")[2]


def _read_result(result: dict[str, Any], collection: Collection) -> Named | None:
    value = result.get("value", result)
    if result.get("type") in FLAT or any(kind in value for kind in FLAT):
        collection.flat["keypoint or vector"] += 1
        return None
    labels = next((value[key] for key in LABELS if value.get(key)), None)
    if labels is None:
        kind = str(result.get("type", ""))
        if kind in ("polygon", "brush", "rectangle", "ellipse"):
            return None  # the shape comes again with its label
        if kind.endswith("labels") or {"points", "rle", "width", "radiusX"} & value.keys():
            raise ValueError(f"a shape {kind} has no label or is of a kind that is not read")
        return None  # a choice, a text or a relation
    if len(labels) != 1:
        raise ValueError(f"a shape has {len(labels)} labels")
    width, height = int(result["original_width"]), int(result["original_height"])
    name = str(labels[0])
    if "rle" in value:
        return Named(name, bitmap=Bitmap("brush", bytes(value["rle"]), (height, width)))
    if "points" in value:
        return Named(
            name, ((polygons.as_ring(np.asarray(value["points"], np.float64) * [width / 100, height / 100]),),)
        )
    return Named(name, ((_outline(value, width / 100, height / 100),),), exact=True)


def _outline(value: dict[str, Any], across: float, down: float) -> Ring:
    """A rectangle or an ellipse; it is turned in pixels, not in percent: the image may not be square."""
    x, y, angle = float(value["x"]) * across, float(value["y"]) * down, float(value.get("rotation") or 0)
    if "radiusX" in value:
        ring = polygons.ellipse(x, y, float(value["radiusX"]) * across, float(value["radiusY"]) * down)
    else:
        ring = polygons.rectangle(x, y, x + float(value["width"]) * across, y + float(value["height"]) * down)
    return polygons.turn(ring, angle, x, y)
