"""What a check looks at: a scan, how it was found, and what several checks need of both, worked out once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import splits
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.records import Record
from unet_core.data.checks.result import Scan
from unet_core.data.discovery import Search
from unet_core.data.groups import identity
from unet_core.data.groups.grouping import Clues, Grouping, find_groups
from unet_core.data.layouts import Sample
from unet_core.errors import DataError, listing
from unet_core.io.filenames import readable

FEW = 3  # names that a sentence holds


@dataclass
class Case:
    """A scan before its findings, with the `search`, the settings (those of the recipe included), and what was guessed.

    `records` of all samples in the order of their ids. `unclear`: why the mask values have no meaning, "" = they have.
    `clues`: what grouping needs of the images.
    """

    scan: Scan
    search: Search
    data: DataConfig
    model: ModelConfig
    records: Sequence[Record]
    remarks: tuple[str, ...]
    unclear: str
    clues: Clues

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The samples by id."""
        return {sample.id: sample for sample in self.search.samples}

    @cached_property
    def usable(self) -> list[SampleFacts]:
        """The facts of all samples whose image and mask can be read."""
        return [facts for facts in self.scan.facts if not facts.problem]

    @cached_property
    def coded(self) -> list[SampleFacts]:
        """Those of them whose mask values have a meaning."""
        return [facts for facts in self.usable if facts.classes]

    @cached_property
    def by_id(self) -> dict[str, SampleFacts]:
        """The facts by id."""
        return {facts.id: facts for facts in self.scan.facts}

    @cached_property
    def by_pixels(self) -> list[list[str]]:
        """The ids of images with the same pixels, two or more each."""
        ids: dict[str, list[str]] = {}
        for facts in self.usable:
            if facts.low != facts.high:  # images of one value each have another problem
                ids.setdefault(identity.key(facts.record, "px"), []).append(facts.id)
        return [group for group in ids.values() if len(group) > 1]

    @cached_property
    def contradicting(self) -> list[list[str]]:
        """Those of them with different masks."""
        return [ids for ids in self.by_pixels if len({self.by_id[name].mask_record for name in ids}) > 1]

    @cached_property
    def grouping(self) -> Grouping:
        """What the split keeps together."""
        samples = [self.samples[facts.id] for facts in self.usable]
        return find_groups(samples, self.data.group_by, self.clues if self.data.group_by == "auto" else None)

    @cached_property
    def split(self) -> splits.Split | str:
        """The split that training would draw, or why there is none."""
        return self.draw(self.data.split_seed)

    def draw(self, seed: int) -> splits.Split | str:
        """The split with another seed."""
        samples = [self.samples[facts.id] for facts in self.usable]
        if not samples:
            return "No image can be read with its mask."
        pixels = {facts.id: identity.key(facts.record, "px") for facts in self.usable}
        looks = {facts.id: facts.describe() for facts in self.usable}
        fractions = self.data.val_fraction, self.data.test_fraction
        try:
            samples = splits.hold_out(samples, self.data.hold_out)
            return splits.split(samples, *fractions, seed, pixels, looks, self.grouping.group_of)
        except DataError as error:
            return str(error)

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The ids of each part of the split, {} where there is none."""
        return {} if isinstance(self.split, str) else dict(self.split.parts())

    @cached_property
    def part_of(self) -> Mapping[str, str]:
        """The part of each image."""
        return {name: part for part, ids in self.parts.items() for name in ids}

    @property
    def is_divided_by_folders(self) -> bool:
        """Whether folders or the recipe say which images validate or test."""
        return any(sample.subset in ("val", "test") for sample in self.search.samples)

    @cached_property
    def smallest_object(self) -> int:
        """The size in pixels of foreground pieces below which only a fiftieth of all foreground lies; 0 of none."""
        areas = Counter[int]()
        for facts in self.coded:
            areas.update(facts.object_areas)
        total, below = sum(area * number for area, number in areas.items()), 0
        for area in sorted(areas):
            below += area * areas[area]
            if 50 * below >= total:
                return area
        return 0

    def name(self, ids: Iterable[str], most: int = FEW) -> str:
        """Samples for a sentence."""
        return listing([readable(name) for name in ids], most)


def share(part: int, whole: int) -> str:
    """A part of a whole for a sentence.

    >>> share(3, 20), share(1, 4000)
    ('15%', '0.025%')
    """
    percent = 100 * part / max(1, whole)
    return f"{percent:.0f}%" if percent >= 1 or not part else f"{percent:.2g}%"
