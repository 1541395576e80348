"""The scores of a model on its images, made in a thread of the server, in the queue of all predictions.

    job = ScoringJob(model, "held-out")
    job.start()
    job.wait(0.3)
    progress = job.poll()   # as that of a PredictionJob: in a fragment; who does not poll for 30 s has left
    job.scores.images       # what is scored so far; it grows, and after a cancelled job it holds what was done

The latest predictions are cached, so that the page can show a scored image at any threshold. What takes long is scored
only where the user has asked for it: else the job ends with an `offer` in place of scores.
"""

import math
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.evaluation import offers
from pages.server.lru import LRU
from pages.server.paths import runs_dir
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import Loaded
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled, ImageError, MisfitError, UnetError
from unet_core.inference.prediction import Prediction
from unet_core.io import channels
from unet_core.io.images import decode
from unet_core.io.pixels import Array, Pixels, encode_png
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.evaluation.measures.confusion import Confusion
    from unet_core.evaluation.record import Record
    from unet_core.evaluation.selection import Selection, Source
    from unet_core.evaluation.summary import ImageScore

LEAST_SECONDS = 0.004  # what is faster was cached
CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice
PACES: LRU[str, float] = LRU(64)  # seconds a pixel of the latest prediction, by the digest of the weights
CACHE = PredictionCache(most=256 * 2**20, at_hand=32 * 2**20)  # Predict's own is not flushed by a large dataset


@dataclass
class Scores:
    """What is scored so far; masks and truths are PNGs of class indices, IGNORE = 255 in the truth."""

    images: "list[ImageScore]" = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # ids that the split does not name, by subset
    trained_on: list[str] = field(default_factory=list)  # ids among those to score that the model was trained on
    skipped: list[str] = field(default_factory=list)  # a sentence for each file that cannot be read
    warnings: list[str] = field(default_factory=list)  # what else to know of the data: how mask values were read
    notes: list[str] = field(default_factory=list)  # which copies of training images could not be recognized
    advice: str = ""  # where the validation images say that another threshold is much better
    samples: dict[str, Sample] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of the images' content and repairs
    masks: dict[str, bytes] = field(default_factory=dict)
    truths: dict[str, bytes] = field(default_factory=dict)
    confusions: "dict[str, Confusion]" = field(default_factory=dict)
    record: "Record | None" = None  # all of it as the report has it, once the files are read
    objects: dict[str, bytes] = field(default_factory=dict)  # numbers of true objects, where masks tell them apart
    selection: "Selection | None" = None  # from which the same images can be read again
    times: list[float] = field(default_factory=list)  # seconds that each prediction took

    def mask(self, name: str) -> Array:
        """(H, W): what was predicted at the model's threshold."""
        return decode(self.masks[name], name)[:, :, 0]

    def truth(self, name: str) -> Array:
        """(H, W): the ground truth."""
        return decode(self.truths[name], name)[:, :, 0]

    @property
    def pace(self) -> float:
        """About how many seconds a prediction takes; NaN where they were all cached, so that nothing is known.

        The upper quartile of all: some were cached.
        """
        pace = float(np.percentile(self.times, 75)) if self.times else math.nan
        return pace if pace > LEAST_SECONDS else math.nan

    def numbers(self, name: str) -> NDArray[np.int32] | None:
        """(H, W): the number of the true object of each pixel, 0 = none; None where masks do not tell objects apart."""
        if (packed := self.objects.get(name)) is None:
            return None
        return np.frombuffer(zlib.decompress(packed), np.int32).reshape(self.truth(name).shape)


class ScoringJob(BackgroundJob):
    """The images of a dataset that `split` names, one after the other. It runs once: make a new one.

    The dataset is the run's own, read as its training did, or that in the folder `root`, read as `unet-studio evaluate`
    does: by the settings of the training, with the meaning that mask values had there and with its own repairs. Of a
    model without a run what its checkpoint says of these is taken.

    What takes long (see `offers`) is predicted only where the user has `asked` for it,
    else there is an `offer`. `nothing_left` says that the dataset has images, but none of the split.
    """

    label = "Evaluating"

    def __init__(
        self,
        model: model_registry.Model,
        split: str,
        root: Path | None = None,
        asked: bool = False,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError where the model is of no run and no folder is given."""
        if model.run is None and root is None:
            raise ValueError(f"{model.name} is not the model of a run")
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.scores = Scores()
        self.split, self.root, self.asked = split, root, asked
        self.offer: offers.Offer | None = None
        self.nothing_left = False
        self.hint = ""  # beside an error: what of the model the images or masks may not fit
        self._model = model
        self._name, self._total = "Reading the images and masks…", 0

    def _count(self) -> tuple[int, int, str, int, int]:
        return len(self.scores.images), self._total, self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation import scores
        from unet_core.evaluation.measures.confusion import measure_confusion
        from unet_core.evaluation.record import Record
        from unet_core.evaluation.tuning.advice import Watch

        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self._model)
        self.warning = loaded.warning
        config, (source, selection) = loaded.predictor.model.config, self._select()
        self.scores.left_out = selection.left_out()
        self.scores.trained_on = [sample.id for sample in selection.chosen["train"]]
        self.scores.selection = selection
        self.scores.notes = selection.explain_copies()
        if not self.asked and (offer := self._find_offer(loaded, selection)) is not None:
            self.offer = offer
            return
        try:
            dataset = scores.load(selection, config, CACHE_MB)
        except MisfitError:
            self.hint = offers.explain_model(config)
            raise
        self.scores.warnings = dataset.warnings
        self.scores.skipped, self._total, self.state = dataset.skipped, len(dataset), RUNNING

        computed_on = str(loaded.predictor.device), loaded.predictor.precision
        record = Record(source, selection, self.split, config, scores.Options(), computed_on=computed_on)
        record.begin(dataset)
        self.scores.record = record

        def predict(sample: Sample, image: Pixels) -> Array:
            self._name = sample.id
            digest = self.scores.digests[sample.id] = reading.digest(sample)
            before = self._clock()
            prediction = predict_image(loaded, digest, image, self, self._cancelled)
            self.scores.times.append(self._clock() - before)
            return watch.hold(sample, prediction)

        watch = Watch(config, selection.chosen)
        for scored in scores.score_images(dataset, selection.chosen, predict, with_errors=True):
            record.add(scored, dataset)
            name = scored.sample.id
            self.scores.samples[name] = scored.sample
            self.scores.masks[name] = encode_png(scored.pred)
            self.scores.truths[name] = encode_png(scored.target)
            self.scores.confusions[name] = measure_confusion(scored.pred, scored.target, config.num_classes)
            watch.add(scored)
            if scored.numbers is not None:
                self.scores.objects[name] = zlib.compress(scored.numbers.astype(np.int32).tobytes(), 1)
            _ = scored.score.scores  # computed here once, not by the page of 10,000 images
            self.scores.images.append(scored.score)  # last: a page may look at any time
        record.advice = self.scores.advice = watch.sentence()

    def _select(self) -> "tuple[Source, Selection]":
        """What is known of the model, and its images of the dataset."""
        from unet_core.evaluation.selection import NothingToScoreError, Source, select_folder, select_own
        from unet_core.hub.lineage import find_training_images

        run, folder = self._model.run, self._model.folder
        images_seen = find_training_images(folder, run, runs_dir() if run is None else run.folder.parent)
        source = Source(folder, run, images_seen)
        try:
            if self.root is None:
                return source, select_own(source, self.split)
            return source, select_folder(source, self.root, self.split)
        except NothingToScoreError:
            self.nothing_left = True
            raise

    def _find_offer(self, loaded: Loaded, selection: "Selection") -> offers.Offer | None:
        """Where the images that are not predicted yet take long."""
        samples = [sample for group in selection.chosen.values() for sample in group]
        todo = [sample for sample in samples if key_of(loaded, _digest(sample)) not in CACHE]
        sizes = list(map(offers.count_pixels, todo))
        pixels = sum(sizes)
        if len(todo) <= offers.TIMED and pixels <= offers.MOST_MEGAPIXELS * 1e6 and len(todo) <= offers.MOST_IMAGES:
            return None
        if loaded.version not in PACES:
            self._name = "Estimating how long it takes…"
            self._try(
                [sample for sample, size in zip(todo, sizes, strict=True) if size <= offers.MOST_TRIED][:2], loaded
            )
        pace = PACES.get(loaded.version)
        offer = offers.Offer(len(samples), len(todo), pixels / 1e6, None if pace is None else pace * pixels)
        return offer if offer.reason else None

    def _try(self, samples: Sequence[Sample], loaded: Loaded) -> None:
        """Predict a few images, the first of which also warms up; what fails is said where it is scored."""
        for sample in samples:
            with suppress(UnetError):
                files = (sample.image, *sample.channel_files)
                image, _ = loaded.predictor.fit(reading.read_image(sample), channels.describe(files).names, sample.id)
                predict_image(loaded, reading.digest(sample), image, self, self._cancelled)
        if self._cancelled():
            raise Cancelled("The evaluation was canceled.")


def _digest(sample: Sample) -> str:
    with suppress(ImageError, OSError):
        return reading.digest(sample)
    return ""


def find_samples(run: runs.Run | None, root: Path | None = None) -> dict[str, Sample]:
    """The images of the run's dataset, or of that in the folder `root`, by their ids, with the repairs that are applied
    to them when they are scored. Raises DataError, RunError, ValueError without a run and a folder.
    """
    from unet_core.evaluation.selection import read_folder

    if root is None and run is None:
        raise ValueError("neither a run nor a folder")
    folder = root or Path(run.data.root if run is not None else "")
    return {sample.id: sample for sample in read_folder(run, folder)[0].samples}


def key_of(loaded: Loaded, digest: str, tta: str = "none") -> tuple[str, ...]:
    """Of the prediction of an image with this digest in the cache: it outlives another threshold."""
    return loaded.weights or loaded.version, digest, tta


def predict_image(
    loaded: Loaded,
    digest: str,
    image: Pixels,
    ticket: object,
    cancelled: Callable[[], bool] = lambda: False,
    tta: str = "none",
) -> Prediction:
    """The prediction of an image with this digest: cached, or made in turn. Raises Cancelled, UnetError."""
    key = key_of(loaded, digest, tta)
    if cancelled():
        raise Cancelled("The evaluation was canceled.")
    if (cached := CACHE.get(key)) is not None:
        return cached
    with model_registry.DEVICE_LOCK.turn(ticket, cancelled):
        before = time.monotonic()
        prediction = loaded.predictor.answer(image, tta, cancelled=cancelled)
        if tta == "none":
            PACES.put(loaded.version, (time.monotonic() - before) / (image.shape[0] * image.shape[1]))
    CACHE.put(key, prediction)
    return prediction
