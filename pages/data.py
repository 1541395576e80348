"""Bring a dataset, see what is in it, find what is wrong with it and repair it."""

import streamlit as st

from pages.ui import dataset_picker
from pages.views.data import bring, manage_dataset, sections

with st.container(horizontal=True, vertical_alignment="bottom", key="data_bar"):
    st.title("Data", anchor=False, width="content")
    with st.container(width=360):
        chosen = dataset_picker.choose()
    if chosen is not None:
        manage_dataset.show(chosen)
manage_dataset.show_origin(chosen)
manage_dataset.show_removed()
bring.show_added(chosen)
bring.show()
if chosen is not None:
    sections.show(chosen.root)
