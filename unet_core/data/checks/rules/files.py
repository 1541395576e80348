"""Checks of files: pairs, what cannot be read, names."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.layouts import Sample
from unet_core.data.layouts.pages import count_pages
from unet_core.data.recipe.recipe import Remedy, make_repair
from unet_core.errors import listing
from unet_core.io.filenames import STACKS, fold_case, readable, stem_of

MOST_UNREADABLE = 0.1  # share of the samples; above it training refuses
MOST_COMPARED = 300  # names without a partner that are compared with each other
LIKE = 0.5  # of the letters of two names that must agree to suggest the pair
PAGED = "images, but one is expected"  # in the message on a file of several pages


def find_pairs(case: Case) -> Iterator[Finding]:
    """What forbids to use the pairs, apart from images and masks without a partner."""
    names = {sample.image.name for sample in case.search.missing} | {path.name for path in case.search.spare_masks}
    names |= {sample.id.rpartition("/")[2] for sample in case.search.missing}  # of layouts with a folder for each image
    shown = [readable(name) for name in names]
    few = len(shown) * len(case.search.problems) < 1_000_000
    problems = [text for text in case.search.problems if not (few and any(name in text for name in shown))]
    if problems and not few and names:
        return  # so many that they are told by the findings below
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        yield Finding(
            "pairs",
            ERROR,
            f"The dataset cannot be used as it is: {len(problems)} {noun}. {listing(problems, 3, '; ').rstrip('.')}.",
        )


def find_pages(case: Case) -> Iterator[Finding]:
    """Files of several pages whose masks have another number of pages."""
    ids = tuple(sample.id for sample in case.search.missing if _has_pages(sample))
    if ids:
        noun = "image has" if len(ids) == 1 else "images have"
        yield Finding(
            "multi_page",
            ERROR,
            f"{len(ids)} {noun} another number of pages than the mask: {case.name(ids)}. Save each page as a file of "
            "its own with its mask, or leave them out.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )


def _has_pages(sample: Sample) -> bool:
    return sample.image.name.lower().endswith(STACKS) and count_pages(sample.image) > 1


def find_missing(case: Case) -> Iterator[Finding]:
    """Images without a mask where others have one."""
    missing = [sample for sample in case.search.missing if not _has_pages(sample)]
    if not missing or not case.search.samples:
        return
    ids = tuple(sample.id for sample in missing)
    total = len(case.search.samples) + len(case.search.missing)
    pairs = [pair for pair in suggest_pairs(case) if pair[0] in ids]
    remedies = [
        *_pair_remedy(pairs),
        Remedy("Leave them out", (make_repair("leave_out", ids),)),
        Remedy("Treat them as empty (all background)", settings=(("unlabeled", "empty"),)),
    ]
    if len(pairs) < len(ids) and pairs:
        remedies = [*remedies[1:2], remedies[0], *remedies[2:]]
    verb = "has" if len(ids) == 1 else "have"
    similar = f" For {len(pairs)} of them there is an unused mask with a similar name." if pairs else ""
    yield Finding(
        "missing_masks",
        ERROR,
        f"{len(ids)} of {total} images {verb} no mask: {case.name(ids)}.{similar} Leave them out, pair them by hand, "
        "or treat them as empty where they show no object.",
        ids,
        tuple(remedies),
    )


def find_spare(case: Case) -> Iterator[Finding]:
    """Masks without an image."""
    spare = case.search.spare_masks
    paired = {mask for _, mask in suggest_pairs(case)}  # these are told with the images that lack a mask
    names = tuple(name for path in spare if (name := _below(path, case.scan.root)) not in paired)
    if not names:
        return
    noun = "mask belongs" if len(names) == 1 else "masks belong"
    yield Finding(
        "spare_masks",
        ERROR,
        f"{len(names)} {noun} to no image: {case.name(names)}. Pair them by hand, or leave them out.",
        names,
        (Remedy("Leave these files out", (make_repair("leave_out", names),)),),
    )


def suggest_pairs(case: Case) -> list[tuple[str, str]]:
    """Images without a mask and masks without an image that are each other's most similar by name."""
    missing, spare = case.search.missing, case.search.spare_masks
    if not missing or not spare or max(len(missing), len(spare)) > MOST_COMPARED:
        return []
    likeness = [
        [SequenceMatcher(None, stem_of(sample.image.name), stem_of(path.name)).ratio() for path in spare]
        for sample in missing
    ]
    pairs = []
    for row, sample in enumerate(missing):
        best = max(likeness[row])
        column = likeness[row].index(best)
        others = [likeness[other][column] for other in range(len(missing)) if other != row]
        others += [value for index, value in enumerate(likeness[row]) if index != column]
        if best >= LIKE and best > max(others, default=0):
            pairs.append((sample.id, _below(spare[column], case.scan.root)))
    return pairs


def _pair_remedy(pairs: Sequence[tuple[str, str]]) -> list[Remedy]:
    repairs = tuple(make_repair("pair", [name], masks=[mask]) for name, mask in pairs)
    return [Remedy("Pair by the closest names", repairs)] if pairs else []


def find_unreadable(case: Case) -> Iterator[Finding]:
    """Images and masks that cannot be read."""
    unreadable = [facts for facts in case.scan.facts if facts.problem and not has_other_size(facts)]
    paged = [facts for facts in unreadable if PAGED in facts.problem]
    severity = ERROR if len(unreadable) > MOST_UNREADABLE * len(case.scan.facts) else WARNING
    consequence = (
        "More than a tenth cannot be read, so training refuses." if severity == ERROR else "Training skips them."
    )
    if paged:
        ids = tuple(facts.id for facts in paged)
        noun = "sample has a file" if len(ids) == 1 else "samples have files"
        yield Finding(
            "multi_page",
            severity,
            f"{len(ids)} {noun} of several pages where one image is meant: {case.name(ids)}. {consequence} Save each "
            "page as a file of its own, or leave them out.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )
    others = [facts for facts in unreadable if facts not in paged]
    if others:
        ids = tuple(facts.id for facts in others)
        reason = readable(others[0].problem).replace(f"{readable(str(case.scan.root))}/", "").rstrip(".")
        noun = "sample" if len(case.scan.facts) == 1 else "samples"
        yield Finding(
            "unreadable",
            severity,
            f"{len(ids)} of {len(case.scan.facts)} {noun} cannot be read. {consequence} For example {reason}.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )


def has_other_size(facts: SampleFacts) -> bool:
    """Whether the mask was read, or its header, and has another size than the image."""
    sizes = (facts.height, facts.width), (facts.mask_height, facts.mask_width)
    return bool(facts.height and facts.mask_height) and sizes[0] != sizes[1]


def find_names(case: Case) -> Iterator[Finding]:
    """Names that differ only by case or Unicode form: of two samples, and of an image and its mask."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for facts in case.scan.facts:
        by_key[fold_case(facts.id)].append(facts.id)
    clashes = [name for names in by_key.values() if len(names) > 1 for name in names]
    if clashes:
        yield Finding(
            "names",
            WARNING,
            f"{len(clashes)} names differ only by case or by the Unicode form of a letter: {case.name(clashes)}. On "
            "Windows and macOS one of two such files replaces the other; rename them.",
            tuple(clashes),
        )
    apart = []
    for facts in case.scan.facts:
        stems = stem_of(facts.image), stem_of(facts.masks[0]) if len(facts.masks) == 1 else ""
        if stems[0] != stems[1] and fold_case(stems[0]) == fold_case(stems[1]):
            apart.append(facts.id)
    if apart:
        noun = "mask is named as its image" if len(apart) == 1 else "masks are named as their images"
        yield Finding(
            "names",
            INFO,
            f"{len(apart)} {noun} but for case or the Unicode form of a letter: {case.name(apart)}. They were paired "
            "all the same; other tools may not find them.",
            tuple(apart),
        )


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
