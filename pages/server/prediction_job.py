"""Predictions that run in the server, not in a script run: progress, a place in the line, cancel, one file at a time.

A page keeps a `Job` in its session state, polls it from a fragment, and shows what is there so far. All jobs share one
line: one forward pass at a time (two together take longer than one after the other), and after each picture the next
job in the line has its turn, so that 200 pictures of one visitor do not keep the others from their one.

    job = models.submit(model, [jobs.picture("a.png", data)], tta="flips")
    job.wait(0.3)                       # what is cached or small is there without a progress bar
    now = job.poll()                    # in a fragment with run_every; who does not poll for 30 s has left: cancelled
    if not now.over: show(now.fraction, now.sentence); on_click=job.cancel
    for name in job.names_done: job.answer(name).mask(0.4)
    job.errors                          # {name: message}: the others are done all the same
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from pages.server.prediction_cache import PredictionCache
from unet_core.errors import Cancelled, UnetError
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
from unet_core.io import images
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

NOTHING = Adjust()


@dataclass(frozen=True)
class InputImage:
    """One picture to predict: its name (shown; one of a kind in a job), what tells its content, how to read it.

    `key` must differ where the pixels do (the digest of the file and the page); `read` gives (H, W, C) or raises
    ImageError, and is called in the job's thread, when it is the picture's turn. `adjust` is done before the net sees
    it; the answer has the size of the picture as it was read.
    """

    name: str
    key: str
    read: Callable[[], Pixels]
    adjust: Adjust = NOTHING


def input_image(name: str, data: bytes, page: int | None = None, adjust: Adjust | None = None) -> InputImage:
    """The picture in a file's bytes, or one page of it."""
    key = f"{hashlib.sha256(data).hexdigest()} {page}"
    return InputImage(name, key, lambda: images.decode(data, name, page), adjust or NOTHING)


@dataclass(frozen=True)
class Loaded:
    """A model as a job needs it: its predictor, a warning or "", the digest of its weights."""

    predictor: "Predictor"
    warning: str
    version: str


class PredictionJob(BackgroundJob):
    """Some pictures through one model, in a thread of the server. Made and started by `models.submit`."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        pictures: Sequence[InputImage],
        line: FairLock,
        answers: PredictionCache,
        tta: str = "none",
        tile: int | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`load` gives the model, at its first turn. Raises ValueError where two pictures have one name."""
        self.pictures = {item.name: item for item in pictures}
        if len(self.pictures) != len(pictures):
            raise ValueError("two pictures of one name")
        super().__init__(line, patience, clock)
        self.tta, self.tile = tta, tile
        self.errors: dict[str, str] = {}  # by picture: why it was left out
        self.notes: dict[str, str] = {}  # by picture: what a user should know of its answer
        self._load, self._answers = load, answers
        self._loaded: Loaded | None = None
        self._done: list[str] = []
        self._current, self._tiles, self._of_tiles = "", 0, 0

    @property
    def names_done(self) -> tuple[str, ...]:
        """The pictures that have an answer, in the order of the pictures; it grows while the job runs."""
        return tuple(self._done)

    def _standing(self) -> tuple[int, int, str, int, int]:
        done = len(self._done) + len(self.errors)
        return done, len(self.pictures), self._current, self._tiles, self._of_tiles

    def answer(self, name: str) -> Prediction:
        """The answer to a picture of `names_done`. Where it is no longer kept it is made anew, in line: that blocks.

        Raises KeyError for another name, UnetError where it cannot be made again.
        """
        if name not in self._done:
            raise KeyError(name)
        return self._answer(self.pictures[name], cancelled=lambda: False)

    def _work(self) -> None:
        self._loaded = self._at_its_turn(self._load)
        self.warning = self._loaded.warning
        self.state = RUNNING
        for item in self.pictures.values():
            self._current, self._tiles, self._of_tiles = item.name, 0, 0
            if self._cancelled():
                raise Cancelled("The prediction was cancelled.")
            try:
                answer = self._answer(item, self._cancelled)
            except Cancelled:
                raise
            except UnetError as error:
                self.errors[item.name] = str(error)
                continue
            if answer.note:
                self.notes[item.name] = answer.note
            self._tiles = 0  # before the picture counts, or the bar would jump ahead
            self._done.append(item.name)

    def _at_its_turn(self, load: Callable[[], Loaded]) -> Loaded:
        with self._line.turn(self, self._cancelled):
            return load()

    def _answer(self, item: InputImage, cancelled: Callable[[], bool]) -> Prediction:
        assert self._loaded is not None
        key = (self._loaded.version, item.key, self.tta, str(self.tile), repr(item.adjust))
        if (known := self._answers.get(key)) is not None:
            return known
        with self._line.turn(self, cancelled):
            if (known := self._answers.get(key)) is not None:  # another job has made it meanwhile
                return known
            image = item.read()
            found = self._loaded.predictor.answer(
                item.adjust.apply(image), self.tta, self.tile, self._passed, cancelled
            )
        found = restored(found, item.adjust, *image.shape[:2])
        self._answers.put(key, found)
        return found

    def _passed(self, tiles: int, of_tiles: int) -> None:
        self._tiles, self._of_tiles = tiles, of_tiles


def restored(answer: Prediction, adjust: Adjust, height: int, width: int) -> Prediction:
    """An answer to an adjusted picture in the size of the picture itself."""
    if answer.shape == (height, width):
        return answer
    planes = {
        name: adjust.restore(plane, height, width, classes=name == "classes")
        for name in ("probability16", "classes", "confidence", "uncertainty")
        if (plane := getattr(answer, name)) is not None
    }
    return replace(answer, **planes)
