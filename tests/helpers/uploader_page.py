"""The page of `uploader_app`: the uploader, and what the library has."""

import streamlit as st

from pages.components.uploader import uploader
from pages.server.paths import library

st.title("Data")
if st.checkbox("Show the uploader", True) and (uploaded := uploader("upload")):
    st.session_state.setdefault("uploaded", []).append(uploaded.name)
st.text("Python got: " + ", ".join(st.session_state.get("uploaded", [])))
st.text("Library: " + ", ".join(entry.name for entry in library().entries()))
st.text_input("Something else")
