"""Why is it black? The causes in words, the likeliest first, each with the button that tries its remedy."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from pages import models
from pages.text import plain
from unet_core import evidence, looks, why
from unet_core.adjust import Adjust
from unet_core.fingerprint import Fingerprint

MOST_SHOWN = 4
HEADINGS = {
    "empty": "Nothing was found in this image. What speaks for which cause:",
    "full": "Nearly all of this image was found to be foreground. What speaks for which cause:",
    "one class": "Nearly all of this image got the same class. What speaks for which cause:",
    "unsure": "The model is unsure everywhere in this image. What speaks for which cause:",
    "": "Before you trust this mask:",
}


def known_of(model: models.Model, threshold: float) -> evidence.Known:
    """What the checkpoint tells of its model."""
    return _known(str(model.folder), models.digest(model.folder), threshold)


@lru_cache(maxsize=16)
def _known(folder: str, digest: str, threshold: float) -> evidence.Known:
    from unet_core.checkpoint import load_about

    about = load_about(Path(folder))
    fingerprint, usual = about.get("fingerprint"), about.get("looks")
    return evidence.Known(
        threshold=threshold,
        fingerprint=Fingerprint.from_dict(fingerprint) if isinstance(fingerprint, dict) else None,
        usual=looks.Usual.from_dict(usual) if isinstance(usual, dict) else None,
        val_dice=about.get("val_dice"),
        batches=about.get("batches"),
    )


def show(seen: evidence.Seen, known: evidence.Known) -> None:
    """The panel, where something is odd; else nothing."""
    causes = why.causes(seen, known)
    if not why.odd(seen, causes):
        return
    with st.container(border=True, key="why"):
        st.markdown(f":material/help: **{HEADINGS[evidence.symptom(seen)]}**")
        causes = causes[:MOST_SHOWN]
        for number, cause in enumerate(causes):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{number + 1}. " * (len(causes) > 1) + plain(cause.sentence), width="stretch")
                if cause.action:
                    st.button(
                        cause.action,
                        key=f"try-{cause.name}",
                        type="primary" if number == 0 else "secondary",
                        on_click=take,
                        args=(cause.threshold, cause.adjust),
                    )


def take(threshold: float | None, adjust: Adjust | None) -> None:
    """Called by a button: try a remedy."""
    if threshold is not None:
        st.session_state["threshold"] = threshold
    if adjust is not None:
        st.session_state["adjust"] = adjust


def undo() -> None:
    """Called by the button beside the words of what was changed."""
    st.session_state["adjust"] = Adjust()
