"""Why is it black? The possible causes, the most likely first, each with the button that tries its remedy."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from pages.server import model_registry
from pages.ui.formatting import plain
from pages.views.predict.masks import Work
from unet_core.config.schema import ModelConfig
from unet_core.data import appearance
from unet_core.data.fingerprint import Fingerprint
from unet_core.export.result import Result
from unet_core.inference import inputs, troubleshooting
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels
from unet_core.models.channels import choose

MOST_SHOWN = 4
HEADINGS = {
    "empty": "The mask is empty. Possible causes:",
    "full": "Nearly the whole image is foreground. Possible causes:",
    "one class": "Nearly the whole image has the same class. Possible causes:",
    "unsure": "The model is uncertain in the whole image. Possible causes:",
    "": "Check this prediction:",
}


def show(work: Work, item: inputs.Item, result: Result, prediction: Prediction) -> None:
    """The panel, where something is odd; else nothing."""
    observation = troubleshooting.Observation(
        result.image,
        result.mask,
        None if prediction.probability16 is None else prediction.probability,
        work.config.threshold if result.threshold is None else result.threshold,
        work.adjust,
        measure_appearance(item.key, work.adjust, work.config, result.image, result.channel_names),
    )
    facts = read_facts(str(work.model.folder), model_registry.read_digest(work.model), work.config)
    causes = troubleshooting.find_causes(observation, facts)
    if not troubleshooting.is_suspicious(observation, causes):
        return
    first, *others = causes[:MOST_SHOWN]
    with st.container(border=True, key="why", gap="small"):
        show_cause(f":material/help: **{HEADINGS[troubleshooting.symptom(observation)]}** ", first, is_first=True)
        if others:
            with st.expander(f"{len(others)} more possible cause{'s' * (len(others) > 1)}"):
                for cause in others:
                    show_cause("", cause, is_first=False)


def show_cause(before: str, cause: troubleshooting.Cause, is_first: bool) -> None:
    """Its sentence after the words `before`, and the button that tries its remedy."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(before + plain(cause.sentence), width="stretch")
        if cause.action:
            st.button(
                cause.action,
                key=f"try-{cause.name}",
                type="primary" if is_first else "secondary",
                on_click=apply_remedy,
                args=(cause.threshold, cause.adjust),
            )


@st.cache_data(max_entries=64, show_spinner=False)
def measure_appearance(
    key: str, adjust: Adjust, config: ModelConfig, _image: Pixels, _channel_names: tuple[str, ...]
) -> appearance.ImageStats:
    """What the image looks like to the model, once for all thresholds."""
    choice = choose(config, _image.shape[2], _channel_names)
    return troubleshooting.measure(_image if choice.positions is None else choice.apply(_image), adjust)


@lru_cache(maxsize=16)
def read_facts(folder: str, digest: str, config: ModelConfig) -> troubleshooting.ModelFacts:
    """What a checkpoint with this digest says about its model."""
    from unet_core.models.checkpoint import load_about

    about = load_about(Path(folder))
    fingerprint, usual = about.get("fingerprint"), about.get("looks")
    return troubleshooting.ModelFacts(
        threshold=config.threshold,
        normalization=config.normalization,
        num_classes=config.num_classes,
        fingerprint=Fingerprint.from_dict(fingerprint) if isinstance(fingerprint, dict) else None,
        usual=appearance.TypicalStats.from_dict(usual) if isinstance(usual, dict) else None,
        val_dice=about.get("val_dice"),
        batches=about.get("batches"),
    )


def apply_remedy(threshold: float | None, adjust: Adjust | None) -> None:
    """Called by a button: try a remedy."""
    if threshold is not None:
        st.session_state["threshold"] = threshold
    if adjust is not None:
        st.session_state["adjust"] = adjust


def undo() -> None:
    """Called by the button beside the words of what was changed."""
    st.session_state["adjust"] = Adjust()
