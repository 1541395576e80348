"""The scores of a model on its images, made in a thread of the server, in the queue of all predictions.

    job = ScoringJob(model, "held-out")
    job.start()
    job.wait(0.3)
    progress = job.poll()   # as that of a PredictionJob: in a fragment; who does not poll for 30 s has left
    job.scores.images       # what is scored so far; it grows, and after a cancelled job it holds what was done

The latest predictions are cached, so that the page can show a scored image at any threshold.
"""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import Loaded
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.inference.prediction import Prediction
from unet_core.io.images import decode
from unet_core.io.pixels import Array, Pixels, encode_png
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.evaluation.measures.confusion import Confusion
    from unet_core.evaluation.summary import ImageScore

CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice
CACHE = PredictionCache(most=256 * 2**20, at_hand=32 * 2**20)  # Predict's own is not flushed by a large dataset


@dataclass
class Scores:
    """What is scored so far; masks and truths are PNGs of class indices, IGNORE = 255 in the truth."""

    images: "list[ImageScore]" = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # ids that the split does not name, by subset
    trained_on: list[str] = field(default_factory=list)  # ids among those to score that the model was trained on
    skipped: list[str] = field(default_factory=list)  # a sentence for each file that cannot be read
    warnings: list[str] = field(default_factory=list)  # what else to know of the data: how mask values were read
    samples: dict[str, Sample] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of the images' content and repairs
    masks: dict[str, bytes] = field(default_factory=dict)
    truths: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # numbers of true objects, where masks tell them apart
    confusions: "dict[str, Confusion]" = field(default_factory=dict)

    def mask(self, name: str) -> Array:
        """(H, W): what was predicted at the model's threshold."""
        return decode(self.masks[name], name)[:, :, 0]

    def truth(self, name: str) -> Array:
        """(H, W): the ground truth."""
        return decode(self.truths[name], name)[:, :, 0]

    def numbers(self, name: str) -> NDArray[np.int32] | None:
        """(H, W): the number of the true object of each pixel, 0 = none; None where masks do not tell objects apart."""
        if (packed := self.objects.get(name)) is None:
            return None
        return np.frombuffer(zlib.decompress(packed), np.int32).reshape(self.truth(name).shape)


class ScoringJob(BackgroundJob):
    """The images of a dataset that `split` names, one after the other. It runs once: make a new one.

    The dataset is the run's own, read as its training did, or that in the folder `root`, read as `unet-studio evaluate`
    does: by the settings of the training, with the meaning that mask values had there and with its own repairs.
    """

    label = "Evaluating"

    def __init__(
        self,
        model: model_registry.Model,
        split: str,
        root: Path | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError where the model is not that of a run, whose dataset and split say what to score."""
        if model.run is None:
            raise ValueError(f"{model.name} is not the model of a run")
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.scores = Scores()
        self._model, self._trained_run, self._split, self._root = model, model.run, split, root
        self._name, self._total = "Reading the images and masks…", 0

    def _count(self) -> tuple[int, int, str, int, int]:
        return len(self.scores.images), self._total, self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation import scores
        from unet_core.evaluation.measures.confusion import measure_confusion
        from unet_core.evaluation.selection import Source, select_folder, select_own
        from unet_core.hub.lineage import find_training_images

        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self._model)
        self.warning = loaded.warning
        run, config = self._trained_run, loaded.predictor.model.config
        source = Source(self._model.folder, run, find_training_images(self._model.folder, run, run.folder.parent))
        if self._root is None:
            selection = select_own(source, self._split)
        else:
            selection = select_folder(source, self._root, self._split)
        self.scores.left_out = selection.left_out()
        self.scores.trained_on = [sample.id for sample in selection.chosen["train"]]
        dataset = scores.load(selection, config, CACHE_MB)
        self.scores.warnings = dataset.warnings
        self.scores.skipped, self._total, self.state = dataset.skipped, len(dataset), RUNNING

        def predict(sample: Sample, image: Pixels) -> Array:
            self._name = sample.id
            digest = self.scores.digests[sample.id] = reading.digest(sample)
            return predict_image(loaded, digest, image, self, self._cancelled).mask(config.threshold)

        for scored in scores.score_images(dataset, selection.chosen, predict):
            name = scored.sample.id
            self.scores.samples[name] = scored.sample
            self.scores.masks[name] = encode_png(scored.pred)
            self.scores.truths[name] = encode_png(scored.target)
            self.scores.confusions[name] = measure_confusion(scored.pred, scored.target, config.num_classes)
            if scored.numbers is not None:
                self.scores.objects[name] = zlib.compress(scored.numbers.astype(np.int32).tobytes(), 1)
            _ = scored.score.scores  # computed here once, not by the page of 10,000 images
            self.scores.images.append(scored.score)  # last: a page may look at any time


def find_samples(run: runs.Run, root: Path | None = None) -> dict[str, Sample]:
    """The images of the run's dataset, or of that in the folder `root`, by their ids, with the repairs that are applied
    to them when they are scored. Raises DataError, RunError.
    """
    from unet_core.evaluation.selection import read_folder

    return {sample.id: sample for sample in read_folder(run, root or Path(run.data.root))[0].samples}


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
        raise Cancelled("The evaluation was canceled.")
    if (cached := CACHE.get(key)) is not None:
        return cached
    with model_registry.DEVICE_LOCK.turn(ticket, cancelled):
        prediction = loaded.predictor.answer(image, cancelled=cancelled)
    CACHE.put(key, prediction)
    return prediction
