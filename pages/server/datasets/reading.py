"""A dataset as the form of Train shows it, read in a thread of the server: a large folder must not block the page.

    reading = find_reading(data, num_classes)
    reading.wait(0.5)
    progress = reading.poll()    # as that of any BackgroundJob; its parts are there as soon as they are known
    reading.search, reading.problems, reading.coding

A folder is read once for all visitors and again after a while: the longer it took, the later.
"""

import time
from collections.abc import Callable

from pages.server.background_job import DONE, FAILED, PATIENCE, RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from pages.server.lru import LRU
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import discovery
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.data.masks import decide
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe import recipes
from unet_core.errors import Cancelled

MOST_MASKS = 24  # that are read for a first look at what their values mean
FRESH_SECONDS, FRESH_FACTOR = 10.0, 30.0  # a reading stays valid for so long, and for so many times what it took


class DatasetJob(BackgroundJob):
    """A look at a folder, whose result is valid for a while."""

    @property
    def fresh(self) -> bool:
        """Whether it still speaks of the folder as it is: it goes on, or it ended a short while ago."""
        if self._ended_at is None:
            return True
        took = self._ended_at - self._started_at
        return self.state in (DONE, FAILED) and self._clock() - self._ended_at < max(FRESH_SECONDS, FRESH_FACTOR * took)


class DatasetReading(DatasetJob):
    """The samples of a folder, the problems that the file headers reveal, and what the mask values mean.

    `search` and `coding` are None until they are known; `guesses` says what was guessed of the masks, of which
    `masks_read` were looked at. Where the folder cannot be used, `error` says why; what was known before stays.
    """

    label = "Reading a dataset"

    def __init__(
        self,
        data: DataConfig,
        num_classes: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.search: Search | None = None
        self.problems: list[str] = []
        self.readable: list[Sample] = []  # those without a problem
        self.coding: MaskCoding | None = None
        self.guesses: list[str] = []
        self.masks_read = 0
        self._data, self._num_classes = data, num_classes
        self._done, self._name = 0, ""

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, len(self.search.samples) if self.search else 0, self._name, 0, 0

    def _work(self) -> None:
        self.state = RUNNING
        search = self.search = discovery.search_data(self._data)
        for number, sample in enumerate(search.samples):
            if self._cancelled():
                raise Cancelled("The reading of the folder was canceled.")
            self._done, self._name = number, sample.id
            problems = discovery.check([sample])
            self.problems += problems
            if not problems:
                self.readable.append(sample)
        self._done = len(search.samples)
        chosen = search.samples[:: -(-len(search.samples) // MOST_MASKS)]
        self.masks_read = len(chosen)
        model = ModelConfig(num_classes=self._num_classes)
        self.coding, self.guesses = decide.look(search, self._data, model, chosen)


_READINGS: LRU[tuple[object, ...], DatasetReading] = LRU(16)


def find_reading(data: DataConfig, num_classes: int) -> DatasetReading:
    """The reading of a dataset with these settings, running or done; a new one where none is fresh.

    Raises DataError where the dataset's recipe is damaged.
    """
    recipe = recipes.of(data)  # it may have changed since
    settings = (data.root, data.layout, data.unlabeled, data.labels, data.ignore_index, data.color_map)
    key = (*settings, num_classes, recipe)
    reading = _READINGS.get(key)
    if reading is None or not reading.fresh:
        reading = DatasetReading(data, num_classes)
        _READINGS.put(key, reading)
        reading.start()
    return reading
