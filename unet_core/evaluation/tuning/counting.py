"""Each image of a dataset as counts of its probabilities, kept on disk: a second look needs no forward pass.

What is kept of an image is known by the weights of the model, the pixels of the image and of its mask, and how it was
predicted: a file that changed, another model or other code finds nothing.
"""

import functools
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import unet_core
from unet_core.data.layouts import Sample
from unet_core.evaluation.histograms import Counted, ImageHistogram, count_confidence, count_levels, to_histogram
from unet_core.evaluation.tuning.regions import REGION_THRESHOLDS, trace_regions
from unet_core.inference.prediction import FULL, Prediction
from unet_core.io.files import cache_folder, write_atomically
from unet_core.io.pixels import Array, Pixels

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset
    from unet_core.inference.predictor import Predictor
    from unet_core.models.unet import UNet

MOST_BYTES = 512 * 2**20  # on disk; the models that were used least recently go first
DAMAGED = (OSError, ValueError, IndexError, zlib.error)

Floats = NDArray[np.float64]
Predict = Callable[[Sample, Pixels], Prediction]


@dataclass(frozen=True)
class CountedImage:
    """One image after its prediction: all that thresholds and calibration need of it.

    `counted` (2, L) are its pixels by truth and level, of a binary model L = 65536, else by right and wrong and
    confidence, L = 256. `regions` is its V-Rand at each of REGION_THRESHOLDS, NaN where its masks are not such that it
    says something; binary only.
    """

    id: str
    counted: Counted
    regions: Floats

    @property
    def histogram(self) -> ImageHistogram | None:
        """Its counts between the thresholds of the grid; None of a model of several classes."""
        return to_histogram(self.id, self.counted) if self.counted.shape[1] == FULL + 1 else None


def count_image(name: str, prediction: Prediction, target: Array) -> CountedImage:
    """Count a prediction against its truth (H, W) of class indices, IGNORE where a pixel does not count."""
    if prediction.probability16 is not None:
        counted = count_levels(name, prediction.probability16, target)[1]
        return CountedImage(name, counted, trace_regions(prediction.probability16, target))
    counted = count_confidence(prediction.probability, prediction.mask(), target)
    return CountedImage(name, counted, np.full(len(REGION_THRESHOLDS), np.nan))


class KeptCounts:
    """The counts of one model in the user's cache. A disk that refuses, or a damaged file, costs a forward pass."""

    def __init__(self, weights: str) -> None:
        self._folder = cache_folder() / "levels" / weights[:32]

    def get(self, name: str, key: str) -> CountedImage | None:
        """What was kept by this key, called `name`; None where there is nothing."""
        try:
            data = zlib.decompress(self._path(key).read_bytes())
            size, count = map(int, np.frombuffer(data, np.int64, 2))
            levels = np.frombuffer(data, np.int64, count, 16)
            pixels = np.frombuffer(data, np.int64, 2 * count, 16 + 8 * count).reshape(2, count)
            regions = np.frombuffer(data, np.float64, len(REGION_THRESHOLDS), 16 + 24 * count)
            counted = np.zeros((2, size), np.int64)
            counted[:, levels] = pixels
        except DAMAGED:
            return None
        return CountedImage(name, counted, regions)

    def put(self, key: str, item: CountedImage) -> None:
        """Keep the counts of an image: those levels that occur in it."""
        levels = np.flatnonzero(item.counted.any(0))
        head = np.array([item.counted.shape[1], len(levels)], np.int64)
        arrays = head, levels.astype(np.int64), item.counted[:, levels].astype(np.int64), item.regions
        packed = zlib.compress(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays), 1)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(key), packed)

    def prune(self) -> None:
        """Remove the models that were used least recently, but this one, until all fit into MOST_BYTES."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.touch()
            folders = sorted(self._folder.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)
            sizes = {folder: sum(path.stat().st_size for path in folder.iterdir()) for folder in folders}
            for folder in folders:
                if sum(sizes.values()) <= MOST_BYTES or folder == self._folder:
                    break
                for path in folder.iterdir():
                    path.unlink(missing_ok=True)
                folder.rmdir()
                del sizes[folder]

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.counts"


def count_images(
    dataset: "Dataset", ids: Sequence[str], predict: Predict, cache: KeptCounts, stamp: str
) -> Iterator[CountedImage]:
    """The counts of those images of a dataset, from the cache or by `predict`, one at a time.

    `stamp` is that of `describe_prediction`: how `predict` predicts.
    """
    chosen = set(ids)
    for index, sample in enumerate(dataset.samples):
        if sample.id not in chosen:
            continue
        example = dataset[index]
        key = f"{_code_version()} {stamp} {_digest(example.image)} {_digest(example.mask)}"
        item = cache.get(sample.id, key)
        if item is None:
            item = count_image(sample.id, predict(sample, example.image), example.mask)
            cache.put(key, item)
        yield item


def describe_prediction(predictor: "Predictor", tta: str = "none", tile: int | None = None) -> str:
    """The same where probabilities are: device, precision, augmentation and tiles change their last digits."""
    return f"{predictor.device.type} {predictor.precision} {tta} {tile or predictor.tile or 0}"


def digest_weights(model: "UNet") -> str:
    """The same for models whose probabilities are: by their tensors and settings, whatever threshold and names."""
    config: Mapping[str, Any] = model.config.to_dict() | {"threshold": 0, "class_names": ""}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(f"{array.shape} {array.dtype} ".encode() + array.tobytes()).hexdigest()


@functools.cache
def _code_version() -> str:
    """Changes with the code that predicts and counts."""
    folder = Path(unet_core.__file__).parent
    paths = [path for part in ("inference", "models", "evaluation") for path in sorted((folder / part).rglob("*.py"))]
    code = b"".join(path.read_bytes() for path in paths)
    return f"{unet_core.__version__} {zlib.crc32(code):08x}"
