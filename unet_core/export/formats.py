"""The formats of files to take home, in one table."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from unet_core.errors import ConfigError
from unet_core.export import geojson, rasters, yolo
from unet_core.export.coco import Coco
from unet_core.export.result import Result
from unet_core.export.tables import ObjectTable, SummaryTable


class Collector(Protocol):
    """One file of all pictures: takes in a result after the other, then writes itself."""

    def add(self, result: Result) -> None:
        """Take in one picture."""

    def write(self, file: BinaryIO) -> None:
        """Write all of it."""


@dataclass(frozen=True)
class Format:
    """A kind of file: one for each picture (`encode`), one of all pictures (`gather`), or both."""

    name: str
    sentence: str  # "Title (file): what it is (what opens it).", for menu and help
    suffix: str = ""  # what follows the picture's name: "_labels.tif"
    encode: Callable[[Result], bytes] | None = None
    file: str = ""  # the name of the file of all pictures: "coco.json"
    gather: Callable[[], Collector] | None = None

    @property
    def extension(self) -> str:
        """Of its files, with the dot: ".tif"."""
        return re.sub(r".*\.", ".", self.suffix or self.file)

    @property
    def is_single_file(self) -> bool:
        """Whether a single image gives one file and no second one beside it, as YOLO's classes.txt."""
        return self.encode is None or self.gather is None

    @property
    def collected(self) -> bool:
        """Whether all pictures are in one file."""
        return self.encode is None


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("mask", "Mask (PNG): 0 and 255, or the class of each pixel.", ".png", rasters.mask_png),
        Format(
            "prob",
            "Probability (16-bit PNG): 65535 is certain; of several classes that of the chosen one.",
            "_prob.png",
            rasters.probability_png,
        ),
        Format(
            "prob_tiff",
            "Probability (32-bit TIFF): from 0 to 1, a page for each class that was kept.",
            "_prob.tif",
            rasters.probability_tiff,
        ),
        Format("overlay", "Overlay (PNG): the mask drawn over the image.", "_overlay.png", rasters.overlay_png),
        Format(
            "labels",
            "Labels (16-bit TIFF): each object's number, and the pixel size (ImageJ, napari, CellProfiler).",
            "_labels.tif",
            rasters.labels_tiff,
        ),
        Format(
            "coco",
            "COCO run lengths (JSON of all images): each object's exact pixels (pycocotools).",
            file="coco.json",
            gather=lambda: Coco("rle"),
        ),
        Format(
            "coco_polygons",
            "COCO polygons (JSON of all images): each object's outline (CVAT, Detectron2).",
            file="coco_polygons.json",
            gather=lambda: Coco("polygons"),
        ),
        Format(
            "geojson",
            "GeoJSON (an image each): polygons with holes, classes and measures (QuPath).",
            ".geojson",
            geojson.encode,
        ),
        Format(
            "csv",
            "Objects (CSV of all images): a row for each object with its measures (Excel, R, pandas).",
            file="objects.csv",
            gather=ObjectTable,
        ),
        Format(
            "summary",
            "Summary (CSV of all images): count, covered share and mean size for each image and class.",
            file="summary.csv",
            gather=SummaryTable,
        ),
        Format(
            "yolo",
            "YOLO segmentation (text): a line for each object, and classes.txt; holes are filled (Ultralytics).",
            ".txt",
            yolo.encode,
            "classes.txt",
            yolo.ClassNames,
        ),
    )
}


def parse(names: str) -> tuple[str, ...]:
    """ "mask, coco" as the names of formats, each once; "all" stands for every one. Raises ConfigError."""
    return checked(FORMATS if names.strip() == "all" else [name.strip() for name in names.split(",")])


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names of formats, each once. Raises ConfigError for an unknown one and for none."""
    chosen = tuple(dict.fromkeys(names))
    if strange := [name for name in chosen if name not in FORMATS]:
        raise ConfigError(f"There is no format {strange[0]!r}; choose from {', '.join(FORMATS)}, or all.")
    if not chosen:
        raise ConfigError(f"No format was chosen; choose from {', '.join(FORMATS)}, or all.")
    return chosen
