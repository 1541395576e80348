"""Kaggle's tables of run lengths: a row for each object (or each image and class) with an image and its runs."""

import csv
import io
from collections import defaultdict
from pathlib import Path

from unet_core.data.annotations import bitmaps
from unet_core.data.annotations.collection import Annotations, Collection, Named
from unet_core.data.annotations.tree import Tree, read_text, reading

KIND = "run-length CSV"
RUNS = ("encodedpixels", "rle_mask", "rle", "encoding")
IMAGES = ("imageid", "image_id", "image", "id", "img", "filename", "file_name", "imageid_classid", "image_label")
CLASSES = ("classid", "class_id", "class", "label", "cell_type")
NOTHING = ("", "-1", "nan")  # an image without an object


def matches(path: Path, text: str) -> bool:
    """Whether a file's first line names run lengths and an image; the example of a submission is none."""
    if path.suffix.lower() != ".csv" or "submission" in path.name.lower():
        return False
    columns = _columns(text.partition("\n")[0])
    return any(name in columns for name in RUNS) and any(name in columns for name in IMAGES)


def read(tree: Tree, files: list[Path]) -> Annotations | None:
    """Read all tables. Runs are pairs of a start (1 is the upper left pixel) and a length, column by column.

    Rows of an image are objects; an image whose rows are all empty is an empty mask. The class stands in a column of
    its own, or behind the image's name as in `a.jpg_1`. Without either all objects are of one class.
    """
    collection = Collection(tree, KIND)
    names: set[str] = set()
    for path in files:
        with reading(path, KIND):
            rows = list(csv.reader(io.StringIO(read_text(path))))
            columns = _columns(",".join(rows[0]))
            image_at = next(columns[name] for name in IMAGES if name in columns)
            runs_at = next(columns[name] for name in RUNS if name in columns)
            class_at = next((columns[name] for name in CLASSES if name in columns), None)
            shapes: dict[str, list[Named]] = defaultdict(list)
            for number, row in enumerate(rows[1:], 2):
                if len(row) <= max(image_at, runs_at, class_at or 0):
                    if row:
                        raise ValueError(f"line {number} has {len(row)} columns")
                    continue
                image, name = row[image_at].strip(), "object"
                if class_at is not None:
                    name = row[class_at].strip()
                elif "imageid_classid" in columns or "image_label" in columns:
                    image, _, name = image.rpartition("_")
                listed = shapes[image]
                if name:
                    names.add(name)
                if (runs := row[runs_at].strip()).lower() not in NOTHING:
                    listed.append(Named(name, bitmap=_read_runs(runs, number)))
            for image, listed in shapes.items():
                images = tree.find_images(image, path) or tree.find_stem(image, path)
                if (image_file := collection.find(image, path, images)) is not None:
                    collection.add(path, image_file, None, listed)
    numbered = all(name.isdigit() for name in names)
    return collection.finish(files, sorted(names, key=lambda name: (int(name) if numbered else 0, name)))


def _columns(line: str) -> dict[str, int]:
    return {name.strip().strip('"').lower(): at for at, name in enumerate(line.split(","))}


def _read_runs(text: str, number: int) -> bitmaps.Bitmap:
    words = text.split()
    if len(words) % 2 or not all(word.isdigit() for word in words):
        raise ValueError(f"line {number}: the runs are no pairs of a start and a length")
    starts, lengths = [int(word) for word in words[::2]], [int(word) for word in words[1::2]]
    if any(start < 1 for start in starts[:1]) or any(
        start + length > following for start, length, following in zip(starts, lengths, starts[1:], strict=False)
    ):
        # In some tables (SIIM-ACR) a start counts from the end of the run before, in others from 0.
        raise ValueError(f"line {number}: the runs overlap or do not count from 1; only absolute starts are read")
    return bitmaps.from_lengths("starts", map(int, words), None)
