"""Checks of what masks show: inverted, empty and full ones, specks, holes."""

from collections.abc import Iterator
from statistics import median

from unet_core.data.checks import inversion
from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe.recipe import Remedy, make_repair

MOST_FOREGROUND, MOST_BORDER = 0.5, 0.9  # of all pixels and of those at the borders: above both all may be inverted
RICH = 0.5  # of the usual deviation of images with objects, from which one shows something too
MOST_EMPTY = 0.25  # share of the masks; where more are empty, that is the way of the dataset
MOST_SPECK = 5  # pixels; larger pieces may be objects in any dataset
MOST_HOLE = 64
SMALLER = 4  # times smaller than the smallest objects of the dataset
COMMON = 0.7  # share of the masks from which specks or holes are the way of the dataset


def find_inverted(case: Case) -> Iterator[Finding]:
    """Masks whose background is what the others mark as foreground, and datasets where all are like that."""
    coding = case.scan.coding
    if coding is None or coding.kind != "binary":
        return
    partly = [facts for facts in case.coded if 0 < facts.foreground < 1]
    inverted = inversion.find_inverted(partly)
    if inverted:
        ids = tuple(facts.id for facts in inverted)
        verb = "looks" if len(ids) == 1 else "look"
        usual = median(facts.foreground for facts in partly if facts.id not in ids)
        yield Finding(
            "inverted",
            WARNING,
            f"{len(ids)} of {len(partly)} masks {verb} inverted: {case.name(ids)}. In that of {case.name(ids[:1])} "
            f"{inverted[0].foreground:.0%} of the pixels are foreground, in the others usually {usual:.0%}.",
            ids,
            (Remedy("Swap foreground and background", (make_repair("invert", ids),)),),
        )
        return
    if len(partly) < 2:
        return
    shares = sum(facts.foreground for facts in partly) / len(partly)
    borders = sum(facts.border_foreground for facts in partly) / len(partly)
    if shares > MOST_FOREGROUND and borders > MOST_BORDER:
        ids = tuple(facts.id for facts in partly)
        yield Finding(
            "inverted",
            WARNING,
            f"The foreground covers {shares:.0%} of the pixels and {borders:.0%} of the borders of the masks. If it is "
            "the background, swap the two.",
            ids,
            (Remedy("Swap foreground and background", (make_repair("invert", ids),)),),
        )


def find_empty(case: Case) -> Iterator[Finding]:
    """Masks of background alone, of foreground alone, and of ignored pixels alone."""
    coding = case.scan.coding
    if coding is None or not case.coded:
        return
    empty = [facts for facts in case.coded if facts.foreground == 0]
    ignored = [facts for facts in empty if {index for index, _ in facts.classes} == {IGNORE}]
    if len(empty) == len(case.coded):
        what = (
            "ignored, so there is nothing to learn. Check ignore_index"
            if len(ignored) == len(empty)
            else ("background, so there is nothing to learn. Check that these are the right masks")
        )
        yield Finding("empty_masks", ERROR, f"All pixels of all masks are {what}.", tuple(facts.id for facts in empty))
        return
    if empty:
        usual = median(sum(facts.std) for facts in case.coded if facts.foreground)
        rich = [facts for facts in empty if sum(facts.std) >= RICH * usual and not case.samples[facts.id].empty]
        dull = [facts for facts in empty if facts not in rich]
        few = len(rich) <= MOST_EMPTY * len(case.coded)
        if rich:
            ids = tuple(facts.id for facts in rich)
            verb = "is" if len(ids) == 1 else "are"
            yield Finding(
                "empty_masks",
                WARNING if few else INFO,
                f"{len(ids)} of {len(case.coded)} masks {verb} empty although the image has as much contrast as "
                f"others: {case.name(ids)}. If something is to be seen there, complete the mask or leave "
                "the image out.",
                ids,
                (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
            )
        if dull:
            ids = tuple(facts.id for facts in dull)
            verb = "is" if len(ids) == 1 else "are"
            yield Finding(
                "empty_masks",
                INFO,
                f"{len(ids)} of {len(case.coded)} masks {verb} empty: {case.name(ids)}. That is right where nothing is "
                "to be seen.",
                ids,
                (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
            )
    full = [facts for facts in case.coded if facts.foreground == 1] if coding.kind != "classes" else []
    if full:
        ids = tuple(facts.id for facts in full)
        verb = "is" if len(ids) == 1 else "are"
        yield Finding(
            "full_masks",
            WARNING,
            f"{len(ids)} of {len(case.coded)} masks {verb} foreground in every pixel: {case.name(ids)}. Correct them, "
            "or leave them out.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )


def _without_inverted(case: Case) -> list[SampleFacts]:
    """Those whose holes and pieces say something: in an inverted mask each is the other."""
    coding = case.scan.coding
    partly = [facts for facts in case.coded if 0 < facts.foreground < 1]
    binary = coding is not None and coding.kind == "binary"
    inverted = {facts.id for facts in inversion.find_inverted(partly)} if binary else set()
    return [facts for facts in case.coded if facts.id not in inverted]


def find_specks(case: Case) -> Iterator[Finding]:
    """Pieces of foreground that are far smaller than the objects of the dataset."""
    most = min(MOST_SPECK, case.smallest_object // SMALLER)
    upright = _without_inverted(case)
    specks = {facts.id: sum(area <= most for area in facts.pieces) for facts in upright}
    ids = tuple(sorted((name for name in specks if specks[name]), key=lambda name: (-specks[name], name)))
    if not ids:
        return
    number, area = (
        sum(specks.values()),
        max(piece for facts in upright for piece in facts.pieces if piece <= most) + 1,
    )
    coding = case.scan.coding
    several = coding is not None and coding.kind == "classes"  # where small pieces of one class may lie within another
    noun = "speck" if number == 1 else "specks"
    yield Finding(
        "specks",
        INFO if len(ids) > COMMON * len(case.coded) else WARNING,
        f"{number} {noun} of up to {most} pixels in {len(ids)} of {len(case.coded)} masks: {case.name(ids)}. Nearly "
        f"all other foreground lies in pieces of {case.smallest_object} pixels or more. Specks count as objects.",
        ids,
        () if several else (Remedy(f"Remove pieces under {area} px", (make_repair("remove_specks", ids, area=area),)),),
    )


def find_holes(case: Case) -> Iterator[Finding]:
    """Holes in objects that are far smaller than the objects of the dataset."""
    most = min(MOST_HOLE, case.smallest_object // SMALLER)
    upright = _without_inverted(case)
    holes = {facts.id: sum(area <= most for area in facts.holes) for facts in upright}
    ids = tuple(sorted((name for name in holes if holes[name]), key=lambda name: (-holes[name], name)))
    if not ids:
        return
    number = sum(holes.values())
    noun = "hole" if number == 1 else "holes"
    largest = max(area for facts in upright for area in facts.holes if area <= most)
    yield Finding(
        "holes",
        INFO if len(ids) > COMMON * len(case.coded) else WARNING,
        f"{number} {noun} of up to {largest} pixels inside objects in {len(ids)} of {len(case.coded)} masks: "
        f"{case.name(ids)}. Where the objects have none, fill them.",
        ids,
        (Remedy(f"Fill holes under {largest + 1} px", (make_repair("fill_holes", ids, area=largest + 1),)),),
    )
