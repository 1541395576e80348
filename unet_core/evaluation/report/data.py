"""The data of a report: which images were scored, how they were recognized, what they are like."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unet_core.config.choices import SUBSETS
from unet_core.data.fingerprint import Fingerprint
from unet_core.data.recipe import kinds
from unet_core.errors import listing
from unet_core.evaluation.record import Record
from unet_core.io.html.document import bullets, table, text

SPLIT_WORDS = {
    "held-out": "all that the model was not trained on",
    "all": "all, also those that the model was trained on",
    "train": "those that the model was trained on",
    "val": "those that chose the best epoch",
    "test": "those that were held out for testing",
}


def show_remarks(record: Record) -> str:
    """What speaks against the scores: what the model has seen, what was guessed, what cannot be read."""
    return bullets(record.explain())


def show_data(record: Record) -> str:
    """Which images, and what they are like beside the training images."""
    selection = record.selection
    rows = [
        ("Dataset", text(record.dataset_name)),
        ("Layout", text(selection.search.layout)),
        ("Images chosen", text(f"{SPLIT_WORDS[record.split]} ({record.split})")),
        ("Recognized", "by their decoded pixels, whatever their name and file format"),
        ("Digest of the pixels", text(record.images_digest)),
        ("Repairs", text("; ".join(kinds.describe(repair) for repair in selection.search.recipe.repairs))),
        ("Settings of the data", text(", ".join(f"{name} = {value}" for name, value in _changes(record).items()))),
    ]
    return table([row for row in rows if row[1]]) + _show_subsets(record) + _show_fingerprint(record)


def _changes(record: Record) -> dict[str, str]:
    return {name: record.hide_folders(str(value)) for name, value in record.changes.items()}


def _show_subsets(record: Record) -> str:
    """How many images of each subset there are, were scored, and were left out."""
    scored = [item.subset for item in record.scores]
    left_out = record.selection.left_out()
    rows = [
        [
            text(SUBSETS.labels[subset]),
            str(len(group)),
            str(scored.count(subset)),
            str(len(left_out.get(subset, []))),
        ]
        for subset, group in record.selection.groups.items()
        if group
    ]
    return f"<h3>Images by what the model knows of them</h3>{table(rows, ('Subset', 'Images', 'Scored', 'Left out'))}"


def measure_scored(record: Record) -> Fingerprint:
    """What the scored images are like; objects are those of the error analysis."""
    facts = list(record.images.values())
    first = max(facts, key=lambda item: sum(other.dtype == item.dtype for other in facts[:100]))
    total = sum((item.counts.tp + item.counts.fn for item in record.scores[1:]), _first_truth(record))
    counted = sum(
        float((item.counts.tp + item.counts.fp + item.counts.fn + item.counts.tn)[0]) for item in record.scores
    )
    shares = [float(value) / counted for value in total] if counted else []
    areas = [item.errors.errors.areas for item in record.scores if item.errors is not None]
    diameters = 2 * np.sqrt(np.array([area for image in areas for area in image], np.float64) / math.pi)
    low, middle, high = np.percentile(diameters, (10, 50, 90)).tolist() if len(diameters) else (None, None, None)
    return Fingerprint(
        images=len(facts),
        height=int(np.median([item.height for item in facts])),
        width=int(np.median([item.width for item in facts])),
        channels=first.channels,
        dtype=first.dtype,
        class_shares=tuple(shares if len(shares) > 1 else [1 - sum(shares), *shares]),
        object_diameter=middle,
        object_diameter_low=low,
        object_diameter_high=high,
        objects_per_image=float(np.median([len(image) for image in areas])) if areas else 0.0,
    )


def _first_truth(record: Record) -> Any:
    """(C,) the true pixels of each class in the first image."""
    return record.scores[0].counts.tp + record.scores[0].counts.fn


def read_training(record: Record) -> Fingerprint | None:
    """What the training images were like, as the checkpoint says; None where it does not."""
    values = record.about.get("fingerprint")
    return Fingerprint.from_dict(values) if isinstance(values, dict) else None


def _show_fingerprint(record: Record) -> str:
    """The scored images beside the training images."""
    columns = [("Scored images", measure_scored(record))]
    if (training := read_training(record)) is not None:
        columns.append(("Training images", training))
    names = [
        "background" if index == 0 and record.model.num_classes == 1 else record.model.class_name(index)
        for index in range(max(2, record.model.num_classes))
    ]

    def show_shares(facts: Fingerprint) -> str:
        pairs = zip(names, facts.class_shares, strict=False)
        return listing([f"{name} {share:.1%}" for name, share in pairs], 12)

    def show_diameter(facts: Fingerprint) -> str:
        if facts.object_diameter is None:
            return ""
        span = f"{facts.object_diameter_low:.0f} to {facts.object_diameter_high:.0f}"
        return f"{facts.object_diameter:.0f} px (median), {span} px (10th to 90th percentile)"

    lines: Sequence[tuple[str, Callable[[Fingerprint], str]]] = (
        ("Images measured", lambda facts: str(facts.images)),
        ("Median size", lambda facts: f"{facts.width} x {facts.height} px"),
        ("Channels", lambda facts: f"{facts.channels}, {facts.dtype}"),
        ("Pixels", show_shares),
        ("Object diameter", show_diameter),
        ("Objects per image", lambda facts: f"{facts.objects_per_image:g} (median)" if facts.objects_per_image else ""),
    )
    rows = [[name, *(text(show(facts)) for _, facts in columns)] for name, show in lines]
    return f"<h3>What the images are like</h3>{table(rows, ('', *(name for name, _ in columns)))}"
