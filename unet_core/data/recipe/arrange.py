"""The repairs of a recipe that say which files belong together: what is left out, paired by hand, kept together.

They act on what a layout read, before anything is refused, so that they can mend what would be.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from unet_core.data.layouts.base import Reading, Sample
from unet_core.data.layouts.pages import split_pages
from unet_core.data.layouts.tree import Folder
from unet_core.data.recipe.kinds import REPAIRS, SEARCH
from unet_core.data.recipe.recipe import FILE, Recipe, Repair
from unet_core.errors import listing
from unet_core.io.filenames import readable

KEPT = [name for name, kind in REPAIRS.items() if kind.stage != SEARCH or name == "together"]  # on the samples


def drop_files(tree: Folder, recipe: Recipe) -> Folder:
    """Without the image and mask files that "leave_out" names by their path below the root, as if they were not there.

    So a doubt about two files ends when one of them is left out.
    """
    dropped = {name for repair in recipe.repairs if repair.kind == "leave_out" for name in repair.samples}
    if dropped:
        for folder in tree.walk():
            folder.images = [path for path in folder.images if path.relative_to(tree.path).as_posix() not in dropped]
    return tree


def arrange(reading: Reading, recipe: Recipe, root: Path) -> Reading:
    """What a layout read, with the repairs of the recipe that concern files; the others go to the samples.

    So does "together", which `groups.grouping` carries out with the other groups. Samples that a repair names and that
    are not there are noted. A mask file that is not there is a problem.
    """
    if not recipe.repairs or not reading.fits:
        return reading
    changed = replace(
        reading,
        samples=list(reading.samples),
        problems=list(reading.problems),
        missing=dict(reading.missing),
        unpaired=dict(reading.unpaired),
        notes=list(reading.notes),
    )
    _note_absent(changed, recipe, root)
    for repair in recipe.repairs:
        if repair.kind == "leave_out":
            _leave_out(changed, set(repair.samples), root)
        elif repair.kind == "pair":
            _pair(changed, repair, root)

    named = [(repair, frozenset(repair.samples)) for repair in recipe.repairs]  # a repair may name thousands

    def repaired(sample: Sample) -> Sample:
        own = [repair for repair, ids in named if not ids or sample.id in ids]
        parts = [repair.get("part") for repair in own if repair.kind == "subset"]
        kept = tuple(repair for repair in own if repair.kind in KEPT)
        return replace(sample, repairs=kept, subset=parts[-1] if parts else sample.subset)

    changed.samples = [repaired(sample) for sample in changed.samples]
    changed.missing = {sentence: repaired(sample) for sentence, sample in changed.missing.items()}
    return changed


def _every(reading: Reading) -> list[Sample]:
    return [
        *reading.samples,
        *reading.missing.values(),
        *(one for group in reading.unpaired.values() for one in group[0]),
    ]


def _note_absent(reading: Reading, recipe: Recipe, root: Path) -> None:
    """Say which samples of the recipe are not there (any more); their repairs change nothing."""
    ids = {sample.id for sample in _every(reading)}
    spare = {_below(path, root) for group in reading.unpaired.values() for path in group[1]}
    absent: dict[str, None] = {}
    for repair in recipe.repairs:
        for name in repair.samples:
            is_file = repair.kind == "leave_out" and (name in spare or _is_inside(root, name))
            if name not in ids and not is_file:
                absent[readable(name)] = None
    if absent:
        noun = "a sample that is" if len(absent) == 1 else f"{len(absent)} samples that are"
        reading.notes.append(f"{FILE} has repairs of {noun} not in the dataset: {listing(list(absent), 5)}.")


def _leave_out(reading: Reading, names: Collection[str], root: Path) -> None:
    def stays(sample: Sample) -> bool:
        return sample.id not in names and _below(sample.image, root) not in names

    reading.samples = [sample for sample in reading.samples if stays(sample)]
    for sentence, sample in list(reading.missing.items()):
        if not stays(sample):
            _settle(reading, sentence)
    for sentence, (samples, masks) in list(reading.unpaired.items()):
        left = tuple(filter(stays, samples)), tuple(path for path in masks if _below(path, root) not in names)
        if left != (samples, masks):
            _reduce(reading, sentence, *left)


def _pair(reading: Reading, repair: Repair, root: Path) -> None:
    """Give the one sample of a repair its masks; what was wrong with it and with them is settled."""
    name = repair.samples[0]
    masks = tuple(root / path for path in repair.get("masks"))
    if absent := [path for path in repair.get("masks") if not _is_inside(root, path)]:
        reading.problems.append(f"{FILE} pairs {name} with {absent[0]}, which is not in the dataset")
        return
    samples = [sample for sample in _every(reading) if sample.id == name]
    for sentence, sample in list(reading.missing.items()):
        if sample.id == name:
            _settle(reading, sentence)
    for sentence, (some, others) in list(reading.unpaired.items()):
        left = tuple(sample for sample in some if sample.id != name), tuple(p for p in others if p not in masks)
        if left != (some, others):
            _reduce(reading, sentence, *left)
    if any(sample.id == name for sample in reading.samples):
        reading.samples = [_with_masks(sample, masks) if sample.id == name else sample for sample in reading.samples]
    elif samples:  # a file of several pages, which was no sample yet, becomes one for each page
        pages = split_pages(Reading([_with_masks(samples[0], masks)]))
        reading.samples += pages.samples
        reading.problems += pages.problems
        reading.notes += pages.notes


def _with_masks(sample: Sample, masks: tuple[Path, ...]) -> Sample:
    return replace(sample, masks=masks, drawing=None, empty=False)


def _reduce(reading: Reading, sentence: str, samples: tuple[Sample, ...], masks: tuple[Path, ...]) -> None:
    """Keep what is left of a problem about images and masks; it is settled once all its images, or else masks, are."""
    had_samples = bool(reading.unpaired[sentence][0])
    if samples or (masks and not had_samples):
        reading.unpaired[sentence] = samples, masks
        return
    _settle(reading, sentence)
    if masks:
        names = listing([readable(path.name) for path in masks], 3)
        reading.notes.append(f"Not used, as {FILE} pairs the images with other masks: {names}.")


def _settle(reading: Reading, sentence: str) -> None:
    reading.missing.pop(sentence, None)
    reading.unpaired.pop(sentence, None)
    reading.problems = [problem for problem in reading.problems if problem != sentence]


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _is_inside(root: Path, name: str) -> bool:
    """Whether a path below the root is a file there, and leads out of it nowhere."""
    path = Path(name)
    try:
        return not path.is_absolute() and ".." not in path.parts and (root / path).is_file()
    except OSError:  # a name that no file can have
        return False
