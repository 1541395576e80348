"""Addresses of older releases, which users may have kept as links: read as what they mean now."""

import streamlit as st

from unet_core.config.fields import RENAMED

HELD_OUT = "Held-out (not trained on)"
VALUES: dict[str, dict[str, str]] = {  # by parameter: a value of an older release and what it is called now
    "split": {"held-out": HELD_OUT, "held back from training": HELD_OUT, "all": "All", "train": "Training",
              "trained on": "Training", "val": "Validation", "validation": "Validation", "test": "Test"},
}  # fmt: skip


def update() -> None:
    """Rewrite the address before any widget reads it; one that is up to date stays as it is."""
    before = st.query_params.to_dict()
    for old, new in RENAMED.items():
        if old in st.query_params:
            value = st.query_params[old]
            del st.query_params[old]
            if new not in st.query_params:
                st.query_params[new] = value
    for name, renamed in VALUES.items():
        if st.query_params.get(name) in renamed:
            st.query_params[name] = renamed[st.query_params[name]]
    if st.query_params.to_dict() != before:
        st.rerun()  # widgets are seeded from the address with which a run began
