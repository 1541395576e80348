"""The stages of the latest start of a run, with how long each took."""

import streamlit as st

from unet_core.runs import run as runs
from unet_core.runs import stages


def show(run: runs.Run) -> None:
    """One line; nothing for a run of a release that did not record them."""
    if line := describe(stages.read(run.folder)):
        st.caption(line)


def describe(start: list[stages.Stage]) -> str:
    """The line, "" without stages; one that was never finished has no time.

    >>> describe([stages.Stage("import", 10.0, 2.04), stages.Stage("read", 12.04, None, 180)])
    'Start: Loading PyTorch 2.0 s · Reading images (180) not finished'
    """
    words = (f"{stage.label} " + ("not finished" if stage.seconds is None else _text(stage.seconds)) for stage in start)
    return f"Start: {' · '.join(words)}" if start else ""


def _text(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
