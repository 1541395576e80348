"""Numbers of a report, written the same way everywhere."""

import math

from unet_core.metrics import METRICS

UNDEFINED = "–"
LABELS = {"dice": "Dice", "iou": "IoU", "object_f1": "Object F1", "nsd": "NSD", "hd95": "HD95"}


def number(value: float) -> str:
    """With the four digits that the command line prints; a dash where it is undefined.

    >>> number(0.91236), number(float("nan"))
    ('0.9124', '–')
    """
    return UNDEFINED if math.isnan(value) else f"{value:.4f}"


def label_of(metric: str) -> str:
    """What a report calls a metric or a measure.

    >>> label_of("iou"), label_of("recall"), label_of("hd95"), label_of("boundary_iou")
    ('IoU', 'Recall', 'HD95', 'boundary_iou')
    """
    plain = metric if "_" in metric else metric.capitalize()
    return LABELS.get(metric, plain)


def metric_names() -> list[str]:
    """The metrics that every image has."""
    return list(METRICS)
