"""YOLO segmentation text, as Ultralytics reads it: one line per object, class and outline relative to the image."""

from typing import BinaryIO

from unet_core.export.result import Result
from unet_core.io.filenames import readable
from unet_core.postprocessing import contours


def encode(result: Result) -> bytes:
    """`class x1 y1 x2 y2 ...`, x and y in 0..1 along the pixels' edges; an empty file where there is no object.

    Classes count from 0 without the background. The format has no holes: an object is its outer line, filled.
    """
    height, width = result.mask.shape
    classes = result.objects.table["class"]
    lines = []
    for number, corners, area in sorted(contours.rings(result.objects.labels), key=lambda ring: ring[0]):
        if area > 0:
            shares = (corners / (width, height)).ravel().tolist()
            lines.append(" ".join([str(int(classes[number - 1]) - 1), *(f"{share:.6f}" for share in shares)]) + "\n")
    return "".join(lines).encode()


class ClassNames:
    """The names of the classes, a line each from class 0: the file that labeling tools want beside the others."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, result: Result) -> None:
        """Add the classes of one image's model."""
        names = [readable(result.class_name(index)) for index in result.object_classes]
        self._names = max(self._names, names, key=len)

    def write(self, file: BinaryIO) -> None:
        """The whole file, UTF-8."""
        file.write("".join(" ".join(name.split()) + "\n" for name in self._names).encode())
