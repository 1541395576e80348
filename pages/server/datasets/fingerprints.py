"""Fingerprints of datasets, for their plans, measured in a thread of the server and kept for a while.

job = find_fingerprint(data, num_classes, recipe)
job.wait(1.0); job.poll()     # as that of any BackgroundJob
job.result                    # None until it is known; `error` says why there is none
"""

import time
from collections.abc import Callable

from pages.server.background_job import PATIENCE, RUNNING
from pages.server.datasets.reading import DatasetJob
from pages.server.fair_lock import FairLock
from pages.server.lru import LRU
from unet_core.config.schema import DataConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.fingerprint import Fingerprint
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import Cancelled


class FingerprintJob(DatasetJob):
    """The measuring of one dataset; of a large one a sample of the images is read."""

    label = "Measuring a dataset"

    def __init__(
        self,
        data: DataConfig,
        num_classes: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.result: Fingerprint | None = None
        self.subsets: tuple[str | None, ...] = ()  # of each image, where folders name them
        self._data, self._num_classes = data, num_classes
        self._done = self._of = 0

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, self._of, "", 0, 0

    def _work(self) -> None:
        self.state = RUNNING
        search = discovery.search_data(self._data)
        self.subsets = tuple(sample.subset for sample in search.samples)
        self.result = fingerprint.measure_samples(
            search.samples, self._data, self._num_classes, search=search, progress=self._progress
        )

    def _progress(self, done: int, of: int) -> None:
        if self._cancelled():
            raise Cancelled("The measuring of the dataset was canceled.")
        self._done, self._of = done, of


_JOBS: LRU[tuple[object, ...], FingerprintJob] = LRU(16)


def find_fingerprint(data: DataConfig, num_classes: int, recipe: Recipe) -> FingerprintJob:
    """The measuring of a dataset with these settings, running or done; a new one where none is fresh."""
    settings = (data.root, data.layout, data.unlabeled, data.labels, data.ignore_index, data.color_map)
    key = (*settings, data.separate_touching, num_classes, recipe)
    job = _JOBS.get(key)
    if job is None or not job.fresh:
        job = FingerprintJob(data, num_classes)
        _JOBS.put(key, job)
        job.start()
    return job
