"""Runs side by side: settings in which they differ, curves over one another, scores, and the leaderboard."""

from collections.abc import Sequence

import streamlit as st

from unet_core.runs import run as runs


def show(existing: Sequence[runs.Run]) -> None:
    """The chosen runs, and all runs of one dataset."""
    if len(existing) < 2:
        st.info("Comparing takes two runs or more. [Train](/train) another one.", icon=":material/compare:")
