"""Two models on the same images: who scores higher where, by how much, and whether that could be chance."""

from collections.abc import Sequence

import streamlit as st

from unet_core.runs import run as runs


def show(existing: Sequence[runs.Run]) -> None:
    """The two models, the images, and what came out."""
    if not any(run.has_best for run in existing):
        st.info("There is no trained model yet. [Train](/train) one.", icon=":material/compare:")
