"""Figures of scored images: bars that are picked, few points whatever the number of images, gaps where undefined."""

import numpy as np

from pages.ui.figures.charts import GREEN, ORANGE
from pages.ui.figures.evaluation_charts import draw_confusion, draw_distribution, draw_slices
from unet_core.evaluation.intervals import bound_mean
from unet_core.evaluation.slices import Slice
from unet_core.evaluation.tables.distribution import BARS, MOST_OUTLIERS, describe_values


def test_a_histogram_of_10000_images_holds_its_bars_and_few_points() -> None:
    values = np.random.default_rng(0).beta(8, 1, 10_000)
    spread = describe_values("dice", values)
    figure = draw_distribution(spread, "Dice", spread.range_of(18))
    bars, box, outliers = figure.data
    assert list(bars.y) == spread.counts.tolist() and sum(bars.y) == 10_000
    assert list(bars.marker.color) == [ORANGE if bar == 18 else GREEN for bar in range(BARS)]
    assert (box.q1[0], box.median[0], box.q3[0]) == spread.quartiles
    assert len(outliers.x) <= MOST_OUTLIERS and len(figure.to_json()) < 20_000


def test_nothing_defined_draws_no_box() -> None:
    figure = draw_distribution(describe_values("hd95", np.array([np.nan]), False), "HD95", None)
    assert [trace.type for trace in figure.data] == ["bar"]


def test_the_cells_of_a_matrix_can_be_clicked_and_say_their_classes() -> None:
    nan = float("nan")
    figure = draw_confusion([[3, 1], [0, 0]], [[0.75, 0.25], [nan, nan]], ["a", "b"])
    heat, cells = figure.data
    assert [list(row) for row in heat.z] == [[0.75, 0.25], [None, None]]
    assert [list(row) for row in heat.text] == [["75.0 %", "25.0 %"], ["", ""]]
    assert list(zip(cells.y, cells.x, strict=True)) == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    assert [list(cell) for cell in cells.customdata] == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_slices_have_their_interval_and_those_with_too_few_images_none() -> None:
    many, few = bound_mean(np.linspace(0.4, 0.8, 20)), bound_mean(np.array([0.9]))
    slices = [Slice("folder", "x", ("1",) * 20, 0.6, many, 0), Slice("folder", "y", ("2",), 0.9, few, 0)]
    (points,) = draw_slices(slices, ["x (20)", "y (1)"], 0.61).data
    assert list(points.x) == [0.6, 0.9] and list(points.y) == ["x (20)", "y (1)"]
    assert list(points.error_x.array) == [many.high - 0.6, 0.0]
    assert list(points.error_x.arrayminus) == [0.6 - many.low, 0.0]
