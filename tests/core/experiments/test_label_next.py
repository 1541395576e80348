"""What to label next: unsure and unlike images first; labeled and seen ones are left out and said."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.processes import make_data, picture, png, quick
from unet_core.cli.parser import main
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.errors import ConfigError, DataError
from unet_core.experiments import label_next
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.training import runner


def test_the_most_uncertain_comes_first_and_each_kind_before_a_second_of_one() -> None:
    rng = np.random.default_rng(0)
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    features = np.concatenate([center + rng.normal(0, 0.1, (10, 2)) for center in centers])
    uncertainty = rng.uniform(0.4, 0.5, 30)
    uncertainty[12] = 0.9
    order, distances = label_next.choose(features, uncertainty, 6)
    assert order[0] == 12
    assert {index // 10 for index in order[:3]} == {0, 1, 2}
    assert len(set(order)) == 6 and np.isnan(distances[0])
    assert min(distances[1:3]) > 10 * max(distances[3:])


def test_copies_come_last_the_unsure_ones_first() -> None:
    features = np.array([[1.0, 5.0]] * 4)
    assert label_next.choose(features, np.array([0.1, 0.4, 0.2, 0.3]), 10)[0] == [1, 3, 2, 0]
    assert label_next.choose(np.zeros((1, 2)), np.array([0.0]), 3)[0] == [0]


def test_among_equal_distances_uncertainty_decides() -> None:
    features = np.array([[0.0], [3.0], [-3.0]])
    assert label_next.choose(features, np.array([0.9, 0.2, 0.5]), 3)[0] == [0, 2, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on six images, and a folder with these, two labeled ones and five new ones."""
    base = tmp_path_factory.mktemp("next")
    make_data(base / "data", 6)
    run = runs.create(base / "runs", quick(base / "data", epochs=1))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    pool = base / "pool"
    (pool / "images").mkdir(parents=True)
    (pool / "masks").mkdir()
    for number in range(13):
        (pool / "images" / f"p{number:02d}.png").write_bytes(png(picture(number)[0]))
    for number in (6, 7):
        (pool / "masks" / f"p{number:02d}.png").write_bytes(png(picture(number)[1]))
    return base


def test_labeled_and_seen_images_are_left_out_and_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.find(folder / "runs")[0]
    arguments = ["label-next", run.id, str(folder / "pool"), "--runs-dir", str(folder / "runs"), "--count", "3"]
    assert main([*arguments, "--output", str(tmp_path / "next.csv"), "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["candidates"] == 5 and len(result["images"]) == 3
    new = {f"p{number:02d}.png" for number in range(8, 13)}
    assert {Path(name).name for name in result["images"]} <= new
    assert "note: 2 images are left out: they have a mask." in err
    assert "note: 6 images are left out: the model has seen them" in err
    rows = list(csv.DictReader((tmp_path / "next.csv").open()))
    assert [row["image"] for row in rows] == result["images"] and [row["rank"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["distance"] == "" and all(0 <= float(row["uncertainty"]) <= 1 for row in rows)


def test_a_folder_of_images_alone_and_a_file_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    from unet_core.api.experiments import label_next as rank

    flat = tmp_path / "flat"
    shutil.copytree(folder / "pool" / "images", flat)
    (flat / "broken.png").write_bytes(b"no image")
    ranking = rank(runs.find(folder / "runs")[0], flat, count=50, device="cpu")
    assert ranking.candidates == len(ranking.chosen) == 7
    assert len(ranking.skipped) == 1 and "broken.png" in ranking.skipped[0]


def test_nothing_to_choose_from_is_an_error_with_its_reason(folder: Path) -> None:
    with pytest.raises(DataError, match="6 images are left out: they have a mask"):
        label_next.find_unlabeled(folder / "data", TrainingImages())
    with pytest.raises(ConfigError, match="count to be 1 or more, got 0"):
        label_next.rank_unlabeled(None, UNKNOWN, folder / "pool", 0)  # type: ignore[arg-type]
    _, notes = label_next.find_unlabeled(folder / "pool", UNKNOWN)
    assert "It is not known which images the model was trained on" in notes[-1]
