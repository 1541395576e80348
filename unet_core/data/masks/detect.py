"""From the evidence of all masks to what their values mean, with a sentence for everything that was guessed."""

from collections.abc import Mapping
from pathlib import Path

from unet_core.config.schema import DataConfig
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.colors import (
    any_color,
    by_palette_colors,
    code_colors,
    find_peaks,
    name_values,
    order_by_table,
)
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.gray import VOID, code_gray, find_void
from unet_core.data.masks.instances import MOST_CLASSES, find_divisor, find_instances, gray_value
from unet_core.data.masks.values import encode_value, has_colors, is_color, parse_color_map
from unet_core.errors import DataError, MisfitError


def choose_coding(
    evidence: Evidence,
    data: DataConfig,
    num_classes: int,
    stored: MaskCoding | None = None,
    names: Mapping[int, str] | None = None,
) -> tuple[MaskCoding, list[str]]:
    """The coding by the settings of the data, or the `stored` one of a model, and what to tell.

    `names` are those of values by their codes, from a table beside the images: where it lists all colors of the masks,
    its order is that of the classes.

    A stored one counts as far as it lists the values that occur; where it does not, or says something else about object
    numbers than the new masks do, these are read by their own values, and a sentence says so. Raises DataError.
    """
    color_map = parse_color_map(data.color_map, Path(data.root)) if data.color_map else None
    listed = order_by_table(evidence, names or {}) if color_map is None and data.labels == "auto" else None

    def detect(classes: int) -> tuple[MaskCoding, list[str]]:
        coding, remarks = detect_coding(evidence, classes, data.ignore_index, color_map or listed, data.labels)
        if listed:
            remarks.append(
                f"The colors of the masks are classes in the order of the table beside them: {coding.describe()}."
            )
        return coding, remarks

    if stored is None:
        return detect(num_classes)
    counts = evidence.counts_for(stored)
    unknown = stored.unknown(counts)
    if not unknown and stored.kind != "instances" and stored.threshold is None:
        return stored, _sources(evidence)
    other, remarks = detect(num_classes)
    meanings = [coding.classes_by_code(counts) for coding in (stored, other)]
    if not unknown and meanings[0] == meanings[1]:
        return stored, _sources(evidence)
    what = (
        f"hold {name_values(unknown, evidence)}, which those of the training do not" if unknown else "have other values"
    )
    return other, [
        f"The masks {what} (training: {stored.describe()}). They are read by their own values: {other.describe()}.",
        *remarks,
    ]


def detect_coding(
    evidence: Evidence,
    num_classes: int = 0,
    ignore_index: int | None = None,
    color_map: list[int] | None = None,
    labels: str = "auto",
) -> tuple[MaskCoding, list[str]]:
    """What the masks' values mean, and sentences on what was guessed.

    A `color_map` (codes in class order) decides where there is one; else `labels` ("classes", "instances", or "auto" by
    the evidence). `num_classes` 0 = detect; `ignore_index` is a mask value, beside a color map a class index. Raises
    DataError where the values fit no rule, with the settings that decide.
    """
    remarks = _sources(evidence)
    if color_map is not None:
        coding, more = _by_color_map(evidence, color_map, ignore_index)
        return _fit(coding, num_classes, exact=False), remarks + more
    if labels == "instances":
        coding, more = _instances(evidence, ignore_index, "labels is set to instances")
        return _fit(coding, num_classes, exact=False), remarks + more
    if not evidence.joined and labels == "auto" and num_classes <= 2:
        void = frozenset({encode_value((VOID,))} if find_void(evidence) else ())
        if ignore_index is not None:
            void = frozenset({encode_value((ignore_index,))})
        if num_classes == 0 and (divisor := find_divisor(evidence)):
            coding, more = _divided(evidence, divisor)
            return coding, remarks + more
        instances = find_instances(evidence, void)
        if instances.certain and _not_classes(evidence):
            coding, more = _instances(evidence, ignore_index, instances.reason)
            return _fit(coding, num_classes, exact=False), remarks + more
        if instances.likely:
            remarks.append(
                f"The values of the masks are read as classes, but may number objects ({instances.reason}). "
                "If each value is one object, set labels to instances."
            )
    palette_colors = by_palette_colors(evidence)
    counts = evidence.color_counts if palette_colors else evidence.counts
    if any_color(counts):
        coding, more = code_colors(evidence, palette_colors)
        return _fit(_ignore_class(coding, ignore_index), num_classes, exact=True), remarks + more
    coding, more = code_gray(evidence, num_classes, ignore_index)
    return _fit(coding, num_classes, exact=False), remarks + more


def _sources(evidence: Evidence) -> list[str]:
    remarks = []
    if alpha := evidence.sources["alpha"]:
        remarks.append(
            f"In {alpha} masks all pixels have one color and the transparency differs, so the transparency is read as "
            "the mask: opaque is foreground."
        )
    if inverted := evidence.sources["inverting LUT"]:
        remarks.append(
            f"{inverted} masks are TIFFs with an inverting lookup table (ImageJ): the stored values count, "
            "as in ImageJ itself, not the gray that is shown."
        )
    return remarks


def _not_classes(evidence: Evidence) -> bool:
    """Colors number objects only where there are more than classes have: few colors are classes."""
    colored = any(is_color(code) for code in evidence.counts)
    return not colored or len(evidence.counts) > MOST_CLASSES


def _by_color_map(evidence: Evidence, color_map: list[int], ignore_index: int | None) -> tuple[MaskCoding, list[str]]:
    remarks = []
    palette_colors = has_colors(color_map)
    counts = evidence.color_counts if palette_colors else evidence.counts
    nearest = False
    if unlisted := sorted(set(counts) - set(color_map)):
        peaks = find_peaks(evidence)
        if peaks is None or not set(peaks) <= set(color_map):
            example = [code for code in unlisted if peaks is None or code in peaks]
            raise DataError(
                f"The masks hold {len(unlisted)} values that color_map does not list: "
                f"{name_values(example or unlisted, evidence)}. Add them to color_map."
            )
        nearest = True
        share = sum(counts[code] for code in unlisted) / sum(counts.values())
        remarks.append(
            f"{share:.1%} of the pixels have colors between those of color_map (smoothed edges); each was counted as "
            "the nearest. Save masks without smoothing for exact edges."
        )
    # An ignored last color needs no output of its own; one in the middle keeps its index, so that the rest keep theirs.
    pairs = tuple((code, index) for index, code in enumerate(color_map))
    kind = "binary" if len(pairs) - (ignore_index == len(pairs) - 1) <= 2 else "classes"
    return _ignore_class(MaskCoding(kind, pairs, nearest=nearest, palette_colors=palette_colors), ignore_index), remarks


def _ignore_class(coding: MaskCoding, index: int | None) -> MaskCoding:
    """The coding with a class ignored: `ignore_index` is a class index where values are colors or listed."""
    ignored = tuple(code for code, number in coding.classes if number == index)
    rest = tuple(pair for pair in coding.classes if pair[1] != index)
    return MaskCoding(
        coding.kind, rest, (*coding.ignore, *ignored), coding.threshold, coding.nearest, coding.divisor,
        coding.palette_colors,
    )  # fmt: skip


def _instances(evidence: Evidence, ignore_index: int | None, reason: str) -> tuple[MaskCoding, list[str]]:
    """Everything but the background is one class of objects."""
    background = 0 if 0 in evidence.counts else max(evidence.counts, key=lambda code: evidence.counts[code], default=0)
    void = encode_value((VOID,))
    ignore: tuple[int, ...] = ()
    remarks = [
        f"The values of the masks number objects ({reason}), so all of them are read as foreground and each as one "
        "object. If they are classes, set labels to classes."
    ]
    if ignore_index is not None:
        ignore = (encode_value((ignore_index,)),)
    elif _is_void_of_objects(evidence, void):
        ignore = (void,)
        remarks.append(
            "The value 255 occurs in masks with far fewer objects, so it is read as unlabeled and counts in no "
            "loss and no score."
        )
    return MaskCoding("instances", ((background, 0),), ignore), remarks


def _is_void_of_objects(evidence: Evidence, void: int) -> bool:
    """255 in most masks that have it stands apart from the other values: these end far below."""
    masks = [values - {0, void} for values in evidence.sets if void in values and len(values) > 2]
    return bool(masks) and all(max((gray_value(code) or 0 for code in mask), default=0) < 200 for mask in masks)


def _divided(evidence: Evidence, divisor: int) -> tuple[MaskCoding, list[str]]:
    """Values that are class * 1000 + object number."""
    labels = sorted(value for code in evidence.counts if (value := gray_value(code)) is not None)
    ignore = (encode_value((VOID,)),) if VOID in labels else ()
    parts = {value // divisor if value >= divisor else value for value in labels if value != VOID}
    pairs = tuple((encode_value((part,)), part) for part in range(max(parts) + 1))
    remarks = [
        f"The values of the masks are class * {divisor} + object number ({labels[-1]} for example is class "
        f"{labels[-1] // divisor}). If they are not, list the values in color_map."
    ]
    return MaskCoding("classes", pairs, ignore, divisor=divisor), remarks


def _fit(coding: MaskCoding, num_classes: int, exact: bool) -> MaskCoding:
    """The coding, if a model of so many classes can learn it (0 = any). `exact`: as many as there are.

    An order of colors that was only detected fits no larger model. Raises DataError.
    """
    count = coding.num_classes
    fitting = (0, 1, 2) if coding.kind != "classes" else (0, count)
    if num_classes not in fitting and (exact or num_classes < count):
        raise MisfitError(
            f"The masks hold {max(2, count)} classes ({coding.describe()}), but the model has {num_classes}. List the "
            "values of all classes in color_map, in the same order as in training."
        )
    return coding
