"""A sentence where the validation images among those that are scored say that another threshold is much better."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unet_core.config.model import ModelConfig
from unet_core.data.layouts import Sample
from unet_core.evaluation.tuning.counting import count_image
from unet_core.evaluation.tuning.study import VALIDATION, Study, describe_gains
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Array, Pixels

if TYPE_CHECKING:
    from unet_core.evaluation.scores import Options, ScoredImage
    from unet_core.inference.predictor import Predictor


class Watch:
    """Counts the validation images while they are scored; other images, and models of several classes, it lets pass.

    `chosen` is as for `score_images`, `threshold` that of the masks, None for the model's.
    """

    def __init__(
        self, config: ModelConfig, chosen: Mapping[str, Sequence[Sample]], threshold: float | None = None
    ) -> None:
        if threshold is not None and config.num_classes == 1:
            config = replace(config, threshold=threshold)
        self._study = Study(config)
        self._ids = {sample.id for sample in chosen.get("val", ())} if config.num_classes == 1 else set()
        self._latest: Prediction | None = None

    def hold(self, sample: Sample, prediction: Prediction) -> Array:
        """The mask of a prediction, which is remembered until its image is added."""
        self._latest = prediction if sample.id in self._ids else None
        return prediction.mask(self._study.config.threshold)

    def predict(self, predictor: "Predictor", options: "Options", sample: Sample, image: Pixels) -> Array:
        """The mask that `Options.predict` makes. Raises PredictionError."""
        if sample.id not in self._ids:
            self._latest = None
            return options.predict(predictor, image)
        return self.hold(sample, predictor.answer(image, options.tta, options.tile))

    def add(self, scored: "ScoredImage") -> None:
        """Count the image whose prediction is remembered."""
        if self._latest is not None:
            self._study.parts[VALIDATION].add(count_image(scored.sample.id, self._latest, scored.target))
            self._latest = None

    def sentence(self) -> str:
        """What validation says; "" where the threshold is about as good as any."""
        return describe_gains(self._study)
