"""Why is it black? The causes in words, the likeliest first, each with the button that tries its remedy."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.ui.formatting import plain
from unet_core.data import appearance
from unet_core.data.fingerprint import Fingerprint
from unet_core.inference import troubleshooting
from unet_core.inference.adjustments import Adjust

MOST_SHOWN = 4
HEADINGS = {
    "empty": "Nothing was found in this image. What speaks for which cause:",
    "full": "Nearly all of this image was found to be foreground. What speaks for which cause:",
    "one class": "Nearly all of this image got the same class. What speaks for which cause:",
    "unsure": "The model is unsure everywhere in this image. What speaks for which cause:",
    "": "Before you trust this mask:",
}


def known_of(model: model_registry.Model, threshold: float) -> troubleshooting.ModelFacts:
    """What the checkpoint tells of its model."""
    return _known(str(model.folder), model_registry.digest(model.folder), threshold)


@lru_cache(maxsize=16)
def _known(folder: str, digest: str, threshold: float) -> troubleshooting.ModelFacts:
    from unet_core.models.checkpoint import load_about

    about = load_about(Path(folder))
    fingerprint, usual = about.get("fingerprint"), about.get("looks")
    return troubleshooting.ModelFacts(
        threshold=threshold,
        fingerprint=Fingerprint.from_dict(fingerprint) if isinstance(fingerprint, dict) else None,
        usual=appearance.TypicalStats.from_dict(usual) if isinstance(usual, dict) else None,
        val_dice=about.get("val_dice"),
        batches=about.get("batches"),
    )


def show(seen: troubleshooting.Observation, known: troubleshooting.ModelFacts) -> None:
    """The panel, where something is odd; else nothing."""
    causes = troubleshooting.find_causes(seen, known)
    if not troubleshooting.is_suspicious(seen, causes):
        return
    with st.container(border=True, key="why"):
        st.markdown(f":material/help: **{HEADINGS[troubleshooting.symptom(seen)]}**")
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
