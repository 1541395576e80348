import os
import sys
from pathlib import Path

import pytest

from unet_core.io.process import spawn_detached

PROGRAM = """import os, sys, unet_core
print(sys.argv[1:], unet_core.__file__, os.environ["GREETING"], os.getsid(0) == os.getpid(), os.nice(0))
print("a problem", file=sys.stderr)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "child_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return "child_program"


def test_a_detached_process_logs_its_output_and_imports_this_package(module: str, tmp_path: Path) -> None:
    process = spawn_detached(module, "a b", log=tmp_path / "log", environment={"GREETING": "hello"})
    assert process.wait(60) == 0
    text = (tmp_path / "log").read_text()
    assert "['a b']" in text
    assert str(Path(sys.modules["unet_core"].__file__ or "").resolve()) in text
    assert f"hello True {os.nice(0)}" in text  # a session of its own, the priority of its parent
    assert "a problem" in text


def test_the_standard_output_can_go_to_a_file_of_its_own(module: str, tmp_path: Path) -> None:
    output = tmp_path / "output"
    process = spawn_detached(module, log=tmp_path / "log", environment={"GREETING": "hello"}, output=output)
    assert process.wait(60) == 0
    assert "hello" in output.read_text()
    assert (tmp_path / "log").read_text() == "a problem\n"


def test_without_a_log_the_output_is_discarded(module: str) -> None:
    assert spawn_detached(module, log=None, environment={"GREETING": "hello"}).wait(60) == 0


def test_a_log_that_cannot_be_written_is_an_error(module: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        spawn_detached(module, log=tmp_path / "no-such-folder" / "log")


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="needs POSIX priorities")
def test_a_nice_process_has_a_lower_priority(module: str, tmp_path: Path) -> None:
    # Its parent lowers the priority once it lives: it looks when it is told to.
    (tmp_path / "child_program.py").write_text(f"import sys\nsys.argv.append(open('go').read())\n{PROGRAM}")
    os.mkfifo(tmp_path / "go")
    process = spawn_detached(module, log=tmp_path / "log", environment={"GREETING": "hello"}, nice=5)
    (tmp_path / "go").write_text("go")
    assert process.wait(60) == 0
    assert "hello True 5" in (tmp_path / "log").read_text()
