"""One scored image in the viewer: true positives, false positives, false negatives, and its Dice at any threshold."""

import streamlit as st

from pages.components import viewer
from pages.server import model_registry
from pages.server.scoring_job import Scores, predict_image
from pages.ui import channels_shown, widgets
from pages.ui.formatting import plain, score_text
from unet_core import metrics
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.inference.prediction import Prediction
from unet_core.io import channels
from unet_core.io.pixels import Array, Pixels

BELOW = 40  # screen pixels of the first screen for what the viewer says below its image


@st.cache_resource(max_entries=4, show_spinner=False)
def read_image(_sample: Sample, digest: str) -> tuple[Pixels, tuple[str, ...]]:
    """The image itself and the names of its channels; the latest ones stay decoded, under the digest of the content."""
    files = (_sample.image, *_sample.channel_files)
    return reading.read_image(_sample), channels.describe(files).names


@st.fragment
def show(model: model_registry.Model, scores: Scores, name: str, predict_params: dict[str, str]) -> None:
    """The image of that name; only this part runs again when the threshold is released.

    `predict_params` are those of the address of Predict that opens it with this model.
    """
    try:
        loaded = model_registry.load(model)
        sample = scores.samples[name]
        image, names = read_image(sample, scores.digests[name])
        fitted, _ = loaded.predictor.fit(image, names, name)
        prediction = predict_image(loaded, scores.digests[name], fitted, object())
    except UnetError as error:
        widgets.show_error(error)
        return
    config, truth = loaded.predictor.model.config, scores.truth(name)
    binary = config.num_classes == 1
    with st.container(horizontal=True, vertical_alignment="center", key="evaluate_shown"):
        line = st.container(width="stretch")  # filled below, when the threshold of the viewer is known
        st.page_link(
            "predict.py", label="Predict this image", icon=":material/image_search:", query_params=predict_params
        )
    view = viewer.show_viewer(
        image,
        key="errors",
        **channels_shown.choose_view(scores.digests[name], image, names, "evaluate"),
        name=name,
        probability=prediction.probability,
        classes=prediction.classes,
        mask=scores.mask(name) if binary else None,
        mask_threshold=config.threshold,
        truth=truth,
        uncertainty=prediction.uncertainty,
        class_names=() if binary else [config.class_name(index) for index in range(config.num_classes)],
        threshold=config.threshold,
        mode="errors",
        style="outline" if binary else "fill",
        below=BELOW,
    )
    dice = compute_dice(prediction, truth, config.threshold)
    sentence = f"**{plain(name)}** · Dice of this image: {score_text(dice)}"
    if binary:
        sentence += f" at the model's threshold {config.threshold:.2f}"
        if round(view.threshold, 4) != round(config.threshold, 4):
            sentence += f", {score_text(compute_dice(prediction, truth, view.threshold))} at {view.threshold:.2f}"
    line.markdown(sentence)


def compute_dice(prediction: Prediction, truth: Array, threshold: float) -> float:
    """Mean Dice over the classes, at a threshold where binary; NaN where ground truth and prediction are empty."""
    return metrics.scores(metrics.count(prediction.mask(threshold), truth, prediction.num_classes))["dice"]
