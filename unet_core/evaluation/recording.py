"""Evaluate a selection and write down what was found: the one way of the command line and of `unet_core.evaluate`."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.errors import ConfigError
from unet_core.evaluation.measures.registry import Settings
from unet_core.evaluation.record import Record
from unet_core.evaluation.report.masks import KeptMasks
from unet_core.evaluation.report.page import write_report
from unet_core.evaluation.selection import Selection, Source
from unet_core.io.files import write_atomically

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset
    from unet_core.evaluation.scores import Options, ScoredImage
    from unet_core.inference.predictor import Predictor


def evaluate_selection(
    predictor: "Predictor",
    source: Source,
    selection: Selection,
    split: str,
    options: "Options",
    measures: Settings | None = None,
    changes: Mapping[str, Any] | None = None,
    report: Path | None = None,
    on_loaded: Callable[["Dataset"], None] = lambda dataset: None,
    on_image: Callable[["ScoredImage", int], None] = lambda scored, total: None,
) -> Record:
    """Score the images of a selection.

    Args:
        predictor: The model.
        source: What is known of it.
        selection: The images.
        split: By which name of `choices.SPLITS` they were chosen.
        options: How images are predicted.
        measures: Settings of all measures; None for the basic ones.
        changes: Settings of the data that differ from those of the training.
        report: HTML file to write.
        on_loaded: Called when the files are read, before the first image is predicted.
        on_image: Called with each scored image and the number of all.

    Raises:
        DataError: Masks do not fit images or model.
        ConfigError: An option is wrong, or the report would take the place of a folder.
        OSError: The report cannot be written.
    """
    from unet_core.evaluation import scores
    from unet_core.evaluation.tuning.advice import Watch

    model = predictor.model.config
    options.check(model)
    check_files(report)
    computed_on = str(predictor.device), predictor.precision
    record = Record(source, selection, split, model, options, measures, changes or {}, computed_on)
    dataset = scores.load(selection, model)
    record.begin(dataset)
    on_loaded(dataset)
    watch = Watch(model, selection.chosen, options.threshold)
    with KeptMasks() as masks:
        for scored in scores.score_images(
            dataset,
            selection.chosen,
            partial(watch.predict, predictor, options),
            measures,
            with_errors=report is not None,
        ):
            record.add(scored, dataset)
            watch.add(scored)
            if report is not None:
                masks.add(scored.sample.id, scored.pred, scored.target)
            on_image(scored, len(dataset))
        record.advice = watch.sentence()
        if report is not None:
            write_report(record, masks.read, report)
    return record


def check_files(*paths: Path | None) -> None:
    """Raise ConfigError where a file that is written at the end is a folder, which is better known at the start."""
    for path in paths:
        if path is not None and path.is_dir():
            raise ConfigError(f"{path} is a folder. Name a file in it.")


def write_json(record: Record, path: Path) -> None:
    """Write everything that was found as one JSON file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(record.to_dict(), indent=1, allow_nan=False) + "\n")
