"""Runs side by side, two models on the same images, folds, and what more labels would bring: a view each."""

from pathlib import Path

import streamlit as st

from pages.server.paths import runs_dir
from pages.views.compare import sections
from unet_core.runs import run as runs

st.html(Path(__file__).parent / "assets" / "compare.css")
with st.container(key="compare", gap="small"):
    with st.container(key="compare_bar"):
        st.title("Compare", anchor=False)
    sections.show(runs.find(runs_dir()))
