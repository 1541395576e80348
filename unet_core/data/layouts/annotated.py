"""Images whose masks are drawn from annotations: JSON, XML, text and tables, see `unet_core.data.annotations`."""

from pathlib import Path

from unet_core.data.layouts.base import Reading, Sample, note_unlabeled
from unet_core.data.layouts.tree import Folder
from unet_core.io.filenames import stem_of


def annotated(tree: Folder) -> Reading:
    """A sample for each annotated image; those that no file speaks of lack a mask. Raises DataError."""
    from unet_core.data import annotations

    reading = Reading(remedy="Correct the annotations, or export them again with their images.")
    content = annotations.read(tree.path)
    if content is None:
        return reading
    names = ", ".join(content.class_names[1:])
    reading.reason = f"{content.format} ({len(content.drawings)} images, classes: {names})"
    reading.class_names = content.class_names
    reading.problems += content.problems
    reading.notes += [f"The masks are drawn from {reading.reason}.", *content.warnings]
    for image, drawing in sorted(content.drawings.items()):
        sample = Sample(_name(image, tree), image, (drawing.source,), content.subsets.get(image), drawing=drawing)
        reading.samples.append(sample)
    for image in sorted(content.unlabeled):
        sample = Sample(_name(image, tree), image, (), content.subsets.get(image))
        reading.lack(sample, f"{image.relative_to(tree.path)} has no annotation")
    note_unlabeled(reading, [path.name for path in sorted(content.left_out)], "boxes among its outlines")
    return reading


def _name(image: Path, tree: Folder) -> str:
    relative = image.relative_to(tree.path)
    return str(relative.with_name(stem_of(relative.name)))
