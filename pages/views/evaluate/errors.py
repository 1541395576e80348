"""One scored image in the viewer: what was found, found wrongly and missed, and its Dice at another threshold."""

from pathlib import Path

import streamlit as st

from pages.components import viewer
from pages.server import model_registry
from pages.server.scoring_job import Scores, predict_image
from pages.ui import widgets
from pages.ui.formatting import score_text
from unet_core import metrics
from unet_core.errors import UnetError
from unet_core.inference.prediction import Prediction
from unet_core.io import images
from unet_core.io.pixels import Array, Pixels


@st.cache_resource(max_entries=4, show_spinner=False)
def pixels(path: str, page: int | None, digest: str) -> Pixels:
    """The picture itself; the latest ones are kept decoded, under the digest of their content."""
    return images.read(Path(path), page)


@st.fragment
def show(model: model_registry.Model, scores: Scores, name: str) -> None:
    """The image of that name; only this part runs again when the threshold is let go."""
    try:
        loaded = model_registry.load(model)
        sample = scores.samples[name]
        image = pixels(str(sample.image), sample.page, scores.digests[name])
        answer = predict_image(loaded, scores.digests[name], image, object())
    except UnetError as error:
        widgets.show_error(error)
        return
    config, truth = loaded.predictor.model.config, scores.truth(name)
    binary = config.num_classes == 1
    view = viewer.show_viewer(
        image,
        key="errors",
        name=name,
        probability=answer.probability,
        classes=answer.classes,
        mask=scores.mask(name) if binary else None,
        mask_threshold=config.threshold,
        truth=truth,
        uncertainty=answer.uncertainty,
        class_names=() if binary else [f"class {index}" for index in range(config.num_classes)],
        threshold=config.threshold,
        mode="errors",
    )
    at_model = dice_at(answer, truth, config.threshold)
    words = f"Dice of this image: **{score_text(at_model)}**"
    if binary:
        words += f" at the model's threshold {config.threshold:.2f}"
        if round(view.threshold, 4) != round(config.threshold, 4):
            words += f", **{score_text(dice_at(answer, truth, view.threshold))}** at {view.threshold:.2f}"
    st.markdown(words)


def dice_at(answer: Prediction, truth: Array, threshold: float) -> float:
    """Mean Dice over the classes, at a threshold where binary; NaN: nothing to be found and nothing found."""
    return metrics.scores(metrics.count(answer.mask(threshold), truth, answer.num_classes))["dice"]
