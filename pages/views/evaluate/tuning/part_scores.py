"""The scores of the validation or the test images at one threshold, and what it changes."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.formatting import plain, score_text

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.study import Part

SHOWN = {"dice": "Dice", "iou": "IoU", "precision": "Precision", "recall": "Recall"}
REGIONS = "Of regions that thin lines divide, at the nearest multiple of 0.05."


def show_scores(title: str, images: str, part: "Part", base: float, selected: float, pooled: bool) -> None:
    """The scores of a part at the selected threshold, and their difference from those at `base`, of the training."""
    with st.container(border=True):
        st.markdown(f"**{title}** at {selected:g} · {plain(images)}")
        names = dict(SHOWN)
        with st.container(horizontal=True, gap="medium", key=f"threshold_scores_{title}"):
            for name, label in names.items():
                value, before = (part.score(limit, name, pooled) for limit in (selected, base))
                change = value - before
                st.metric(
                    label,
                    score_text(value),
                    None if math.isnan(change) or round(change, 3) == 0 else f"{change:+.3f}",
                    width="content",
                )
            if part.regions is not None and not math.isnan(value := part.score(selected, "v_rand")):
                st.metric(
                    "V-Rand", score_text(value), width="content", help="Regions; at the nearest multiple of 0.05."
                )
