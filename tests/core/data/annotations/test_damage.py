"""Damaged files of every format end in a DataError that names a file, never in another error."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.data.annotations.test_formats import EXAMPLES
from tests.helpers.annotated import HEIGHT, WIDTH, grow
from unet_core.data import annotations
from unet_core.errors import DataError

JUNK: tuple[Any, ...] = (None, True, -1, 1e300, 7, "x", "", [], {}, [[]], [None], {"a": 1}, [[1, 2], [3]])


def read_and_draw(root: Path) -> None:
    try:
        data = annotations.read(root)
        for drawing in data.drawings.values() if data is not None else ():
            drawing.draw(HEIGHT, WIDTH)
    except DataError as error:
        assert str(root) in str(error)


def damage(value: Any, rng: np.random.Generator) -> Any:
    """The value with one part of it, at any depth, replaced, or left out."""
    if isinstance(value, dict | list) and value and rng.random() < 0.9:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[rng.integers(len(keys))]
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        if rng.random() < 0.1:
            del copy[key]
        else:
            copy[key] = damage(value[key], rng)
        return copy
    return JUNK[rng.integers(len(JUNK))]


@pytest.mark.parametrize(
    "name", [name for name, tree in EXAMPLES.items() if any(".json" in n or ".geo" in n for n in tree)]
)
def test_json_with_a_part_replaced(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    grow(tmp_path, EXAMPLES[name])
    for path, content in EXAMPLES[name].items():
        if isinstance(content, dict | list):
            for _ in range(150):
                (tmp_path / path).write_text(json.dumps(damage(content, rng)))
                read_and_draw(tmp_path)
            grow(tmp_path, {path: content})


@pytest.mark.parametrize("name", EXAMPLES)
def test_files_with_bytes_replaced_or_cut_short(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(1)
    grow(tmp_path, EXAMPLES[name])
    for path, content in EXAMPLES[name].items():
        if content is not None:
            original = (tmp_path / path).read_bytes()
            for number in range(60):
                data = bytearray(original)
                for at in rng.integers(len(data), size=number % 4):
                    data[at] = rng.integers(256)
                (tmp_path / path).write_bytes(data if number % 4 else data[: rng.integers(len(data))])
                read_and_draw(tmp_path)
            (tmp_path / path).write_bytes(original)
