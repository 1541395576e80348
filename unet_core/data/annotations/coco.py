"""COCO: one JSON file of images, annotations and categories; polygons, and run lengths in both spellings."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unet_core.data.annotations import bitmaps, polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_json, reading
from unet_core.errors import DataError, listing

KIND = "COCO JSON"
BESIDE_INSTANCES = ("person_keypoints_", "stuff_", "captions_", "panoptic_")  # of the same images
MARKS = ('"images"', '"annotations"', '"categories"', '"image_id"', '"category_id"', '"segmentation"', '"file_name"')


def matches(path: Path, text: str) -> bool:
    """Whether a file's first and last letters look like COCO."""
    return path.suffix.lower() == ".json" and sum(mark in text for mark in MARKS) >= 3


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all COCO files. Images that are listed without an annotation are empty masks.

    Classes are numbered in the order of the categories' ids. Of the files that come with COCO, `instances_*` are read
    and keypoints and captions of the same images are not.
    """
    collection = Collection(tree, KIND)
    contents = {path: content for path in files if _is_whole(content := read_json(path))}
    if not contents:
        raise DataError(
            f"{files[0]}: COCO JSON holds the lists images, annotations and categories, and one of them is missing. "
            "Export the instances (no captions, no panoptic masks, no test set)."
        )
    if any(path.name.startswith("instances_") for path in contents):
        beside = [path for path in contents if path.name.startswith(BESIDE_INSTANCES)]
        contents = {path: content for path, content in contents.items() if path not in beside}
        collection.warnings += [f"{tree.name(path)} is not read beside instances_*." for path in beside]
    ranks = ("train", None, "val", "test")  # the classes are numbered as those of the training images
    contents = dict(sorted(contents.items(), key=lambda item: ranks.index(tree.subset(item[0]))))
    order: dict[str, tuple[int, int]] = {}
    parents: dict[str, set[str]] = {}
    differing: list[str] = []
    for number, (path, content) in enumerate(contents.items()):
        with reading(path, KIND):
            by_id = {_integer(category["id"]): str(category["name"]) for category in content["categories"]}
            for identity, name in by_id.items():
                if order.setdefault(name, (number, identity))[1] != identity:
                    differing.append(name)
            for category in content["categories"]:
                parents.setdefault(str(category.get("supercategory")), set()).add(str(category["name"]))
            if len(set(by_id.values())) < len(by_id):
                collection.problems.append(f"{tree.name(path)} gives two categories the same name")
            _read_file(collection, path, content, by_id)
    if differing:
        collection.warnings.append(
            f"The files give {listing(sorted(set(differing)), 3)} different ids; classes are taken by name."
        )
    # Roboflow puts a category 0 before the others that is called as the project, and as their supercategory.
    used = collection.used
    empty = [name for name in order if name not in used and parents.get(name, set()) - {name}]
    for name in empty:
        collection.warnings.append(
            f"The category {name!r} is the parent of the others and has no object; it is not a class."
        )
    names = [name for name in sorted(order, key=lambda name: order[name]) if name not in empty]
    return collection.finish(contents, names)


def _is_whole(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) and "segments_info" not in str(content[key][:1])  # panoptic: in PNGs
        for key in ("images", "annotations", "categories")
    )


def _read_file(collection: Collection, path: Path, content: dict[str, Any], names: dict[int, str]) -> None:
    annotations: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in content["annotations"]:
        annotations[annotation["image_id"]].append(annotation)
    if strange := annotations.keys() - {image["id"] for image in content["images"]}:
        collection.problems.append(
            f"{collection.tree.name(path)}: {len(strange)} image ids of annotations are not listed under images "
            f"(such as {min(map(str, strange))})"
        )
    for entry in content["images"]:
        notes = annotations[entry["id"]]
        size = (int(entry["height"]), int(entry["width"])) if entry.get("height") and entry.get("width") else None
        image = collection.find(str(entry["file_name"]), path)
        if image is not None:
            outlined = [note for note in notes if any(note.get("segmentation") or ())]  # [] and [[]]: a box only
            shapes = [_read_shape(note, names) for note in outlined]
            collection.add(path, image, size, shapes, boxes=len(notes) - len(outlined))


def _read_shape(annotation: dict[str, Any], names: dict[int, str]) -> Named:
    category, crowd = _integer(annotation["category_id"]), bool(annotation.get("iscrowd"))
    if category not in names:
        raise ValueError(f"category_id {category} is not listed under categories")
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        counts, size = segmentation["counts"], (int(height), int(width))
        if isinstance(counts, str):
            bitmap = bitmaps.Bitmap("coco", counts.encode(), size)
        else:
            bitmap = bitmaps.from_lengths("columns", counts, size)
        return Named(names[category], bitmap=bitmap, crowd=crowd)
    parts: Iterable[Any] = segmentation if isinstance(segmentation[0], list) else [segmentation]
    return Named(names[category], tuple((polygons.as_ring(part),) for part in parts), crowd=crowd)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError(f"{value!r} is not an id")
    return int(value)
