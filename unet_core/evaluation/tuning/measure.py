"""From a model and its images to a `Study`: the one way of page, command line and Python.

    plan = plan_study(source, predictor.model.config)
    for name in plan.count(predictor):
        show(name)
    plan.study.best("dice")

Nothing is chosen on test images, and none that the model was trained on is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.config.model import ModelConfig
from unet_core.data.layouts import Sample
from unet_core.evaluation.selection import NothingToScoreError, Source, select_folder, select_own
from unet_core.evaluation.tuning.counting import KeptCounts, Predict, count_images, describe_prediction, digest_weights
from unet_core.evaluation.tuning.study import TEST, VALIDATION, Study
from unet_core.inference.prediction import Prediction
from unet_core.io.filenames import readable
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset
    from unet_core.inference.predictor import Predictor


@dataclass
class Plan:
    """The images of a study before they are counted: `parts` is the part of each by its id."""

    study: Study
    dataset: "Dataset"
    parts: dict[str, str]

    def __len__(self) -> int:
        return len(self.parts)

    def count(
        self, predictor: "Predictor", predict: Predict | None = None, tta: str = "none", study: Study | None = None
    ) -> Iterator[str]:
        """Count the images into a study, by default the plan's own, and give the id of each when it is done.

        `predict` makes what the cache does not hold, by default the predictor itself; it follows `tta`, a name of
        `tta.TTA`. Raises PredictionError, DataError.
        """
        study = study or self.study
        cache, stamp = KeptCounts(digest_weights(predictor.model)), describe_prediction(predictor, tta)
        cache.prune()
        for item in count_images(self.dataset, list(self.parts), predict or answer(predictor, tta), cache, stamp):
            study.parts[self.parts[item.id]].add(item)
            yield item.id


def answer(predictor: "Predictor", tta: str = "none") -> Predict:
    """How an image is predicted where nobody waits for the device."""

    def predict(sample: Sample, image: Pixels) -> Prediction:
        return predictor.answer(image, tta)

    return predict


def plan_study(source: Source, config: ModelConfig, root: Path | None = None, most_mb: int | None = None) -> Plan:
    """The images to choose a threshold on and to report on, read with their masks.

    Of the run's own dataset, or of that below `root`: chosen is on its validation images, reported on the test images
    and those that the training has not seen. A folder without validation images is one that a user gives to choose on:
    its new images are taken, never test or training images. `most_mb` is as for `scores.load`.

    Raises NothingToScoreError where there is no image to choose on, DataError where the dataset cannot be used.
    """
    from unet_core.evaluation import scores

    selection = select_own(source, "all") if root is None else select_folder(source, root, "all")
    groups, chosen_on = selection.groups, "validation images"
    validation, test = groups["val"], [*groups["test"], *groups["new"]]
    if not validation and root is not None:
        validation, test = groups["new"], groups["test"]
        chosen_on = f"new images of {readable(root.name)}"
    if not validation:
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise NothingToScoreError(
            f"There are no validation images to choose a threshold on: the images are {sizes}. Train with a validation "
            "split, or choose on a folder of other images with masks."
        )
    chosen = {"train": [], "val": validation, "test": test, "new": []}
    dataset = scores.load(replace(selection, chosen=chosen), config, most_mb)
    names = {sample.id: VALIDATION for sample in validation} | {sample.id: TEST for sample in test}
    parts = {sample.id: names[sample.id] for sample in dataset.samples}
    if VALIDATION not in parts.values():
        raise NothingToScoreError(f"None of the {len(validation)} validation images can be read. {dataset.skipped[0]}")
    study = Study(config, chosen_on, skipped=dataset.skipped, warnings=dataset.warnings)
    return Plan(study, dataset, parts)
