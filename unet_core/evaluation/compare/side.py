"""One of the two models of a duel: what it scored, and what it has seen."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from unet_core.data.layouts import Sample
from unet_core.evaluation.summary import ImageScore


@dataclass(frozen=True)
class Side:
    """What one of the two models scored.

    Args:
        name: What the model is called.
        scores: Of each image.
        samples: The scored images by their ids.
        truths: By id what is equal where the ground truth (H, W) is equal, such as its digest.
        trained_on: Ids of images of the dataset that the model was trained on, whether scored or left out.
        skipped: A sentence for each file that cannot be read.
        warnings: What else one should know of the data.
    """

    name: str
    scores: Sequence[ImageScore]
    samples: Mapping[str, Sample]
    truths: Mapping[str, Hashable]
    trained_on: frozenset[str] = frozenset()
    skipped: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @property
    def dice(self) -> dict[str, float]:
        """The Dice of each image by its id; NaN is undefined."""
        return {item.id: item.scores["dice"] for item in self.scores}

    @property
    def subsets(self) -> dict[str, str]:
        """What each image was to the model: train, val, test or new."""
        return {item.id: item.subset for item in self.scores}
