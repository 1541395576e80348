"""From predictions to results: the mask at a threshold, cleaned, with its objects; cached for the image on screen."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from pages.server import model_registry
from pages.server.prediction_job import PredictionJob
from pages.views.predict.options import Options
from unet_core.config.schema import ModelConfig
from unet_core.export.result import Result
from unet_core.inference import inputs
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels
from unet_core.postprocessing import class_areas
from unet_core.postprocessing.cleanup import clean


@dataclass(frozen=True)
class Work:
    """All that a visitor has on the page: the images, their predictions, the model."""

    items: dict[str, inputs.Item]
    job: PredictionJob
    model: model_registry.Model
    config: ModelConfig
    adjust: Adjust


@st.cache_resource(max_entries=6, show_spinner=False)
def read_image(key: str, _item: inputs.Item) -> Pixels:
    """The image itself; the latest ones stay decoded."""
    return _item.read()


@st.cache_data(max_entries=64, show_spinner=False)
def read_remarks(key: str, _item: inputs.Item) -> str:
    """What the visitor should know of the image: guessed pages or channels, pixels without data; "" for nothing."""
    return " ".join(_item.remarks())


def make_result(item: inputs.Item, image: Pixels, prediction: Prediction, threshold: float, options: Options) -> Result:
    """The image with its mask as the settings have it; its objects are found when they are asked for."""
    binary = prediction.probability16 is not None
    return Result(
        name=item.stem,
        image=image,
        mask=clean(prediction.mask(threshold), options.min_area, options.fill_holes),
        num_classes=prediction.num_classes,
        probability=prediction.probability16 if binary else prediction.confidence,
        class_names=options.class_names,
        channel_names=item.channel_names,
        pixel_size=options.pixel_size,
        threshold=None if prediction.num_classes > 1 else threshold,
        split=options.split,
    )


@st.cache_resource(max_entries=8, show_spinner="Measuring the objects…")
def measure_result(
    key: tuple[object, ...], _item: inputs.Item, _prediction: Prediction, threshold: float, options: Options
) -> Result:
    """That of the image on screen, with its objects if it has any; cached, since most reruns change nothing of it."""
    result = make_result(_item, read_image(_item.key, _item), _prediction, threshold, options)
    if class_areas.are_objects(result.mask, result.num_classes):
        _ = result.objects
    return result


def all_results(work: Work, threshold: float, options: Options) -> Iterator[Result]:
    """Each image with its mask, made one at a time."""
    for name in work.job.names_done:
        if name not in work.items:  # removed meanwhile
            continue
        item = work.items[name]
        yield make_result(item, item.read(), work.job.prediction(name), threshold, options)
