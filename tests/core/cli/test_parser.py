"""The command line as a user meets it: what it prints, which files it writes, and one line for every mistake."""

import csv
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.helpers.processes import (
    ENDLESS,
    end,
    events,
    flags,
    make_data,
    picture,
    png,
    quick,
    start_cli,
    steps,
    trainers,
    wait_for,
    wait_until_over,
)
from unet_core.cli.parser import main, make_parser
from unet_core.config.schema import ModelConfig, all_fields
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.run import Run, RunState
from unet_core.training import launch


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    return make_data(place / "data", 8)


@dataclass(frozen=True)
class Said:
    """What a command printed and its exit status."""

    status: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        skipped = "\nskipped: " in f"\n{self.err}"
        assert self.status in ((0, 1) if skipped else (0,)), self.err
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """One command in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Said(status, *capsys.readouterr())

    return run


def in_a_process(*arguments: object) -> Said:
    process = start_cli(*arguments)
    out, err = process.communicate(timeout=120)
    return Said(process.returncode, out, err)


def assert_refused(said: Said, *words: str) -> None:
    """Status 2, nothing on stdout, and one line of error as the last on stderr, that names these words."""
    assert said.status == 2
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True], said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in lines[-1]


def untrained(folder: Path, **changes: Any) -> Path:
    """A checkpoint of a net with random weights."""
    torch.manual_seed(0)
    net = UNet(ModelConfig(**({"in_channels": 1, "num_classes": 1, "base_channels": 2, "depth": 1} | changes)))
    checkpoint.save_checkpoint(folder, net)
    return folder


@pytest.fixture(scope="module")
def binary(place: Path) -> Path:
    return untrained(place / "binary")


# ------------------------------------------------------------------------------------------------------ the main path


@dataclass(frozen=True)
class Walk:
    """The main path, walked once: the answers of its four commands and where their files lie."""

    folder: Path
    sample: Said
    train: Said
    evaluate: Said
    predict: Said

    @property
    def run(self) -> Run:
        return Run(Path(self.train.result["run"]))


@pytest.fixture(scope="module")
def walked(place: Path) -> Walk:
    folder = place / "walked"
    nuclei = folder / "nuclei"
    sample = in_a_process("sample", "--output", nuclei, "--images", 6)
    train = in_a_process("train", nuclei, "--runs-dir", folder / "runs", *flags(crops_per_image=4, val_fraction=0.34))
    run = train.result["run"]
    as_trained = ("--device", "cpu", "--precision", "fp32")
    evaluate = in_a_process("evaluate", run, nuclei, "--output", folder / "scores.csv", *as_trained)
    predict = in_a_process("predict", run, nuclei / "images", "--output", folder / "masks", "--device", "cpu")
    return Walk(folder, sample, train, evaluate, predict)


def test_sample_writes_a_data_set(walked):
    assert walked.sample.result["images"] == 6
    assert len(list((walked.folder / "nuclei" / "images").glob("*.png"))) == 6


def test_train_ends_with_one_line_of_json_and_tells_its_progress_on_stderr(walked):
    (line,) = walked.train.out.splitlines()
    result = json.loads(line)
    assert {"run", "best_epoch", "val_dice", "val_iou", "images_per_second"} <= result.keys()
    assert 1 <= result["best_epoch"] <= 2
    assert 0 <= result["val_iou"] <= result["val_dice"] <= 1
    assert result["images_per_second"] > 0
    assert walked.run.state() is RunState.FINISHED
    assert [re.match(r"epoch (\d)/2 ", line) is not None for line in walked.train.err.splitlines()[-2:]] == [True, True]


def test_evaluate_gives_the_summary_and_a_line_an_image(walked):
    result = walked.evaluate.result
    assert {"images", "mean_dice", "mean_iou", "pooled_dice", "pooled_iou", "empty"} <= result.keys()
    held_out = walked.run.split()["val"]
    assert result["images"] == len(held_out) == 2
    assert result["images_by_split"] == {"train": 4, "val": 2, "test": 0, "new": 0}
    assert result["evaluated_by_split"] == {"train": 0, "val": 2, "test": 0, "new": 0}
    text = (walked.folder / "scores.csv").read_text(encoding="utf-8")
    assert text.startswith("image,dice,iou,precision,recall,accuracy")
    lines = list(csv.DictReader(text.splitlines()))
    assert {line["image"] for line in lines} == set(held_out)
    assert np.mean([float(line["dice"]) for line in lines]) == pytest.approx(result["mean_dice"], abs=1e-6)
    assert walked.evaluate.out.count("\n") == 1


def test_the_best_score_of_the_training_is_the_score_of_the_validation_images(walked):
    assert walked.evaluate.result["mean_dice"] == pytest.approx(walked.train.result["val_dice"], abs=1e-6)
    assert walked.evaluate.result["mean_iou"] == pytest.approx(walked.train.result["val_iou"], abs=1e-6)


def test_predict_writes_a_binary_mask_of_the_same_name_and_size_for_each_image(walked):
    assert walked.predict.result["images"] == 6
    assert walked.predict.result["output"] == str(walked.folder / "masks")
    pictures = sorted((walked.folder / "nuclei" / "images").iterdir())
    assert sorted(path.name for path in (walked.folder / "masks").iterdir()) == [path.name for path in pictures]
    values: set[int] = set()
    for path in pictures:
        mask = images.read_mask(walked.folder / "masks" / path.name)
        assert mask.shape == images.size(path)
        values |= set(np.unique(mask).tolist())
    assert values <= {0, 255}
    assert (walked.folder / "masks" / pictures[0].name).read_bytes().startswith(b"\x89PNG")


# ------------------------------------------------------------------------------------------------------------ predict


def test_the_masks_of_several_classes_hold_class_indices(cli, place, data):
    model = untrained(place / "three", num_classes=3)
    said = cli("predict", model, data / "images", "--output", place / "indices", "--device", "cpu")
    assert said.result["images"] == 8
    found = {value for path in (place / "indices").iterdir() for value in np.unique(images.read_mask(path)).tolist()}
    assert found <= {0, 1, 2}
    assert len(found) > 1


def test_the_threshold_moves_the_masks(cli, binary, data, tmp_path):
    covers = []
    for threshold in (0.01, 0.5, 1):
        cli("predict", binary, data / "images/p0.png", "--output", tmp_path, "--threshold", threshold, "--device=cpu")
        covers.append(images.read_mask(tmp_path / "p0.png").mean())
    assert covers[0] >= covers[1] >= covers[2]
    assert covers[0] > covers[2]


def test_an_unreadable_file_is_named_and_the_others_are_predicted(cli, binary, data, tmp_path):
    (tmp_path / "notes.png").write_text("no picture at all")
    said = cli("predict", binary, tmp_path / "notes.png", data / "images", "--output", tmp_path / "out")
    assert (said.result["images"], said.result["skipped"]) == (8, 1)
    assert said.status == 1
    assert "notes.png" in said.err
    assert not (tmp_path / "out" / "notes.png").exists()


def test_an_image_of_one_pixel_trains_and_predicts(cli, place):
    tiny = make_data(place / "tiny", 3, size=(1, 1))
    said = cli("train", tiny, "--runs-dir", place / "tiny-runs", *flags(epochs=1))
    result = cli(
        "predict", said.result["run"], tiny / "images" / "p0.png", "--output", place / "tiny-masks", "--device", "cpu"
    ).result
    assert result["images"] == 1
    assert images.read_mask(place / "tiny-masks" / "p0.png").shape == (1, 1)


# ----------------------------------------------------------------------------------------------------------- evaluate


@pytest.mark.parametrize(("split", "count"), [("all", 6), ("train", 4), ("val", 2), ("held-out", 2)])
def test_the_split_says_which_images_are_scored(cli, walked, split, count):
    said = cli("evaluate", walked.run.folder, walked.folder / "nuclei", "--split", split, "--device", "cpu")
    assert said.result["images"] == count
    assert said.err.count("  Dice ") == count


def test_a_renamed_copy_of_a_training_image_is_recognized_and_left_out(cli, walked, tmp_path):
    trained, new = next(iter(walked.run.split()["train"])), tmp_path / "new"
    make_data(new, ["fresh"])
    for kind in ("images", "masks"):
        shutil.copy(walked.folder / "nuclei" / kind / f"{trained}.png", new / kind / "renamed.png")
    said = cli("evaluate", walked.run.folder, new, "--output", tmp_path / "scores.csv", "--device", "cpu")
    assert said.result["images"] == 1
    assert [line.split(",")[0] for line in (tmp_path / "scores.csv").read_text().splitlines()] == ["image", "fresh"]
    assert "1 of 2 images are left out" in said.err
    assert cli("evaluate", walked.run.folder, new, "--split", "all", "--device", "cpu").result["images"] == 2


def test_a_checkpoint_folder_by_itself_scores_everything(cli, binary, data):
    assert cli("evaluate", binary, data, "--device", "cpu").result["images"] == 8


def test_a_run_is_found_by_its_id_and_by_its_folder(cli, walked, data, tmp_path):
    by_id = cli("predict", walked.run.id, data, "--runs-dir", walked.run.folder.parent, "--output", tmp_path / "a")
    by_folder = cli("predict", walked.run.folder, data, "--output", tmp_path / "b")
    assert by_id.result["images"] == by_folder.result["images"] == 8
    assert all((tmp_path / "b" / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / "a").iterdir())


# ------------------------------------------------------------------------------------------------ names old and new


@pytest.mark.parametrize(("command", "old"), [((), "unpause"), (("queue",), "--revive"), (("train",), "--optimiser")])
def test_names_of_release_0_1_work_and_are_not_shown(capsys, command, old):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert old not in capsys.readouterr().out
    rest = {"unpause": ["RUN"], "--revive": [], "--optimiser": ["adam", "DATA"]}[old]
    assert make_parser().parse_args([*command, old, *rest]).command


def test_revive_is_restart():
    assert make_parser().parse_args(["queue", "--revive"]).restart is True


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ("/usr/bin/unet-studio", "unet-studio"),
        ("unet-studio.exe", "unet-studio"),
        ("/site-packages/unet_core/__main__.py", "python -m unet_core"),
    ],
)
def test_the_usage_line_names_the_program_as_it_was_called(monkeypatch, argv, name):
    monkeypatch.setattr("sys.argv", [argv])
    assert make_parser().format_usage().startswith(f"usage: {name} [-h]")


# ----------------------------------------------------------------------------------------------- options are one list


@pytest.mark.parametrize("option", [option for option in all_fields() if option.name != "root"], ids=lambda o: o.name)
def test_every_setting_is_an_option_of_train(capsys, option):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--help"])
    assert stopped.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"--{option.name.replace('_', '-')}[ ,]", help_text)
    assert option.description in help_text


def test_an_option_reaches_the_configuration_of_the_run(walked):
    config = walked.run.config
    assert (config.train.crops_per_image, config.data.val_fraction, config.model.base_channels) == (4, 0.34, 2)
    assert config.data.root == str(walked.folder / "nuclei")


# ----------------------------------------------------------------------------------------------- mistakes of the user


def test_a_folder_that_matches_no_layout_is_refused_with_what_it_holds(cli, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert_refused(
        cli("train", tmp_path, "--runs-dir", tmp_path / "r"), str(tmp_path), "notes.txt", "images/", "masks/"
    )


def test_a_missing_or_empty_folder_is_refused(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    assert_refused(cli("train", tmp_path / "absent", "--runs-dir", tmp_path / "r"), "absent", "no such folder")
    assert_refused(cli("train", tmp_path / "empty", "--runs-dir", tmp_path / "r"), "empty")
    assert not (tmp_path / "r").exists()


def test_an_image_without_its_mask_is_refused(cli, tmp_path):
    (make_data(tmp_path / "data") / "masks" / "p4.png").unlink()
    assert_refused(cli("train", tmp_path / "data", "--runs-dir", tmp_path / "r"), "p4.png")


@pytest.fixture(scope="module")
def found_by_the_trainer(place: Path) -> dict[str, Said]:
    """Mistakes that the trainer finds after its start; it is started for all of them side by side."""
    wrong_size = make_data(place / "wrong-size")
    for name in ("p1", "p3"):
        (wrong_size / "masks" / f"{name}.png").write_bytes(png(picture(0, 20, 20)[1]))
    broken = make_data(place / "broken")
    (broken / "images" / "p2.png").write_bytes(b"\x89PNG\r\n\x1a\n but then nothing")
    jobs = {
        "size": start_cli("train", wrong_size, "--runs-dir", place / "runs-size", *flags()),
        "broken": start_cli("train", broken, "--runs-dir", place / "runs-broken", *flags()),
        "loss": start_cli(
            "train", make_data(place / "fine"), "--runs-dir", place / "runs-loss", *flags(), "--loss=cross_entropy"
        ),
    }
    said = {}
    for name, job in jobs.items():
        out, err = job.communicate(timeout=120)
        said[name] = Said(job.returncode, out, err)
    return said


def test_masks_of_another_size_are_refused_all_at_once(found_by_the_trainer):
    assert_refused(found_by_the_trainer["size"], "p1.png", "p3.png", "20 x 20", "24 x 24")


def test_over_a_tenth_of_broken_pictures_is_refused_by_name(found_by_the_trainer):
    assert_refused(found_by_the_trainer["broken"], "p2.png", "1 of 6", "more than a tenth")


def test_a_loss_that_does_not_fit_the_masks_is_refused(found_by_the_trainer):
    assert_refused(found_by_the_trainer["loss"], "cross_entropy")


@pytest.mark.parametrize(
    "given", ["--epochs=0", "--threshold=1.5", "--threshold=0", "--threshold=nan", "--lr=-1", "--val-fraction=1"]
)
def test_a_setting_out_of_range_is_refused_by_name(cli, data, tmp_path, given):
    name, _, value = given[2:].partition("=")
    assert_refused(cli("train", data, "--runs-dir", tmp_path / "r", given), name.replace("-", "_"), value)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("threshold", ["0", "1.5", "nan", "-1"])
def test_a_threshold_out_of_range_is_refused_in_predict(cli, binary, data, tmp_path, threshold):
    said = cli("predict", binary, data, "--output", tmp_path / "out", f"--threshold={threshold}")
    assert_refused(said, "threshold", threshold)
    assert not (tmp_path / "out").exists()


def test_a_text_file_called_png_is_refused(cli, binary, tmp_path):
    (tmp_path / "notes.png").write_text("no picture at all")
    assert_refused(cli("predict", binary, tmp_path / "notes.png", "--output", tmp_path / "out"), "notes.png")


def test_a_missing_picture_or_a_folder_without_any_is_refused(cli, binary, tmp_path):
    assert_refused(cli("predict", binary, tmp_path / "absent.png", "--output", tmp_path / "out"), "absent.png")
    (tmp_path / "void").mkdir()
    assert_refused(cli("predict", binary, tmp_path / "void", "--output", tmp_path / "out"), "void")


def test_two_pictures_for_one_mask_are_refused(cli, binary, data, tmp_path):
    shutil.copy(data / "images" / "p0.png", tmp_path / "p0.png")
    said = cli("predict", binary, tmp_path / "p0.png", data / "images", "--output", tmp_path / "out")
    assert_refused(said, "p0.png", str(tmp_path), str(data))


def test_an_output_that_is_a_file_is_refused(cli, binary, data, tmp_path):
    (tmp_path / "out").write_text("mine")
    assert_refused(cli("predict", binary, data, "--output", tmp_path / "out"), str(tmp_path / "out"))
    assert_refused(cli("evaluate", binary, data, "--output", tmp_path / "out" / "scores.csv"), str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("command", ["resume", "stop"])
def test_an_unknown_run_is_refused(cli, tmp_path, command):
    assert_refused(cli(command, "20200101-000000-none", "--runs-dir", tmp_path), "20200101-000000-none")
    assert_refused(cli(command, tmp_path / "elsewhere"), "elsewhere")


def test_an_unknown_model_is_refused(cli, data, tmp_path):
    assert_refused(cli("predict", "nothing-here", data, "--runs-dir", tmp_path), "nothing-here")
    assert_refused(cli("evaluate", tmp_path / "nothing-here", data), "nothing-here")


def test_a_run_without_a_checkpoint_is_refused(cli, data, tmp_path):
    run = runs.create(tmp_path / "runs", quick(data))
    assert_refused(cli("predict", run.folder, data, "--output", tmp_path / "out"), run.id, "no checkpoint yet")


def test_a_checkpoint_damaged_beyond_its_fallback_is_refused(cli, binary, data, tmp_path):
    model = shutil.copytree(binary, tmp_path / "model")
    shutil.copytree(binary, tmp_path / "model.old")
    (model / "model.safetensors").write_bytes(b"cut")
    said = cli("evaluate", model, data, "--device", "cpu")
    assert said.result["images"] == 8
    assert "warning: " in said.err
    (tmp_path / "model.old" / "config.json").unlink()
    assert_refused(cli("evaluate", model, data), "model.safetensors", "damaged")


# ----------------------------------------------------------------------------------- a run that is not left to itself


@pytest.fixture(scope="module")
def live(place: Path, data: Path) -> Run:
    run = launch.launch(quick(data, **ENDLESS), place / "live")
    wait_for(lambda: steps(run), "the run has made a step")
    return run


def test_a_second_run_waits_in_line_and_ctrl_c_takes_it_out_again(cli, live, data):
    assert_refused(cli("resume", live.folder), live.id, "is already training")
    process = start_cli("train", data, "--runs-dir", live.folder.parent, *flags())
    (run,) = wait_for(lambda: queue.waiting(live.folder.parent), "it waits")
    wait_for(run.alive, "its process lives")
    listed = cli("queue", "--runs-dir", live.folder.parent).result
    assert (listed["trains"], listed["waiting"]) == (live.id, [run.id])
    told = ""
    while "queued behind" not in told:  # until then it is still being launched
        line = process.stderr.readline()
        assert line, told
        told += line
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    err = told + err
    assert_refused(Said(process.returncode, out, err), run.id, "removed from the queue", "never started")
    assert f"queued behind {live.id}" in err
    assert "Traceback" not in err
    assert [path for path in live.folder.parent.iterdir() if path.is_dir()] == [live.folder]


def test_the_line_is_changed_from_the_command_line(cli, live, data):
    runs_dir = live.folder.parent
    first, second = launch.launch_all([quick(data), quick(data)], runs_dir)
    moved = cli("queue", "--runs-dir", runs_dir, "--move", second.id, "-1").result
    assert moved["waiting"] == [second.id, first.id]
    assert cli("stop", first.id, "--runs-dir", runs_dir).result["state"] == "removed"
    assert cli("queue", "--runs-dir", runs_dir, "--remove", second.id).result["waiting"] == []
    assert_refused(cli("queue", "--runs-dir", runs_dir, "--remove", live.id), live.id, "is not in the queue")
    assert_refused(cli("queue", "--runs-dir", runs_dir, "--move", live.id, "up"), "expected a number of positions")
    wait_for(lambda: len(trainers(runs_dir)) == 1, "who waited is gone")


def test_runs_lists_a_run_and_stop_ends_it(cli, live):
    listed = cli("runs", "--runs-dir", live.folder.parent)
    assert listed.result == {"runs": [{"run": live.id, "state": "running"}]}
    stopped = cli("stop", live.id, "--runs-dir", live.folder.parent)
    assert stopped.result["run"] == str(live.folder)
    assert stopped.result["state"] in ("stopping", "stopped")
    wait_until_over(live)
    assert cli("runs", "--runs-dir", live.folder.parent).result["runs"][0]["state"] == "stopped"
    assert checkpoint.load_model(live.best)[1] == ""


def first_run(runs_dir: Path) -> Run:
    (run,) = wait_for(lambda: runs.find(runs_dir), "the run has begun")
    return run


def test_ctrl_c_stops_the_run_and_keeps_the_best(place, data):
    process = start_cli("train", data, "--runs-dir", place / "ctrl-c", *flags(**ENDLESS))
    run = first_run(place / "ctrl-c")
    wait_for(lambda: steps(run), "the run has made a step")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    said = Said(process.returncode, out, err)
    assert (said.result["reason"], said.result["best_epoch"]) == ("stopped", 1)
    assert "Traceback" not in err
    assert wait_until_over(run).state() is RunState.STOPPED
    assert checkpoint.load_model(run.best)[1] == ""


def test_after_the_death_of_the_trainer_the_advice_that_is_given_finishes_the_run(cli, place, data):
    process = start_cli("train", data, "--runs-dir", place / "killed", *flags(epochs=3, crops_per_image=60))
    run = first_run(place / "killed")
    wait_for(lambda: run.has_last, "an epoch is saved")
    end(trainers(run.folder))
    out, err = process.communicate(timeout=60)
    interrupted = Said(process.returncode, out, err)
    assert_refused(interrupted, run.id, "was interrupted")
    advice = re.search(r"python -m unet_core (resume .*)", err)
    assert advice is not None
    said = cli(*advice[1].split())
    assert (said.result["reason"], said.result["epochs"]) == ("completed", 3)
    starts = [event.first_epoch for event in events(run) if event.type == "started"]
    assert starts[0] == 1 < starts[1], "the epochs that were saved were trained again"
