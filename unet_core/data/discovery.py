"""From a folder to a list of samples, and what is wrong with them by their headers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.layouts import LAYOUTS, Reading, Sample
from unet_core.data.layouts.base import refuse, settle
from unet_core.data.layouts.refusal import nothing_fits
from unet_core.data.layouts.tree import Folder, scan
from unet_core.data.recipe import arrange, kinds, recipes, stored
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import DataError, ImageError, listing
from unet_core.io import images
from unet_core.io.filenames import is_image_name, readable

CLASS_FILES = (  # names and colors of classes, in this order where several lie equally deep
    *("labelmap.txt", "label_map.txt", "_classes.csv", "class_dict.csv", "label_class_dict.csv", "dataset.json"),
    *("classes.txt", "class_names.txt", "obj.names", "label_colors.txt", "codes.txt"),
)
LAST = ("annotations", "content")  # layouts that open files: only where names show no masks


@dataclass(frozen=True)
class Search:
    """What lies below a folder: the samples, sorted by id, and how they were found.

    `reason` says why the layout fits, `notes` what was left out, guessed or repaired, a sentence each.
    `class_names_file` is a file beside the images that names classes. `candidates` are all layouts that read something.
    `class_names` are those of annotations, `labels` is "instances" where the layout's masks number objects. `recipe`
    holds the repairs. Of `examine` alone: `problems` forbid training, a sentence without full stop each, `missing` are
    images without a mask although others have one, `spare_masks` masks that belong to no image.
    """

    samples: tuple[Sample, ...]
    layout: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    class_names_file: Path | None = None
    candidates: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    labels: str = ""
    recipe: Recipe = field(default_factory=Recipe)
    problems: tuple[str, ...] = ()
    missing: tuple[Sample, ...] = ()
    spare_masks: tuple[Path, ...] = ()

    def name_values(self) -> dict[int, str]:
        """The name of each mask value by its code, from annotations or a table beside the images; {} of none.

        Raises DataError where the table is damaged.
        """
        from unet_core.data.masks.values import encode_value, read_class_names

        if self.class_names:
            return {encode_value((index,)): name for index, name in enumerate(self.class_names)}
        return read_class_names(self.class_names_file) if self.class_names_file is not None else {}


def find(root: Path, layout: str = "auto", unmasked: bool = False, unlabeled: str = "ask") -> list[Sample]:
    """The samples of `search`."""
    return list(search(root, layout, unmasked, unlabeled).samples)


def search_data(data: DataConfig) -> Search:
    """`search` of the folder of some settings, with the recipe that they name. Raises DataError."""
    recipe = recipes.of(data)
    data, _ = recipes.configure_parts(data, ModelConfig(), recipe)
    return search(Path(data.root), data.layout, unlabeled=data.unlabeled, recipe=recipe)


def search(
    root: Path,
    layout: str = "auto",
    unmasked: bool = False,
    unlabeled: str = "ask",
    recipe: Recipe | None = None,
) -> Search:
    """All samples below `root`, sorted by id; those without a mask, for prediction, only where `unmasked`.

    Images without a mask where others have one are an error ("ask"), or as `unlabeled` says left out ("leave_out"), or
    samples whose mask is all background ("empty"). The repairs of the `recipe` that concern files are carried out, the
    others are on the samples. No file is opened where names decide. Raises DataError: no such folder, no layout fits,
    two layouts read different masks, pairs are broken, or there are no masks.
    """
    root, recipe = Path(root), recipe or Recipe()
    tree, readings, masked = _look(root, layout, unlabeled, recipe)
    name = masked[0] if masked else next(iter(readings))
    reading = readings[name]
    refuse(root, reading, asks=True)
    for other in masked[1:]:
        if problem := _find_another_truth(root, (name, reading), (other, readings[other]), recipe):
            raise DataError(f"{root}: {problem}. Set layout to the right one.")
    usable = [sample for sample in reading.samples if sample.masks or sample.empty or unmasked]
    if not usable:
        raise DataError(
            f"{root}: {_name_unmasked(len(reading.samples), name)}. You can predict them; to train or "
            "evaluate, choose the folder that also holds the masks."
        )
    return _make(tree, name, readings, usable, recipe)


def examine(data: DataConfig) -> Search:
    """`search_data` that lists what is wrong in `problems`, and which files it concerns, and gives the samples anyway.

    Raises DataError only where there is no such folder, no image in it, or no layout that fits.
    """
    problems: list[str] = []
    try:
        recipe = recipes.of(data)
        data, _ = recipes.configure_parts(data, ModelConfig(), recipe)
    except DataError as error:  # without its repairs, most of the dataset can still be looked at
        recipe = Recipe()
        problems.append(readable(str(error)).rstrip("."))
    root = Path(data.root)
    tree, readings, masked = _look(root, data.layout, data.unlabeled, recipe, lenient=True)
    name = masked[0] if masked else next(iter(readings))
    reading = readings[name]
    problems += [readable(problem) for problem in reading.problems]
    others = [(other, readings[other]) for other in masked[1:]]
    problems += [found for other in others if (found := _find_another_truth(root, (name, reading), other, recipe))]
    usable = {sample.id: sample for sample in reading.samples if sample.masks or sample.empty}
    disputed = [sample for samples, _ in reading.unpaired.values() for sample in samples]
    missing = {sample.id: sample for sample in (*reading.missing.values(), *disputed) if sample.id not in usable}
    if not usable:
        missing |= {sample.id: sample for sample in reading.samples}
        problems += [] if reading.problems else [_name_unmasked(len(missing), name)]
    used = {path for sample in usable.values() for path in sample.masks}
    spare = dict.fromkeys(path for _, masks in reading.unpaired.values() for path in masks if path not in used)
    return replace(
        _make(tree, name, readings, usable.values(), recipe),
        problems=tuple(dict.fromkeys(problems)),
        missing=tuple(missing[name] for name in sorted(missing)),
        spare_masks=tuple(sorted(spare)),
    )


def _look(
    root: Path, layout: str, unlabeled: str, recipe: Recipe, lenient: bool = False
) -> tuple[Folder, dict[str, Reading], list[str]]:
    """What lies below a folder, what each layout makes of it, and the names of those that find masks or problems.

    `lenient`: files that a layout cannot read (malformed annotations) are a problem, not an error.
    """
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder. Choose the folder that holds the images and masks.")
    if layout != "auto" and layout not in LAYOUTS:
        raise DataError(f"Unknown layout {layout!r}; known are auto, {', '.join(LAYOUTS)}.")
    kinds.check(recipe)
    tree = arrange.drop_files(scan(root), recipe)
    readings = _read(tree, layout, unlabeled, recipe, lenient and tree.has_images())
    if not readings:
        raise nothing_fits(root, tree, layout)
    return tree, readings, [name for name, one in readings.items() if one.problems or _labeled(one.samples)]


def _make(tree: Folder, name: str, readings: dict[str, Reading], samples: Iterable[Sample], recipe: Recipe) -> Search:
    reading = readings[name]
    return Search(
        tuple(sorted(samples, key=lambda sample: sample.id)),
        name,
        reading.reason,
        tuple(map(readable, (*dict.fromkeys(reading.notes), *_name_broken_links(tree), *kinds.tell(recipe)))),
        _find_class_names(tree),
        tuple(readings),
        reading.class_names,
        reading.labels,
        recipe,
    )


def _name_unmasked(count: int, layout: str) -> str:
    return f"{count} images, but no masks (layout {layout!r})"


def _read(tree: Folder, layout: str, unlabeled: str, recipe: Recipe, lenient: bool) -> dict[str, Reading]:
    """What each layout makes of the folder, in their order, as far as it makes anything of it.

    Those that open files come only where there are no mask files, or where these do not fit: `labels/` of YOLO holds
    none. That which tells images and masks apart by their content comes only where names have shown no mask: it would
    pair what it can, and hide what is wrong with the rest.
    """
    names = [name for name in LAYOUTS if name not in LAST] if layout == "auto" else [layout]

    def read(name: str) -> Reading:
        try:
            reading = LAYOUTS[name].read(tree)
        except DataError as error:
            if not lenient:
                raise
            paths = [path.relative_to(tree.path) for folder in tree.walk() for path in folder.images]
            bare = [Sample(path.with_suffix("").as_posix(), tree.path / path, ()) for path in paths]
            reading = Reading(bare, [str(error).rstrip(".")])
        return settle(arrange.arrange(reading, recipe, tree.path), unlabeled)

    readings = {name: read(name) for name in names}
    fitting = [reading for reading in readings.values() if _labeled(reading.samples) and not reading.problems]
    named = any(_labeled(reading.samples) for reading in readings.values())
    last = [name for name in LAST if name != "content" or not named] if layout == "auto" and not fitting else []
    for name in last:
        reading = read(name)
        if _labeled(reading.samples) or reading.problems:
            return {name: reading}
    return {name: reading for name, reading in readings.items() if reading.fits}


def _labeled(samples: Iterable[Sample]) -> bool:
    return any(sample.masks for sample in samples)


def _find_another_truth(root: Path, one: tuple[str, Reading], other: tuple[str, Reading], recipe: Recipe) -> str:
    """That another layout, without a problem of its own, reads other masks for an image that is not paired by hand."""
    if other[1].problems:
        return ""
    by_hand = {repair.samples[0] for repair in recipe.repairs if repair.kind == "pair"}
    masks = {(s.image, s.page): s.masks for s in one[1].samples if s.masks and s.id not in by_hand}
    for sample in other[1].samples:
        first = masks.get((sample.image, sample.page), sample.masks)
        if sample.masks and first != sample.masks:
            return readable(
                f"{sample.image.name} has two masks: {first[0].relative_to(root)} as layout {one[0]!r} reads "
                f"the folder, {sample.masks[0].relative_to(root)} as {other[0]!r}"
            )
    return ""


def _name_broken_links(tree: Folder) -> list[str]:
    broken = [path for folder in tree.walk() for path in folder.broken if is_image_name(path)]
    names = listing([str(path.relative_to(tree.path)) for path in broken], 5)
    return [f"{len(broken)} broken links were skipped: {names}."] if broken else []


def _find_class_names(tree: Folder) -> Path | None:
    """The file that names classes and lies highest; None where there is none."""
    tables = [
        (len(folder.parts), CLASS_FILES.index(path.name.lower()), path)
        for folder in tree.walk()
        for path in folder.others
        if path.name.lower() in CLASS_FILES
    ]
    return min(tables)[2] if tables else None


def check(samples: Iterable[Sample]) -> list[str]:
    """Problems that headers alone show, a line each: unreadable files, masks of another size than their image."""
    problems = []
    for sample in samples:
        try:
            expected = images.size(sample.image, sample.page)
            for path in sample.masks if sample.drawing is None else ():
                actual = images.size(path, sample.page)
                if stored.size_after(actual, sample.repairs, expected) != expected:
                    problems.append(size_problem(sample, path, actual, expected))
        except ImageError as error:
            problems.append(str(error))
    return problems


def size_problem(sample: Sample, path: Path, actual: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """The sentence, without its full stop, for a mask of (height, width) `actual` whose image is `expected`."""
    where = path if sample.page is None else f"{path}, page {sample.page}"
    text = (
        f"{where}: the mask is {actual[1]} x {actual[0]} pixels, its image {sample.image.name} "
        f"is {expected[1]} x {expected[0]}"
    )
    if fits := [repair.get("how") for repair in sample.repairs if repair.kind == "fit"]:
        text += f", and its repair {fits[-1]!r} does not fit that; undo it or choose another one"
    elif tuple(actual[:2]) == tuple(expected[1::-1]) and _is_turned(sample.image):
        text += (
            ". The photo is turned by its EXIF orientation and the mask is not; turn the mask, or save the photo "
            "without the orientation as it is stored"
        )
    return text


def _is_turned(path: Path) -> bool:
    """Whether EXIF swaps the height and width of a photo."""
    try:
        return images.orientation(path) >= 5
    except ImageError:
        return False


def content_hash(path: Path, page: int | None = None) -> str:
    """The first 16 hex digits of the file's SHA-256, or of a page's pixels: equal for copies under other names."""
    if page is None:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    pixels = images.read(path, page)
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()[:16]
