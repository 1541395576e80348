"""Scores by kind of image: those that the model was trained on, and those that it has never seen."""

import numpy as np
import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import plain, score_text
from pages.views.evaluate.state import Evaluation
from unet_core.config.labels import in_words
from unet_core.errors import ConfigError, DataError
from unet_core.evaluation.analysis.kinds import Shift, Side, compare_kinds, to_csv
from unet_core.io.filenames import readable

ABOUT = (
    "How the model does on kinds of images that it was not trained on. A kind is a folder, or what a regular "
    "expression finds in the image name. A random split holds no kind out."
)


def show(evaluation: Evaluation) -> None:
    """What names a kind, then the two means and a table of kinds; nothing is predicted for it."""
    scores = evaluation.scoring.scores
    if scores.selection is None:
        return
    with st.expander("Kinds of images: at home and abroad", icon=":material/travel_explore:"):
        st.markdown(ABOUT)
        by = st.text_input(
            "Kind of an image",
            "folder",
            key="kind_by",
            width=320,
            help="`folder`, or a regular expression whose first group is the kind, such as `^(mouse[0-9]+)_`.",
        ).strip()
        with st.container():
            try:
                shift = compare_kinds(scores.selection, scores.images, by)
            except ConfigError as error:
                widgets.show_error(error)
            except DataError as error:
                st.info(plain(str(error)), icon=":material/info:")
            else:
                show_shift(evaluation, shift)


def show_shift(evaluation: Evaluation, shift: Shift) -> None:
    """The sentence, both sides, and each kind."""
    st.markdown(f"**{plain(in_words(shift.sentence))}**")
    widgets.tiles({"At home": _tile(shift.home), "Abroad": _tile(shift.abroad)})
    if shift.unnamed:
        st.caption(f"{shift.unnamed} images have no kind and are left out.")
    st.dataframe(
        [
            {
                "kind": readable(kind.name),
                "side": "Trained on" if kind.trained else "Never seen",
                "dice": kind.mean,
                "images": len(kind.dice),
                "trained": kind.trained,
            }
            for kind in sorted(shift.kinds, key=lambda kind: (np.isnan(kind.mean), kind.mean))
        ],
        key="kinds_table",
        hide_index=True,
        height="content" if len(shift.kinds) < 10 else 380,
        column_config={
            "kind": "Kind of image",
            "side": "In the training",
            "dice": st.column_config.ProgressColumn("Mean Dice", format="%.3f", min_value=0, max_value=1),
            "images": "Images",
            "trained": "Training images",
        },
        alt="Mean Dice of each kind of image",
    )
    st.download_button(
        "Table (CSV)",
        lambda: to_csv(shift).encode(errors="surrogateescape"),
        f"{evaluation.model.name}-kinds.csv",
        "text/csv",
        key="kinds_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _tile(side: Side) -> tuple[str, str]:
    bounds = side.interval
    count = f"{len(side.dice)} images of {len(side.kinds)} kinds."
    if bounds.too_few:
        return score_text(side.mean), f"Mean Dice, {count} Under 15 images there is no interval."
    return score_text(side.mean), f"Mean Dice, {count} 95 % interval of the mean: {bounds.low:.3f}–{bounds.high:.3f}."
