"""Mask values of any kind as numbers: gray levels, labels, colors; and the tables that say what they mean.

Files of one dataset may store the same class as gray level 255, as white in RGB, or in a palette. So a mask value is
identified by a code that does not depend on the storage: a color is red << 16 | green << 8 | blue, a gray level of 8
bits is the code of that gray as a color, and a label over 255 lies behind all colors, at `LABELS` + label.
"""

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import DataError, listing
from unet_core.io.owners import is_public

Array = NDArray[np.uint8]
LABELS = 2**24  # the code of label 0, behind those of all colors; used for labels over 255 only
TABLE = LABELS + 2**16  # codes that a table covers


def encode_value(value: tuple[int, ...]) -> int:
    """The code of a gray level or label (1 number from 0) or of a color (3 numbers, 0 to 255).

    >>> encode_value((7,)) == encode_value((7, 7, 7))
    True
    """
    if len(value) == 3:
        return value[0] << 16 | value[1] << 8 | value[2]
    return value[0] * 0x010101 if value[0] < 256 else LABELS + value[0]


def is_color(code: int) -> bool:
    """Whether a code is a color that is no gray."""
    return code < LABELS and code % 0x010101 != 0


def has_colors(color_map: Iterable[int] | None) -> bool:
    """Whether a color map names colors, so that palettes must be read through their colors; False of none."""
    return color_map is not None and any(map(is_color, color_map))


def format_code(code: int) -> str:
    """A code as a color map names it.

    >>> format_code(0xFF0000), format_code(0x808080), format_code(LABELS + 300)
    ('255,0,0', '128', '300')
    """
    if code >= LABELS:
        return str(code - LABELS)
    return f"{code >> 16},{code >> 8 & 255},{code & 255}" if is_color(code) else str(code & 255)


def encode_pixels(pixels: NDArray[Any]) -> NDArray[Any]:
    """(H, W) the code of each pixel of a mask: gray (H, W) of any unsigned type, or colors (H, W, 3) uint8.

    >>> encode_pixels(np.array([[1, 300]], np.uint16)).tolist() == [[0x010101, LABELS + 300]]
    True
    """
    if pixels.ndim == 3:
        wide = pixels.astype(np.int32)
        return np.asarray(wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2])
    wide = pixels.astype(np.int64 if pixels.dtype.itemsize > 2 else np.int32)
    return np.where(wide < 256, wide * 0x010101, wide + LABELS)


def count_codes(codes: NDArray[Any]) -> dict[int, int]:
    """How many pixels have each code.

    >>> count_codes(np.array([[0, 7], [7, 7]]))
    {0: 1, 7: 3}
    """
    unique, inverse = find_unique(codes)
    return dict(zip(unique.tolist(), np.bincount(inverse.ravel(), minlength=len(unique)).tolist(), strict=True))


def count_values(values: NDArray[Any]) -> dict[int, int]:
    """The same of a mask as stored, (H, W) or (H, W, 3)."""
    if values.dtype != np.uint8 or values.ndim != 2:
        return count_codes(encode_pixels(values))
    if values.size:  # most masks have two values: counting these takes a fifth of the time of counting all
        low, high = int(values.min()), int(values.max())
        ends = {low: int(np.count_nonzero(values == low)), high: int(np.count_nonzero(values == high))}
        if sum(ends.values()) == values.size:
            return {value * 0x010101: number for value, number in ends.items()}
    pixels = np.bincount(values.ravel(), minlength=256)
    return {value * 0x010101: int(pixels[value]) for value in np.flatnonzero(pixels).tolist()}


def find_unique(codes: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """(the different codes, sorted; for each pixel the index of its code, in the shape of `codes`)."""
    if codes.size and int(codes.max()) < TABLE:  # much faster than np.unique, which sorts all pixels
        occurs = np.zeros(int(codes.max()) + 1, bool)
        occurs[codes] = True
        unique = np.flatnonzero(occurs)
        index = np.zeros(len(occurs), np.uint16 if len(unique) <= 2**16 else np.int32)
        index[unique] = np.arange(len(unique))
        return unique.astype(np.int64), index[codes]
    unique, inverse = np.unique(codes, return_inverse=True)
    return unique.astype(np.int64), inverse.reshape(codes.shape)


def parse_color_map(text: str, root: Path) -> list[int]:
    """The codes of a color map in class order: `0,0,0;255,0,0`, gray levels `0;128;255`, or the path of a file.

    The file (also below `root`) has a line `r,g,b[,name]` a class, commas, tabs or blanks between, or is CVAT's
    labelmap.txt, or is JSON: a list of [r, g, b], of {"color": [r, g, b]}, or an object of names and colors.
    Raises DataError.

    >>> [format_code(code) for code in parse_color_map("0,0,0;255,0,0;128", Path())]
    ['0', '255,0,0', '128']
    """
    if re.fullmatch(r"[\d\s,;]+", text):
        rows: Iterable[Any] = [re.split(r"[\s,]+", part.strip()) for part in text.split(";") if part.strip()]
        where = f"color_map {text!r}"
    else:
        path = next((path for path in (root / text, Path(text)) if path.is_file()), None)
        if is_public() and path is not None and not path.resolve().is_relative_to(root.resolve()):
            path = None  # a recipe that a visitor has uploaded may name any file
        if path is None:
            raise DataError(
                f"color_map: there is no file {text!r}, neither here nor in {root}. Enter a file of r,g,b[,name] "
                'lines, or the colors themselves: "0,0,0;255,0,0".'
            )
        where, rows = str(path), _rows(path)
    codes = []
    for number, row in enumerate(rows, 1):
        values = _numbers(row)
        if len(values) not in (1, 3) or not all(0 <= value < (256 if len(values) == 3 else 2**16) for value in values):
            raise DataError(f"{where}, class {number - 1}: expected r,g,b of 0 to 255 or one gray level, got {row!r}.")
        codes.append(encode_value(values))
    twice = sorted({format_code(code) for code in codes if codes.count(code) > 1})
    if twice or len(codes) < 2:
        what = f"has {listing(twice)} twice" if twice else f"has {len(codes)} colors, but needs at least two"
        raise DataError(f"{where} {what}; give each class one color of its own.")
    return codes


def read_class_names(path: Path) -> dict[int, str]:
    """The name of each value or color by its code, of a table that lies beside masks; {} where it names none.

    Read are CVAT's labelmap.txt (`name:r,g,b:parts:actions`), Roboflow's _classes.csv (`value, name`), tables of
    `name,r,g,b`, nnU-Net's dataset.json, and lists of names alone, a line each, which count from 0. Raises DataError.
    """
    names: dict[int, str] = {}
    if path.suffix.lower() == ".json":
        try:
            labels = json.loads(path.read_text(encoding="utf-8-sig")).get("labels") or {}
        except (OSError, ValueError, AttributeError) as error:
            raise DataError(f"{path}: cannot be read as a table of classes ({error}).") from error
        for key, value in labels.items():  # version 1 of nnU-Net has {"0": name}, version 2 {name: 0}
            name, number = (value, key) if isinstance(value, str) else (key, value)
            if str(number).isdigit():
                names[encode_value((int(number),))] = str(name)
        return names
    for index, row in enumerate(_rows(path)):
        numbers, words = _numbers(row), [cell for cell in map(str.strip, row) if cell and not cell.isdigit()]
        if words and len(numbers) in (0, 1, 3) and max(numbers, default=0) < 256:
            names[encode_value(numbers or (index,))] = words[0]
    return names


def _rows(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            content = json.loads(text)
            entries = content.values() if isinstance(content, dict) else content
            keys = ("color", "colour", "rgb")
            return [next((e[k] for k in keys if k in e), e) if isinstance(e, dict) else e for e in entries]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read as a color map ({error}).") from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    rows = [_split_row(line) for line in lines]
    heading = len(rows) > 1 and not _numbers(rows[0]) and bool(_numbers(rows[1]))
    return rows[1:] if heading else rows


def _split_row(line: str) -> list[str]:
    name, colon, rest = line.partition(":")
    if colon:  # CVAT's name:r,g,b:parts:actions
        return [name, *rest.partition(":")[0].split(",")]
    return next(csv.reader([re.sub(r"[;\t ]+", ",", line)]))


def _numbers(row: Any) -> tuple[int, ...]:
    """The leading whole numbers of a row, or those behind a name; `0,0,0,sky` and `sky,0,0,0` are the same."""
    cells = [str(cell).strip() for cell in (row if isinstance(row, list | tuple) else [row])]
    return tuple(int(cell) for cell in cells if re.fullmatch(r"\d{1,9}", cell))
