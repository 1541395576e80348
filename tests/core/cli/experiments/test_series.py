"""Cross-validation and learning curve from the command line: real runs in the queue, then the table."""

import json

import numpy as np
import pytest

from tests.helpers.processes import QUICK, make_data
from unet_core.api.models import evaluate
from unet_core.cli.parser import main
from unet_core.errors import ConfigError
from unet_core.experiments import cross_validation, learning_curve, validation
from unet_core.experiments.series import look
from unet_core.runs import run as runs

TINY = [f"--{name.replace('_', '-')}={value}" for name, value in (QUICK | {"epochs": 1}).items()]


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    """A cross-validation of 9 images in 3 folds: (dataset, runs folder, its JSON, what was printed)."""
    folder = tmp_path_factory.mktemp("folds")
    data = make_data(folder / "data", 9)
    with pytest.MonkeyPatch.context() as patch:
        lines, printed = [], []
        patch.setattr("builtins.print", lambda *words, **_: (printed if "file" in _ else lines).append(str(words[0])))
        assert main(["cross-validate", str(data), "--runs-dir", str(folder / "runs"), "--folds", "3", *TINY]) == 0
    return data, folder / "runs", json.loads(lines[-1]), printed


def test_every_image_is_scored_once_by_the_model_that_did_not_train_on_it(folded):
    _, runs_dir, result, _ = folded
    trained = runs.find(runs_dir)
    assert sorted((run.config.data.fold, run.config.data.folds) for run in trained) == [(1, 3), (2, 3), (3, 3)]
    held = [sorted(run.split()["val"]) for run in trained]
    assert sorted(name for names in held for name in names) == [f"p{n}" for n in range(9)]
    for run in trained:
        parts = run.split()
        assert set(parts["train"]) | set(parts["val"]) == {f"p{n}" for n in range(9)}
    assert {run.config.train.series.split()[0] for run in trained} == {result["series"]}
    assert [row["fold"] for row in result["folds"]] == [1, 2, 3]
    assert [row["images"] for row in result["folds"]] == [3, 3, 3]
    assert result["all_images"]["images"] == 9 and result["problems"] == []


def test_the_numbers_are_those_of_evaluate(folded):
    data, runs_dir, result, _ = folded
    dice = []
    for row in result["folds"]:
        own = evaluate(row["run"], data, split="val", runs_dir=runs_dir)
        assert own.mean["dice"] == row["mean_dice"]
        assert own.pooled["iou"] == row["pooled_iou"]
        dice += [score.scores["dice"] for score in own.images]
    means = [row["mean_dice"] for row in result["folds"]]
    spread = result["spread_over_folds"]
    assert spread["dice_mean"] == pytest.approx(np.mean(means), abs=1e-12)
    assert spread["dice_sd"] == pytest.approx(np.std(means, ddof=1), abs=1e-12)
    assert (spread["dice_low"], spread["dice_high"]) == (min(means), max(means))
    assert result["all_images"]["mean_dice"] == pytest.approx(np.nanmean(dice), abs=1e-12)


def test_the_table_is_printed_with_what_it_means(folded):
    *_, printed = folded
    text = "\n".join(printed)
    assert "Dice over 3 folds: mean " in text and "all 9 images, each unseen by its model: mean Dice " in text
    assert "It did choose that model's best epoch, so scores are slightly too high." in text
    assert "warning: left out" not in text


def test_kept_scores_are_read_until_the_checkpoint_is_another(folded, monkeypatch):
    runs_dir = folded[1]
    run = runs.find(runs_dir)[0]
    kept = validation.read(run)
    assert [score.id for score in kept] == sorted(run.split()["val"])
    monkeypatch.setattr(validation, "_digest", lambda run: "another")
    assert validation.read(run) is None
    again = validation.score(run)
    assert [score.scores for score in again] == [score.scores for score in kept]


def test_a_fold_that_is_missing_is_named_and_left_out(folded, monkeypatch):
    _, runs_dir, result, _ = folded
    name = result["series"]

    def look_at(run, score):
        member = look(run, score)
        if run.config.data.fold != 2:
            return member
        return type(member)(member.name, run, "failed", None, "fold 2 of 3 is not finished (failed): loss is NaN.")

    monkeypatch.setattr(cross_validation.series, "look", look_at)
    table = cross_validation.read(name, runs_dir)
    assert table.problems == ("fold 2 of 3 is not finished (failed): loss is NaN.",) and not table.is_complete
    assert table.spread["dice"].folds == 2 and table.summary.images == 6
    assert table.folds[1].summary is None and table.folds[1].state == "failed"
    gone = cross_validation.make_table(name, 4, [])
    assert gone.summary is None and gone.spread == {}
    assert gone.problems[3] == "fold 4 of 4 is not there: its run was deleted or removed from the queue."


def test_a_stopped_run_counts_as_not_finished(folded, monkeypatch):
    _, runs_dir, _, _ = folded
    run = runs.find(runs_dir)[0]
    monkeypatch.setattr(runs.Run, "state", lambda self: runs.RunState.STOPPED)
    member = look(run)
    assert member.scores is None and member.problem.endswith("is not finished (stopped).")


def test_shares_of_the_images_on_the_same_validation_images(tmp_path, capsys):
    data, runs_dir = make_data(tmp_path / "data", 20), tmp_path / "runs"
    arguments = ["learning-curve", str(data), "--runs-dir", str(runs_dir), "--shares", "0.25,0.5,1", *TINY]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    result = json.loads(out.splitlines()[-1])
    trained = sorted(runs.find(runs_dir), key=lambda run: run.config.data.train_share)
    assert len({tuple(run.split()["val"]) for run in trained}) == 1
    train = [set(run.split()["train"]) for run in trained]
    assert train[0] < train[1] < train[2] and [point["images"] for point in result["points"]] == [4, 8, 16]
    assert [run.config.train.epochs for run in trained] == [4, 2, 1]
    assert [point["validation"]["mean_dice"] for point in result["points"]] == [
        evaluate(run, data, split="val", runs_dir=runs_dir).mean["dice"] for run in trained
    ]
    assert result["sentence"] in err and result["extrapolation"]["twice_as_many"] == 32
    assert learning_curve.names(runs_dir) == [result["series"]] and cross_validation.names(runs_dir) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cross-validate", "--folds", "1"], "Expected folds to be 0 (off) or 2 to 20"),
        (["cross-validate", "--folds", "0"], "A cross-validation needs 2 folds or more, got 0."),
        (["cross-validate", "--series", "my folds"], "The name of a series has no spaces, got 'my folds'."),
        (["learning-curve", "--shares", "0.5"], "A learning curve needs two shares of the images or more"),
        (["learning-curve", "--shares", "0.5,2"], "Expected train_share to be above 0 and at most 1, got 2.0."),
        (["learning-curve", "--shares", "half,1"], "--shares half,1: expected numbers above 0 up to 1"),
    ],
)
def test_what_cannot_be_starts_nothing(arguments, message, tmp_path, sample_folder, capsys):
    assert main([arguments[0], str(sample_folder), "--runs-dir", str(tmp_path / "runs"), *arguments[1:]]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_plans_count_the_same_steps():
    from unet_core.config.schema import RunConfig

    configs = learning_curve.configure(RunConfig().replace(epochs=15, patience=4, plateau_patience=500))
    assert list(configs) == ["25% of images", "50% of images", "75% of images", "100% of images"]
    assert [config.train.epochs for config in configs.values()] == [60, 30, 20, 15]
    assert [config.train.patience for config in configs.values()] == [16, 8, 6, 4]
    assert [config.train.plateau_patience for config in configs.values()] == [1000, 1000, 667, 500]
    with pytest.raises(ConfigError):
        cross_validation.configure(RunConfig(), 21)
