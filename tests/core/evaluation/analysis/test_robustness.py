"""The bench counts what it says, image by image; means are of the same images; the same seed gives the same."""

import numpy as np
import pytest

from tests.helpers.known_faults import LARGE, echo_images, make_pairs, make_run, paint, write
from unet_core import measure_robustness, metrics
from unet_core.errors import ConfigError, DataError
from unet_core.evaluation.analysis.corruptions import CORRUPTIONS, corrupt
from unet_core.evaluation.analysis.robustness import (
    Step,
    bring_back,
    describe,
    list_steps,
    summarize,
    to_csv,
)


def dice_of(image, truth):
    pred = (np.rint(image.astype(np.float64) / 255 * 65535) > 32767).astype(np.uint8)
    return metrics.scores(metrics.count(pred, truth, 1))["dice"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    echo_images(monkeypatch)
    pairs = make_pairs() | {"nothing": (np.full((100, 100), 5, np.uint8), paint())}
    return make_run(tmp_path / "runs", write(tmp_path / "data", pairs))


def test_each_point_is_the_mean_dice_of_the_corrupted_images(run):
    result = measure_robustness(run, corruptions=["darker", "noise"])
    assert [(point.corruption, point.severity) for point in result.points] == list_steps(["darker", "noise"])
    pairs = make_pairs()
    for point in result.points:
        expected = [
            dice_of(corrupt(image[:, :, None], point.corruption or "blur", point.severity, name)[:, :, 0], truth)
            for name, (image, truth) in sorted(pairs.items())
        ]
        assert point.dice.tolist() == expected, "images without foreground are left out"
        assert point.mean == np.mean(expected)
        assert point.interval.too_few
    assert result.points[-1].mean < result.points[0].mean


def test_a_model_of_its_pixels_keeps_its_mask_through_another_scale(run):
    """Boxes whose sides are multiples of 4 at multiples of 4 survive a quarter of the size."""
    truth = paint((8, 8, 20, 24))
    small = corrupt((truth * 255)[:, :, None], "scale", 5)[:, :, 0]
    assert small.shape == (25, 25)
    np.testing.assert_array_equal(bring_back((small > 127).astype(np.uint8), 100, 100), truth)


def test_images_are_drawn_by_the_seed(run):
    draws = {seed: measure_robustness(run, corruptions=["blur"], images=3, seed=seed) for seed in range(4)}
    again = measure_robustness(run, corruptions=["blur"], images=3, seed=2)
    assert [point.dice.tolist() for point in again.points] == [point.dice.tolist() for point in draws[2].points]
    assert len({tuple(result.points[0].dice.tolist()) for result in draws.values()}) > 1
    assert all(len(result.points[0].dice) in (2, 3) for result in draws.values())


def test_wrong_requests_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="Expected images to be 1 or more, got 0"):
        measure_robustness(run, images=0)
    with pytest.raises(ConfigError, match="Unknown corruption 'fog'"):
        measure_robustness(run, corruptions=["fog"])
    with pytest.raises(DataError, match="not of a run"):
        measure_robustness(_copy(run, tmp_path / "copy"))
    dark = write(tmp_path / "dark", {str(n): (np.full((40, 40), 5, np.uint8), paint()[:40, :40]) for n in range(2)})
    with pytest.raises(DataError):
        measure_robustness(run, dark, images=2)


def _copy(run, folder):
    import shutil

    return shutil.copytree(run.best, folder)


def test_an_image_that_is_not_finished_counts_nowhere():
    steps = [Step("a", "", 0, 0.9), Step("a", "blur", 1, 0.5), Step("b", "", 0, 0.1)]
    assert [(point.corruption, point.mean) for point in summarize(steps)] == [("", 0.9), ("blur", 0.5)]
    assert summarize([]) == []


def test_the_sentence_names_what_costs_most_over_all_severities():
    def steps(blur, noise):
        yield Step("a", "", 0, 0.9)
        for name, values in (("blur", blur), ("noise", noise)):
            for severity, dice in enumerate(values, 1):
                yield Step("a", name, severity, dice)

    points = summarize(steps([0.9, 0.9, 0.9, 0.9, 0.1], [0.5, 0.5, 0.5, 0.5, 0.5]))
    assert (
        describe(points)
        == "Noise hurts most: mean Dice falls from 0.900 to 0.500 at severity 5 (sigma 30% of the range)."
    )
    points = summarize(steps([0.9] * 5, [0.95] * 5))
    assert describe(points) == "No corruption costs 0.005 Dice or more on average; mean Dice without any: 0.900."
    assert describe([]) == ""


def test_the_table_has_units_and_intervals_from_15_images_on():
    few = [Step(str(n), "", 0, 0.5) for n in range(14)]
    assert to_csv(summarize(few)).splitlines()[1] == "none,0,,0.500000,,,14"
    enough = summarize([*few, Step("14", "", 0, 0.5)])
    cells = to_csv(enough).splitlines()[1].split(",")
    assert cells[:4] == ["none", "0", "", "0.500000"]
    assert [float(cell) for cell in cells[4:6]] == pytest.approx([enough[0].interval.low, enough[0].interval.high])
    blurred = summarize([Step("a", "blur", 5, 0.25)])
    assert to_csv(blurred).splitlines()[1] == "blur,5,sigma 4 px,0.250000,,,1"


def test_the_command_line_says_which_corruptions_there_are(capsys):
    from unet_core.cli.parser import main

    with pytest.raises(SystemExit):
        main(["robustness", "--help"])
    assert ", ".join(CORRUPTIONS) in " ".join(capsys.readouterr().out.split())


def test_boxes_stay_what_they_are():
    assert paint(*LARGE).sum() == 1600
