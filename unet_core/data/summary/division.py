"""A split in numbers: what each part holds, and which of its images the training would have seen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unet_core.data.checks import cache, clues
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.groups import identity
from unet_core.data.groups.grouping import Grouping, find_groups
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.data.splits import Split


@dataclass(frozen=True)
class PartTotal:
    """A part of a split: its images, how many groups they are, the share of each class in its pixels (0..1)."""

    name: str
    images: int
    groups: int
    largest_group: int
    class_shares: tuple[float, ...]
    class_images: tuple[int, ...]


@dataclass(frozen=True)
class Leak:
    """Images of a part that training has seen: the same pixels ("copies"), all but the same ("lookalikes"), or images
    of the same group ("groups"); their ids."""

    part: str
    kind: str
    ids: tuple[str, ...]


def find_grouping(root: Path, samples: Sequence[Sample], group_by: str) -> Grouping:
    """The groups that training would find: by what the last scan of the dataset has kept of its images."""
    if group_by != "auto":
        return find_groups(samples, group_by)
    ids = {sample.id for sample in samples}
    records, _ = cache.load_records(root)
    known = ((name, record.clue) for name, record in records.items() if name in ids and record.clue is not None)
    return find_groups(samples, group_by, clues.gather(known))


def total_parts(
    split: Split, facts: Sequence[SampleFacts], group_of: Mapping[str, str], num_classes: int
) -> list[PartTotal]:
    """Each part that has images. An image without a group is one of its own."""
    by_id = {item.id: item for item in facts}
    count = max(2, num_classes)
    totals = []
    for name, ids in split.parts():
        if not ids:
            continue
        groups = Counter(group_of.get(image, f"\0{image}") for image in ids)
        pixels: Counter[int] = Counter()
        images: Counter[int] = Counter()
        for image in ids:
            for index, number in by_id[image].classes if image in by_id else ():
                pixels[index] += number if index != IGNORE else 0
                images[index] += number > 0
        counted = max(1, pixels.total())
        shares = tuple(pixels[index] / counted for index in range(count))
        shown = tuple(images[index] for index in range(count))
        totals.append(PartTotal(name, len(ids), len(groups), max(groups.values()), shares, shown))
    return totals


def find_unseen(parts: Sequence[PartTotal]) -> dict[str, list[int]]:
    """The classes, by part, of which a part has no image although another has; {} where all have all."""
    present = {index for part in parts for index, number in enumerate(part.class_images) if number}
    lacking = {part.name: [index for index in sorted(present) if not part.class_images[index]] for part in parts}
    return {name: indexes for name, indexes in lacking.items() if indexes}


def find_leaks(split: Split, records: Mapping[str, str], group_of: Mapping[str, str]) -> list[Leak]:
    """What validation and test share with training."""
    trained = [records[name] for name in split.train if name in records]
    trained_keys = frozenset[str]().union(*map(identity.keys, trained))
    trained_groups = {group_of[name] for name in split.train if name in group_of}
    leaks = []
    for part, ids in list(split.parts())[1:]:
        known = {name: records[name] for name in ids if name in records}
        kinds = {
            "copies": [name for name, record in known.items() if identity.keys(record) & trained_keys],
            "lookalikes": identity.find_lookalikes(known, trained),
            "groups": [name for name in ids if group_of.get(name) in trained_groups],
        }
        leaks += [Leak(part, kind, tuple(sorted(names))) for kind, names in kinds.items() if names]
    return leaks
