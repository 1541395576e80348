"""An unexpected error of a page, as `st.App` hands it over."""

import streamlit as st

from pages.server.paths import is_public
from pages.server.security import errors


def show(error: Exception) -> bool:
    """On a public server: its number in place of details; elsewhere False, and Streamlit shows it as usual."""
    if not is_public():
        return False
    st.error(errors.describe(errors.record(error)), icon=":material/error:")
    return True
