"""label-errors and robustness from the command line: the numbers of Python, and what is refused."""

import csv
import json

import pytest

from tests.helpers.known_faults import echo_images, make_run, write
from unet_core import compare_kinds, find_label_errors, measure_robustness
from unet_core.cli.parser import main
from unet_core.evaluation.analysis.kinds import to_csv


@pytest.fixture
def run(tmp_path, monkeypatch):
    echo_images(monkeypatch)
    return make_run(tmp_path / "runs", write(tmp_path / "data"), train=("good",))


def answer(capsys) -> tuple[dict, str]:
    output = capsys.readouterr()
    return json.loads(output.out.splitlines()[-1]), output.err


def test_label_errors_are_those_of_python_and_the_wrong_label_is_the_first(run, tmp_path, capsys):
    output = tmp_path / "new" / "suspects.csv"
    assert main(["label-errors", str(run.folder), str(run.data.root), "--output", str(output)]) == 0
    result, said = answer(capsys)
    assert output.read_text() == find_label_errors(run).to_csv()
    assert next(csv.DictReader(output.read_text().splitlines()))["image"] == "label"
    assert result["images"] == 4 and result["places"] == result["listed"] > 5
    assert "1 of 5 images are left out: the model was trained on them (good)" in said
    assert "10 x 10 px at (80, 80): the model sees an object that is not in the ground truth" in said


def test_label_errors_in_training_images_come_with_a_warning(run, capsys):
    assert main(["label-errors", str(run.folder), "--split", "all", "--most", "2"]) == 0
    result, said = answer(capsys)
    assert (result["images"], result["listed"]) == (5, 2)
    assert "warning: The model was trained on some of these images" in said


def test_robustness_is_that_of_python(run, tmp_path, capsys):
    output = tmp_path / "robustness.csv"
    arguments = ["--corruptions", "darker, noise", "--images", "3", "--seed", "1", "--output", str(output)]
    assert main(["robustness", str(run.folder), *arguments]) == 0
    result, said = answer(capsys)
    expected = measure_robustness(run, corruptions=["darker", "noise"], images=3, seed=1)
    assert output.read_text() == expected.to_csv()
    assert len(output.read_text().splitlines()) == 1 + 1 + 2 * 5
    assert result["by_corruption"] == {
        name: [point.mean for point in expected.points if point.corruption == name] for name in ("darker", "noise")
    }
    assert (result["images"], result["mean_dice"]) == (3, expected.points[0].mean)
    assert result["sentence"] == expected.sentence and expected.sentence in said


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["robustness", "--corruptions", "fog"], "Unknown corruption 'fog'. Use some of blur, noise"),
        (["robustness", "--images", "0"], "Expected images to be 1 or more, got 0."),
        (["label-errors", "--most", "0"], "Expected most to be 1 or more, got 0."),
    ],
)
def test_wrong_options_are_refused_in_one_line(run, command, words, capsys):
    assert main([command[0], str(run.folder), *command[1:]]) == 2
    assert words in capsys.readouterr().err


def test_shift_is_that_of_python(run, tmp_path, capsys):
    output = tmp_path / "kinds.csv"
    arguments = ["--group-by", "^(go|la|mi|sh)", "--output", str(output)]  # good was trained on, the others are abroad
    assert main(["shift", str(run.folder), *arguments]) == 0
    result, said = answer(capsys)
    shift = compare_kinds(run, group_by=arguments[1])
    assert output.read_text() == to_csv(shift)
    assert (result["abroad_images"], result["home_images"], result["images_without_kind"]) == (3, 0, 1)
    assert result["abroad_dice"] == shift.abroad.mean and result["home_dice"] is None
    assert result["sentence"] == shift.sentence and shift.sentence in said
    assert main(["shift", str(run.folder), "--group-by", "good"]) == 2
    assert "which has no group" in capsys.readouterr().err


def test_without_a_run_a_folder_must_be_named(run, tmp_path, capsys):
    import shutil

    folder = shutil.copytree(run.best, tmp_path / "copy")
    assert main(["robustness", str(folder)]) == 2
    assert "Name a folder of images: DATA." in capsys.readouterr().err
