"""The grid over threshold, minimum area, hole filling and augmentation: each scored as an evaluation would."""

from pathlib import Path

import numpy as np
import pytest

from tests.core.evaluation.tuning.test_measure import source_of
from unet_core import choose_threshold, metrics
from unet_core.data.layouts import Sample
from unet_core.errors import ConfigError
from unet_core.evaluation.scores import load
from unet_core.evaluation.selection import select_own
from unet_core.evaluation.tuning.measure import Plan, plan_study
from unet_core.evaluation.tuning.search import AREAS, AUGMENTATIONS, Candidate, Search
from unet_core.inference.prediction import FULL, Prediction
from unet_core.inference.predictor import load_predictor
from unet_core.io.pixels import Pixels
from unet_core.postprocessing.cleanup import clean
from unet_core.runs import run as runs


def counted(run: runs.Run) -> tuple[Plan, Search]:
    predictor, _ = load_predictor(run.best)
    plan = plan_study(source_of(run), predictor.model.config)
    list(plan.count(predictor))
    return plan, Search(plan, predictor)


def test_every_setting_has_the_score_of_its_masks(tuned_run: runs.Run) -> None:
    plan, search = counted(tuned_run)
    steps = list(search.run())
    assert steps[-1][0] <= steps[-1][1] and [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert len(search.candidates) == 1 + len(AUGMENTATIONS) * 2 * len(AREAS)
    assert search.baseline.validation == plan.study.validation.score(0.5, "dice")
    item = next(item for item in search.candidates if (item.tta, item.min_area, item.fill_holes) == ("flips", 30, True))
    selection = select_own(source_of(tuned_run), "val")
    dataset, values = load(selection, search.predictor.model.config), []
    for index in range(len(dataset)):
        mask = clean(search.predictor.answer(dataset[index].image, "flips").mask(item.threshold), 30, True)
        values.append(metrics.scores(metrics.count(mask, dataset[index].mask, 1))["dice"])
    assert item.validation == pytest.approx(np.nanmean(values), abs=1e-12)
    assert plan.study.test is not None
    assert search.baseline.test == pytest.approx(plan.study.test.score(0.5, "dice"), abs=1e-12)
    assert {item.test is None for item in search.candidates} == {True, False}


def test_specks_are_found_and_the_area_that_takes_them_away_is_chosen(
    tuned_run: runs.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is right but for a speck of 225 pixels in each image."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # its counts are not those of the real model
    predictor, _ = load_predictor(tuned_run.best)
    plan = plan_study(source_of(tuned_run), predictor.model.config)

    def predict(sample: Sample, image: Pixels) -> Prediction:
        index = next(number for number, other in enumerate(plan.dataset.samples) if other.id == sample.id)
        truth = clean(plan.dataset[index].mask, 301)
        levels = np.where(truth == 1, 0.9, 0.1)
        empty = next(
            (y, x)
            for y in range(truth.shape[0] - 17)
            for x in range(truth.shape[1] - 17)
            if not truth[y : y + 17, x : x + 17].any()
        )
        levels[empty[0] + 1 : empty[0] + 16, empty[1] + 1 : empty[1] + 16] = 0.9
        return Prediction(1, np.zeros(truth.shape, np.uint8), np.round(levels * FULL).astype(np.uint16))

    list(plan.count(predictor, predict))
    search = Search(plan, predictor, make_predict=lambda tta: predict)
    list(search.run())
    best = search.best
    assert (best.tta, best.min_area, best.fill_holes) == ("none", 300, False)
    assert search.baseline.test is not None and best.test is not None
    assert min(best.validation - search.baseline.validation, best.test - search.baseline.test) > 0.001


def test_of_settings_that_score_alike_the_simplest_is_taken(tuned_run: runs.Run) -> None:
    _, search = counted(tuned_run)
    search.candidates = [
        Candidate("none", 0.5, 0, False, 0.80),
        Candidate("none", 0.6, 10, False, 0.9000),
        Candidate("none", 0.6, 100, True, 0.9004),
        Candidate("flips", 0.6, 0, False, 0.9009),
    ]
    assert search.best == search.candidates[1]
    with pytest.raises(ConfigError, match="dice or iou"):
        Search(search.plan, search.predictor, "v_rand")


def test_python_records_what_was_found(tuned_run: runs.Run) -> None:
    choice = choose_threshold(tuned_run, search=True, apply=True)
    best = choice.scores["search"]["best"]
    record = choice.record
    assert record is not None
    assert (record.threshold, record.min_area, record.fill_holes, record.tta, record.after) == tuple(
        best[name] for name in ("threshold", "min_area", "fill_holes", "tta", "validation")
    )
    assert ("have to be set at each prediction" in record.sentence) == bool(record.extras)
