"""The scores of the images that a run was not trained on, with what tells whether they come out the same elsewhere."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from unet_core.config.schema import DataConfig
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import Cancelled, DataError
from unet_core.evaluation import scores
from unet_core.evaluation.summary import ImageScore
from unet_core.inference.prediction import Array
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Pixels
from unet_core.runs.run import Run

CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice


class NothingToScoreError(DataError):
    """A folder holds none of the images that are to be scored."""


@dataclass(frozen=True)
class Measured:
    """One scored image: the start of its file's SHA-256, its record (`identity`), and digests of both masks (H, W)."""

    sample: Sample
    score: ImageScore
    digest: str
    record: str
    mask_digest: str
    truth_digest: str


def digest_of(mask: Array) -> str:
    """The SHA-256 of a mask (H, W) of class indices, its size included."""
    return hashlib.sha256(f"{mask.shape} ".encode() + mask.astype("uint8").tobytes()).hexdigest()


def score_run(
    run: Run,
    predictor: Predictor,
    progress: Callable[[str], None] = lambda name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[list[Measured], list[str]]:
    """Score a run's own dataset, read as in training; (images, remarks on the data).

    Raises DataError where the dataset cannot be read or holds no image that the training did not use, Cancelled.
    """
    split = run.split() if run.has_split else {}
    parts = scores.known_images(run.best, split)
    return score(run.data, predictor, parts, run.coding, progress=progress, cancelled=cancelled)


def score(
    data: DataConfig,
    predictor: Predictor,
    parts: Mapping[str, Mapping[str, str]],
    coding: MaskCoding | None,
    subsets: Sequence[str] = ("val", "test", "new"),
    progress: Callable[[str], None] = lambda name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[list[Measured], list[str]]:
    """Score the images of a dataset folder that belong to some subsets; (images, remarks on the data).

    Args:
        data: how the folder `data.root` is read.
        predictor: the model.
        parts: which images are known, as `scores.known_images` gives it.
        coding: what mask values meant in the training; None where that is not known.
        subsets: which of train, val, test and new are scored.
        progress: gets the name of each image before it is predicted.
        cancelled: asked before each image.

    Raises:
        NothingToScoreError: the folder has no such image.
        DataError: it cannot be read.
        Cancelled: `cancelled` gave True.
    """
    search = discovery.search_data(data)
    groups = scores.classify(search.samples, parts)
    selected = {subset: group if subset in subsets else [] for subset, group in groups.items()}
    if not any(selected.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items() if group)
        raise NothingToScoreError(f"None of the {len(search.samples)} images is one to score: they are {sizes}.")
    settings = replace(data, cache_mb=min(data.cache_mb, CACHE_MB))
    dataset = scores.load_selected(
        selected, settings, predictor.model.config, coding=coding, parts=parts, search=search
    )

    def predict(sample: Sample, image: Pixels) -> Array:
        if cancelled():
            raise Cancelled("The evaluation was canceled.")
        progress(sample.id)
        return predictor.mask(image)

    images = []
    for item in scores.score_images(dataset, selected, predict):
        digest = discovery.content_hash(item.sample.image, item.sample.page)
        record = f"{dataset.records[item.sample.id]} file:{digest}"
        masks = digest_of(item.pred), digest_of(item.target)
        images.append(Measured(item.sample, item.score, digest, record, *masks))
    return images, [*dataset.skipped, *dataset.warnings]
