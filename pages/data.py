"""What a dataset holds, what is wrong with it, and how it is repaired."""

from pathlib import Path

import streamlit as st

from pages.server.paths import sample_data
from pages.views.data import sections

st.title("Data")
root = st.text_input("Folder", key="root", bind="query-params").strip() or str(sample_data())
sections.show(Path(root))
