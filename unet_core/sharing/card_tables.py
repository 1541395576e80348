"""The tables of a model card, in Markdown."""

import importlib.metadata
import math
import platform
import re
from collections.abc import Mapping, Sequence

import unet_core
from unet_core.config.schema import ModelConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.evaluation.summary import Summary, by_class
from unet_core.sharing.evidence import PARTS, Evidence, ScoredImage

TITLES = {"train": "Training", "val": "Validation", "test": "Test", "new": "New"}
MOST_ROWS = 20  # images in the table of the card
WORST = 3
PACKAGES = ("torch", "safetensors", "numpy")


def inert(text: str) -> str:
    """A name or a text of the user on one line, with its markup made inert: no link, no image, no HTML.

    >>> inert("![x](http://a) <b> cells_1")
    '!\\\\[x\\\\](http\\\\://a) \\\\<b\\\\> cells\\\\_1'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~$]|(?<=http)s?:)", _escape, " ".join(text.split()))


def _escape(match: re.Match[str]) -> str:
    text = match.group()
    return f"{text[:-1]}\\{text[-1]}"


def number(value: float | None) -> str:
    """A score or a size for people; a dash where it is undefined.

    >>> number(0.91234), number(34.07), number(float("nan")), number(None)
    ('0.912', '34', '–', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.0f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the cells are taken as they are."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary_table(summaries: Mapping[str, Summary]) -> str:
    """A column for each part of the split, which also fits a narrow screen."""
    columns = {
        f"{TITLES[name]} ({summary.images}{f', {summary.empty} empty' if summary.empty else ''})": summary
        for name, summary in summaries.items()
    }
    rows = [
        ["Mean Dice", *(f"**{number(summary.mean['dice'])}**" for summary in columns.values())],
        ["95 % interval", *(_interval(summary) for summary in columns.values())],
        *(
            [title, *(number(summary.mean[metric]) for summary in columns.values())]
            for title, metric in (("Mean IoU", "iou"), ("Precision", "precision"), ("Recall", "recall"))
        ),
        ["Pooled Dice", *(number(summary.pooled["dice"]) for summary in columns.values())],
    ]
    if any(summary.objects is not None for summary in columns.values()):
        scores = ("–" if summary.objects is None else number(summary.objects.f1) for summary in columns.values())
        rows.append(["Object F1 (IoU above 0.5)", *scores])
    return table(["Images", *columns], rows)


def _interval(summary: Summary) -> str:
    low, high = summary.dice_interval
    return "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"


def class_table(evidence: Evidence) -> str:
    """Pooled Dice and IoU of each class, over the best part that was scored: test, else validation."""
    part = next(name for name in PARTS if evidence.part(name))
    rows = [
        [inert(evidence.model.class_name(row.index)), number(row.dice), number(row.iou), f"{row.images}"]
        for row in by_class([image.score for image in evidence.part(part)])
    ]
    return table(["Class", "Dice", "IoU", f"{TITLES[part]} images with it"], rows)


def image_table(evidence: Evidence, named: bool) -> str:
    """The images with the lowest Dice first, at most MOST_ROWS."""
    images = _lowest_first(evidence)
    rows = [[inert(image.label(named)), TITLES[image.score.subset], *_cells(image)] for image in images[:MOST_ROWS]]
    text = table(["Image", "Part", "Dice", "IoU", "Precision", "Recall"], rows)
    if len(images) > MOST_ROWS:
        text += f"\n\nThe {MOST_ROWS} images with the lowest Dice, of {len(images)}."
    return text if named else text + "\n\nImages are called by the first digits of their file's SHA-256."


def worst_cases(evidence: Evidence, named: bool) -> list[str]:
    """What went wrong in the images with the lowest Dice, as a list."""
    worst = [image for image in _lowest_first(evidence) if not math.isnan(image.score.scores["dice"])][:WORST]
    if not worst:
        return []
    return ["Worst cases:", "", *(f"- {inert(image.label(named))}: {describe_error(image)}" for image in worst)]


def describe_error(image: ScoredImage) -> str:
    """In words: what share of the foreground was missed, and what share of the prediction is wrong."""
    values = image.score.scores
    parts = [f"Dice {number(values['dice'])}"]
    if len(image.score.counts.tp) > 1:  # means over classes, background among them: no shares of pixels
        parts += [f"{name} {number(values[name])}" for name in ("precision", "recall")]
        return ", ".join(parts) + "."
    if not math.isnan(values["recall"]):
        parts.append(f"{1 - values['recall']:.0%} of the true pixels were missed")
    if not math.isnan(values["precision"]):
        parts.append(f"{1 - values['precision']:.0%} of the predicted pixels are wrong")
    return ", ".join(parts) + "."


def _lowest_first(evidence: Evidence) -> list[ScoredImage]:
    images = [image for part in PARTS for image in evidence.part(part)]
    return sorted(images, key=lambda image: (math.isnan(image.score.scores["dice"]), image.score.scores["dice"]))


def _cells(image: ScoredImage) -> list[str]:
    return [number(image.score.scores[name]) for name in ("dice", "iou", "precision", "recall")]


def fingerprint_rows(facts: Fingerprint, model: ModelConfig) -> list[tuple[str, str]]:
    """What the training images are like."""
    channels = "1 channel" if facts.channels == 1 else f"{facts.channels} channels"
    rows = [
        ("Training images", f"{facts.images}"),
        ("Median size", f"{facts.width} x {facts.height} pixels, {channels}, {facts.dtype}"),
    ]
    if facts.class_shares:
        names = [
            "background" if index == 0 and not model.names else inert(model.class_name(index))
            for index in range(len(facts.class_shares))
        ]
        shares = [f"{name} {share:.1%}" for name, share in zip(names, facts.class_shares, strict=True)]
        rows.append(("Pixels", ", ".join(shares[:12])))
    if facts.object_diameter is not None:
        span = f"{number(facts.object_diameter_low)} to {number(facts.object_diameter_high)}"
        rows.append(
            ("Object diameter", f"{number(facts.object_diameter)} pixels (median), {span} (10th to 90th percentile)")
        )
        rows.append(("Objects per image", f"{facts.objects_per_image:g} (median)"))
    return rows


def version_rows() -> list[tuple[str, str]]:
    """The programs with which the model was scored and shared."""
    versions = [f"UNet Studio {unet_core.__version__}", f"Python {platform.python_version()}"]
    for name in PACKAGES:
        versions.append(f"{name} {importlib.metadata.version(name)}")
    return [("Shared with", ", ".join(versions))]
