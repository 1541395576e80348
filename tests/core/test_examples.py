"""Examples in docstrings give what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

import unet_core

CORE = Path(unet_core.__file__).parent
WITH_DATA = {*(CORE / "api").glob("*.py"), CORE / "runs" / "run.py"}  # they need a dataset: see test_docs
MODULES = sorted(
    ".".join(path.relative_to(CORE.parent).with_suffix("").parts)
    for path in CORE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8") and path not in WITH_DATA
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed
