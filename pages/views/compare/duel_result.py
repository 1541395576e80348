"""What came out of a duel: numbers and words, the scatter of all images, their table, and the chosen image."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.server.scoring_job import Scores
from pages.ui import widgets
from pages.ui.figures import chart_view, charts
from pages.ui.formatting import plain, score_text
from pages.views.compare import duel_image
from unet_core.evaluation.compare.duels import Match
from unet_core.evaluation.compare.wording import SIGNIFICANT, format_p
from unet_core.evaluation.comparison import Duel
from unet_core.io.filenames import readable, safe_name

SHOWN, ADDRESS, READ = "duel_image", "image", "duel_image_read"  # in the session; in the address; what was read there
TIMES = "duel_table_times"  # how often another image was named than by a click on the table, which then is a new one
HEIGHT = 400
USUAL = (
    "95 % interval of the mean difference: what the sign-flip test does not reject. It presumes that no rare image is "
    "missing on which one of the two fails. Where one does, it held the mean in 88 to 91 % of simulated duels."
)
WIDE = (
    "95 % interval that also allows for rare images, not among these, on which one of the two fails (Gaffke). It held "
    "the mean in all simulated duels. From 15 images on."
)
P_VALUE = "How often a difference as large would come by chance if the two were equally good (sign-flip test)."


def address() -> dict[str, str]:
    """What a link names beside the models: the image that the user chose."""
    shown = st.session_state.get(SHOWN)
    return {ADDRESS: shown} if shown else {}


def show(match: Match, scores: tuple[Scores, Scores], class_names: Sequence[str]) -> None:
    """All of it; `class_names` are those of A, () of a binary model."""
    show_words(match)
    ids = sort_ids(match.duel)
    with st.container():  # it has its place also where it is empty
        shown = settle(ids)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        show_scatter(match, shown)
    with right:
        show_table(match, ids, shown)
    with st.container(key="duel_images_row"):
        duel_image.show(shown, scores, match, class_names)


def show_words(match: Match) -> None:
    """The outcome in words and numbers, and what is to be known of it."""
    result = match.duel
    st.markdown(f"**{plain(match.sentence)}**")
    numbers = {
        "Images": (str(len(result.ids)), "Held-out by both, with a defined Dice for both."),
        "B better": (str(result.wins), ""),
        "A better": (str(result.losses), ""),
        "Equal": (str(result.ties), ""),
        "Mean Dice A": (score_text(float(result.first.mean())), "Over the images of this duel."),
        "Mean Dice B": (score_text(float(result.second.mean())), "Over the images of this duel."),
        "B − A": (f"{result.mean:+.4f}", "Mean difference of the Dice over images; above 0 where B is better."),
        "95 % interval": (_range(result.low, result.high), USUAL),
        "With rare failures": (_range(result.bound_low, result.bound_high), WIDE),
        "p": (format_p(result.p), P_VALUE),
    }
    with st.container(key="duel_numbers"):
        widgets.tiles(numbers)
    if match.notes:
        st.caption(plain(" ".join(match.notes)))
    if result.p < SIGNIFICANT and result.bound_low <= 0 <= result.bound_high:
        st.caption(
            "The wider interval holds 0: images on which one of the two fails may be missing here, and could change "
            "who is better. More images make it narrower."
        )


def _range(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:+.3f} to {high:+.3f}"


def sort_ids(result: Duel) -> list[str]:
    """The largest difference first."""
    order = np.argsort(-np.abs(result.differences), kind="stable")
    return [result.ids[index] for index in order]


def settle(ids: list[str]) -> str:
    """The image that the address or the user has chosen, else the first; one that is not there is said."""
    state, asked = st.session_state, st.query_params.get(ADDRESS, "")
    if asked and asked != state.get(READ):  # a link, a reload, or the back button
        choose_image(asked)
        state[READ] = asked
    shown = state.get(SHOWN)
    if shown is not None and shown not in ids:
        if shown == asked:
            widgets.show_warning(f"The image {readable(shown)} of this address is not part of this duel.")
        state.pop(SHOWN)
        shown = None
    if shown is None:
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != shown:
        st.query_params[ADDRESS] = shown
    state[READ] = shown or ""
    return shown or ids[0]


def choose_image(name: str) -> None:
    """Show this image; the table gets a new selection."""
    st.session_state[SHOWN] = name
    st.session_state[TIMES] = st.session_state.get(TIMES, 0) + 1


def show_scatter(match: Match, shown: str) -> None:
    """The Dice of all images; a click on a point chooses its image."""
    result, key = match.duel, f"duel_scatter-{st.session_state.get(TIMES, 0)}"

    def pick() -> None:
        points = st.session_state[key].selection.points
        names = [point["customdata"] for point in points if "customdata" in point]
        if names:
            choose_image(names[0][0] if isinstance(names[0], list) else str(names[0]))

    figure = charts.dice_scatter(result.ids, result.first.tolist(), result.second.tolist(), shown)
    name = safe_name(f"duel-{match.first}-{match.second}")
    chart_view.show_chart(
        figure,
        key,
        name,
        f"Dice of {len(result.ids)} images by A and by B. {match.sentence} The table holds the same numbers.",
        tables={"": match.to_csv},
        on_select=pick,
    )


def show_table(match: Match, ids: list[str], shown: str) -> None:
    """The same as rows, the largest difference first; a click chooses the image."""
    result, key = match.duel, f"duel_table-{st.session_state.get(TIMES, 0)}"
    at = {name: index for index, name in enumerate(result.ids)}

    def pick() -> None:
        rows = st.session_state[key].selection.rows
        if rows and rows[0] < len(ids):
            st.session_state[SHOWN] = ids[rows[0]]

    score: dict[str, Any] = {"format": "%.3f", "width": 70}
    st.dataframe(
        [
            {
                "image": readable(name),
                "a": result.first[at[name]],
                "b": result.second[at[name]],
                "difference": result.differences[at[name]],
                "better": charts.compare_scores(result.first[at[name]], result.second[at[name]]),
            }
            for name in ids
        ],
        key=key,
        hide_index=True,
        height=HEIGHT,
        on_select=pick,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(shown)]}},
        column_config={
            "image": st.column_config.TextColumn("Image", width=280),
            "a": st.column_config.NumberColumn("Dice A", **score),
            "b": st.column_config.NumberColumn("Dice B", **score),
            "difference": st.column_config.NumberColumn("B − A", format="%+.3f", width=70),
            "better": st.column_config.TextColumn("", width=90),
        },
        alt=f"Dice of {len(ids)} images by A and B, the largest difference first",
    )
