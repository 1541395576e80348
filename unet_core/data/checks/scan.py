"""A scan: every file of a dataset read once, what it holds, and what is wrong with it.

result = scan(data, progress=lambda done, total, name: None)
result.findings        # errors first
load_cached(data)      # the same without reading a pixel, None where anything changed
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.checks import cache, clues, records
from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.records import Record
from unet_core.data.checks.registry import explain, run_checks
from unet_core.data.checks.result import Scan as Scan
from unet_core.data.checks.result import from_values, to_values
from unet_core.data.discovery import Search
from unet_core.data.fingerprint import spread
from unet_core.data.groups.grouping import Clues
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.decide import decide, look
from unet_core.data.masks.evidence import MOST_PIECES
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import DataError

FIRST_LOOK = 16  # samples from which the meaning of values is guessed before all are read
SAVE_SECONDS = 60.0  # after which what was measured is kept, should the process be killed

Progress = Callable[[int, int, str], None]


def scan(
    data: DataConfig,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Scan:
    """Read every file of a dataset that is new or has changed since the last scan, and check all.

    `progress` is called with (samples done, samples, name of the next). A cancelled scan keeps what it has measured.
    Raises DataError where there is no folder, no image, or no layout fits.
    """
    started = time.monotonic()
    data = cache.absolute(data)
    root = Path(data.root)
    search = discovery.examine(data)
    settings, model = _configure(data, search.recipe)
    stats = cache.stat_files(root)
    survey = _Survey(root, search, settings, model, stats)
    complete = survey.run(progress, cancelled)
    result = Scan(
        root,
        search.layout,
        search.reason,
        search.notes,
        search.candidates,
        survey.facts(),
        recipe=search.recipe,
        missing=search.missing,
        spare_masks=search.spare_masks,
        complete=complete,
    )
    if not complete:
        return replace(result, seconds=time.monotonic() - started)
    coding, remarks, unclear = survey.decide()
    num_classes = model.num_classes or (coding.num_classes if coding else 0)
    names = model.class_names or (coding.name_classes(search.name_values(), num_classes) if coding else "")
    result = replace(
        result,
        coding=coding,
        num_classes=num_classes,
        class_names=tuple(name.strip() for name in names.split(",")) if names else (),
    )
    case = Case(result, search, settings, model, survey.records(), tuple(remarks), unclear, survey.clues())
    findings = run_checks(case)
    result = replace(result, findings=findings, refused=explain(findings), parts=case.parts)
    result = replace(result, seconds=time.monotonic() - started)
    if survey.stamp:
        digest = cache.digest_of(stats, data.to_dict(), search.recipe)
        cache.save_summary(root, data.to_dict(), to_values(result) | {"digest": digest, "stamp": survey.stamp})
    return result


def load_cached(data: DataConfig) -> Scan | None:
    """The last scan of a dataset with these settings; None where a file, the recipe or a setting has changed since.

    No file of the dataset is opened but its recipe.
    """
    data = cache.absolute(data)
    root = Path(data.root)
    try:
        recipe = recipes.of(data)
        digest = cache.digest_of(cache.stat_files(root), data.to_dict(), recipe)
    except DataError:
        return None
    content = cache.load_summary(root, data.to_dict(), digest)
    if content is None:
        return None
    kept, stamp = cache.load_records(root, with_clues=False)
    if stamp != content.get("stamp"):
        return None
    facts = {name: record.facts for name, record in kept.items()}
    return from_values(content, root, recipe, facts)


def _configure(data: DataConfig, recipe: Recipe) -> tuple[DataConfig, ModelConfig]:
    """The settings with those of the recipe; without these where they are damaged, which `examine` tells."""
    try:
        return recipes.configure_parts(data, ModelConfig(), recipe)
    except DataError:
        return data, ModelConfig()


class _Survey:
    """All samples, read as far as the cache does not know them."""

    def __init__(self, root: Path, search: Search, data: DataConfig, model: ModelConfig, stats: records.Stats) -> None:
        self.root, self.search, self.data, self.model, self.stats = root, search, data, model, stats
        self.kept, self.stamp = cache.load_records(root)
        self.done: dict[str, Record] = {}
        self.changed = False
        self.saved_at = time.monotonic()

    def run(self, progress: Progress, cancelled: Callable[[], bool]) -> bool:
        """Whether all samples were measured."""
        coding = self._guess()
        with_pieces = 0  # of the first files with several values the connected pieces are counted, as in training
        try:
            for number, sample in enumerate(self.search.samples):
                progress(number, len(self.search.samples), sample.id)
                if cancelled():
                    return False
                record = self._measure(sample, coding, with_pieces < MOST_PIECES)
                with_pieces += record.evidence.get("pieces") is not None
                self.done[sample.id] = record
            return self._settle(progress, cancelled)
        finally:
            self._save()

    def decide(self) -> tuple[MaskCoding | None, list[str], str]:
        """(the meaning of the masks, what was guessed, why there is none)"""
        evidence = records.merge_evidence(self.done[sample.id] for sample in self.search.samples)
        if not evidence.files:
            return None, [], "No mask can be read."
        try:
            return *decide(evidence, self.data, self.model, self.search), ""
        except DataError as error:
            return None, [], str(error)

    def records(self) -> list[Record]:
        """Of all samples, in the order of their ids."""
        return [self.done[sample.id] for sample in self.search.samples]

    def facts(self) -> tuple[SampleFacts, ...]:
        """Of all samples that were measured, in the order of their ids."""
        return tuple(self.done[sample.id].facts for sample in self.search.samples if sample.id in self.done)

    def clues(self) -> Clues:
        """What grouping needs of the images that can be read."""
        return clues.gather((name, record.clue) for name, record in self.done.items() if record.clue is not None)

    def _guess(self) -> MaskCoding | None:
        """What the values probably mean, from the cached records or a look at some samples."""
        present = [self.kept[sample.id] for sample in self.search.samples if sample.id in self.kept]
        try:
            if 2 * len(present) > len(self.search.samples):
                return decide(records.merge_evidence(present), self.data, self.model, self.search)[0]
            return look(self.search, self.data, self.model, spread(self.search.samples, FIRST_LOOK))[0]
        except DataError:
            return None

    def _measure(self, sample: Sample, coding: MaskCoding | None, pieces: bool) -> Record:
        stamp = records.stamp_of(sample, self.stats)
        record = self.kept.get(sample.id)
        if record is not None and record.stamp == stamp and not (pieces and record.lacks_pieces):
            record.facts = _place(record.facts, records.begin(sample, self.root))
            return record
        self.changed = True
        if time.monotonic() - self.saved_at > SAVE_SECONDS:
            self._save()
        return records.read_sample(sample, self.root, stamp, coding, pieces)

    def _settle(self, progress: Progress, cancelled: Callable[[], bool]) -> bool:
        """Read those again whose values mean something else than was guessed."""
        coding = self.decide()[0]
        for sample in self.search.samples:
            record = self.done[sample.id]
            if record.facts.codes and record.meaning != records.meaning_of(coding, record.facts):
                progress(len(self.done), len(self.done), sample.id)
                if cancelled():
                    return False
                self.changed = True
                pieces = record.evidence.get("pieces") is not None
                self.done[sample.id] = records.read_sample(sample, self.root, record.stamp, coding, pieces)
        return True

    def _save(self) -> None:
        """Keep what was measured; of samples that were not reached what was there before."""
        ids = {sample.id for sample in self.search.samples}
        if self.changed or not self.stamp or self.kept.keys() - ids:
            kept = {name: record for name, record in self.kept.items() if name in ids} | self.done
            self.stamp = cache.save_records(self.root, kept)
            self.changed, self.kept = False, kept
        self.saved_at = time.monotonic()


def _place(facts: SampleFacts, start: SampleFacts) -> SampleFacts:
    """Cached facts with what the search says today."""
    if (facts.image, facts.masks, facts.subset, facts.group) == (start.image, start.masks, start.subset, start.group):
        return facts
    return replace(facts, image=start.image, masks=start.masks, subset=start.subset, group=start.group)
