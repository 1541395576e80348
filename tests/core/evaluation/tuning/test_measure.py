"""A model's study: the masks' own scores at every threshold, kept on disk, chosen on validation images alone."""

import math
from pathlib import Path

import numpy as np
import pytest

from unet_core.errors import ConfigError
from unet_core.evaluation import scores
from unet_core.evaluation.selection import NothingToScoreError, Source, select_own
from unet_core.evaluation.summary import summarize
from unet_core.evaluation.tuning import counting
from unet_core.evaluation.tuning.measure import plan_study
from unet_core.evaluation.tuning.study import TEST, VALIDATION, Study
from unet_core.hub import lineage
from unet_core.inference.prediction import Prediction
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.runs import run as runs


def source_of(run: runs.Run) -> Source:
    return Source(run.best, run, lineage.find_training_images(run.best, run, run.folder.parent))


def studied(run: runs.Run, predictor: Predictor) -> Study:
    plan = plan_study(source_of(run), predictor.model.config)
    assert len(list(plan.count(predictor))) == len(plan)
    return plan.study


@pytest.fixture
def passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the forward passes, its length, from an empty cache on."""
    from unet_core.inference import forward

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    done: list[int] = []
    original = forward.forward_pass

    def count(*arguments, **options):  # type: ignore[no-untyped-def]
        done.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(forward, "forward_pass", count)
    return done


def test_scores_of_a_study_are_those_of_an_evaluation_at_that_threshold(tuned_run: runs.Run) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    study = studied(tuned_run, predictor)
    split = tuned_run.split()
    assert sorted(study.validation.names) == sorted(split["val"])
    assert study.test is not None and sorted(study.test.names) == sorted(split["test"])
    for part, subset in ((VALIDATION, "val"), (TEST, "test")):
        for limit in (0.3, 0.5, 0.845):
            selection = select_own(source_of(tuned_run), subset)
            results, _ = scores.evaluate(predictor, selection, scores.Options(threshold=limit))
            summary = summarize(results)
            for metric in ("dice", "iou", "precision", "recall"):
                for pooled, expected in ((False, summary.mean[metric]), (True, summary.pooled[metric])):
                    assert study.parts[part].score(limit, metric, pooled) == pytest.approx(expected, abs=1e-12)


def test_a_second_study_and_another_threshold_need_no_forward_pass(tuned_run: runs.Run, passes: list[int]) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    first = studied(tuned_run, predictor)
    needed = len(passes)
    assert needed >= len(first.validation.names)
    again, _ = load_predictor(tuned_run.best)
    object.__setattr__(again.model.config, "threshold", 0.8)  # as after `freeze`
    second = studied(tuned_run, again)
    assert len(passes) == needed
    assert (first.describe()["model_threshold"], second.describe()["model_threshold"]) == (0.5, 0.8)
    for name in ("dice", "precision"):
        np.testing.assert_array_equal(second.validation.curve.mean[name], first.validation.curve.mean[name])
    assert second.reliability().error == first.reliability().error


def test_other_weights_other_pixels_and_a_damaged_file_are_predicted_anew(
    tuned_run: runs.Run, passes: list[int], tmp_path: Path
) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    first = studied(tuned_run, predictor)
    total, before = len(first.validation.names) + len(first.test.names), len(passes)  # type: ignore[union-attr]
    files = sorted((tmp_path / "cache" / "unet-studio" / "levels").rglob("*.counts"))
    assert len(files) == total
    files[0].write_bytes(files[0].read_bytes()[:-30])
    studied(tuned_run, predictor)
    assert len(passes) == before + before // total
    predictor.model.head.bias.data += 1
    other = studied(tuned_run, predictor)
    assert len(passes) == 2 * before + before // total
    assert other.reliability().error != first.reliability().error


def test_counts_of_another_image_are_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = counting.KeptCounts("a" * 64)
    levels = np.array([[0, 40_000], [65_535, 3]], np.uint16)
    item = counting.count_image("a", Prediction(1, np.zeros((2, 2), np.uint8), levels), np.eye(2, dtype=np.uint8))
    cache.put("one", item)
    restored = cache.get("b", "one")
    assert restored is not None and restored.id == "b"
    assert (restored.counted == item.counted).all() and restored.counted.sum() == 4
    assert cache.get("a", "two") is None
    assert counting.KeptCounts("b" * 64).get("a", "one") is None


def test_old_models_leave_the_cache_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    levels = tmp_path / "unet-studio" / "levels"
    for age, name in enumerate(("new", "old", "oldest"), 1):
        (levels / name).mkdir(parents=True)
        (levels / name / "x.counts").write_bytes(b"0" * 100)
        os.utime(levels / name, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(counting, "MOST_BYTES", 150)
    counting.KeptCounts("f" * 64).prune()
    assert sorted(path.name for path in levels.iterdir()) == ["f" * 32, "new"]


def test_a_folder_without_validation_images_is_chosen_on_but_never_a_test_image(
    tuned_run: runs.Run, tmp_path: Path
) -> None:
    import shutil

    from unet_core.data import synthetic

    predictor, _ = load_predictor(tuned_run.best)
    config = predictor.model.config
    other = synthetic.write(tmp_path / "others", images=4, seed=7)
    plan = plan_study(source_of(tuned_run), config, other)
    assert (sorted(plan.parts.values()), plan.study.chosen_on) == ([VALIDATION] * 4, "new images of others")
    root, split = Path(tuned_run.config.data.root), tuned_run.split()
    for subset, message in (("test", "0 train, 0 val, 2 test, 0 new"), ("train", "0 val, 0 test, 0 new")):
        folder = tmp_path / subset
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True)
            for name in split[subset]:
                shutil.copy(next((root / kind).glob(f"{name}.*")), folder / kind)
        with pytest.raises(NothingToScoreError, match=message):
            plan_study(source_of(tuned_run), config, folder)


def test_what_says_nothing_is_refused(tuned_run: runs.Run) -> None:
    study = studied(tuned_run, load_predictor(tuned_run.best)[0])
    with pytest.raises(ConfigError, match="V-Rand is for masks whose foreground is regions"):
        study.best("v_rand")
    with pytest.raises(ConfigError, match="Unknown metric 'f2'"):
        study.best("f2")
    assert math.isnan(study.validation.score(0.5, "v_rand"))
