"""Tables for spreadsheets: every object of every image, and their sums and means per image and class."""

import csv
import io
import math
from typing import Any, BinaryIO

import numpy as np

from unet_core.export.result import Result
from unet_core.io.filenames import plain_cell


class Table:
    """Rows whose columns may differ from image to image; the file has them all, empty where there is no value."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._columns: dict[str, None] = {}

    def _append(self, row: dict[str, Any]) -> None:
        self._columns.update(dict.fromkeys(row))
        self._rows.append(row)

    def write(self, file: BinaryIO) -> None:
        """CSV with commas and points, UTF-8; marked as such (BOM) where it holds more than ASCII, for Excel's sake."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._columns)
        writer.writerows([_cell(row.get(name)) for name in self._columns] for row in self._rows)
        done = text.getvalue()
        file.write(done.encode("utf-8" if done.isascii() else "utf-8-sig"))


class ObjectTable(Table):
    """One row per object: image, class and the measurements of `objects.Objects`."""

    def __init__(self) -> None:
        super().__init__()
        self._columns.update(dict.fromkeys(("image", "id", "class", "class_name")))

    def add(self, result: Result) -> None:
        """Add one image."""
        for row in result.objects.rows():
            named = {"image": result.name, "id": row.pop("id"), "class": row.pop("class")}
            self._append(named | {"class_name": result.class_name(named["class"])} | row)


class SummaryTable(Table):
    """One row per image and class, also without objects: number, covered share, sizes."""

    def add(self, result: Result) -> None:
        """Add one image."""
        table, unit = result.objects.table, result.objects.unit
        height, width = result.mask.shape
        for index in result.object_classes:
            of_class = table["class"] == index
            areas = table[f"area_{unit}2"][of_class]
            row = {
                "image": result.name,
                "width_px": width,
                "height_px": height,
                "class": index,
                "class_name": result.class_name(index),
                "objects": int(of_class.sum()),
                "covered_percent": 100 * float(np.mean(result.mask == index)),
                f"total_area_{unit}2": areas.sum().item(),
                f"mean_area_{unit}2": _over(np.mean, areas),
                f"median_area_{unit}2": _over(np.median, areas),
                f"mean_diameter_{unit}": _over(np.mean, table[f"equivalent_diameter_{unit}"][of_class]),
                "mean_intensity": _over(np.mean, table["mean_intensity"][of_class]),
                "threshold": result.threshold,
                "pixel_size_um": result.pixel_size,
            }
            self._append(row)


def _over(measure: Any, values: Any) -> float | None:
    """Undefined for no values, which an empty cell says."""
    return float(measure(values)) if len(values) else None


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.7g}" if math.isfinite(value) else ""
    return plain_cell(value) if isinstance(value, str) else value
