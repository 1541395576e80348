"""`compare` and `duel` from the command line and from Python: the same digits; images either has seen are left out."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.untrained import make_untrained
from unet_core import compare, duel, evaluate
from unet_core.cli.parser import main
from unet_core.errors import DataError
from unet_core.evaluation.comparison import duel as compare_scores
from unet_core.evaluation.selection import NothingToScoreError
from unet_core.runs import run as runs

Pair = tuple[runs.Run, runs.Run]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Pair:
    """Of the eight images the first has seen 0 to 2, the second 1 to 3."""
    folder = tmp_path_factory.mktemp("pair")
    first = make_untrained(folder, sample_folder, range(3), [3, 4], seed=1)
    return first, make_untrained(folder, sample_folder, range(1, 4), [4, 5], seed=2)


def result_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict, str]:
    assert main(list(arguments)) == 0
    out, err = capsys.readouterr()
    return json.loads(out.splitlines()[-1]), err


def test_a_duel_leaves_out_what_either_has_seen_and_python_says_the_same(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "scores" / "duel.csv"
    result, said = result_of(capsys, "duel", *(str(run.folder) for run in pair), "--output", str(output))
    match = duel(*pair)
    assert result == json.loads(json.dumps(match.to_dict() | {"output": str(output)}).replace("NaN", "null"))
    assert match.sentence in said
    assert output.read_text() == match.to_csv()
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [f"cells_{number:03}" for number in range(4, 8)]
    assert [(row["subset_a"], row["subset_b"]) for row in rows[:2]] == [("val", "val"), ("test", "val")]
    assert match.notes == (
        "4 images are left out: A was trained on 3 of them, B on 3.",
        "The best epoch of A was chosen on 1 of these images, that of B on 2: the scores of B are slightly too good.",
    )
    scores = [{item.id: item.scores["dice"] for item in evaluate(run, run.config.data.root).images} for run in pair]
    expected = compare_scores(*({name: side[name] for name in match.duel.ids} for side in scores))
    assert (result["mean_difference"], result["p"]) == (expected.mean, expected.p)
    assert {name: match.duel.first[k] for k, name in enumerate(match.duel.ids)} == {
        name: scores[0][name] for name in match.duel.ids
    }


def test_a_run_against_itself(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(pair[0].folder)
    result, said = result_of(capsys, "duel", name, name, "--json")
    assert (result["mean_difference"], result["p"], result["equal"], result["images"]) == (0, 1, 5, 5)
    assert result["sentence"] == "Both have the same Dice on all 5 images."
    assert said == ""


def test_a_duel_on_another_dataset(
    pair: Pair, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(sample_folder, tmp_path / "copy"))
    for kind in ("images", "masks"):
        for path in sorted((root / kind).iterdir()):
            path.rename(path.with_name(f"renamed_{path.name}"))
    result, _ = result_of(capsys, "duel", *(str(run.folder) for run in pair), str(root))
    assert (result["images"], result["left_out_trained_on"]) == (4, 4)  # images are known by their pixels
    everything, _ = result_of(capsys, "duel", *(str(run.folder) for run in pair), str(root), "--split", "all")
    assert everything["images"] == 8
    assert "A was trained on 3 of these images, B on 3: their scores are too good." in everything["notes"]


def test_a_duel_that_cannot_be_is_refused_in_one_line(
    pair: Pair, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = Path(shutil.copytree(sample_folder, tmp_path / "others"))
    foreign = make_untrained(tmp_path / "runs", others, range(3), [3])
    rest = make_untrained(tmp_path / "runs", sample_folder, range(3, 8), [0])
    classes = make_untrained(tmp_path / "runs", sample_folder, range(3), [3], num_classes=2)
    with pytest.raises(DataError, match=r"different datasets \(cells, others\)"):
        duel(pair[0], foreign)
    with pytest.raises(NothingToScoreError, match="A was trained on 3 images of this dataset, B on 5, together on 8"):
        duel(pair[0], rest)
    with pytest.raises(DataError, match="has 1 classes"):
        duel(pair[0], classes)
    capsys.readouterr()
    assert main(["duel", str(pair[0].folder), str(foreign.folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: The two models were trained on different datasets")
    assert len(error.splitlines()) == 1


def test_runs_are_compared_as_python_does(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    result, said = result_of(capsys, "compare", *(run.id for run in pair), "--runs-dir", str(pair[0].folder.parent))
    assert result == json.loads(json.dumps(compare(*pair).to_dict()))
    assert result["differences"] == {"seed": [1, 2]}
    assert [run["val_dice"] for run in result["runs"]] == [0.5, 0.6]
    assert all(run["model_mib"] > 0 for run in result["runs"])
    lines = said.splitlines()
    assert "validated on different images (2 sets)" in lines[0]
    assert lines[1].split() == [run.id for run in pair]
    assert ["Random", "seed", "1", "2"] in [line.split() for line in lines]
    assert ["Dice", "0.5000", "0.6000"] in [line.split() for line in lines]


def test_one_run_is_too_few_and_the_former_meaning_is_said(
    sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(sample_folder), "--runs-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Comparing takes two runs or more. To train several presets on a dataset: ")
    assert error.rstrip().endswith("sweep DATA --presets A,B")
    assert main(["compare", "gone", "away", "--runs-dir", str(tmp_path)]) == 2
    assert "There is no run 'gone'" in capsys.readouterr().err


def test_presets_and_lists_of_settings_exclude_each_other(
    sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", str(sample_folder), "--runs-dir", str(tmp_path / "runs"), "--presets", "mp-tr-bce"]
    assert main([*command, "--vary", "seed=0-1"]) == 2
    assert "--presets trains presets as they are" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
