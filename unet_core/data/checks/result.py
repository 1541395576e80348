"""The result of a scan, and its form on disk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import Finding
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe.recipe import Recipe, Remedy
from unet_core.errors import DataError


@dataclass(frozen=True)
class Scan:
    """What all files of a dataset hold, after the repairs of its recipe.

    `facts` in the order of the sample ids, also of samples that cannot be read. `coding` says what the mask values
    mean, None where that is unclear; `class_names` in class order with the background's first, () where none are known.
    `findings`: errors first. `refused`: why it cannot be trained on as it is, "" = it can. `missing`: images without a
    mask; `spare_masks`: masks without an image. `parts`: the ids of the samples in train, val and test as the settings
    would divide them, {} where nothing is left for training. `complete` is False where the scan was cancelled.
    """

    root: Path
    layout: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    facts: tuple[SampleFacts, ...] = ()
    coding: MaskCoding | None = None
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    refused: str = ""
    missing: tuple[Sample, ...] = ()
    spare_masks: tuple[Path, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    complete: bool = True


def to_values(scan: Scan) -> dict[str, Any]:
    """A scan as values for JSON, without root and recipe; of the facts the ids alone."""
    return {
        "layout": scan.layout,
        "reason": scan.reason,
        "notes": scan.notes,
        "candidates": scan.candidates,
        "ids": [facts.id for facts in scan.facts],
        "coding": scan.coding.to_json() if scan.coding else None,
        "num_classes": scan.num_classes,
        "class_names": scan.class_names,
        "findings": [finding_to_values(finding) for finding in scan.findings],
        "refused": scan.refused,
        "missing": [_sample_to_values(sample) for sample in scan.missing],
        "spare_masks": list(map(str, scan.spare_masks)),
        "parts": scan.parts,
        "seconds": scan.seconds,
    }


def from_values(
    content: Mapping[str, Any], root: Path, recipe: Recipe, facts: Mapping[str, SampleFacts]
) -> Scan | None:
    """The scan that `to_values` wrote; None where it is of another version or lacks facts."""
    try:
        return Scan(
            root,
            layout=content["layout"],
            reason=content["reason"],
            notes=tuple(content["notes"]),
            candidates=tuple(content["candidates"]),
            facts=tuple(facts[name] for name in content["ids"]),
            coding=MaskCoding.from_json(content["coding"]) if content["coding"] else None,
            num_classes=content["num_classes"],
            class_names=tuple(content["class_names"]),
            findings=tuple(map(finding_from_values, content["findings"])),
            recipe=recipe,
            refused=content["refused"],
            missing=tuple(map(_sample_from_values, content["missing"])),
            spare_masks=tuple(map(Path, content["spare_masks"])),
            parts={part: tuple(ids) for part, ids in content["parts"].items()},
            seconds=content["seconds"],
        )
    except (KeyError, TypeError, ValueError, DataError):
        return None


def finding_to_values(finding: Finding) -> dict[str, Any]:
    """A finding as values for JSON."""
    remedies = [
        {"label": remedy.label} | json.loads(Recipe(remedy.repairs, remedy.settings).to_json())
        for remedy in finding.remedies
    ]
    return {
        "check": finding.check,
        "severity": finding.severity,
        "message": finding.message,
        "samples": list(finding.samples),
        "remedies": remedies,
    }


def finding_from_values(values: Mapping[str, Any]) -> Finding:
    """What `finding_to_values` wrote. Raises KeyError, DataError."""
    parts = [(str(part["label"]), Recipe.from_json(json.dumps(part))) for part in values["remedies"]]
    return Finding(
        values["check"],
        values["severity"],
        values["message"],
        tuple(values["samples"]),
        tuple(Remedy(label, recipe.repairs, recipe.settings) for label, recipe in parts),
    )


def _sample_to_values(sample: Sample) -> dict[str, Any]:
    """Of a sample without masks."""
    files = [str(path) for path in (sample.image, *sample.channel_files)]
    return {
        "id": sample.id,
        "files": files,
        "subset": sample.subset,
        "page": sample.page,
        "group": sample.group,
    }


def _sample_from_values(values: Mapping[str, Any]) -> Sample:
    image, *others = map(Path, values["files"])
    return Sample(
        values["id"], image, (), values["subset"], values["page"], values["group"], channel_files=tuple(others)
    )
