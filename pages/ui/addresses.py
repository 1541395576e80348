"""Addresses of older releases, which users may have kept as links: read as what they mean now."""

import streamlit as st

from unet_core.config.fields import RENAMED

VALUES: dict[str, dict[str, str]] = {}  # by parameter: a value of an older release and what it is called now


def update() -> None:
    """Rewrite the address before any widget reads it; one that is up to date stays as it is."""
    for old, new in RENAMED.items():
        if old in st.query_params:
            value = st.query_params[old]
            del st.query_params[old]
            if new not in st.query_params:
                st.query_params[new] = value
    for name, renamed in VALUES.items():
        if st.query_params.get(name) in renamed:
            st.query_params[name] = renamed[st.query_params[name]]
