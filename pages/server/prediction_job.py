"""Predictions in a thread of the server: progress, a queue, cancel; a broken file does not end them.

A page keeps a job in its session state, polls it from a fragment, and shows what is there so far. All jobs share one
lock: one forward pass at a time (two together take longer than one after the other). It is passed on after each image,
so that 200 images of one visitor do not keep the others from their one. Images are decoded before it is taken, a few at
once: one that takes long keeps nobody from the model.

    job = model_registry.submit(model, [InputImage("a.png", digest, read)], tta="flips")
    job.wait(0.3)                       # what is cached or small is there without a progress bar
    progress = job.poll()               # in a fragment with run_every; who does not poll for 30 s has left: cancelled
    if not progress.over: show(progress.fraction, progress.sentence); on_click=job.cancel
    for name in job.names_done: job.prediction(name).mask(0.4)
    job.errors                          # {name: message}: the others are done all the same
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.fair_lock import CHECK_SECONDS, FairLock
from pages.server.prediction_cache import PredictionCache
from unet_core.errors import Cancelled, UnetError
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

NO_ADJUSTMENT = Adjust()
MOST_DECODED = 4  # images in memory at once, until they are predicted
DECODING = FairLock(MOST_DECODED)  # of all visitors


@dataclass(frozen=True)
class InputImage:
    """One image to predict: its name (shown; unique in a job), what identifies its content, how to read it.

    `key` must differ where the pixels do (the digest of the file and the page); `read` gives (H, W, C) or raises
    ImageError, and is called in the job's thread, when it is the image's turn, as is `channel_names`. `adjust` is
    applied before the model sees it; the prediction has the size of the image as it was read.
    """

    name: str
    key: str
    read: Callable[[], Pixels]
    adjust: Adjust = NO_ADJUSTMENT
    channel_names: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True)
class Loaded:
    """A model as a job needs it: its predictor, a warning or "", and the digest of its checkpoint.

    `weights` is the same for checkpoints that differ in their threshold alone, so that what was predicted stays.
    """

    predictor: "Predictor"
    warning: str
    version: str
    weights: str = ""


class PredictionJob(BackgroundJob):
    """Some images through one model, in a thread of the server. Made and started by `model_registry.submit`."""

    label = "Predicting"

    def __init__(
        self,
        load: Callable[[], Loaded],
        images: Sequence[InputImage],
        lock: FairLock,
        cache: PredictionCache,
        tta: str = "none",
        tile: int | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        decoding: FairLock = DECODING,
    ) -> None:
        """`load` gives the model, at its first turn. Raises ValueError where two images have one name."""
        self.images = {item.name: item for item in images}
        if len(self.images) != len(images):
            raise ValueError("two images of one name")
        super().__init__(lock, patience, clock)
        self.tta, self.tile = tta, tile
        self.errors: dict[str, str] = {}  # by image: why it could not be predicted
        self.notes: dict[str, str] = {}  # by image: what a user should know of its prediction
        self._load, self._cache, self._decoding = load, cache, decoding
        self._loaded: Loaded | None = None
        self._done: list[str] = []
        self._current, self._tiles, self._of_tiles = "", 0, 0

    @property
    def names_done(self) -> tuple[str, ...]:
        """The images that are predicted, in their order; it grows while the job runs."""
        return tuple(self._done)

    def prediction(self, name: str) -> Prediction:
        """That of an image of `names_done`. Where it is no longer cached it is made again, in turn: that blocks.

        Raises KeyError for another name, UnetError where it cannot be made again.
        """
        if self._loaded is None or name not in self._done:
            raise KeyError(name)
        # The job itself may be at work: this is a turn of its own.
        return self._predict(self._loaded, self.images[name], cancelled=lambda: False, ticket=object())

    def _count_ahead(self) -> int:
        return max(super()._count_ahead(), self._decoding.count_ahead(self))

    def _count(self) -> tuple[int, int, str, int, int]:
        done = len(self._done) + len(self.errors)
        return done, len(self.images), self._current, self._tiles, self._of_tiles

    def _work(self) -> None:
        with self._lock.turn(self, self._cancelled):
            loaded = self._loaded = self._load()
        self.warning = loaded.warning
        self.state = RUNNING
        for item in self.images.values():
            self._current, self._tiles, self._of_tiles = item.name, 0, 0
            if self._cancelled():
                raise Cancelled("The prediction was canceled.")
            try:
                prediction = self._predict(loaded, item, self._cancelled, self)
            except Cancelled:
                raise
            except UnetError as error:
                self.errors[item.name] = str(error)
                continue
            if prediction.note:
                self.notes[item.name] = prediction.note
            self._tiles = 0  # before the image counts, or the bar would jump ahead
            self._done.append(item.name)

    def _predict(self, loaded: Loaded, item: InputImage, cancelled: Callable[[], bool], ticket: object) -> Prediction:
        key = (loaded.version, item.key, self.tta, str(self.tile), repr(item.adjust))
        if (cached := self._cache.get(key)) is not None:
            return cached
        with decoded(item.read, self._decoding, ticket, cancelled) as image:
            fitted, note = loaded.predictor.fit(item.adjust.apply(image), item.channel_names(), item.name)
            with self._lock.turn(ticket, cancelled):
                if (cached := self._cache.get(key)) is not None:  # another job has made it meanwhile
                    return cached
                prediction = loaded.predictor.answer(fitted, self.tta, self.tile, self._count_tiles, cancelled)
            prediction = replace(prediction, note=f"{note} {prediction.note}".strip())
            prediction = restore_size(prediction, item.adjust, *image.shape[:2])
        self._cache.put(key, prediction)
        return prediction

    def _count_tiles(self, tiles: int, of_tiles: int) -> None:
        self._tiles, self._of_tiles = tiles, of_tiles


@contextmanager
def decoded(
    read: Callable[[], Pixels], places: FairLock, ticket: object, cancelled: Callable[[], bool]
) -> Iterator[Pixels]:
    """An image for the body of the `with`, decoded in a thread of its own: that cannot be stopped, only not waited for.

    It keeps one of the `places` until it is decoded and the body is over. Raises Cancelled at once where `cancelled`
    says so, and what `read` raises.
    """
    over = threading.Event()
    answers: SimpleQueue[Pixels | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            with places.turn(ticket, lambda: over.is_set() or cancelled()):
                answers.put(read())
                over.wait()
        except BaseException as error:  # noqa: BLE001 - raised again where the image is waited for
            answers.put(error)

    threading.Thread(target=work, name="decoding", daemon=True).start()
    try:
        while True:
            try:
                answer = answers.get(timeout=CHECK_SECONDS)
                break
            except Empty:
                if cancelled():
                    raise Cancelled("The prediction was canceled while an image was decoded.") from None
        if isinstance(answer, BaseException):
            raise answer
        yield answer
    finally:
        over.set()


def restore_size(prediction: Prediction, adjust: Adjust, height: int, width: int) -> Prediction:
    """The prediction of an adjusted image in the size of the image itself."""
    if prediction.shape == (height, width):
        return prediction
    planes: dict[str, Any] = {
        name: adjust.restore(plane, height, width, classes=name == "classes")
        for name in ("probability16", "classes", "confidence", "uncertainty")
        if (plane := getattr(prediction, name)) is not None
    }
    return replace(prediction, **planes)
