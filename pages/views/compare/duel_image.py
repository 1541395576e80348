"""One image of a duel: what A and B got wrong, and where they disagree, side by side at the same zoom."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.components import viewer
from pages.server.scoring_job import Scores
from pages.ui import channels_shown, widgets
from pages.ui.formatting import plain, score_text
from pages.views.evaluate.errors import read_image
from unet_core.errors import UnetError
from unet_core.evaluation.compare.duels import DISAGREEMENT, Match, find_disagreement
from unet_core.io import colors
from unet_core.io.pixels import Array

HEIGHT = 340  # screen pixels of each viewer
COLORS = np.array([colors.GRAY, colors.ORANGE, colors.BLUE, colors.PURPLE], np.uint8)  # of DISAGREEMENT


@st.fragment
def show(name: str, scores: tuple[Scores, Scores], match: Match, class_names: Sequence[str]) -> None:
    """The image of that name in three linked viewers; `class_names` are those of A, () of a binary model."""
    first = scores[0]
    try:
        image, channels = read_image(first.samples[name], first.digests[name])
    except UnetError as error:
        widgets.show_error(error)
        return
    masks, truth = [side.mask(name) for side in scores], first.truth(name)
    disagreement = find_disagreement(masks[0], masks[1], truth)
    dice = [match.duel.first, match.duel.second]
    at = match.duel.ids.index(name)
    st.markdown(f"**{plain(name)}** · {explain(disagreement)}")
    view = channels_shown.choose_view(first.digests[name], image, channels, "duel")
    binary = not class_names
    columns = st.columns(3, gap="small")
    for letter, column, mask, values in zip("AB", columns, masks, dice, strict=False):
        with column:
            st.markdown(f"**{letter}** · Dice {score_text(float(values[at]))}")
            viewer.show_viewer(
                image,
                key=f"duel_{letter}",
                name=f"{name}, {letter}",
                link="duel",
                truth=truth,
                mode="errors",
                height=HEIGHT,
                mask=mask if binary else None,
                classes=None if binary else mask,
                class_names=class_names,
                style="outline" if binary else "fill",
                **view,
            )
    with columns[2]:
        st.markdown("**Where they disagree**")
        number = len(DISAGREEMENT) - binary
        viewer.show_viewer(
            image,
            key="duel_disagreement",
            name=f"{name}, disagreement",
            link="duel",
            classes=disagreement,
            class_names=DISAGREEMENT[:number],
            colors=COLORS[:number],
            hidden=(0,),
            opacity=0.85,
            height=HEIGHT,
            **view,
        )


def explain(disagreement: Array) -> str:
    """On how many pixels they disagree, and who is right there."""
    counts = np.bincount(disagreement.ravel(), minlength=len(DISAGREEMENT))
    if not counts[1:].any():
        return "A and B predict the same."
    share = 100 * counts[1:].sum() / disagreement.size
    return f"They disagree on {share:.2g} % of the pixels: A is right on {counts[1]:,}, B on {counts[2]:,}."
