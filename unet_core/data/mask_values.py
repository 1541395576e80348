"""Mask values of any kind as one byte: gray levels, 16-bit labels, colors; and the tables that say what they mean.

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

Array = NDArray[np.uint8]
LABELS = 2**24  # the code of label 0, behind those of all colors; used for labels over 255 only
CODES = LABELS + 2**16  # number of codes


def encode_value(value: tuple[int, ...]) -> int:
    """The code of a gray level or label (1 number, 0 to 65535) or of a color (3 numbers, 0 to 255).

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


class ValueTable:
    """Gives each mask value one byte for the whole dataset, so that masks stay (H, W) uint8 in memory.

    Bytes are given in the order in which values first appear; a gray level gets its own number where that is free, so
    that plain gray masks need no translation. `bytes_by_code` has what was given so far.
    """

    def __init__(self) -> None:
        self.bytes_by_code: dict[int, int] = {}
        self._table: Array | None = None  # code to byte, once there is more than 8-bit gray

    def encode(self, mask: NDArray[Any]) -> Array:
        """(H, W) uint8 or uint16, or (H, W, 3) uint8, to (H, W) uint8. Raises DataError over 256 values in all."""
        if self._table is None and mask.ndim == 2 and mask.dtype == np.uint8:
            present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
            self.bytes_by_code |= {value * 0x010101: value for value in present}
            return mask
        wide = mask.astype(np.int32)
        if mask.ndim == 3:
            codes = wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]
        else:
            codes = np.where(wide < 256, wide * 0x010101, wide + LABELS)
        if self._table is None:
            self._table = np.zeros(CODES, np.uint8)  # 16 MiB: only where masks are more than 8-bit gray
            self._table[list(self.bytes_by_code)] = list(self.bytes_by_code.values())
        occurs = np.zeros(CODES, bool)  # much faster than np.unique, which would sort all pixels
        occurs[codes] = True
        for code in (code for code in np.flatnonzero(occurs).tolist() if code not in self.bytes_by_code):
            self.bytes_by_code[code] = self._table[code] = self._free_byte(code)
        return np.asarray(self._table[codes])

    def _free_byte(self, code: int) -> int:
        taken = set(self.bytes_by_code.values())
        if code < LABELS and not is_color(code) and code & 255 not in taken:
            return code & 255
        for byte in range(255, -1, -1):  # from the end: gray levels still to come are mostly small class indices
            if byte not in taken:
                return byte
        raise DataError(
            "The masks hold more than 256 values or colors. Colored masks that were compressed (JPEG) or blurred "
            "cannot be used; save them as PNG with one color per class."
        )


def parse_color_map(text: str, root: Path) -> list[int]:
    """The codes of a color map in class order: `0,0,0;255,0,0`, gray levels `0;128;255`, or the path of a file.

    The file (also below `root`) has a line `r,g,b[,name]` a class, commas, tabs or blanks between, or is JSON: a list
    of [r, g, b], of {"color": [r, g, b]}, or an object of names and colors. Raises DataError.

    >>> [format_code(code) for code in parse_color_map("0,0,0;255,0,0;128", Path())]
    ['0', '255,0,0', '128']
    """
    if re.fullmatch(r"[\d\s,;]+", text):
        rows: Iterable[Any] = [re.split(r"[\s,]+", part.strip()) for part in text.split(";") if part.strip()]
        where = f"color_map {text!r}"
    else:
        path = next((path for path in (root / text, Path(text)) if path.is_file()), None)
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
    rows = [next(csv.reader([re.sub(r"[;\t ]+", ",", line)])) for line in lines]
    return rows[1:] if rows and not _numbers(rows[0]) else rows  # a heading


def _numbers(row: Any) -> tuple[int, ...]:
    """The leading whole numbers of a row, or those behind a name; `0,0,0,sky` and `sky,0,0,0` are the same."""
    cells = [str(cell).strip() for cell in (row if isinstance(row, list | tuple) else [row])]
    return tuple(int(cell) for cell in cells if re.fullmatch(r"\d{1,9}", cell))
