"""Checks of where masks lie: their size, their orientation, shifts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median

from unet_core.data import reading
from unet_core.data.checks import registration
from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, WARNING, Finding
from unet_core.data.checks.measure import make_gray
from unet_core.data.checks.rules.files import has_other_size
from unet_core.data.masks import files
from unet_core.data.masks.values import encode_pixels
from unet_core.data.recipe.recipe import Remedy, Repair, make_repair
from unet_core.errors import DataError

MOST_OPENED = 12  # files that are read again to try repairs on
GAIN = (
    0.6  # deviations by which a mask must fit better elsewhere; untouched ones of real data reach 0.3 where it counts
)
FARTHER = 2  # pixels from where most masks of the dataset lie; the border of an object is drawn to about one
ALIKE = 0.02  # by which the aspect ratios of mask and image may differ, to be called the same image scaled
INVERSE = {6: 8, 8: 6}  # EXIF orientations that are not their own inverse


def find_sizes(case: Case) -> Iterator[Finding]:
    """Masks of another size than their image, as far as no EXIF orientation explains it."""
    odd = [
        facts
        for facts in case.scan.facts
        if has_other_size(facts) and not (_is_turned(facts) and _may_be_turned(case, facts))
    ]
    if not odd:
        return
    ids = tuple(facts.id for facts in odd)
    tries = {how: [_fitting(facts, how) for facts in odd] for how in ("crop", "pad", "scale")}
    best = _suggest(case, odd)
    labels = {"crop": "Crop the masks", "pad": "Pad the masks", "scale": "Scale the masks"}
    remedies = {how: Remedy(labels[how], tuple(_group(odd, repairs))) for how, repairs in tries.items()}
    del remedies["pad" if all(_is_larger(facts) for facts in odd) else "crop"]
    first = Remedy("Fit each mask as its edges suggest", tuple(_group(odd, best)))
    same = next((how for how, remedy in remedies.items() if remedy.repairs == first.repairs), None)
    ordered = [remedies.pop(same)] if same else [first]
    facts = odd[0]
    verb, noun = ("has", "mask") if len(odd) == 1 else ("have", "masks")
    yield Finding(
        "mask_size",
        ERROR,
        f"{len(odd)} {noun} {verb} another size than the image: {case.name(ids)}. That of {case.name(ids[:1])} is "
        f"{facts.mask_width} x {facts.mask_height} pixels, its image {facts.width} x {facts.height}. Crop, pad or "
        "scale the masks, and look at the result.",
        ids,
        (*ordered, *remedies.values()),
    )


def _is_turned(facts: SampleFacts) -> bool:
    """Whether an orientation swaps height and width of the image or its mask alone, and that is the difference."""
    swapped = (facts.orientation >= 5) != (facts.mask_orientation >= 5)
    return swapped and (facts.mask_height, facts.mask_width) == (facts.width, facts.height)


def _is_larger(facts: SampleFacts) -> bool:
    return facts.mask_height >= facts.height and facts.mask_width >= facts.width


def _fitting(facts: SampleFacts, how: str) -> Repair:
    return (
        make_repair("fit", [facts.id], how=how)
        if how == "scale"
        else make_repair("fit", [facts.id], how=how, at="center")
    )


def _group(odd: Sequence[SampleFacts], repairs: Sequence[Repair]) -> Iterator[Repair]:
    """One repair for all samples that need the same."""
    by_kind: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = defaultdict(list)
    for facts, repair in zip(odd, repairs, strict=True):
        by_kind[repair.kind, repair.options].append(facts.id)
    for (kind, options), ids in by_kind.items():
        yield make_repair(kind, ids, **dict(options))


def _suggest(case: Case, odd: Sequence[SampleFacts]) -> list[Repair]:
    """For each mask the repair by which its edges fit the image best; of many, what most of the first ones need."""
    chosen = []
    for facts in odd[:MOST_OPENED]:
        how = "crop" if _is_larger(facts) else "pad"
        repairs = [
            make_repair("fit", [facts.id], how=how, at="top_left"),
            make_repair("fit", [facts.id], how=how, at="center"),
            make_repair("fit", [facts.id], how="scale"),
        ]
        scores = [try_repair(case, facts, repair) for repair in repairs]
        if max(scores) <= 0:
            ratios = facts.mask_width / facts.mask_height, facts.width / facts.height
            scores[2 if abs(ratios[0] / ratios[1] - 1) < ALIKE else 0] = 1.0
        chosen.append(repairs[scores.index(max(scores))])
    usual = Counter(repair.options for repair in chosen).most_common(1)[0][0]
    others = [make_repair("fit", [facts.id], **dict(usual)) for facts in odd[MOST_OPENED:]]
    return [*chosen, *others]


def try_repair(case: Case, facts: SampleFacts, *repairs: Repair) -> float:
    """How well the edges of a mask fit those of its image after some repairs, -1 to 1; 0 where they cannot be read."""
    sample = case.samples[facts.id]
    with suppress(DataError):
        image = reading.read_image(sample)
        raw = files.read(replace(sample, repairs=(*sample.repairs, *repairs)), image.shape)
        values = raw.objects if raw.objects is not None else encode_pixels(raw.values)
        return registration.measure_fit(make_gray(image), values, raw.ignored)
    return 0.0


def find_turned(case: Case) -> Iterator[Finding]:
    """Photos that are turned by their EXIF orientation while the mask is not, or the other way around."""
    apart = [
        facts
        for facts in case.scan.facts
        if _may_be_turned(case, facts)
        and 1 in (facts.orientation, facts.mask_orientation)
        and len(facts.masks) == 1
        and case.samples[facts.id].drawing is None
        and (_is_turned(facts) or not has_other_size(facts))
    ]
    swapped = [facts for facts in apart if has_other_size(facts)]
    same = [facts for facts in apart if not has_other_size(facts) and facts.height]
    better = [facts for facts in same[:MOST_OPENED] if _fits_turned(case, facts)]
    if 2 * len(better) > len(same[:MOST_OPENED]):
        better += same[MOST_OPENED:]
    for odd, severity in ((swapped, ERROR), (better, WARNING)):
        if not odd:
            continue
        ids = tuple(facts.id for facts in odd)
        noun = "photo is" if len(ids) == 1 else "photos are"
        consequence = (
            "so their sizes differ" if severity == ERROR else "and turned like it the mask fits the edges better"
        )
        yield Finding(
            "orientation",
            severity,
            f"{len(ids)} {noun} turned by an EXIF orientation that the mask does not share, {consequence}: "
            f"{case.name(ids)}. Turn the masks, or save photos and masks as they are seen.",
            ids,
            (Remedy("Turn the masks like the photos", tuple(_group(odd, [_turn(facts) for facts in odd]))),),
        )


def _turn(facts: SampleFacts) -> Repair:
    orientation = facts.orientation
    if orientation == 1:  # the mask alone was turned when it was read
        orientation = INVERSE.get(facts.mask_orientation, facts.mask_orientation)
    return make_repair("turn", [facts.id], orientation=orientation)


def _fits_turned(case: Case, facts: SampleFacts) -> bool:
    return try_repair(case, facts, _turn(facts)) > try_repair(case, facts)


def _may_be_turned(case: Case, facts: SampleFacts) -> bool:
    """Whether image and mask have different orientations and no repair turns the mask."""
    repaired = any(repair.kind == "turn" for repair in case.samples[facts.id].repairs)
    return facts.orientation != facts.mask_orientation and not repaired


def find_shifted(case: Case) -> Iterator[Finding]:
    """Masks that fit the edges of their image clearly better some pixels away."""
    near = [facts.shift for facts in case.coded if max(map(abs, facts.shift)) < FARTHER] or [(0.0, 0.0)]
    usual = tuple(median(shift[axis] for shift in near) for axis in (0, 1))
    away = {
        facts.id: (round(facts.shift[0] - usual[0]), round(facts.shift[1] - usual[1]))
        for facts in case.coded
        if facts.shift_gain >= GAIN
    }
    others = {name for ids in case.contradicting for name in ids}
    shifted = sorted(
        (
            facts
            for facts in case.coded
            if facts.id not in others
            and not _may_be_turned(case, facts)
            and max(map(abs, away.get(facts.id, (0, 0)))) >= FARTHER
        ),
        key=lambda facts: (-facts.shift_gain, facts.id),
    )
    if not shifted:
        return
    by_shift: dict[tuple[int, int], list[str]] = defaultdict(list)
    for facts in shifted:
        by_shift[away[facts.id]].append(facts.id)
    repairs = tuple(make_repair("shift", ids, down=down, right=right) for (down, right), ids in by_shift.items())
    down, right = away[shifted[0].id]
    ids = tuple(facts.id for facts in shifted)
    verb = "lies" if len(ids) == 1 else "lie"
    yield Finding(
        "shifted",
        WARNING,
        f"{len(ids)} of {len(case.coded)} masks {verb} some pixels off the edges in the image: {case.name(ids)}. That "
        f"of {case.name(ids[:1])} fits best {_words(down, right)}. Look at them before you move them.",
        ids,
        (Remedy("Move the masks to the edges", repairs),),
    )


def _words(down: int, right: int) -> str:
    parts = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] * bool(down)
    parts += [f"{abs(right)} px {'to the right' if right > 0 else 'to the left'}"] * bool(right)
    return " and ".join(parts)
