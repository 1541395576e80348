"""Label errors over a dataset: the planted one leads, training images are told, the table has places."""

import csv

import pytest

from tests.helpers.known_faults import UNLABELED, echo_images, make_run, write
from unet_core import find_label_errors
from unet_core.errors import ConfigError
from unet_core.evaluation.analysis.suspects import HIDDEN, Ranking, find_window
from unet_core.evaluation.label_errors import Suspect


@pytest.fixture
def run(tmp_path, monkeypatch):
    echo_images(monkeypatch)
    return make_run(tmp_path / "runs", write(tmp_path / "data"), train=("good",))


def test_the_wrong_label_leads_the_faults_of_the_model(run):
    result = find_label_errors(run)
    first, second = result.suspects[:2]
    top, left, height, width = UNLABELED
    assert (first.image, first.kind) == ("label", "unlabeled")
    assert (first.top, first.left, first.height, first.width) == (top, left, height, width)
    assert first.score > 1.5 * second.score
    assert set(result.subsets.values()) == {"val"} and "good" not in result.subsets
    assert HIDDEN not in result.notes


def test_training_images_are_said_to_hide_label_errors(run):
    result = find_label_errors(run, split="all")
    assert result.subsets["good"] == "train" and HIDDEN in result.notes


def test_the_table_has_a_line_for_each_place(run):
    result = find_label_errors(run, most=3)
    rows = list(csv.DictReader(result.to_csv().splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert (rows[0]["image"], rows[0]["subset"], rows[0]["kind"]) == ("label", "val", "unlabeled")
    assert (rows[0]["left"], rows[0]["top"], rows[0]["width"], rows[0]["height"]) == ("80", "80", "10", "10")
    assert float(rows[0]["score"]) == pytest.approx(result.suspects[0].score, abs=1e-6)


def test_of_many_places_the_most_suspect_are_kept():
    places = [Suspect(f"{n}", "class", ((n * 7919) % 1000) / 1000, 1, 1, 9, 0, 0, 3, 3) for n in range(1000)]
    ranking = Ranking(most=5)
    for start in range(0, 1000, 4):
        ranking.add(places[start : start + 4])
    assert ranking.total == 1000
    assert [item.score for item in ranking.best()] == [0.999, 0.998, 0.997, 0.996, 0.995]


def test_wrong_requests_are_refused(run):
    with pytest.raises(ConfigError, match="one view"):
        find_label_errors(run, tta="none")
    with pytest.raises(ConfigError, match="Unknown tta"):
        find_label_errors(run, tta="some")
    with pytest.raises(ConfigError, match="Expected most to be 1 or more, got 0"):
        find_label_errors(run, most=0)


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        ((50, 60, 10, 10), (200, 300), (7, 17, 96, 96)),
        ((0, 0, 4, 4), (200, 300), (0, 0, 96, 96)),
        ((190, 290, 10, 10), (200, 300), (104, 204, 96, 96)),
        ((50, 60, 100, 30), (400, 300), (26, 1, 148, 148)),
        ((3, 3, 5, 5), (20, 30), (0, 0, 20, 30)),
    ],
)
def test_the_window_around_a_place_lies_in_the_image(box, size, expected):
    top, left, height, width = box
    rows, columns = find_window(Suspect("a", "class", 1, 1, 1, 9, left, top, width, height), *size)
    assert (rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start) == expected
