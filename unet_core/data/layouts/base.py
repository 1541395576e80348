"""What a layout gives: samples, what is wrong, and what the user should know of how they were read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.data.layouts.tree import Folder, scan
from unet_core.data.recipe.recipe import Repair
from unet_core.errors import DataError, listing
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from unet_core.data.annotations import Drawing

MOST_PROBLEMS = 20  # of a dataset that a message lists


@dataclass(frozen=True)
class Sample:
    """One image and its mask files; several mask files are one object each and are merged.

    `id` is unique in the dataset and stays the same from run to run. `subset` is train, val or test where the folder
    says so. `page` is the one of a multi-page TIFF, in the image as in the mask. Without masks: for prediction only,
    or with `empty` an image that shows nothing: its mask is all background.
    `group` names what the image was cut or taken from (patient, slide, video): one that must not be split.
    `field_of_view` is a mask file whose 0 does not count. `channel_files` hold further channels, a file each.
    `drawing` is what an annotation file, named in `masks`, says of the image: its mask is drawn from it. `repairs` are
    those of the dataset's recipe that change its pixels, in their order.
    """

    id: str
    image: Path
    masks: tuple[Path, ...]
    subset: str | None = None
    page: int | None = None
    group: str | None = None
    field_of_view: Path | None = None
    channel_files: tuple[Path, ...] = ()
    empty: bool = False
    drawing: "Drawing | None" = None
    repairs: tuple[Repair, ...] = ()


@dataclass
class Reading:
    """A folder read by a layout: samples (also those that its rules leave without masks), and sentences about them.

    `problems` forbid to use it. `missing` are those of them that say that an image has no mask, with its sample: the
    user decides whether it is left out or empty. `unpaired` are those about masks that may belong to no or to several
    images, with these images and masks. `notes` say what was left out or guessed. `reason` is why it fits.
    `class_names` by class index, of annotations that name their classes; `labels`: "instances" where masks number
    objects.
    """

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: dict[str, Sample] = field(default_factory=dict)
    unpaired: dict[str, tuple[tuple[Sample, ...], tuple[Path, ...]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    class_names: tuple[str, ...] = ()
    labels: str = ""
    remedy: str = "Give each image a mask of the same name, or remove it from the folder."

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def fits(self) -> bool:
        return bool(self.samples or self.problems)

    def lack(self, sample: Sample, sentence: str) -> None:
        """Say that an image has no mask although others have one."""
        self.missing[sentence] = sample
        self.problems.append(sentence)

    def leave_over(self, sentence: str, masks: Iterable[Path], samples: Iterable[Sample] = ()) -> None:
        """Say that masks have no image, or that they may belong to several of these images."""
        self.unpaired[sentence] = tuple(samples), tuple(masks)
        self.problems.append(sentence)


@dataclass(frozen=True)
class Layout:
    """A way in which datasets lie in folders: `read` gives an empty Reading where the folder lies otherwise.

    `example` lists the files of the smallest example, `variants` those of others by the names of the datasets and tools
    that write them. Every one of them is made and read by a test.
    """

    read: Callable[[Folder], Reading]
    description: str
    example: tuple[str, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = ""  # as menus show it; "" = its name as words

    @property
    def tree(self) -> str:
        """The smallest example as an ASCII tree."""
        return draw(self.example)

    def find(self, root: Path) -> list[Sample]:
        """The samples below `root`, none where the folder lies otherwise. Raises DataError that lists all problems."""
        reading = self.read(scan(root))
        refuse(root, reading)
        return reading.samples


def draw(paths: Iterable[str]) -> str:
    """Paths with `/` as an ASCII tree.

    >>> print(draw(["images/a.png", "images/b.png", "masks/a.png"]))
    images/
        a.png
        b.png
    masks/
        a.png
    """
    lines: list[str] = []
    above: list[str] = []
    for path in paths:
        *folders, name = path.split("/")
        same = next((level for level, pair in enumerate(zip(folders, above, strict=False)) if pair[0] != pair[1]), None)
        same = min(len(folders), len(above)) if same is None else same
        lines += ["    " * level + folders[level] + "/" for level in range(same, len(folders))]
        lines.append("    " * len(folders) + name)
        above = folders
    return "\n".join(lines)


def refuse(root: Path, reading: Reading, asks: bool = False) -> None:
    """Raise DataError with all problems of a reading, if there are any; `asks` names the setting for missing masks."""
    problems, masked = reading.problems, any(sample.masks for sample in reading.samples)
    if not problems:
        return
    if asks and masked and len(problems) == len(reading.missing):
        names = [readable(sample.image.name) for sample in reading.missing.values()]
        every, verb = len(reading.samples) + len(names), "has" if len(names) == 1 else "have"
        raise DataError(
            f"{root}: {len(names)} of {every} images {verb} no mask: {listing(names)}. Set unlabeled to 'leave_out' to "
            "work without them, or to 'empty' where nothing is to be seen in them; else add their masks."
        )
    raise DataError(
        f"{root}: {len(problems)} problem{'s' * (len(problems) > 1)} in the dataset: "
        f"{readable(listing(problems, MOST_PROBLEMS, '; '))}. {reading.remedy}"
    )


def settle(reading: Reading, unlabeled: str) -> Reading:
    """The reading with its images without masks as the user wants them: "ask", "leave_out" or "empty"."""
    masked = any(sample.masks for sample in reading.samples)
    if unlabeled == "ask" or not reading.missing or not masked:
        return reading
    names = [readable(sample.image.name) for sample in reading.missing.values()]
    problems = [problem for problem in reading.problems if problem not in reading.missing]
    if unlabeled == "leave_out":
        samples, what = list(reading.missing.values()), "left out"
    else:
        samples = [replace(sample, empty=True) for sample in reading.missing.values()]
        what = "taken as all background"
    note = f"{len(names)} images without a mask are {what}: {listing(names, 5)}."
    return replace(
        reading, samples=[*reading.samples, *samples], problems=problems, missing={}, notes=[*reading.notes, note]
    )


def note_bare(reading: Reading, folders: Mapping[str, Sequence[str]]) -> None:
    """Say that all images of some folders are left out, given as the names of their images by folder."""
    names = [name for images in folders.values() for name in images]
    note_unlabeled(reading, names, f"no masks beside {listing(list(folders), 3)}")


def note_unlabeled(reading: Reading, names: Sequence[str], why: str) -> None:
    """Say that images without masks are left out because the layout has such."""
    if names:
        noun = "image" if len(names) == 1 else "images"
        reading.notes.append(f"{len(names)} {noun} without a mask left out ({why}): {listing(names, 3)}.")
