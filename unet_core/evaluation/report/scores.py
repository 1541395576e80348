"""The numbers of a report: means and pooled, the interval and what it says, causes of errors, classes."""

import math

import numpy as np

from unet_core import metrics
from unet_core.evaluation.error_analysis import CAUSES
from unet_core.evaluation.intervals import ENOUGH, Interval
from unet_core.evaluation.measures.confusion import average_classes, shares_of_truth, sum_tables
from unet_core.evaluation.measures.registry import MEASURES
from unet_core.evaluation.record import Record
from unet_core.evaluation.report.numbers import UNDEFINED, label_of, number
from unet_core.evaluation.summary import Summary
from unet_core.io.html import svg
from unet_core.io.html.document import figure, table, text
from unet_core.metrics import METRICS

MOST_CLASSES = 30  # of a confusion matrix that is shown


def show_headline(record: Record, summary: Summary) -> str:
    """The numbers at the top, what the interval says, and the table of all measures."""
    bound = summary.bound
    tiles = {
        "Mean Dice over images": number(summary.mean["dice"]),
        "95 % interval of the mean Dice": UNDEFINED if bound.too_few else f"{bound.low:.3f} to {bound.high:.3f}",
        "Pooled Dice": number(summary.pooled["dice"]),
        "Mean IoU over images": number(summary.mean["iou"]),
        "Images": str(summary.images),
    }
    if summary.objects is not None:
        tiles["Object F1 at IoU 0.5"] = number(summary.objects.f1)
    numbers = "".join(f"<div><b>{value}</b><small>{text(name)}</small></div>" for name, value in tiles.items())
    words = f"<p>{text(explain_interval(bound))}</p>"
    if summary.empty:
        those = "1 image is empty" if summary.empty == 1 else f"{summary.empty} images are empty"
        words += (
            f"<p>{those} (no foreground in ground truth and prediction): the Dice is undefined there, and not part of "
            "the means.</p>"
        )
    return f"<div class='numbers'>{numbers}</div>{words}{_show_all(record, summary)}"


def explain_interval(bound: Interval) -> str:
    """What the interval says, and what it does not."""
    if bound.too_few:
        return (
            f"{bound.values} images with a Dice are too few for an interval: at least {ENOUGH} are needed. "
            "The mean of so few images says little about others."
        )
    low, high = bound.bootstrap
    return (
        f"With 95 % confidence, the mean Dice of all images of which these {bound.values} are a random sample is "
        f"between {bound.low:.3f} and {bound.high:.3f}. The usual bootstrap interval, {low:.3f} to {high:.3f}, is too "
        "narrow where some images fail. Neither is a forecast for another dataset, and kinds of images that are not "
        "among these are not covered."
    )


def _show_all(record: Record, summary: Summary) -> str:
    """Every metric and measure: its mean over images, pooled, and in how many images it is undefined."""
    undefined = {
        name: sum(math.isnan(values[name]) for values in (item.scores for item in record.scores)) for name in METRICS
    }
    rows = [
        [label_of(name), number(summary.mean[name]), number(summary.pooled[name]), str(undefined[name]), ""]
        for name in METRICS
    ]
    if (measures := summary.measures) is not None:
        rows += [
            [
                text(label_of(name)),
                number(value),
                number(measures.pooled[name]) if name in measures.pooled else "",
                str(measures.undefined[name]),
                f"<small>{text(MEASURES[name].description)}</small>",
            ]
            for name, value in measures.mean.items()
        ]
    head = ("Measure", "Mean over images", "Pooled", "Undefined images", "")
    words = (
        "Mean: of the values of single images, where they are defined. Pooled: the pixels of all images counted "
        "together, so large objects count more. "
    )
    if record.measures is not None:
        unit = "micrometers" if record.measures.pixel_size else "pixels"
        words += f"Lengths are {unit}; NSD is at a tolerance of {record.measures.tolerance:g}. "
    return f"<div class='wide'>{table(rows, head)}</div><p><small>{words}</small></p>"


def show_causes(record: Record) -> str:
    """What part of the missing Dice each cause took, as means over images; "" where errors were not analyzed."""
    shares = [item.errors.errors.shares for item in record.scores if item.errors is not None]
    means = {name: metrics.mean(np.array([item[name] for item in shares])) for name in CAUSES} if shares else {}
    total = sum(means.values())
    if not means or math.isnan(total):
        return ""
    rows = [
        [text(CAUSES[name]), number(value), svg.draw_bar(value / total if total else 0.0)]
        for name, value in sorted(means.items(), key=lambda item: -item[1])
    ]
    return (
        f"{table(rows, ('Lost to', 'Dice', 'Share of all that is missing'))}<p><small>Each wrong pixel has one cause, "
        f"so these add up to {number(total)}, 1 minus the mean Dice.</small></p>"
    )


def show_histogram(record: Record) -> str:
    """How many images have which Dice; "" where none has one."""
    defined = [dice for item in record.scores if not math.isnan(dice := item.scores["dice"])]
    return figure(svg.draw_counts(defined, "Histogram of the Dice"), "Images by their Dice") if defined else ""


def show_classes(record: Record) -> str:
    """The scores of each class where there are several; "" otherwise."""
    if len(record.scores[0].counts.tp) < 2:
        return ""
    names = ("dice", "iou")
    images = _count_images_with(record)
    rows = [
        [
            text(record.model.class_name(item.index)),
            *(number(values[name]) for name in names for values in (item.mean, item.pooled)),
            str(item.undefined["dice"]),
            str(images[item.index]),
        ]
        for item in average_classes([item.counts for item in record.scores])
    ]
    head = ("Class", *(f"{kind} {label_of(name)}" for name in names for kind in ("Mean", "Pooled")))
    return f"<div class='wide'>{table(rows, (*head, 'Undefined images', 'Images with it'))}</div>"


def _count_images_with(record: Record) -> list[int]:
    """How many images have each class in their ground truth."""
    return [
        sum(item.counts.tp[index] + item.counts.fn[index] > 0 for item in record.scores)
        for index in range(len(record.scores[0].counts.tp))
    ]


def show_confusion(record: Record) -> str:
    """The share of each true class that was predicted as each, where there are several; "" otherwise."""
    tables = [item.errors.confusion for item in record.scores if item.errors is not None]
    if not tables or len(record.scores[0].counts.tp) < 2:
        return ""
    pixels = sum_tables(tables)
    if len(pixels) > MOST_CLASSES:
        return (
            f"<p>{len(pixels)} classes are too many to show; <code>--metrics all --json</code> writes the matrix.</p>"
        )
    names = [text(record.model.class_name(index)) for index in range(len(pixels))]
    rows = [
        [f"<b>{names[row]}</b>", *("" if math.isnan(share) else f"{share:.1%}" for share in shares), f"{total:,}"]
        for row, (shares, total) in enumerate(
            zip(shares_of_truth(pixels).tolist(), pixels.sum(1).tolist(), strict=True)
        )
    ]
    return (
        f"<div class='wide matrix'>{table(rows, ('Ground truth', *names, 'Pixels'))}</div>"
        "<p><small>Rows are the ground truth, columns the prediction: the share of a true class that was predicted as "
        "each. The diagonal is the recall.</small></p>"
    )
