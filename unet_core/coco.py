"""COCO annotations: one JSON file for all pictures, objects as run lengths (exact) or as polygons."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

from unet_core import rle
from unet_core.filenames import readable
from unet_core.outlines import keyhole
from unet_core.results import Result

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
        """Take in one picture and its objects."""
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
            for counts in rle.encode(result.objects.labels, len(result.objects)):
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
