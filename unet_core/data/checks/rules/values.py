"""Checks of what mask files store: values without a clear meaning, codings that differ, colors, smoothed edges."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from unet_core.data.checks import records
from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.decide import decide
from unet_core.data.masks.instances import gray_value
from unet_core.data.masks.values import LABELS, format_code, is_color
from unet_core.data.recipe.recipe import Remedy, Repair, make_repair
from unet_core.errors import DataError

MOST_ODD = 0.4  # share of the files that may be another kind than the rest
MAIN = 0.005  # share of the pixels of a file that a true value covers, as "snap" takes it
FEWEST_BETWEEN = 3  # values between the true ones of a file with smoothed edges
MOST_BETWEEN = 0.3  # share of its pixels that they may cover
NUMBERED = 3  # values besides the background's from which a mask numbers objects, where the others have one
HALF, WHITE = 127, 255
APART = 32  # levels


def find_unclear(case: Case) -> Iterator[Finding]:
    """Values that fit no rule, or that were taken for smoothed edges and are none; in some files, or in all."""
    if not case.usable or not (case.unclear or has_lost_values(case)):
        return
    odd, coding = _find_odd(case)
    if coding is None:
        if case.unclear:
            yield Finding("values", ERROR, case.unclear, _most_values(case))
        return
    ids = tuple(facts.id for facts in odd)
    verb = "holds" if len(ids) == 1 else "hold"
    values = ", ".join(format_code(code) for code, _ in odd[0].codes[:6]) + ", ..." * (len(odd[0].codes) > 6)
    repairs = _unify(odd, coding, case)
    consequence = (
        "Without a common meaning the masks cannot be trained on"
        if case.unclear
        else "Read together, some are taken for smoothed edges and lost"
    )
    remedies = [Remedy("Read them like the others", repairs)] if repairs else []
    yield Finding(
        "smeared_edges" if all(facts.lossy or is_smeared(facts) for facts in odd) else "mixed_values",
        ERROR if case.unclear else WARNING,
        f"{len(ids)} of {len(case.usable)} masks {verb} other values than the rest: {case.name(ids)} ({values}). The "
        f"rest is {coding.describe()}. {consequence}.",
        ids,
        (*remedies, Remedy("Leave them out", (make_repair("leave_out", ids),))),
    )


def _most_values(case: Case) -> tuple[str, ...]:
    facts = sorted(case.usable, key=lambda facts: (-len(facts.codes), facts.id))
    return tuple(item.id for item in facts[:10])


def _find_odd(case: Case) -> tuple[list[SampleFacts], MaskCoding | None]:
    """The fewest files without which the values of the rest are clear, and what these then mean; ([], None) of none.

    Files are left out in the order of their rarest value. JPEGs and those with smoothed edges are tried first.
    """
    files = Counter(code for facts in case.usable for code, _ in facts.codes)
    rarity = {facts.id: min((files[code] for code, _ in facts.codes), default=0) for facts in case.usable}
    orders = [
        [facts for facts in case.usable if facts.lossy],
        [facts for facts in case.usable if is_smeared(facts)],
        *([facts for facts in case.usable if rarity[facts.id] <= most] for most in sorted(set(rarity.values()))),
    ]
    for odd in orders:
        if not 0 < len(odd) <= MOST_ODD * len(case.usable):
            continue
        gone = {facts.id for facts in odd}
        rest = [record for record in case.records if record.facts.id not in gone and not record.facts.problem]
        try:
            coding = decide(records.merge_evidence(rest), case.data, case.model, case.search)[0]
        except DataError:
            continue
        if not any(_loses(facts, coding) for facts in case.usable if facts.id not in gone):
            return odd, coding
    return [], None


def has_lost_values(case: Case) -> bool:
    """Whether the coding takes values for smoothed edges that are those of whole objects in some files."""
    coding = case.scan.coding
    return coding is not None and any(_loses(facts, coding) for facts in case.usable)


def _loses(facts: SampleFacts, coding: MaskCoding) -> bool:
    """Whether a mask without smoothed edges has a value that the coding counts as the nearest true one."""
    if not (coding.nearest or coding.threshold is not None) or facts.lossy or is_smeared(facts):
        return False
    true = {code for code, _ in coding.classes} | set(coding.ignore)
    total = sum(number for _, number in facts.codes)
    return any(code not in true and number >= MAIN * total for code, number in facts.codes)


def _unify(odd: Sequence[SampleFacts], coding: MaskCoding, case: Case) -> tuple[Repair, ...]:
    """Repairs that give files the values of the rest, where it can be told."""
    codes = [code for code, _ in coding.classes]
    grays = [gray_value(code) for code in codes]
    foreground = max((value for value in grays if value is not None), default=0)
    gone = {facts.id for facts in odd}
    usual = Counter(
        gray_value(code) for facts in case.usable if facts.id not in gone for code, _ in facts.codes if code
    )
    if usual and coding.kind == "binary":
        foreground = usual.most_common(1)[0][0] or foreground
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    cut: list[str] = []
    for facts in odd:
        values = [gray_value(code) for code, _ in facts.codes]
        levels = [value for value in values if value is not None]
        if facts.lossy or is_smeared(facts):
            binary = coding.kind == "binary" and len(levels) == len(values)
            if not (_are_ends_apart(levels) if binary else _are_apart(coding)):
                return ()
            groups["threshold" if binary else "snap", (str(HALF),) if binary else ()].append(facts.id)
            if binary and foreground not in (0, WHITE):
                cut.append(facts.id)
        elif len(levels) < len(values):
            return ()
        elif coding.kind == "binary" and foreground:
            pairs = tuple(f"{value}:{foreground}" for value in sorted(levels) if value)
            groups[
                "threshold" if len(pairs) >= NUMBERED else "recode", ("0",) if len(pairs) >= NUMBERED else pairs
            ].append(facts.id)
        elif pairs := _rescale(levels, [value for value in grays if value is not None]):
            groups["recode", pairs].append(facts.id)
        else:
            return ()
    repairs = [_repair(kind, values, ids) for (kind, values), ids in groups.items()]
    if cut:  # what is cut is white, which then becomes the value of the others
        repairs.append(_repair("recode", (f"{WHITE}:{foreground}",), cut))
    return tuple(repairs)


def _are_ends_apart(levels: Sequence[int]) -> bool:
    """Whether the levels of a mask reach from near black to near white, so that half of white divides them."""
    return min(levels, default=HALF) < APART and max(levels, default=HALF) > WHITE - APART


def _are_apart(coding: MaskCoding) -> bool:
    """Whether the true values differ so much that those between can be told: class numbers do not."""
    colors = [(code >> 16 & 255, code >> 8 & 255, code & 255) for code, _ in coding.classes if code < LABELS]
    pairs = [(one, other) for number, one in enumerate(colors) for other in colors[:number]]
    return all(max(abs(a - b) for a, b in zip(*pair, strict=True)) >= APART for pair in pairs)


def _repair(kind: str, values: tuple[str, ...], ids: Sequence[str]) -> Repair:
    if kind == "threshold":
        return make_repair("threshold", ids, level=float(values[0]))
    return make_repair("recode", ids, values=list(values)) if kind == "recode" else make_repair("snap", ids)


def _rescale(levels: Sequence[int], usual: Sequence[int]) -> tuple[str, ...]:
    """Pairs for "recode" where the levels are those of the rest times a whole number, as of indices made visible."""
    highest = max(usual, default=0)
    for factor in sorted(
        {value // index for value in levels for index in usual if value and index and value % index == 0}
    ):
        parts = {value: value // factor for value in levels}
        exact = all(value % factor == 0 and parts[value] in usual for value in levels)
        if factor > 1 and exact and max(levels) // factor * 2 >= highest:
            return tuple(f"{value}:{part}" for value, part in sorted(parts.items()) if value != part)
    return ()


def is_smeared(facts: SampleFacts) -> bool:
    """Whether a few values cover nearly all pixels of a mask and several others lie between, as smoothed edges do."""
    total = sum(number for _, number in facts.codes)
    between = [number for _, number in facts.codes if number < MAIN * total]
    main = len(facts.codes) - len(between)
    return 2 <= main <= 64 and len(between) >= FEWEST_BETWEEN and sum(between) <= MOST_BETWEEN * total


def find_mixed(case: Case) -> Iterator[Finding]:
    """Files that mark the same classes by other values than most files do, which were read all the same."""
    coding = case.scan.coding
    if coding is None or coding.threshold is not None:
        return
    marks = {facts.id: [code for code, _ in facts.codes if code and code not in coding.ignore] for facts in case.coded}
    single = Counter(codes[0] for codes in marks.values() if len(codes) == 1)
    numbered = [name for name, codes in marks.items() if len(codes) >= NUMBERED]
    total = sum(bool(codes) for codes in marks.values())
    if coding.kind == "instances" and 2 * len(numbered) > total:
        lumped = tuple(
            name for name, codes in marks.items() if len(codes) == 1 and codes[0] != 0x010101 and _is_lumped(case, name)
        )
        if lumped:
            noun = "mask has" if len(lumped) == 1 else "masks have"
            yield Finding(
                "mixed_values",
                WARNING,
                f"{len(lumped)} {noun} one value for all objects where the others number them: {case.name(lumped)}. "
                "Their objects are counted as one.",
                lumped,
                (Remedy("Leave them out", (make_repair("leave_out", lumped),)),),
            )
        return
    if not single or (2 * single.total() <= total):
        return
    usual = max(single, key=lambda code: (single[code], code))
    odd = {name: codes for name, codes in marks.items() if codes and codes != [usual]}
    if coding.kind == "classes":  # one class in each image is no fault, gray levels beside colors are
        odd = {name: codes for name, codes in odd.items() if all(is_color(code) != is_color(usual) for code in codes)}
    if not odd:
        return
    repairs: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, codes in odd.items():
        if len(codes) >= NUMBERED or (is_color(codes[0]) and not is_color(usual)):
            repairs["threshold", ("0",)].append(name)
        else:
            repairs["recode", tuple(f"{format_code(code)}:{format_code(usual)}" for code in codes)].append(name)
    others = sorted({format_code(code) for codes in odd.values() for code in codes[:1]}, key=len)
    ids = tuple(sorted(odd))
    usable = format_code(usual) == "255" or not any(kind == "threshold" for kind, _ in repairs)
    label = f"Write {format_code(usual)} in all masks"
    consequence = "They are read as other classes" if coding.kind == "classes" else "All are read as foreground"
    remedies = (Remedy(label, tuple(_repair(*key, ids) for key, ids in repairs.items())),) if usable else ()
    yield Finding(
        "mixed_values",
        WARNING,
        f"{len(ids)} of {total} masks mark the foreground by other values than {format_code(usual)}, as the rest does: "
        f"{case.name(ids)} ({', '.join(others[:3])}). {consequence}; check that they mean the same.",
        ids,
        remedies,
    )


def _is_lumped(case: Case, name: str) -> bool:
    """Whether the one object of a mask lies in several pieces."""
    return len(case.by_id[name].pieces) > 1


def find_colors(case: Case) -> Iterator[Finding]:
    """Masks in colors, and how they are read."""
    coding = case.scan.coding
    colored = tuple(facts.id for facts in case.usable if any(is_color(code) for code, _ in facts.codes))
    if not colored or coding is None:
        return
    verb = "is" if len(colored) == 1 else "are"
    yield Finding(
        "color_masks",
        INFO,
        f"{len(colored)} of {len(case.usable)} masks {verb} in color, read as {coding.describe()}. To set the order of "
        "the classes yourself, list the colors in color_map.",
        colored,
    )


def find_smeared(case: Case) -> Iterator[Finding]:
    """Masks with smoothed (anti-aliased, resized or JPEG) edges, which were read as the nearest true values."""
    coding = case.scan.coding
    if coding is None or not (coding.nearest or coding.threshold is not None) or has_lost_values(case):
        return
    true = {code for code, _ in coding.classes} | set(coding.ignore)
    between = {
        facts.id: sum(number for code, number in facts.codes if code not in true) / max(1, facts.height * facts.width)
        for facts in case.coded
    }
    ids = tuple(sorted((name for name in between if between[name]), key=lambda name: (-between[name], name)))
    if not ids:
        return
    lossy = sum(case.by_id[name].lossy for name in ids)
    what = "from JPEG" if lossy == len(ids) else "from smoothing or resizing" if not lossy else "from JPEG or smoothing"
    gray = coding.threshold is not None
    repair = make_repair("threshold", ids, level=float(coding.threshold or 0)) if gray else make_repair("snap", ids)
    label = f"Cut at {coding.threshold}" if gray else "Set each pixel to the nearest true value"
    pixels = sum(between.values()) / len(between)
    yield Finding(
        "smeared_edges",
        WARNING,
        f"{len(ids)} of {len(case.coded)} masks have values between the true ones {what}: {case.name(ids)} "
        f"({pixels:.2%} of all pixels). The edges of the objects are uncertain by about a pixel; export the masks "
        "again as PNG where you can.",
        ids,
        (Remedy(label, (repair,)),),
    )
