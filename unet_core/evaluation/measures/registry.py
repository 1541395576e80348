"""All measures of an image in one go, and how each is called: one path for the page, the command line and Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.config.choices import METRIC_SETS
from unet_core.errors import ConfigError
from unet_core.evaluation.error_analysis import CAUSES, ErrorAnalysis, explain_errors
from unet_core.evaluation.measures.confusion import Confusion, measure_confusion
from unet_core.evaluation.measures.objects import (
    ObjectScores,
    RegionScores,
    measure_objects,
    measure_regions,
)
from unet_core.evaluation.measures.surface import TOLERANCE, SurfaceScores, check, measure_surface, pool
from unet_core.postprocessing.objects import label

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """What measures depend on; without a pixel size, lengths are in pixels, else in micrometers."""

    tolerance: float = TOLERANCE
    pixel_size: float | None = None


def choose_measures(name: str, tolerance: float = TOLERANCE, pixel_size: float | None = None) -> Settings | None:
    """What "all" measures, one of config.METRIC_SETS; None for "basic". Raises ConfigError."""
    if name not in METRIC_SETS:
        raise ConfigError(f"Unknown metrics {name!r}. Use one of {', '.join(METRIC_SETS)}.")
    check(tolerance, pixel_size)
    return Settings(tolerance, pixel_size) if name == "all" else None


@dataclass(frozen=True)
class Measured:
    """All measures of one image; `*_split` with touching predicted objects separated, None without true objects.

    `errors` says where the missing Dice went.
    """

    confusion: Confusion
    surface: SurfaceScores
    objects: ObjectScores | None
    objects_split: ObjectScores | None
    regions: RegionScores
    regions_split: RegionScores
    errors: ErrorAnalysis


@dataclass(frozen=True)
class Explained:
    """What went wrong in one image, without the other measures: which class was taken for which, and the causes."""

    confusion: Confusion
    errors: ErrorAnalysis


def explain(pred: Array, target: Array, num_classes: int, numbers: NDArray[np.int32] | None = None) -> Explained:
    """What `measure` says of the errors of a predicted mask (H, W), which takes a small part of its time."""
    errors = explain_errors(pred, target, num_classes, numbers)[0]
    return Explained(measure_confusion(pred, target, num_classes), errors)


def measure(
    pred: Array,
    target: Array,
    num_classes: int,
    numbers: NDArray[np.int32] | None = None,
    settings: Settings | None = None,
) -> Measured:
    """All measures of a predicted mask (H, W) of class indices.

    `numbers` (H, W) are the true objects, 0 = none; None where the masks do not tell objects apart: then V-Rand and
    V-Info compare what is connected, and there are no other measures of objects. Raises ConfigError for wrong settings.
    """
    settings = settings or Settings()
    tolerance, pixel_size = settings.tolerance, settings.pixel_size
    connected, separated = label(pred), label(pred, split=True)  # the watershed takes longer than all measures

    def match(labels: NDArray[np.int32]) -> ObjectScores | None:
        return None if numbers is None else measure_objects(pred, target, numbers, labels=labels)

    return Measured(
        measure_confusion(pred, target, num_classes),
        measure_surface(pred, target, num_classes, tolerance=tolerance, pixel_size=pixel_size),
        match(connected),
        match(separated),
        measure_regions(pred, target, numbers, labels=connected),
        measure_regions(pred, target, numbers, labels=separated),
        explain_errors(pred, target, num_classes, numbers)[0],
    )


def measure_again(measured: Measured, pred: Array, target: Array, num_classes: int, settings: Settings) -> Measured:
    """What `measure` gives for the same masks with other settings: only outlines depend on them."""
    surface = measure_surface(pred, target, num_classes, tolerance=settings.tolerance, pixel_size=settings.pixel_size)
    return replace(measured, surface=surface)


@dataclass(frozen=True)
class Measure:
    """One entry of MEASURES: all that a measure needs to appear in tables, summaries and on the command line.

    `function` gives the value of an image, NaN where it is undefined; `pooled` that of all images counted together,
    None where there is none.
    """

    function: Callable[[Measured], float]
    description: str
    pooled: Callable[[Sequence[Measured]], float] | None = None
    of_objects: bool = False
    label: str = ""  # in tables; "": its name
    best: float = 1.0  # the best value there is: the farther from it, the worse
    is_share: bool = True  # whether it lies in 0..1
    is_length: bool = False  # in pixels, or in micrometers where their size is known


def _surface(name: str, label: str, description: str, can_pool: bool) -> Measure:
    def value(scores: SurfaceScores) -> float:
        return metrics.mean(getattr(scores, name))

    pooled = (lambda items: value(pool(item.surface for item in items))) if can_pool else None
    return Measure(lambda item: value(item.surface), description, pooled, label=label)


def _objects(
    function: Callable[[ObjectScores], float], label: str, description: str, split: bool, *, is_share: bool
) -> Measure:
    def of(item: Measured) -> ObjectScores | None:
        return item.objects_split if split else item.objects

    def value(item: Measured) -> float:
        scores = of(item)
        return float("nan") if scores is None else float(function(scores))

    def pooled(items: Sequence[Measured]) -> float:
        counted = [scores for item in items if (scores := of(item)) is not None]
        return float(function(sum(counted[1:], counted[0]))) if counted else float("nan")

    more, suffix = (SPLIT, SPLIT_LABEL) if split else ("", "")
    return Measure(
        value,
        description + more,
        pooled,
        of_objects=True,
        label=label + suffix,
        best=1.0 if is_share else 0.0,
        is_share=is_share,
    )


def _cause(name: str) -> Measure:
    label = f"Lost: {CAUSES[name]}"
    return Measure(lambda item: item.errors.shares[name], f"Dice lost to {CAUSES[name]}", label=label, best=0)


def _regions(name: str, label: str, description: str, split: bool) -> Measure:
    def value(item: Measured) -> float:
        return float(getattr(item.regions_split if split else item.regions, name))

    more, suffix = (SPLIT, SPLIT_LABEL) if split else ("", "")
    return Measure(value, description + more, label=label + suffix)


SPLIT, SPLIT_LABEL = ", touching predicted objects separated", " (split)"
_OBJECTS: dict[str, tuple[Callable[[ObjectScores], float], str, str]] = {
    "object_f1_50": (lambda scores: scores.f1(50), "Object F1 at 0.5", "2 TP / (2 TP + FP + FN) of objects at IoU 0.5"),
    "object_f1_75": (
        lambda scores: scores.f1(75),
        "Object F1 at 0.75",
        "2 TP / (2 TP + FP + FN) of objects at IoU 0.75",
    ),
    "object_ap_50": (lambda scores: scores.ap(50), "AP at 0.5", "TP / (TP + FP + FN) of objects at IoU 0.5"),
    "object_ap_75": (lambda scores: scores.ap(75), "AP at 0.75", "TP / (TP + FP + FN) of objects at IoU 0.75"),
    "object_mean_ap": (
        lambda scores: scores.mean_ap,
        "AP at 0.5 to 0.95",
        "mean of TP / (TP + FP + FN) over IoU 0.5, 0.55 to 0.95",
    ),
    "panoptic_quality": (lambda scores: scores.panoptic_quality, "Panoptic quality", "PQ: SQ times RQ"),
    "segmentation_quality": (
        lambda scores: scores.segmentation_quality,
        "Segmentation quality",
        "SQ: mean IoU of matched objects",
    ),
    "recognition_quality": (
        lambda scores: scores.recognition_quality,
        "Recognition quality",
        "RQ: F1 of objects at IoU 0.5",
    ),
    "count_error": (lambda scores: scores.count_error, "Count error", "predicted objects less true ones"),
}
_REGIONS = {
    "v_rand": ("V-Rand", "foreground-restricted Rand score of regions"),
    "v_info": ("V-Info", "foreground-restricted information theoretic score of regions"),
}
_HD95 = "95th percentile of the distance between outlines, the larger of two directions"
MEASURES: dict[str, Measure] = {
    "hd95": replace(_surface("hd95", "HD95", _HD95, False), best=0, is_share=False, is_length=True),
    "nsd": _surface("nsd", "NSD", "share of outline pixels within the tolerance of the other outline", True),
    "boundary_iou": _surface("boundary_iou", "Boundary IoU", "IoU of what is near the outlines", True),
    **{
        f"{name}{'_split' if split else ''}": _objects(*entry, split, is_share=name != "count_error")
        for split in (False, True)
        for name, entry in _OBJECTS.items()
    },
    **{
        f"{name}{'_split' if split else ''}": _regions(name, *texts, split)
        for split in (False, True)
        for name, texts in _REGIONS.items()
    },
    **{f"lost_{name}": _cause(name) for name in CAUSES},
}
BY_CLASS = ("hd95", "nsd", "boundary_iou")  # attributes of SurfaceScores that are columns of each class


@dataclass(frozen=True)
class MeasureMeans:
    """Each of MEASURES over images: the mean of the defined values, pooled where it can be, how many are undefined."""

    mean: dict[str, float]
    pooled: dict[str, float]
    undefined: dict[str, int]

    def to_dict(self) -> dict[str, float]:
        """Flat: `mean_hd95, ..., pooled_nsd, ..., undefined_hd95, ...`; no undefined where there are none."""
        return {
            **{f"mean_{name}": value for name, value in self.mean.items()},
            **{f"pooled_{name}": value for name, value in self.pooled.items()},
            **{f"undefined_{name}": number for name, number in self.undefined.items() if number},
        }


def to_row(item: Measured, names: Sequence[str]) -> dict[str, float | str]:
    """The values of an image for a table: `names`, those of each class where there are several, and a sentence.

    The columns of classes are `hd95_0, nsd_0, boundary_iou_0, hd95_1, ...`.
    """
    classes = len(item.surface.hd95)
    by_class = {
        f"{name}_{index}": float(getattr(item.surface, name)[index])
        for index in range(classes if classes > 1 else 0)
        for name in BY_CLASS
    }
    return {name: MEASURES[name].function(item) for name in names} | by_class | {"errors": item.errors.sentence}


def names_of(items: Sequence[Measured]) -> list[str]:
    """The names in MEASURES that these images have: those of objects only where one has objects."""
    has_objects = any(item.objects is not None for item in items)
    return [name for name, entry in MEASURES.items() if has_objects or not entry.of_objects]


def average(items: Sequence[Measured]) -> MeasureMeans:
    """The measures of images to their means; NaN where none is defined."""
    names = names_of(items)
    values = {name: np.array([MEASURES[name].function(item) for item in items]) for name in names}
    return MeasureMeans(
        {name: metrics.mean(column) for name, column in values.items()},
        {name: pooled(items) for name in names if (pooled := MEASURES[name].pooled) is not None},
        {name: int(np.isnan(column).sum()) for name, column in values.items()},
    )
