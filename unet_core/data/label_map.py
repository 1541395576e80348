"""Raw mask values to class indices, for all masks of a dataset at once.

A wrong guess here trains on wrong classes without any error, so values that fit no rule, or two, are refused with the
setting that decides. A guess that is likely but not certain is made with a warning that shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unet_core.data.mask_values import LABELS, ValueTable, format_code, is_color
from unet_core.data.masks import Array
from unet_core.errors import DataError, listing

IGNORE = 255  # the class index of pixels that count in no loss and no score
MOST_CLASSES = 64  # more gray levels than this are taken for a blurred or compressed 0/255 mask
NEAR = 32  # gray levels from 0 or 255 that blurred or compressed pixels of a 0/255 mask may be away
MOST_BETWEEN = 0.05  # share of pixels that may be further away


@dataclass(frozen=True)
class LabelMap:
    """What the raw values of a dataset mean: `table` (256,) uint8 gives each byte its class index or IGNORE.

    `color_map` is the one that was detected in colored masks, as the setting `color_map` has it; "" where none was.
    """

    num_classes: int
    table: Array
    warnings: tuple[str, ...] = ()
    color_map: str = ""


def make_label_map(
    codes: ValueTable,
    counts: Mapping[int, int],
    num_classes: int,
    ignore_index: int | None,
    color_map: list[int] | None,
) -> LabelMap:
    """The classes of all masks: `counts` are the pixels of each byte that `codes` gave, `num_classes` 0 = detect.

    A `color_map` (codes in class order) decides where there is one; else gray levels go by `map_gray_values`, and
    colors are classes in their sorted order, behind black or else the most frequent one. Raises DataError.
    """
    present = {code: counts[byte] for code, byte in codes.bytes_by_code.items() if counts.get(byte)}
    if color_map is not None:
        if unlisted := sorted(set(present) - set(color_map)):
            unlisted_values = listing([f"{format_code(code)} ({present[code]} pixels)" for code in unlisted], 6)
            raise DataError(
                f"The masks hold {len(unlisted)} values that color_map does not list: {unlisted_values}. Add them to "
                "color_map."
            )
        return _map_in_order(codes, color_map, num_classes, ignore_index, exact=False)
    if any(is_color(code) for code in present):
        if len(present) > MOST_CLASSES:
            raise DataError(
                f"The masks hold {len(present)} colors, more than {MOST_CLASSES}; they may be compressed (JPEG) or "
                "blurred. Save them as PNG with one color per class, or list the colors of the classes in color_map."
            )
        # Background is class 0 everywhere in the app. The order of the others must not depend on the order of files,
        # or a run that is resumed, or a model that is scored later, would get its classes mixed up.
        background = 0 if 0 in present else max(present, key=lambda code: present[code])
        order = [background, *sorted(set(present) - {background})]
        detected = ";".join(format_code(code) for code in order)
        classes = ", ".join(f"{number} = ({format_code(code)})" for number, code in enumerate(order))
        warning = (
            f"The masks are in color; {len(order)} colors were found and used as classes: {classes}. To set the "
            f'order yourself, set color_map, for example to "{detected}".'
        )
        label_map = _map_in_order(codes, order, num_classes, ignore_index, exact=True)
        return LabelMap(label_map.num_classes, label_map.table, (warning,), detected)
    # 16-bit masks: one value over 255 beside 0 is a binary mask (0/65535, say). Several are instance numbers more often
    # than classes, and nothing in the file tells which.
    large = sorted(code for code in present if code >= LABELS)
    if not large:
        levels = {code & 255: pixels for code, pixels in present.items()}
        return map_gray_values(levels, num_classes, ignore_index)
    others = sorted(set(present) - set(large) - {0, None if ignore_index is None else ignore_index * 0x010101})
    if len(large) > 1 or others or num_classes > 2:
        values = [format_code(code) for code in sorted(present)]
        example = ";".join(values[:3]) + ";..." * (len(values) > 3)
        raise DataError(
            f"The masks hold {len(present)} labels ({listing(values)}), some over 255, which are neither 0 and one "
            f'value nor class indices. List them in class order: color_map "{example}".'
        )
    return _map_in_order(codes, [0, *large], num_classes, 0 if ignore_index == 0 else None, exact=False)


def map_gray_values(counts: Mapping[int, int], num_classes: int, ignore_index: int | None) -> LabelMap:
    """How gray levels 0 to 255 become class indices.

    `counts` are the pixels of each level in the dataset, `num_classes` is 0 where it is to be detected:
    0/1, 0/255 or 0/any single value is binary; values below `MOST_CLASSES` are class indices; else DataError asks.
    0/255 with blurred or compressed edges is cut at half, with a warning: with `num_classes` 1 always, with 0 or 2
    where all but `MOST_BETWEEN` of the pixels lie `NEAR` 0 or 255.

    >>> map_gray_values({0: 90, 255: 10}, 0, None).table[[0, 255]].tolist()
    [0, 1]
    >>> map_gray_values({0: 80, 1: 10, 2: 10, 255: 5}, 0, 255).num_classes
    3
    """
    table = np.full(256, IGNORE, np.uint8)
    values = {value for value, pixels in counts.items() if pixels} - {ignore_index}
    largest = max(values, default=0)
    warnings = []
    if num_classes <= 2 and len(values | {0}) <= 2:
        num_classes = max(num_classes, 1)
        table[sorted(values)] = [value > 0 for value in sorted(values)]
    elif num_classes <= 2 and largest > 127 and (num_classes == 1 or _is_blurred({v: counts[v] for v in values})):
        num_classes = max(num_classes, 1)
        table[:] = np.arange(256) > 127
        between = sum(counts[value] for value in values if 0 < value < 255) / sum(counts[value] for value in values)
        warnings.append(
            f"The masks hold {len(values)} gray levels, {between:.1%} of the pixels between 0 and 255 (blurred or "
            "compressed edges). They were thresholded: above 127 is foreground."
        )
    elif num_classes == 0 and largest < MOST_CLASSES:
        num_classes = largest + 1
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1 and largest < num_classes:
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1:
        wrong = [str(value) for value in sorted(values) if value >= num_classes]
        raise DataError(
            f"The masks hold the values {listing(wrong)}, but with {num_classes} classes they must be 0 to "
            f"{num_classes - 1}. Raise num_classes to {largest + 1}, or set ignore_index to the unlabeled value."
        )
    else:
        raise DataError(
            f"The masks hold {len(values)} gray values ({listing([str(value) for value in sorted(values)])}), which "
            "are neither 0/1, 0/255 nor class indices. If they are 0/255 with blurred or compressed edges, set "
            "num_classes to 1 to threshold them. If they are classes, set num_classes, or list the values in class "
            'order: color_map "0;128;255".'
        )
    if ignore_index is not None:
        table[ignore_index] = IGNORE
    return LabelMap(num_classes, table, tuple(warnings))


def _is_blurred(counts: Mapping[int, int]) -> bool:
    """Whether levels are those of 0/255 masks with soft edges: nearly all pixels at the ends, and various levels.

    Class indices with 255 for the unlabeled have none from `MOST_CLASSES` to 254, maps of three levels (0, 128, 255)
    have no others: both must not be taken for blurred masks, so some level from `MOST_CLASSES` and five levels in all
    are asked for.
    """
    between = sum(pixels for value, pixels in counts.items() if NEAR <= value <= 255 - NEAR)
    ends = min(counts) < NEAR and max(counts) > 255 - NEAR
    various = len(counts) > 4 and any(MOST_CLASSES <= value < 255 for value in counts)
    return ends and various and between <= MOST_BETWEEN * sum(counts.values())


def _map_in_order(
    codes: ValueTable, order: list[int], num_classes: int, ignore_index: int | None, exact: bool
) -> LabelMap:
    """Class indices by position in `order`; `ignore_index` is such a position, as it is a class index.

    `exact` asks for as many classes as there are colors, as an order that was only detected fits no larger model.
    """
    table = np.full(256, IGNORE, np.uint8)
    for index, code in enumerate(order):
        if code in codes.bytes_by_code and index != ignore_index:
            table[codes.bytes_by_code[code]] = index
    # An ignored last color needs no output of its own; one in the middle keeps its index, so that the rest keep theirs.
    count = len(order) - (ignore_index == len(order) - 1)
    fitting = (0, 1, 2) if count <= 2 else (0, count)
    if num_classes not in fitting and (exact or num_classes < count):
        raise DataError(
            f"The masks hold {count} colors, but the model has {num_classes} classes. List all classes in color_map, "
            "in the same order as in training."
        )
    return LabelMap(num_classes or (1 if count <= 2 else count), table)
