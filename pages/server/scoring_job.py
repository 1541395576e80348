"""The scores of a model on its images, made in a thread of the server, in the queue of all predictions.

    job = ScoringJob(model, "held-out")
    job.start()
    job.wait(0.3)
    progress = job.poll()   # as that of a PredictionJob: in a fragment; who does not poll for 30 s has left
    job.scores.images       # what is scored so far; it grows, and after a cancelled job it holds what was done

The latest predictions are cached, so that the page can show a scored image at any threshold.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import Loaded
from unet_core.data import discovery, reading
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.inference.prediction import Prediction
from unet_core.io.images import decode
from unet_core.io.pixels import Array, Pixels, encode_png
from unet_core.runs import run_data

if TYPE_CHECKING:
    from unet_core.evaluation.summary import ImageScore

CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice
CACHE = PredictionCache(most=256 * 2**20, at_hand=32 * 2**20)  # Predict's own is not flushed by a large dataset


@dataclass
class Scores:
    """What is scored so far; masks and truths are PNGs of class indices, IGNORE = 255 in the truth."""

    images: "list[ImageScore]" = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # a sentence for each file that cannot be read
    warnings: list[str] = field(default_factory=list)  # what else to know of the data: how mask values were read
    samples: dict[str, Sample] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of the images' content and repairs
    masks: dict[str, bytes] = field(default_factory=dict)
    truths: dict[str, bytes] = field(default_factory=dict)

    def mask(self, name: str) -> Array:
        """(H, W): what was predicted at the model's threshold."""
        return decode(self.masks[name], name)[:, :, 0]

    def truth(self, name: str) -> Array:
        """(H, W): the ground truth."""
        return decode(self.truths[name], name)[:, :, 0]


class ScoringJob(BackgroundJob):
    """The images of a run's dataset that `split` names, one after the other. It runs once: make a new one."""

    def __init__(
        self,
        model: model_registry.Model,
        split: str,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError where the model is not that of a run, whose dataset and split say what to score."""
        if model.run is None:
            raise ValueError(f"{model.name} is not the model of a run")
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.scores = Scores()
        self._model, self._trained_run, self._split = model, model.run, split
        self._name, self._total = "Reading the images and masks…", 0

    def _count(self) -> tuple[int, int, str, int, int]:
        return len(self.scores.images), self._total, self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.scores import known_images, load_selected, score_images, select

        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self._model)
        self.warning = loaded.warning
        run, config = self._trained_run, loaded.predictor.model.config
        search = discovery.search_data(run.data)
        parts = known_images(self._model.folder, run.split())
        selected = select(search.samples, parts, self._split)
        settings = replace(run.data, cache_mb=min(run.data.cache_mb, CACHE_MB))
        dataset = load_selected(selected, settings, config, coding=run.coding, parts=parts, search=search)
        self.scores.warnings = [*run_data.find_changes(run.data), *dataset.warnings]
        self.scores.skipped, self._total, self.state = dataset.skipped, len(dataset), RUNNING

        def predict(sample: Sample, image: Pixels) -> Array:
            self._name = sample.id
            digest = self.scores.digests[sample.id] = reading.digest(sample)
            return predict_image(loaded, digest, image, self, self._cancelled).mask(config.threshold)

        for scored in score_images(dataset, selected, predict):
            name = scored.sample.id
            self.scores.samples[name] = scored.sample
            self.scores.masks[name] = encode_png(scored.pred)
            self.scores.truths[name] = encode_png(scored.target)
            self.scores.images.append(scored.score)  # last: a page may look at any time


def predict_image(
    loaded: Loaded,
    digest: str,
    image: Pixels,
    ticket: object,
    cancelled: Callable[[], bool] = lambda: False,
) -> Prediction:
    """The prediction of an image with this digest: cached, or made in turn. Raises Cancelled, UnetError."""
    key = (loaded.version, digest)
    if cancelled():
        raise Cancelled("The evaluation was cancelled.")
    if (cached := CACHE.get(key)) is not None:
        return cached
    with model_registry.DEVICE_LOCK.turn(ticket, cancelled):
        prediction = loaded.predictor.answer(image, cancelled=cancelled)
    CACHE.put(key, prediction)
    return prediction
