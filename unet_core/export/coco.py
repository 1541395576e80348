"""COCO annotations: one JSON file for all images, objects as run lengths (exact) or as polygons."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from unet_core.export.result import Result
from unet_core.io.filenames import readable
from unet_core.postprocessing.contours import keyhole

IN_MEMORY = 32_000_000  # bytes of annotations, before they go to a temporary file


class Coco:
    """Collects results; `write` gives the JSON file. Only its annotations grow, and they go to the disk.

    `shape` "rle": `segmentation` is {"size", "counts"} as pycocotools reads it. "polygons": lists of x, y along the
    pixels' edges; a hole is cut free by a line from the exterior and back, since COCO's polygons know none.
    `area` is in pixels, `bbox` [left, top, width, height], `category_id` the class index (1 for binary), `score` the
    mean probability where there is one.
    """

    def __init__(self, shape: Literal["rle", "polygons"]) -> None:
        self.shape = shape
        self._images: list[dict[str, Any]] = []
        self._categories: dict[int, str] = {}
        self._annotations = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - lives as long as this does
        self._number = 0

    def add(self, result: Result) -> None:
        """Add one image and its objects."""
        height, width = result.mask.shape
        self._images.append(
            {"id": len(self._images) + 1, "file_name": readable(result.name), "width": width, "height": height}
        )
        for index in result.object_classes:
            self._categories.setdefault(index, readable(result.class_name(index)))
        shapes, areas = self._segmentations(result), result.pixel_areas
        for row, segmentation, area in zip(result.objects.rows(), shapes, areas, strict=True):
            self._number += 1
            annotation = {
                "id": self._number,
                "image_id": len(self._images),
                "category_id": row["class"],
                "segmentation": segmentation,
                "area": area,
                "bbox": [row["left_px"], row["top_px"], row["width_px"], row["height_px"]],
                "iscrowd": 0,
            }
            if "mean_probability" in row:
                annotation["score"] = round(row["mean_probability"], 6)
            text = json.dumps(annotation, separators=(",", ":"))
            self._annotations.write((",\n" * (self._number > 1) + text).encode())

    def _segmentations(self, result: Result) -> Iterator[Any]:
        if self.shape == "rle":
            for counts in encode(result.objects.labels, len(result.objects)):
                yield {"size": list(result.mask.shape), "counts": counts.decode()}
        else:
            for parts in result.polygons:
                yield [keyhole(polygon).ravel().tolist() for polygon in parts]

    def write(self, file: BinaryIO) -> None:
        """The whole file, UTF-8."""
        categories = [
            {"id": index, "name": name, "supercategory": "object"} for index, name in sorted(self._categories.items())
        ]
        head = {"info": {"description": "Objects found by UNet Studio", "version": "1.0"}, "licenses": []}
        text = json.dumps(head | {"images": self._images, "categories": categories})
        file.write((text[:-1] + ', "annotations": [\n').encode())
        self._annotations.seek(0)
        shutil.copyfileobj(self._annotations, file)
        file.write(b"\n]}\n")


Labels = NDArray[np.int32]
MOST_CHARACTERS = 7  # 5 bits each: enough for differences of 32 bits


def encode(labels: Labels, number: int) -> list[bytes]:
    """The compressed counts of each object 1..number of (H, W), byte for byte those of pycocotools.

    pycocotools wants a mask of the whole image for each object; here all objects are encoded in one pass over the
    labels. COCO counts column by column: pixels outside, inside, outside, ... of the object in turn.
    """
    owners, starts, ends = _runs(labels)
    inside = (owners > 0) & (owners <= number)
    # Runs grouped by object; a stable sort keeps those of one object in the order of the columns.
    order = np.flatnonzero(inside)[np.argsort(owners[inside], kind="stable")]
    owners, starts, ends = owners[order], starts[order], ends[order]
    runs = np.bincount(owners, minlength=number + 1)[1:]  # the runs of each object
    size = labels.size
    last = np.cumsum(runs)
    bounds = np.stack([starts, ends], 1).ravel()  # where an object's pixels start and stop, in turn
    counts: list[NDArray[np.int64]] = []
    for run, stop in zip(runs.tolist(), last.tolist(), strict=True):
        # From bound to bound are the counts; the first is of pixels outside, and 0 where the first pixel is inside.
        lengths = np.diff(bounds[2 * (stop - run) : 2 * stop], prepend=0, append=size)
        counts.append(lengths[:-1] if run and lengths[-1] == 0 else lengths)  # no empty run at the end
    return _compressed(counts)


def _runs(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The label of each run of pixels with one label, column by column, where it starts and where it ends."""
    flat = np.ascontiguousarray(labels.T).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes]).astype(np.int64)
    return flat[starts].astype(np.int64), starts, np.append(changes, flat.size).astype(np.int64)


def _compressed(counts: list[NDArray[np.int64]]) -> list[bytes]:
    """COCO's text of counts: numbers of 5 bits a character, the lowest bits first.

    From the fourth on each count is written as its difference to the one two before it: neighboring columns of an
    object are about equally high, so that the differences are small and short.
    """
    lengths = [len(numbers) for numbers in counts]
    if not lengths:
        return []
    values = np.concatenate([np.concatenate([numbers[:3], numbers[3:] - numbers[1:-2]]) for numbers in counts])
    characters = np.zeros((len(values), MOST_CHARACTERS), np.uint8)
    used = np.zeros((len(values), MOST_CHARACTERS), np.bool_)
    going = np.ones(len(values), np.bool_)
    # All numbers at once, a character at a time; those that have ended are still computed but not `used`.
    for digit in range(MOST_CHARACTERS):
        low = values & 31
        values = values >> 5  # keeps the sign
        # Two's complement: bit 16 of the last character is the sign. More characters follow unless the rest is nothing
        # but that sign (-1 or 0); bit 32 says so, and 48 ("0") makes the character printable.
        more = np.where(low & 16, values != -1, values != 0)
        characters[:, digit] = 48 + low + 32 * more
        used[:, digit] = going
        going &= more
    ends = np.cumsum(np.add.reduceat(used.sum(1), np.cumsum([0, *lengths[:-1]])))
    text = characters[used].tobytes()
    return [text[start:end] for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
