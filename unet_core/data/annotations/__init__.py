"""Annotations in files of other kinds: JSON, XML, text and tables, read as shapes and drawn to masks."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from unet_core.data.annotations import (
    coco,
    cvat,
    label_studio,
    labelme,
    qupath,
    rle_csv,
    supervisely,
    via,
    yolo,
)
from unet_core.data.annotations.collection import Annotations
from unet_core.data.annotations.drawing import IGNORE, Drawing, Shape
from unet_core.data.annotations.tree import SUFFIXES, Tree, peek
from unet_core.errors import DataError, listing

__all__ = ["FORMATS", "IGNORE", "Annotations", "Drawing", "Format", "Shape", "name_found", "read"]


@dataclass(frozen=True)
class Format:
    """One kind of files: `matches` by a file's path, first and last letters; `read` all files of the kind in a folder.

    `read` gives None where the files hold no shape, and raises DataError where one is malformed or only has boxes.
    `tree` is the smallest example, a path a line.
    """

    kind: str
    matches: Callable[[Path, str], bool]
    read: Callable[[Tree, list[Path]], Annotations | None]
    description: str
    tree: tuple[str, ...]

    def find(self, root: Path) -> Annotations | None:
        """The annotations of this kind below a folder, None where there are none. Raises DataError."""
        tree = Tree(root)
        files = sort_files(tree).get(self.kind, [])
        return self.read(tree, files) if files else None


FORMATS = {  # the first that matches a file has it
    "labelme": Format(
        labelme.KIND,
        labelme.matches,
        labelme.read,
        "LabelMe: a JSON file beside each image; polygons, rectangles, circles and masks",
        ("a.jpg", "a.json", "labels.txt (if the order of the classes matters)"),
    ),
    "via": Format(
        via.KIND,
        via.matches,
        via.read,
        "VGG Image Annotator: one JSON file, project or annotations; polygons, rectangles, circles and ellipses",
        ("a.jpg", "via_project.json"),
    ),
    "label_studio": Format(
        label_studio.KIND,
        label_studio.matches,
        label_studio.read,
        "Label Studio: JSON or JSON-MIN; polygons, brushes, rectangles and ellipses",
        ("images/a.jpg", "project-1.json"),
    ),
    "supervisely": Format(
        supervisely.KIND,
        supervisely.matches,
        supervisely.read,
        "Supervisely: img/, ann/ and meta.json; polygons with holes, bitmaps and rectangles",
        ("meta.json", "ds0/img/a.jpg", "ds0/ann/a.jpg.json"),
    ),
    "qupath": Format(
        qupath.KIND,
        qupath.matches,
        qupath.read,
        "QuPath: a GeoJSON file for each image; polygons with holes",
        ("a.png", "a.geojson"),
    ),
    "coco": Format(
        coco.KIND,
        coco.matches,
        coco.read,
        "COCO: one JSON file, or one for each of train, valid and test; polygons and run lengths",
        ("train/a.jpg", "train/_annotations.coco.json"),
    ),
    "cvat": Format(
        cvat.KIND,
        cvat.matches,
        cvat.read,
        "CVAT for images 1.1: one XML file; polygons, boxes, ellipses and masks",
        ("annotations.xml", "images/a.jpg"),
    ),
    "yolo": Format(
        yolo.KIND,
        yolo.matches,
        yolo.read,
        "YOLO segmentation: a text file for each image, and data.yaml; polygons",
        ("data.yaml", "images/train/a.jpg", "labels/train/a.txt"),
    ),
    "rle_csv": Format(
        rle_csv.KIND,
        rle_csv.matches,
        rle_csv.read,
        "Kaggle: a CSV file of run lengths (ImageId, EncodedPixels, ClassId)",
        ("train.csv", "train_images/a.jpg"),
    ),
}


UNREAD = {  # by a pattern of their first or last letters: kinds that are only named
    "Pascal VOC XML (boxes, no outlines)": r"(?s)<annotation\b.*<bndbox>",
    "Cityscapes JSON (the label PNGs are read)": r'"imgHeight"',
    "VIA CSV (its JSON is read)": r"region_shape_attributes",
    "Datumaro JSON (COCO is read)": r'"dm_format_version"',
}


def sort_files(tree: Tree) -> dict[str, list[Path]]:
    """The files of each kind that is there, by the kind's name, also of those of UNREAD."""
    files: dict[str, list[Path]] = {}
    for path in tree.files:
        if path.suffix.lower() in SUFFIXES:
            text = peek(path)
            kinds = [format.kind for format in FORMATS.values() if format.matches(path, text)]
            kinds += [kind for kind, pattern in UNREAD.items() if re.search(pattern, text)]
            if kinds:
                files.setdefault(kinds[0], []).append(path)
    return files


def read(root: Path, format: str | None = None) -> Annotations | None:
    """The annotations below a folder, of one format of FORMATS or of the only one that is there; None without any.

    Raises DataError: a file is malformed or only has boxes, or several formats have shapes for the same folder.
    """
    tree = Tree(Path(root))
    files = sort_files(tree)
    candidates = [one for name, one in FORMATS.items() if one.kind in files and format in (None, name)]
    results: list[Annotations] = []
    unused: list[str] = []
    errors: list[DataError] = []
    for one in candidates:
        try:
            result = one.read(tree, files[one.kind])
        except DataError as error:
            errors.append(error)
            continue
        results += [result] if result is not None else []
    if any(result.drawings for result in results):
        unused = [f"{one.format} ({tree.name(one.files[0])})" for one in results if not one.drawings]
        results = [result for result in results if result.drawings]
    elif errors:
        raise errors[0]
    if len(results) > 1:
        kinds = [f"{result.format} ({tree.name(result.files[0])})" for result in results]
        raise DataError(
            f"{root}: {listing(kinds, 5, ' and ')} annotate the images, and it is not clear which is the ground truth. "
            "Leave one of them in the folder."
        )
    if not results:
        return None
    warnings = [f"{kind} draws nothing on these images and is not used." for kind in unused]
    return replace(results[0], warnings=(*results[0].warnings, *warnings, *(f"Not read: {error}" for error in errors)))


def name_found(root: Path) -> list[str]:
    """What annotations lie below a folder, a phrase for each kind; for the message about a folder that fits nothing.

    "cells.json is COCO JSON"
    """
    tree = Tree(Path(root))
    return [
        f"{tree.name(paths[0])} is {kind}"
        if len(paths) == 1
        else f"{len(paths)} files such as {tree.name(paths[0])} are {kind}"
        for kind, paths in sort_files(tree).items()
    ]
