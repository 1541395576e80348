"""The scores of a model on its images, made in a thread of the server, in the line with all predictions.

    job = Scoring(model, "held-out")
    job.start()
    job.wait(0.3)
    now = job.poll()        # as that of `jobs.Job`: in a fragment; who does not poll for 30 s has left
    job.scores.each         # what is scored so far; it grows, also after a cancelled job there is what was done

The latest answers are kept, so that the page can show a scored image at any threshold.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import Loaded
from unet_core.data.discovery import content_hash, find
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.inference.prediction import Prediction
from unet_core.io import images
from unet_core.io.pixels import Array, Pixels, encode_png

if TYPE_CHECKING:
    from unet_core.evaluation.summary import ImageScore

CACHE_MB = 256  # of decoded pictures while they are scored; what is more is read twice
ANSWERS = PredictionCache(
    most=256 * 2**20, at_hand=32 * 2**20
)  # apart from Predict's, which a large dataset would push out


@dataclass
class Scores:
    """What is known of the images so far; masks and truths are PNGs of class indices, IGNORE = 255 in the truth."""

    each: "list[ImageScore]" = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # a sentence for each file that cannot be read
    samples: dict[str, Sample] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of the images' content
    masks: dict[str, bytes] = field(default_factory=dict)
    truths: dict[str, bytes] = field(default_factory=dict)

    def mask(self, name: str) -> Array:
        """(H, W): what was predicted at the model's threshold."""
        return images.decode(self.masks[name], name)[:, :, 0]

    def truth(self, name: str) -> Array:
        """(H, W)."""
        return images.decode(self.truths[name], name)[:, :, 0]


class ScoringJob(BackgroundJob):
    """The images of a run's dataset that `split` names, one after the other. It is told of once: make a new one."""

    def __init__(
        self,
        model: model_registry.Model,
        split: str,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The model must be that of a run."""
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.scores = Scores()
        self._model, self._split = model, split
        self._name, self._number, self._total = "Reading the images and masks…", 0, 0

    def _standing(self) -> tuple[int, int, str, int, int]:
        return self._number, self._total, self._name, 0, 0

    def _work(self) -> None:
        with self._line.turn(self, self._cancelled):
            loaded = model_registry.load(self._model)
        self.warning = loaded.warning
        self._score(loaded)

    def _score(self, loaded: Loaded) -> None:
        from unet_core import metrics
        from unet_core.data import dataset
        from unet_core.evaluation.scores import select
        from unet_core.evaluation.summary import ImageScore

        run = self._model.run
        assert run is not None
        found = find(Path(run.config.data.root), run.config.data.layout)
        chosen = select(found, run.split(), self._split)
        subsets = {sample.id: subset for subset, group in chosen.items() for sample in group}
        every = [sample for group in chosen.values() for sample in group]
        config = loaded.predictor.model.config
        settings = replace(run.data, cache_mb=min(run.data.cache_mb, CACHE_MB))
        pictures = dataset.load_dataset(every, settings, config)
        self.scores.skipped, self._total, self.state = pictures.skipped, len(pictures), RUNNING
        for number, sample in enumerate(pictures.samples):
            self._name = sample.id
            picture = pictures[number]
            digest = content_hash(sample.image, sample.page)
            answer = predict_image(loaded, digest, picture.image, self, self._cancelled)
            pred, truth = answer.mask(config.threshold), pictures.target(picture.raw_mask)
            self.scores.masks[sample.id] = encode_png(pred)
            self.scores.truths[sample.id] = encode_png(truth)
            self.scores.samples[sample.id], self.scores.digests[sample.id] = sample, digest
            counts = metrics.count(pred, truth, config.num_classes)
            self.scores.each.append(ImageScore(sample.id, subsets[sample.id], counts))
            self._number = number + 1


def predict_image(
    loaded: Loaded,
    digest: str,
    image: Pixels,
    ticket: object,
    cancelled: Callable[[], bool] = lambda: False,
) -> Prediction:
    """What the model says of an image with this digest: kept, or made in line. Raises Cancelled, UnetError."""
    key = (loaded.version, digest)
    if cancelled():
        raise Cancelled("The scoring was cancelled.")
    if (known := ANSWERS.get(key)) is not None:
        return known
    with model_registry.DEVICE_LOCK.turn(ticket, cancelled):
        answer = loaded.predictor.answer(image, cancelled=cancelled)
    ANSWERS.put(key, answer)
    return answer
