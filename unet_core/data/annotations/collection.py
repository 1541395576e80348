"""What a reader of one format gathers: shapes with class names for images, turned into drawings at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unet_core.data.annotations import polygons
from unet_core.data.annotations.bitmaps import Bitmap
from unet_core.data.annotations.drawing import IGNORE, MOST_CLASSES, Drawing, Shape
from unet_core.data.annotations.polygons import Ring
from unet_core.data.annotations.tree import Tree
from unet_core.errors import DataError, ImageError, listing

BACKGROUND_NAMES = ("background", "_background_", "__background__", "bg")
IGNORED_NAMES = ("__ignore__", "ignore*")  # of LabelMe and QuPath
SINGLE = 1e-7  # of a share in float32
MOST_SIZES = 40  # images whose headers are read to see what shares of their size stand for


@dataclass(frozen=True)
class Annotations:
    """All that annotation files say of the images of a folder.

    `class_names` by class index, the first "background". `drawings` by image; one without shapes is an empty mask.
    `subsets` says train, val or test of each of these images. `unlabeled` are images beside them that no file speaks
    of, `left_out` those that cannot be drawn whole. `problems`, a phrase each, forbid the use; `warnings`, a
    sentence each, are for the user to see.
    """

    format: str
    files: tuple[Path, ...]
    class_names: tuple[str, ...]
    drawings: dict[Path, Drawing]
    subsets: dict[Path, str | None]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unlabeled: tuple[Path, ...] = ()
    left_out: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Named:
    """A shape whose class is still a name; the other fields are those of `Shape`."""

    name: str
    rings: tuple[tuple[Ring, ...], ...] = ()
    bitmap: Bitmap | None = None
    group: str | None = None
    crowd: bool = False
    exact: bool = False


@dataclass
class Collection:
    """Filled by `add`, one image of a file at a time; `finish` makes the annotations."""

    tree: Tree
    format: str
    relative: bool = False  # x and y are shares of the image's size
    precision: float = 0.0  # of these shares
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    boxes: Counter[Path] = field(default_factory=Counter)  # objects without an outline, by image
    flat: Counter[str] = field(default_factory=Counter)  # shapes without an area, by kind
    unlabeled: set[Path] = field(default_factory=set)
    _shapes: dict[Path, tuple[Path, tuple[int, int] | None, list[Named]]] = field(default_factory=dict)

    def find(self, name: str, source: Path, candidates: Sequence[Path] | None = None) -> Path | None:
        """The image that a file means; None where it is missing or not certain, which is written down."""
        images = self.tree.find_images(name, source) if candidates is None else candidates
        if not images:
            self.missing.append(name)
        elif len(images) > 1:
            names = listing([self.tree.name(path) for path in images], 3, " or ")
            self.problems.append(f"{self.tree.name(source)}: {name} may be {names}")
        return images[0] if len(images) == 1 else None

    def add(
        self, source: Path, image: Path, size: tuple[int, int] | None, shapes: Iterable[Named], boxes: int = 0
    ) -> None:
        """The shapes of one image, and how many of its objects the file gives without an outline."""
        if image in self._shapes:
            other = self._shapes[image][0]
            twice = "twice in" if other == source else f"in {self.tree.name(other)} and in"
            self.problems.append(f"{self.tree.name(image)} is annotated {twice} {self.tree.name(source)}")
            return
        if boxes:
            self.boxes[image] = boxes
        drawn = []
        for shape in shapes:
            outlines = tuple(rings for rings in shape.rings if len(rings[0]) >= 3)
            self.flat["polygon of less than three corners"] += len(shape.rings) - len(outlines)
            if outlines or shape.bitmap:
                drawn.append(Named(shape.name, outlines, shape.bitmap, shape.group, shape.crowd, shape.exact))
        self._shapes[image] = (source, size, drawn)

    @property
    def used(self) -> set[str]:
        """The names of all classes that have shapes."""
        return {shape.name for _, _, shapes in self._shapes.values() for shape in shapes}

    def finish(self, files: Iterable[Path], order: Sequence[str] | None = None) -> Annotations | None:
        """The annotations, None where no shape was drawn at all.

        `order` are the names of the classes as the format counts them; None sorts those that are used. Raises
        DataError: no object has an outline, or there are too many classes.
        """
        files, used = tuple(files), self.used
        if self.boxes and not used:
            raise DataError(
                f"{files[0]}: the objects are boxes without outlines, and a U-Net is trained on outlines or masks. "
                f"Export them as polygons or masks ({self.format})."
            )
        if not used and not self.problems and not self.missing:
            return None
        names, labels = self._number(used, order)
        pixels = self._are_pixels()
        drawings = {
            image: Drawing(
                source,
                size,
                tuple(
                    Shape(labels[s.name], s.rings, s.bitmap, s.group, s.crowd, s.exact)
                    for s in shapes
                    if s.name in labels
                ),
                pixels,
                self.relative,
            )
            for image, (source, size, shapes) in self._shapes.items()
            if image not in self.boxes
        }
        if not drawings and not self.problems:
            self.problems.append(f"no image of {listing([self.tree.name(path) for path in files], 3)} is in the folder")
        folders = {image.parent for image in self._shapes}
        beside = {image for image in self.tree.images if image.parent in folders}
        return Annotations(
            self.format,
            files,
            names,
            dict(sorted(drawings.items())),
            {image: self.tree.subset(image) or self.tree.subset(drawing.source) for image, drawing in drawings.items()},
            tuple(self.problems),
            tuple(self._write_warnings(pixels, names if order is None else None)),
            tuple(sorted((beside | self.unlabeled) - self._shapes.keys())),
            tuple(sorted(self.boxes)),
        )

    def _number(self, used: set[str], order: Sequence[str] | None) -> tuple[tuple[str, ...], dict[str, int]]:
        """The names of the classes by index, and the label of each name."""
        labels = {name: 0 for name in {*used, *(order or ())} if name.lower() in BACKGROUND_NAMES}
        labels |= {name: IGNORE for name in {*used, *(order or ())} if name.lower() in IGNORED_NAMES}
        names = [name for name in dict.fromkeys(sorted(used) if order is None else order) if name not in labels]
        for name in sorted(used - labels.keys() - set(names)):
            self.problems.append(f"the class {name!r} is not among those that the files list ({listing(names, 5)})")
        if len(names) > MOST_CLASSES:
            raise DataError(
                f"{self.tree.root}: the annotations list {len(names)} classes; at most {MOST_CLASSES} are possible. "
                "Merge or remove classes before the export."
            )
        return ("background", *names), labels | {name: index for index, name in enumerate(names, 1)}

    def _are_pixels(self) -> bool:
        """Whether whole numbers stand for pixels, judged by the polygons of all images."""
        drawn = list(self._shapes.items())
        if not self.relative:
            return polygons.are_pixels(
                ring
                for _, (_, _, shapes) in drawn
                for s in shapes
                if not s.exact
                for rings in s.rings
                for ring in rings
            )
        scaled, precision = [], 0.0
        for image, (_, _, shapes) in drawn[:: max(1, len(drawn) // MOST_SIZES)]:
            from unet_core.io import images

            try:
                size = np.array(images.size(image)[::-1], np.float64)
            except ImageError:
                continue  # the error is raised when the image is read
            precision = max(precision, float(size.max()) * max(self.precision, SINGLE))
            scaled += [ring * size for s in shapes for rings in s.rings for ring in rings]
        # Coarser text makes any number nearly whole: nothing can be said.
        return precision <= 0.1 and polygons.are_pixels(scaled, precision)

    def _write_warnings(self, pixels: bool, sorted_names: Sequence[str] | None) -> list[str]:
        warnings = list(self.warnings)
        if sorted_names and len(sorted_names) > 2:
            numbers = listing([f"{index} {name}" for index, name in enumerate(sorted_names) if index], 12)
            warnings.append(f"The {self.format} gives its classes no numbers; they are numbered by name: {numbers}.")
        if pixels:
            warnings.append(
                "All corners of the polygons are whole numbers, so they are read as pixels that belong to the object "
                "(as OpenCV's findContours gives them)."
            )
        if flat := [f"{count} x {kind}" for kind, count in sorted(self.flat.items()) if count]:
            warnings.append(f"Shapes without an area are not drawn: {listing(flat)}.")
        if self.missing:
            warnings.append(
                f"{len(self.missing)} annotated image{'s are' if len(self.missing) > 1 else ' is'} not in the folder "
                f"and left out: {listing(self.missing, 3)}."
            )
        if self.boxes:
            names = listing([self.tree.name(path) for path in sorted(self.boxes)], 3)
            warnings.append(
                f"{len(self.boxes)} images are left out, as {self.boxes.total()} of their objects are boxes without "
                f"an outline: {names}."
            )
        return warnings
