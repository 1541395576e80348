"""Figures of a dataset hold the numbers that they were given."""

from collections import Counter

import numpy as np

from pages.ui.figures import data_charts
from unet_core.data.summary.totals import Intensities


def test_counts_of_whole_numbers_have_a_bar_for_each_or_for_as_many() -> None:
    [bars] = data_charts.draw_counts([0, 1, 1, 3], "objects").data
    assert list(bars.x) == [0, 1, 2, 3] and list(bars.y) == [1, 2, 0, 1]
    assert list(bars.customdata) == ["0", "1", "2", "3"]
    [bars] = data_charts.draw_counts([0, 4, 5, 100], "objects").data
    assert list(bars.customdata)[:2] == ["0 to 4", "5 to 9"] and list(bars.y)[:2] == [2, 1]
    assert sum(bars.y) == 4


def test_counts_of_shares_begin_at_zero() -> None:
    [bars] = data_charts.draw_counts([0.0, 12.5, 99.9], "foreground (%)").data
    assert bars.customdata[0] == "0 to 5" and bars.x[0] == 2.5 and sum(bars.y) == 3
    assert list(data_charts.draw_counts([], "x").data[0].y) == []


def test_classes_are_bars_in_their_colors_from_the_top() -> None:
    figure = data_charts.draw_class_shares(["ground", "cell"], [0.75, 0.25], ["#000000", "#ff0000"], [4, 3])
    [bars] = figure.data
    assert list(bars.x) == [75, 25] and list(bars.y) == ["0 ground", "1 cell"]
    assert list(bars.marker.color) == ["#000000", "#ff0000"] and list(bars.text) == ["75.0 %", "25.0 %"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.xaxis.title.text == "share of pixels (%)"


def test_intensities_are_a_line_for_each_channel() -> None:
    shares = np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]])
    figure = data_charts.draw_intensities(Intensities("uint8", shares, np.array([0.0, 128.0, 256.0])), ["r", "g", "b"])
    assert [line.name for line in figure.data] == ["r", "g", "b"] and list(figure.data[0].x) == [64, 192]
    assert list(figure.data[1].y) == [0, 100] and figure.layout.showlegend
    assert figure.layout.xaxis.title.text == "intensity (uint8)"


def test_sizes_are_points_larger_where_more_images_have_them() -> None:
    [points] = data_charts.draw_sizes(Counter({(30, 20): 9, (10, 20): 1})).data
    assert list(points.x) == [30, 10] and list(points.customdata) == [9, 1]
    assert points.marker.size[0] > points.marker.size[1] == 8


def test_diameters_lie_between_the_edges() -> None:
    figure = data_charts.draw_diameters(np.array([1.0, 10.0, 100.0]), np.array([2, 3]))
    [bars] = figure.data
    assert list(bars.y) == [2, 3] and list(bars.width) == [9, 90]
    assert figure.layout.xaxis.type == "log" and "50" in figure.layout.xaxis.ticktext


def test_a_split_has_bars_for_each_part() -> None:
    figure = data_charts.draw_split({"train": [0.5, 0.5], "val": [1, 0]}, ["a", "b"], {"train": "T", "val": "V"})
    assert [(bar.name, list(bar.y)) for bar in figure.data] == [("T", [50, 50]), ("V", [100, 0])]
