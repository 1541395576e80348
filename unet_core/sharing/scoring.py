"""The scores of the images that a run was not trained on, with what tells whether they come out the same elsewhere."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.evaluation import scores
from unet_core.evaluation.selection import Selection, Source, select_own
from unet_core.evaluation.summary import ImageScore
from unet_core.hub import lineage
from unet_core.inference.prediction import Array
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Pixels
from unet_core.runs.run import Run

CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice


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
    images = lineage.find_training_images(run.best, run, run.folder.parent)
    return score(select_own(Source(run.best, run, images)), predictor, progress, cancelled)


def score(
    selection: Selection,
    predictor: Predictor,
    progress: Callable[[str], None] = lambda name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[list[Measured], list[str]]:
    """Score the images of a selection; (images, remarks on the data).

    `progress` gets the name of each image before it is predicted, `cancelled` is asked before each. Raises DataError
    where masks do not fit images or model, Cancelled.
    """
    dataset = scores.load(selection, predictor.model.config, CACHE_MB)

    def predict(sample: Sample, image: Pixels) -> Array:
        if cancelled():
            raise Cancelled("The evaluation was canceled.")
        progress(sample.id)
        return predictor.mask(image)

    images = []
    for item in scores.score_images(dataset, selection.chosen, predict):
        digest = discovery.content_hash(item.sample.image, item.sample.page)
        record = f"{dataset.records[item.sample.id]} file:{digest}"
        masks = digest_of(item.pred), digest_of(item.target)
        images.append(Measured(item.sample, item.score, digest, record, *masks))
    return images, [*dataset.skipped, *dataset.warnings]
