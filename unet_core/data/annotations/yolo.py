"""YOLO segmentation (Ultralytics): a text file for each image, a line for each object, in shares of its size."""

import re
from pathlib import Path
from typing import Any

from unet_core.data.annotations import polygons
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_text, reading
from unet_core.errors import DataError

KIND = "YOLO text"
NUMBER = r"-?\d*\.?\d+(?:[eE]-?\d+)?"
LINE = re.compile(rf"\d+(?:\s+{NUMBER}(?!\S)){{4}}")
SLACK = 0.01  # of the image's size by which a corner may lie outside
NAMES = ("classes.txt", "obj.names", "labels.txt")


def matches(path: Path, text: str) -> bool:
    """Whether a file begins with a class and shares from 0 to 1, or is an empty one among labels."""
    if path.suffix.lower() != ".txt":
        return False
    if not text.strip():
        return path.parent.name.lower() == "labels" or path.parent.parent.name.lower() == "labels"
    start = LINE.match(text.strip().partition("\n")[0])
    return start is not None and all(-SLACK <= float(x) <= 1 + SLACK for x in start[0].split()[1:])


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all label files: `labels/train/a.txt` of `images/train/a.jpg`, or a text file beside its image.

    Class k of the files becomes k + 1; its name stands in data.yaml or classes.txt. An image with an empty file is an
    empty mask, one without a file is not labeled. Lines of five numbers are boxes.
    """
    collection = Collection(tree, KIND, relative=True)
    names, decimals, largest = _read_names(tree), 1, -1
    four_corners = True
    for path in files:
        shapes, boxes = [], 0
        with reading(path, KIND):
            for line in read_text(path).splitlines():
                words = line.split()
                if len(words) == 5:
                    boxes += 1
                elif words:
                    index, ring = _read_line(words)
                    largest, four_corners = max(largest, index), four_corners and len(ring) == 4
                    decimals = max(decimals, *(len(word.partition(".")[2]) for word in words[1:]))
                    shapes.append(Named(_name(names, index), ((ring,),)))
        image = collection.find(path.stem, path, _find(tree, path))
        if image is not None:
            collection.add(path, image, None, shapes, boxes)
    collection.precision = 0.5 * 10.0**-decimals
    if names and largest >= len(names):
        collection.problems.append(f"class {largest} is used, but only {len(names)} classes have names")
    if largest >= 0 and four_corners:
        collection.warnings.append(
            "All outlines have four corners; if they are oriented boxes, they are not good masks."
        )
    order = names or [_name(names, index) for index in range(largest + 1)]
    return collection.finish(files, order)


def _read_line(words: list[str]) -> tuple[int, polygons.Ring]:
    if len(words) < 7 or len(words) % 2 == 0:
        raise ValueError(f"a line of {len(words)} numbers is no outline: a class and three or more pairs")
    corners = [float(word) for word in words[1:]]
    if not all(-SLACK <= corner <= 1 + SLACK for corner in corners):
        raise ValueError(f"a corner at {max(corners, key=abs):g}, but corners are shares from 0 to 1")
    return int(words[0]), polygons.as_ring(corners)


def _find(tree: Tree, path: Path) -> list[Path]:
    """The image in the folder that `labels` stands for, in the same folder, or else anywhere by its stem."""
    folders = list(path.parent.parts)
    for at in [at for at, folder in enumerate(folders) if folder.lower() == "labels"][-1:]:
        folders[at] = "images"
    for folder in (Path(*folders), path.parent):
        if images := tree.beside(folder, path.stem):
            return images
    return tree.find_stem(path.stem, path)


def _name(names: list[str], index: int) -> str:
    return names[index] if index < len(names) else f"class {index}"


def _read_names(tree: Tree) -> list[str]:
    """The names of the classes from 0 on, out of the one data.yaml or else of a list; empty without them."""
    lists = []
    for path in tree.files:
        if path.suffix.lower() in (".yaml", ".yml") and (content := _read_yaml(path)).get("names"):
            names = content["names"]
            with reading(path, "data.yaml"):
                if not isinstance(names, dict | list):
                    raise ValueError(f"names is {names!r}")
                pairs = names.items() if isinstance(names, dict) else enumerate(names)
                named = {int(key): str(name) for key, name in pairs}
                lists.append([named.get(index, f"class {index}") for index in range(max(named) + 1)])
    if not lists:
        plain = [path for path in tree.files if path.name.lower() in NAMES]
        lists = [[line.strip() for line in read_text(path).splitlines() if line.strip()] for path in plain]
    if any(names != lists[0] for names in lists):
        raise DataError(f"{tree.root}: {len(lists)} files name the classes differently. Leave one data.yaml.")
    if lists and len(set(lists[0])) < len(lists[0]):
        raise DataError(f"{tree.root}: two classes have the same name in data.yaml. Give each a name of its own.")
    return lists[0] if lists else []


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.load(read_text(path), yaml.BaseLoader)  # all texts stay texts: a class may be called "no"
    except yaml.YAMLError as error:
        raise DataError(f"{path}: no valid YAML ({' '.join(str(error).split())}). Correct the file.") from error
    return content if isinstance(content, dict) else {}
