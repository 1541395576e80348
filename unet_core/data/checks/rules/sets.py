"""Checks of the dataset as a whole: copies, the split, classes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from unet_core.data import splits
from unet_core.data.checks.case import Case, share
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.checks.rules.geometry import try_repair
from unet_core.data.checks.rules.numbering import find_mixed
from unet_core.data.groups import identity, mosaics, series
from unet_core.data.groups.grouping import find_groups
from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe.recipe import Remedy, Repair, make_repair

RARE_CLASS = 0.001  # share of the pixels that count
RARE_FOREGROUND = 0.005
MOST_COMPARED = 10  # groups of copies whose masks are compared by opening them
SEEDS = 20  # other draws of the split that are tried


def find_split(case: Case) -> Iterator[Finding]:
    """A dataset of which nothing is left for training."""
    if isinstance(case.split, str) and case.usable:
        yield Finding("split", ERROR, case.split)


def find_duplicates(case: Case) -> Iterator[Finding]:
    """Images with the same pixels, and among them those with different masks."""
    contradicting, agreeing, across = case.contradicting, [], []
    for ids in case.by_pixels:
        parts = {case.samples[name].subset or "train" for name in ids}
        if ids in contradicting:
            continue
        if len(parts) > 1 and case.is_divided_by_folders:
            across.append(ids)
        else:
            agreeing.append(ids)
    if contradicting:
        kept = {_choose(case, ids, number) for number, ids in enumerate(contradicting)}
        copies = tuple(name for ids in contradicting for name in ids if name not in kept)
        every = tuple(name for ids in contradicting for name in ids)
        noun = "image occurs" if len(contradicting) == 1 else "images occur"
        yield Finding(
            "contradictions",
            WARNING,
            f"{len(contradicting)} {noun} more than once with different masks: {case.name(every, 4)}. The model cannot "
            "learn both; keep the right one.",
            copies,
            (
                Remedy("Keep the mask that fits the edges best", (make_repair("leave_out", copies),)),
                Remedy("Leave all of them out", (make_repair("leave_out", every),)),
            ),
        )
    if agreeing:
        copies = tuple(name for ids in agreeing for name in ids[1:])
        verb = "is a copy" if len(copies) == 1 else "are copies"
        yield Finding(
            "duplicates",
            INFO,
            f"{len(copies)} of {len(case.usable)} images {verb} of another (the same pixels): {case.name(copies)}. A "
            "split that is drawn keeps copies together; leave them out to count each image once.",
            copies,
            (Remedy("Leave the copies out", (make_repair("leave_out", copies),)),),
        )
    if across:
        copies = tuple(name for ids in across for name in _copies_across(case, ids))
        every = tuple(name for ids in across for name in ids)
        noun = "image is" if len(across) == 1 else "images are"
        yield Finding(
            "duplicates_across_splits",
            WARNING,
            f"{len(across)} {noun} in several parts of the split: {case.name(every, 4)}. Scores of such images are too "
            "high; leave them out of one part.",
            copies,
            (Remedy("Leave the copies out of training", (make_repair("leave_out", copies),)),),
        )


def _choose(case: Case, ids: Sequence[str], number: int) -> str:
    """The one of several copies whose mask fits the edges of the image best; of many groups the first by its name."""
    if number >= MOST_COMPARED:
        return ids[0]
    return max(ids, key=lambda name: try_repair(case, case.by_id[name]))


def _copies_across(case: Case, ids: Sequence[str]) -> list[str]:
    """All but one of some copies in different folders; one that validates or tests stays."""
    order = {"test": 0, "val": 1}
    kept = min(ids, key=lambda name: order.get(case.samples[name].subset or "", 2))
    return [name for name in ids if name != kept]


def find_near_copies(case: Case) -> Iterator[Finding]:
    """Images of different parts of the split that look the same, as one that was compressed again or cut anew."""
    records = {facts.id: facts.record for facts in case.usable}
    pairs = identity.find_similar(records) if case.parts else []
    yield from _across(case, pairs, "near_duplicates", "look the same but for small changes")


def find_tiles(case: Case) -> Iterator[Finding]:
    """Images of different parts of the split that belong together: adjoining tiles, frames, slices."""
    part_of = case.part_of
    kept_together = case.data.group_by == "auto" and not case.is_divided_by_folders
    neighbors = [] if kept_together else mosaics.find_neighbors(case.clues.borders)
    pairs = [(first, second) for first, second in neighbors if first in part_of and second in part_of]
    yield from _across(case, pairs, "adjoining_tiles", "adjoin, as tiles of one image do")
    tiles = {name for pair in pairs for name in pair}
    shared = []
    for ids in _find_related(case):
        held_back = [name for name in ids if part_of.get(name) in ("val", "test") and name not in tiles]
        if held_back and any(part_of.get(name) == "train" for name in ids):
            shared += held_back
    if shared:
        late = tuple(sorted(set(shared)))
        yield Finding(
            "groups_across_splits",
            WARNING,
            f"{len(late)} images of validation or test belong to the same series, patient or image as training images: "
            f"{case.name(late)}. Their scores may be too high.",
            late,
            _keep_apart(case, late),
        )


def _keep_apart(case: Case, late: tuple[str, ...]) -> tuple[Remedy, ...]:
    leave_out = Remedy("Leave them out of validation and test", (make_repair("leave_out", late),))
    if case.is_divided_by_folders:
        return (leave_out,)
    return (Remedy("Keep such images together", settings=(("group_by", "auto"),)), leave_out)


def _find_related(case: Case) -> list[list[str]]:
    """Groups of images that belong together, as far as the split could have kept them so."""
    if case.is_divided_by_folders:
        return [*case.grouping.members().values(), *_find_series(case)]
    if case.data.group_by != "none":
        return list(case.grouping.members().values())
    samples = [case.samples[facts.id] for facts in case.usable]
    return list(find_groups(samples, "auto", case.clues).members().values())


def _find_series(case: Case) -> list[list[str]]:
    """Frames or slices of one series by their names, whatever the folders for train, val and test."""
    bare: dict[str, list[str]] = defaultdict(list)
    for facts in case.usable:
        sample = case.samples[facts.id]
        bare[facts.id.removeprefix(f"{sample.subset}/")].append(facts.id)
    samples = [replace(case.samples[ids[0]], id=name) for name, ids in bare.items() if len(ids) == 1]
    members: dict[str, list[str]] = defaultdict(list)
    for name, group in series.find_marked([sample for sample in samples if sample.page is None]).items():
        members[group] += bare[name]
    return [ids for ids in members.values() if len(ids) > 1]


def _across(case: Case, related: Sequence[tuple[str, str]], check: str, words: str) -> Iterator[Finding]:
    """A finding on those pairs of related images that are in different parts of the split."""
    part_of = case.part_of
    pairs = [(first, second) for first, second in related if part_of[first] != part_of[second]]
    if not pairs:
        return
    members = sorted({name for pair in pairs for name in pair})
    groups = mosaics.components({name for pair in related for name in pair}, related)  # another draw may divide them
    held_back = tuple(name for name in members if case.part_of[name] != "train") or tuple(members)
    remedies = [Remedy("Leave them out of validation and test", (make_repair("leave_out", held_back),))]
    if not case.is_divided_by_folders:
        together: tuple[Repair, ...] = tuple(make_repair("together", ids) for ids in groups)
        remedies.insert(0, Remedy("Keep them in one part of the split", together))
    noun = "pair of images" if len(pairs) == 1 else "pairs of images"
    first, second = pairs[0]
    yield Finding(
        check,
        WARNING,
        f"{len(pairs)} {noun} in different parts of the split {words}: {case.name((first,))} "
        f"({case.part_of[first]}) and {case.name((second,))} ({case.part_of[second]}) for example. Scores of such "
        "images are too high.",
        held_back,
        tuple(remedies),
    )


def find_unseen(case: Case) -> Iterator[Finding]:
    """Classes that one part of the split lacks."""
    coding = case.scan.coding
    if coding is None or coding.kind != "classes" or not case.parts:
        return
    present = _classes_by_part(case)
    every = {index for indices in present.values() for index in indices} - _written_otherwise(case)
    lacking = {part: sorted(every - present[part]) for part in present if every - present[part]}
    for part, indices in lacking.items():
        names = ", ".join(_name(case, index) for index in indices)
        where = {"train": "training", "val": "validation", "test": "test"}[part]
        consequence = "The model never learns it" if part == "train" else "It has no score there"
        holding = tuple(facts.id for facts in case.coded if {index for index, _ in facts.classes} & set(indices))
        seeds = _find_seed(case, every) if not case.is_divided_by_folders else None
        yield Finding(
            "unseen_classes",
            WARNING,
            f"No image of {where} shows {names}. {consequence}; divide the images otherwise, or add more.",
            holding,
            (Remedy(f"Draw the split with seed {seeds}", settings=(("split_seed", seeds),)),) if seeds else (),
        )


def _written_otherwise(case: Case) -> set[int]:
    """Classes that only those masks hold whose values are other than usual: no classes of their own."""
    odd = {name for finding in find_mixed(case) for name in finding.samples}
    others = {index for facts in case.coded if facts.id not in odd for index, _ in facts.classes}
    return {index for name in odd for index, _ in case.by_id[name].classes} - others


def _classes_by_part(case: Case) -> dict[str, set[int]]:
    present: dict[str, set[int]] = {part: set() for part, ids in case.parts.items() if ids}
    for facts in case.coded:
        present[case.part_of[facts.id]] |= {index for index, _ in facts.classes if index != IGNORE}
    return present


def _find_seed(case: Case, every: set[int]) -> int | None:
    """A seed of the split with which each part shows all classes; None where none of some is."""
    for seed in range(1, SEEDS + 1):
        drawn = case.draw(seed)
        if isinstance(drawn, splits.Split) and all(
            {index for name in ids for index, _ in case.by_id[name].classes} >= every for _, ids in drawn.parts() if ids
        ):
            return seed
    return None


def find_imbalance(case: Case) -> Iterator[Finding]:
    """Classes with hardly any pixels."""
    coding = case.scan.coding
    pixels = Counter[int]()
    images: dict[int, list[str]] = defaultdict(list)
    for facts in case.coded:
        for index, number in facts.classes:
            if index != IGNORE:
                pixels[index] += number
                images[index].append(facts.id)
    total = pixels.total()
    if coding is None or not total or pixels.keys() <= {0}:
        return
    if coding.kind != "classes":
        part = total - pixels[0]
        if part < RARE_FOREGROUND * total:
            yield Finding(
                "imbalance",
                WARNING,
                f"Only {share(part, total)} of the pixels are foreground (less than {RARE_FOREGROUND:.1%}). A loss "
                "such as dice or focal learns rare foreground better than cross entropy.",
            )
        return
    others = _written_otherwise(case)
    rare = [index for index in sorted(pixels) if pixels[index] < RARE_CLASS * total and index not in others]
    for index in rare:
        yield Finding(
            "imbalance",
            WARNING,
            f"{_name(case, index)} covers {share(pixels[index], total)} of the pixels (less than {RARE_CLASS:.1%}), in "
            f"{len(images[index])} of {len(case.coded)} images. Set class_weights, or add images that show it.",
            tuple(images[index]),
        )


def find_same_masks(case: Case) -> Iterator[Finding]:
    """Masks that are all the same: a field of view or a template, and no ground truth."""
    partly = [facts for facts in case.coded if 0.02 < facts.foreground < 0.98]
    records = Counter(facts.mask_record for facts in partly)
    if len(partly) < 4 or records.most_common(1)[0][1] < 0.9 * len(case.coded):
        return
    usual, number = records.most_common(1)[0]
    yield Finding(
        "same_masks",
        WARNING,
        f"{number} of {len(case.coded)} masks are the same, as a field of view or a template is. Check that they are "
        "the ground truth.",
        tuple(facts.id for facts in partly if facts.mask_record == usual),
    )


def _name(case: Case, index: int) -> str:
    names = case.scan.class_names
    return f"class {index} ({names[index]})" if index < len(names) else f"class {index}"
