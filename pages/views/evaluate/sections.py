"""The views of the Evaluate page: each shows one side of what was scored."""

from collections.abc import Callable

import streamlit as st

from pages.ui import widgets
from pages.views.evaluate import classes, scores, slices, threshold
from pages.views.evaluate.analysis import errors, robustness
from pages.views.evaluate.listing.filters import IMAGES, VIEW
from pages.views.evaluate.state import Evaluation
from unet_core.errors import UnetError


def show_images(evaluation: Evaluation) -> None:
    """The scores of every image, with its errors."""
    scores.show(evaluation)


SHOW: dict[str, Callable[[Evaluation], None]] = {
    IMAGES: show_images,
    "Errors": errors.show,
    "Slices": slices.show,
    "Classes": classes.show,
    "Threshold": threshold.show,
    "Robustness": robustness.show,
}


def show(evaluation: Evaluation) -> None:
    """The menu of the views, beside it the advice on the threshold, and the chosen view."""
    with st.container(horizontal=True, vertical_alignment="center", key="evaluate_views"):
        view = st.segmented_control(
            "View",
            list(SHOW),
            default=IMAGES,
            key=VIEW,
            bind="query-params",
            required=True,
            label_visibility="collapsed",
            wrap=True,
        )
        if (advice := evaluation.scoring.scores.advice) and view == IMAGES:
            help_text = f"{advice} Choose another one in the Threshold view."
            st.caption(
                ":material/warning: Another threshold scores more: see Threshold", help=help_text, width="stretch"
            )
    with st.container():  # each view has its place
        try:
            SHOW[view or IMAGES](evaluation)
        except UnetError as error:
            widgets.show_error(error)
