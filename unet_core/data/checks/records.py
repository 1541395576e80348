"""A record: all that is kept of one sample, so that its files need not be read again while they stay the same."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from unet_core.data import reading
from unet_core.data.checks import clues, measure
from unet_core.data.checks.clues import Clue
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.evidence import EXAMPLES, MOST_PIECES, Evidence, Pieces
from unet_core.errors import DataError, ImageError
from unet_core.io import channels, images

FACTS = [item.name for item in fields(SampleFacts)]
NESTED = [number for number, name in enumerate(FACTS) if name in ("histogram", "codes", "classes")]
FLAT = [number for number, name in enumerate(FACTS) if number not in NESTED and name != "id"]
NAMED_CODES = 256  # of one mask whose file is named as an example

Stats = dict[str, tuple[int, int]]  # (bytes, time of the last change in ns) of each file by its path


@dataclass
class Record:
    """What one sample holds. `stamp` changes with its files and repairs, `meaning` with what its mask values mean.

    `evidence` is that of its mask alone, see `evidence_values`; `clue` what grouping needs of the image.
    """

    facts: SampleFacts
    stamp: str
    meaning: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    clue: Clue | None = None

    @property
    def lacks_pieces(self) -> bool:
        """Whether its mask has several values whose connected pieces were not counted."""
        return bool(self.evidence) and self.evidence["pieces"] is None and len(self.evidence["counts"]) > 2


def stamp_of(sample: Sample, stats: Stats) -> str:
    """Changes where a file of the sample is written, added or removed, and with its repairs."""
    paths = [sample.image, *sample.channel_files, *sample.masks, *filter(None, [sample.field_of_view])]
    lines = [f"{path} {stats.get(str(path)) or _stat(path)}" for path in paths]
    repairs = [(repair.kind, repair.options) for repair in sample.repairs if repair.kind != "together"]
    lines += [str(sample.page), str(sample.empty), str(sample.drawing is not None), repr(repairs)]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def _stat(path: Path) -> tuple[int, int]:
    """Of a file outside of the folder."""
    with suppress(OSError):
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    return 0, 0


def meaning_of(coding: MaskCoding | None, facts: SampleFacts) -> str:
    """Changes where a coding reads the values of this mask otherwise; "" of none."""
    if coding is None:
        return ""
    pairs = sorted(coding.classes_by_code(code for code, _ in facts.codes).items())
    rest = coding.kind == "instances", coding.divisor, coding.palette_colors, coding.nearest, coding.threshold
    return hashlib.sha256(repr((pairs, rest)).encode()).hexdigest()[:12]


def begin(sample: Sample, root: Path) -> SampleFacts:
    """What is known of a sample before a file is opened."""

    def below(path: Path) -> str:
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)

    return SampleFacts(
        id=sample.id,
        image=below(sample.image),
        masks=tuple(map(below, sample.masks)),
        subset=sample.subset or "",
        group=sample.group or "",
    )


def read_sample(sample: Sample, root: Path, stamp: str, coding: MaskCoding | None, pieces: bool) -> Record:
    """Read and measure a sample; a file that cannot be read is the `problem` of its facts.

    `coding` is what the values probably mean; `pieces` asks to count connected pieces as evidence.
    """
    record = Record(begin(sample, root), stamp)
    try:
        record.facts = _read_headers(sample, record.facts)
        read = reading.read(sample)
        image, gray = read.image, measure.make_gray(read.image)
        record.facts = measure.add_image(record.facts, image, gray)
        record.facts = replace(record.facts, record=identity.describe_pixels(read.stored))
        record.clue = clues.make(image)
        record.facts = _read_mask_sizes(sample, record.facts)
        raw = files.read(sample, image.shape)
        raw = raw if read.valid is None else raw.ignore(~read.valid)
        evidence = Evidence()
        evidence.add(raw, sample.id, pieces)
        record.evidence = evidence_values(evidence)
        record.facts = measure.add_values(record.facts, raw, evidence.counts_for(coding) if coding else evidence.counts)
        if coding is not None:
            record.meaning = meaning_of(coding, record.facts)
            record.facts = measure.add_classes(record.facts, gray, raw, coding, sample.id)
    except DataError as error:
        record.facts = replace(record.facts, problem=str(error))
    return record


def _read_headers(sample: Sample, facts: SampleFacts) -> SampleFacts:
    """What the headers say that is no longer seen in the pixels. Raises ImageError."""
    kind = channels.describe((sample.image, *sample.channel_files))
    facts = replace(
        facts,
        channel_names=kind.names,
        stacked=kind.stacked,
        pages=images.pages(sample.image),
        orientation=images.orientation(sample.image),
    )
    if len(sample.masks) == 1 and sample.drawing is None:
        with suppress(ImageError):
            facts = replace(facts, mask_orientation=images.orientation(sample.masks[0]))
    return facts


def _read_mask_sizes(sample: Sample, facts: SampleFacts) -> SampleFacts:
    """The size of the mask that fits the image least, by the headers. Raises ImageError."""
    if not sample.masks or sample.drawing is not None:
        return facts
    size = (facts.height, facts.width)
    sizes = (images.size(path, sample.page) for path in sample.masks)
    height, width = next((other for other in sizes if other != size), size)
    return replace(facts, mask_height=height, mask_width=width)


def evidence_values(evidence: Evidence) -> dict[str, Any]:
    """The evidence of one mask as values for JSON, with the most frequent `measure.MOST_CODES` values of many."""
    order = sorted(evidence.counts, key=lambda code: (-evidence.counts[code], code))
    chosen = set(order[: measure.MOST_CODES])
    counts = {code: number for code, number in sorted(evidence.counts.items()) if code in chosen}
    colors = dict(sorted(evidence.color_counts.items()))
    pieces = [[list(part.codes), list(part.single), list(part.first)] for part in evidence.pieces]
    return {
        "counts": list(counts.items()),
        "colors": None if evidence.color_counts == evidence.counts else list(colors.items()),
        "sets": [sorted(codes & chosen if len(codes) > measure.MOST_CODES else codes) for codes in evidence.sets],
        "palettes": [sorted(palette) for palette in evidence.palettes],
        "source": next(iter(evidence.sources), ""),
        "flags": [evidence.lossy, evidence.joined, evidence.drawn],
        "pieces": pieces[0] if pieces else None,
        "inner": [(code, number) for code, number in sorted(evidence.inner.items()) if code in chosen],
    }


def merge_evidence(records: Iterable[Record]) -> Evidence:
    """The evidence of all masks together."""
    merged = Evidence()
    for record in records:
        if not (part := record.evidence):
            continue
        counts = {int(code): int(number) for code, number in part["counts"]}
        merged.files += 1
        merged.counts.update(counts)
        merged.color_counts.update(counts if part["colors"] is None else dict(map(tuple, part["colors"])))
        merged.sets.update(frozenset(codes) for codes in part["sets"])
        merged.palettes.update(frozenset(map(tuple, palette)) for palette in part["palettes"])
        merged.sources.update([part["source"]] * bool(part["source"]))
        merged.inner.update(Counter(dict(map(tuple, part["inner"]))))
        lossy, joined, drawn = part["flags"]
        merged.lossy, merged.joined, merged.drawn = merged.lossy + lossy, merged.joined + joined, merged.drawn + drawn
        if part["pieces"] and len(merged.pieces) < MOST_PIECES:
            merged.pieces.append(Pieces(*map(tuple, part["pieces"])))
        for code in counts if len(counts) <= NAMED_CODES else ():
            if len(names := merged.examples.setdefault(code, [])) < EXAMPLES:
                names.append(record.facts.id)
    return merged


def to_values(record: Record) -> list[Any]:
    """The record as values for JSON, without its clue."""
    facts = [getattr(record.facts, name) for name in FACTS]
    return [record.stamp, record.meaning, record.evidence, facts, record.clue.head if record.clue else None]


def from_values(values: Sequence[Any], take: Callable[[Any], Clue | None]) -> Record:
    """The record that `to_values` wrote; `take` gives its clue. Raises ValueError, TypeError or IndexError."""
    stamp, meaning, evidence, facts, head = values
    if len(facts) != len(FACTS):
        raise ValueError("another version")
    for number in NESTED:
        facts[number] = tuple(map(tuple, facts[number]))
    for number in FLAT:
        if type(facts[number]) is list:
            facts[number] = tuple(facts[number])
    return Record(SampleFacts(*facts), stamp, meaning, evidence, take(head))
