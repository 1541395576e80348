"""Mask values of any kind as one byte: gray levels, 16-bit labels, colors; and the tables that say what they mean.

A mask value is known by its code: a color is red << 16 | green << 8 | blue, a gray level of 8 bits is that color, and
a larger label counts on from there.
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
LABELS = 2**24  # codes of labels over 255 begin here
CODES = LABELS + 2**16


def code_of(value: tuple[int, ...]) -> int:
    """The code of a gray level or label (1 number) or of a color (3)."""
    if len(value) == 3:
        return value[0] << 16 | value[1] << 8 | value[2]
    return value[0] * 0x010101 if value[0] < 256 else LABELS + value[0]


def is_color(code: int) -> bool:
    """Whether a code is a color that is no gray."""
    return code < LABELS and code % 0x010101 != 0


def text_of(code: int) -> str:
    """A code as a color map names it: `128` or `255,0,0`."""
    if code >= LABELS:
        return str(code - LABELS)
    return f"{code >> 16},{code >> 8 & 255},{code & 255}" if is_color(code) else str(code & 255)


class ValueTable:
    """Gives each mask value a byte, in the order of their coming, and keeps it: gray levels their own where it is free.

    `known` maps codes to bytes.
    """

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self._table: Array | None = None  # code to byte, once there is more than 8-bit gray

    def encode(self, mask: NDArray[Any]) -> Array:
        """(H, W) uint8 or uint16, or (H, W, 3) uint8, to (H, W) uint8. DataError over 256 values."""
        if self._table is None and mask.ndim == 2 and mask.dtype == np.uint8:
            present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
            self.known |= {value * 0x010101: value for value in present}
            return mask
        wide = mask.astype(np.int32)
        if mask.ndim == 3:
            codes = wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]
        else:
            codes = np.where(wide < 256, wide * 0x010101, wide + LABELS)
        if self._table is None:
            self._table = np.zeros(CODES, np.uint8)
            self._table[list(self.known)] = list(self.known.values())
        seen = np.zeros(CODES, bool)
        seen[codes] = True
        for code in (code for code in np.flatnonzero(seen).tolist() if code not in self.known):
            self.known[code] = self._table[code] = self._free(code)
        return np.asarray(self._table[codes])

    def _free(self, code: int) -> int:
        taken = set(self.known.values())
        if code < LABELS and not is_color(code) and code & 255 not in taken:
            return code & 255
        for byte in range(255, -1, -1):
            if byte not in taken:
                return byte
        raise DataError(
            "The masks hold more than 256 values or colors; compressed (JPEG) or blurred masks in colors cannot be "
            "told apart. Save them as PNG with one color a class."
        )


def parse(text: str, root: Path) -> list[int]:
    """The codes of a color map in class order: `0,0,0;255,0,0`, gray levels `0;128;255`, or the path of a file.

    The file (also below `root`) has a line `r,g,b[,name]` a class, commas, tabs or blanks between, or is JSON: a list
    of [r, g, b], of {"color": [r, g, b]}, or an object of names and colors. Raises DataError.
    """
    if re.fullmatch(r"[\d\s,;]+", text):
        rows: Iterable[Any] = [re.split(r"[\s,]+", part.strip()) for part in text.split(";") if part.strip()]
        where = f"color_map {text!r}"
    else:
        path = next((path for path in (root / text, Path(text)) if path.is_file()), None)
        if path is None:
            raise DataError(
                f"color_map: there is no file {text!r}, neither here nor in {root}. Name a file of r,g,b[,name] "
                'lines, or write the colors themselves: "0,0,0;255,0,0".'
            )
        where, rows = str(path), _rows(path)
    codes = []
    for number, row in enumerate(rows, 1):
        values = _numbers(row)
        if len(values) not in (1, 3) or not all(0 <= value < (256 if len(values) == 3 else 2**16) for value in values):
            raise DataError(f"{where}, class {number - 1}: expected r,g,b of 0 to 255 or one gray level, got {row!r}.")
        codes.append(code_of(values))
    twice = sorted({text_of(code) for code in codes if codes.count(code) > 1})
    if twice or len(codes) < 2:
        what = f"names {listing(twice)} twice" if twice else f"has {len(codes)} colors where two or more are meant"
        raise DataError(f"{where} {what}; give each class one color of its own.")
    return codes


def _rows(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            found = json.loads(text)
            entries = found.values() if isinstance(found, dict) else found
            keys = ("color", "color", "rgb")
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
