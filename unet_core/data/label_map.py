"""Raw mask values to class indices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unet_core.data.mask_values import LABELS, ValueTable, is_color, text_of
from unet_core.data.masks import Array
from unet_core.errors import DataError, listing

IGNORE = 255  # the class index of pixels that count in no loss and no score
MOST_CLASSES = 64  # more gray levels than this are taken for a blurred or compressed 0/255 mask
NEAR = 32  # gray levels from 0 or 255 that blurred or compressed pixels of a 0/255 mask may be away
MOST_BETWEEN = 0.05  # share of pixels that may be further away


@dataclass(frozen=True)
class LabelMap:
    """What the raw values of a dataset mean: `table` (256,) uint8 gives each byte its class index or IGNORE.

    `found` is the color map that was found, in the words of the setting `color_map`; "" where none was.
    """

    num_classes: int
    table: Array
    warnings: tuple[str, ...] = ()
    found: str = ""


def make_label_map(
    codes: ValueTable,
    counts: Mapping[int, int],
    num_classes: int,
    ignore_index: int | None,
    color_map: list[int] | None,
) -> LabelMap:
    """The classes of all masks: `counts` are the pixels of each byte that `codes` gave, `num_classes` 0 = to be found.

    A given `color_map` (codes in class order) decides; else gray levels go by `class_table`, and colors are classes
    in their sorted order, behind black or else the most frequent one. Raises DataError.
    """
    present = {code: counts[byte] for code, byte in codes.known.items() if counts.get(byte)}
    if color_map is not None:
        if strange := sorted(set(present) - set(color_map)):
            raise DataError(
                f"The masks hold {len(strange)} values that color_map does not name: "
                f"{listing([f'{text_of(code)} ({present[code]} pixels)' for code in strange], 6)}. Add them to it."
            )
        return _by_map(codes, color_map, num_classes, ignore_index, exact=False)
    if any(is_color(code) for code in present):
        if len(present) > MOST_CLASSES:
            raise DataError(
                f"The masks hold {len(present)} colors, more than {MOST_CLASSES}: compressed (JPEG) or blurred? Save "
                "them as PNG with one color a class, or name the classes' colors by color_map."
            )
        black = 0 if 0 in present else max(present, key=lambda code: present[code])
        order = [black, *sorted(set(present) - {black})]
        found = ";".join(text_of(code) for code in order)
        named = ", ".join(f"{number} = ({text_of(code)})" for number, code in enumerate(order))
        told = (
            f"The masks are in colors; {len(order)} were found and taken as classes: {named}. Give "
            f'color_map "{found}", or a file that says so, to settle the order.'
        )
        by_map = _by_map(codes, order, num_classes, ignore_index, exact=True)
        return LabelMap(by_map.num_classes, by_map.table, (told,), found)
    large = sorted(code for code in present if code >= LABELS)
    if not large:
        levels = {code & 255: pixels for code, pixels in present.items()}
        return map_gray_values(levels, num_classes, ignore_index)
    others = sorted(set(present) - set(large) - {0, None if ignore_index is None else ignore_index * 0x010101})
    if len(large) > 1 or others or num_classes > 2:
        values = [text_of(code) for code in sorted(present)]
        wanted = ";".join(values[:3]) + ";..." * (len(values) > 3)
        raise DataError(
            f"The masks hold {len(present)} labels ({listing(values)}), some over 255, which are neither 0 and one "
            f'value nor class indices. Name them in class order: color_map "{wanted}".'
        )
    return _by_map(codes, [0, *large], num_classes, 0 if ignore_index == 0 else None, exact=False)


def map_gray_values(counts: Mapping[int, int], num_classes: int, ignore_index: int | None) -> LabelMap:
    """How gray levels become class indices.

    `counts` are the pixels of each level in the dataset, `num_classes` is 0 where it is to be found:
    0/1, 0/255 or 0/any single value is binary; values below `MOST_CLASSES` are class indices; else DataError asks.
    0/255 with blurred or compressed edges is cut at half, and told: with `num_classes` 1 always, with 0 or 2 where all
    but `MOST_BETWEEN` of the pixels lie `NEAR` 0 or 255.
    """
    table = np.full(256, IGNORE, np.uint8)
    values = {value for value, pixels in counts.items() if pixels} - {ignore_index}
    most = max(values, default=0)
    warnings = []
    if num_classes <= 2 and len(values | {0}) <= 2:
        num_classes = max(num_classes, 1)
        table[sorted(values)] = [value > 0 for value in sorted(values)]
    elif num_classes <= 2 and most > 127 and (num_classes == 1 or _blurred({v: counts[v] for v in values})):
        num_classes = max(num_classes, 1)
        table[:] = np.arange(256) > 127
        between = sum(counts[value] for value in values if 0 < value < 255) / sum(counts[value] for value in values)
        warnings.append(
            f"The masks hold {len(values)} gray levels, {between:.1%} of the pixels between 0 and 255 (blurred or "
            "compressed edges); all were cut at half: above 127 is foreground."
        )
    elif num_classes == 0 and most < MOST_CLASSES:
        num_classes = most + 1
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1 and most < num_classes:
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1:
        wrong = [str(value) for value in sorted(values) if value >= num_classes]
        raise DataError(
            f"The masks hold the values {listing(wrong)}, but with {num_classes} classes they must be 0 to "
            f"{num_classes - 1}. Raise num_classes to {most + 1}, or name the unlabeled value as ignore_index."
        )
    else:
        raise DataError(
            f"The masks hold {len(values)} gray values ({listing([str(value) for value in sorted(values)])}), which "
            "are neither 0/1, 0/255 nor class indices. If they are 0/255 with blurred or compressed edges, set "
            "num_classes to 1 and they are cut at half; if they are classes, set num_classes, or name the values in "
            'class order: color_map "0;128;255".'
        )
    if ignore_index is not None:
        table[ignore_index] = IGNORE
    return LabelMap(num_classes, table, tuple(warnings))


def _blurred(counts: Mapping[int, int]) -> bool:
    """Whether levels are those of 0/255 masks with soft edges: nearly all pixels at the ends, and various levels.

    Class indices with 255 for the unlabeled have none from `MOST_CLASSES` to 254, maps of three levels no others.
    """
    between = sum(pixels for value, pixels in counts.items() if NEAR <= value <= 255 - NEAR)
    ends = min(counts) < NEAR and max(counts) > 255 - NEAR
    various = len(counts) > 4 and any(MOST_CLASSES <= value < 255 for value in counts)
    return ends and various and between <= MOST_BETWEEN * sum(counts.values())


def _by_map(codes: ValueTable, order: list[int], num_classes: int, ignore_index: int | None, exact: bool) -> LabelMap:
    """Class indices by place in `order`; `ignore_index` is such a place."""
    table = np.full(256, IGNORE, np.uint8)
    for index, code in enumerate(order):
        if code in codes.known and index != ignore_index:
            table[codes.known[code]] = index
    meant = len(order) - (ignore_index == len(order) - 1)
    fitting = (0, 1, 2) if meant <= 2 else (0, meant)
    if num_classes not in fitting and (exact or num_classes < meant):
        raise DataError(
            f"The masks hold {meant} colors, but the model has {num_classes} classes. Name all classes in their order "
            "by color_map, the same as in training."
        )
    return LabelMap(num_classes or (1 if meant <= 2 else meant), table)
