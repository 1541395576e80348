"""An import in a thread: there when the block ends, and silent where it fails."""

import sys
from pathlib import Path

import pytest

from unet_core.io import warm_up


def test_the_module_is_there_when_the_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_module_of_a_test.py").write_text("import time\ntime.sleep(0.2)\nVALUE = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with warm_up.import_meanwhile("slow_module_of_a_test"):
        pass
    assert sys.modules.pop("slow_module_of_a_test").VALUE == 7


def test_one_that_fails_is_not_heard_of_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module_of_a_test.py").write_text("raise ValueError('no')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with warm_up.import_meanwhile("broken_module_of_a_test"):
        pass
    assert "broken_module_of_a_test" not in sys.modules


def test_an_error_of_the_block_passes() -> None:
    with pytest.raises(KeyError), warm_up.import_meanwhile("json"):
        raise KeyError
