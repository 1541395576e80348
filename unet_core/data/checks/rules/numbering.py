"""Checks of what mask values count: classes from another number on than in other files, or objects."""

from collections.abc import Iterator

from unet_core.data.checks import records
from unet_core.data.checks.case import Case
from unet_core.data.checks.finding import WARNING, Finding
from unet_core.data.checks.rules import values
from unet_core.data.masks.instances import find_instances, gray_value
from unet_core.data.recipe.recipe import Remedy, make_repair

MOST_ODD = 0.4  # share of the files that may count from another number on
CLOSER = 0.6  # of the distance of their shares from the usual, so that counting otherwise explains them
FEWEST_CLASSES = 3
MANY = 10  # values in one mask, each in one piece: so many classes are rare


def find_mixed(case: Case) -> Iterator[Finding]:
    """Files that write the same classes by other values than most files do."""
    yield from values.find_mixed(case)
    yield from find_offset(case)


def find_meaning(case: Case) -> Iterator[Finding]:
    """Values without a clear meaning."""
    yield from values.find_unclear(case)
    yield from find_numbered(case)


def find_offset(case: Case) -> Iterator[Finding]:
    """Files whose classes are counted from one higher or lower than in the rest: 1 to 4 beside 0 to 3.

    They alone hold the last number, lack the first that all others have, and their classes cover about as many pixels
    as in the others only when counted like these.
    """
    coding = case.scan.coding
    if coding is None or coding.kind != "classes" or coding.nearest or coding.divisor or case.data.color_map:
        return
    shares: dict[str, dict[int, float]] = {}
    for facts in case.coded:
        levels = {gray_value(code): number for code, number in facts.codes if code not in coding.ignore}
        if None in levels:
            return
        total = sum(levels.values()) or 1
        shares[facts.id] = {}
        for value, number in levels.items():
            shares[facts.id][value or 0] = number / total
    every = sorted({value for levels in shares.values() for value in levels})
    if len(every) <= FEWEST_CLASSES:
        return
    for step, lacking, new in ((1, every[0], every[-1]), (-1, every[-1], every[0])):
        odd = sorted(name for name, levels in shares.items() if lacking not in levels)
        rest = [levels for levels in shares.values() if lacking in levels]
        usual = {value: sum(levels.get(value, 0.0) for levels in rest) / len(rest) for value in every}
        holding = sum(new in shares[name] for name in odd)
        if not odd or len(odd) > MOST_ODD * len(shares) or 2 * holding < len(odd) or usual[new]:
            continue
        if any(_distance(shares[name], usual, step) > CLOSER * _distance(shares[name], usual, 0) for name in odd):
            continue
        pairs = [f"{value}:{value - step}" for value in every if value != lacking]
        verb = "seems to count its" if len(odd) == 1 else "seem to count their"
        yield Finding(
            "mixed_values",
            WARNING,
            f"{len(odd)} of {len(shares)} masks {verb} classes from one {'higher' if step > 0 else 'lower'} than the "
            f"rest: {case.name(odd)}. Only they hold {new}, and they lack {lacking}, which all others have; look at "
            "them before you change it.",
            tuple(odd),
            (Remedy("Count their classes like the others", (make_repair("recode", odd, values=pairs),)),),
        )
        return


def _distance(levels: dict[int, float], usual: dict[int, float], step: int) -> float:
    """The sum of the differences of the shares of all classes, counted from `step` lower."""
    moved = {value - step: share for value, share in levels.items()}
    return sum(abs(moved.get(value, 0.0) - usual.get(value, 0.0)) for value in moved.keys() | usual.keys())


def find_numbered(case: Case) -> Iterator[Finding]:
    """Masks that are read as classes and may number objects."""
    coding = case.scan.coding
    if coding is None or coding.kind != "classes" or coding.divisor or coding.nearest:
        return
    if case.data.labels != "auto" or case.data.color_map:
        return
    evidence = records.merge_evidence(case.records)
    instances = find_instances(evidence, frozenset(coding.ignore))
    most = max((len(pieces.codes) for pieces in evidence.pieces), default=0)
    if evidence.joined or not instances.likely or most < MANY:
        return
    yield Finding(
        "values",
        WARNING,
        f"The mask values are read as {coding.num_classes} classes, but may number objects ({instances.reason}). "
        "If each value is one object, read them so.",
        tuple(facts.id for facts in case.coded),
        (Remedy("Read each value as one object", settings=(("labels", "instances"),)),),
    )
