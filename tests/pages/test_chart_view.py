"""What a chart's CSV holds, and that every chart of the pages has its menu."""

import csv
import io
import re

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import chart_view, charts
from pages.ui.figures.evaluation_charts import draw_distribution
from tests.helpers.pages import ROOT
from unet_core.evaluation.tables.distribution import describe_values
from unet_core.planning.report import LrRange


def rows(figure: go.Figure) -> list[list[str]]:
    return list(csv.reader(io.StringIO(chart_view.to_csv(figure))))


def test_all_points_of_all_series_are_there_under_the_titles_of_the_axes() -> None:
    figure = go.Figure()
    figure.add_scatter(x=np.arange(3), y=np.array([0.1, np.nan, 0.3]), name='the "first", one')
    figure.add_bar(x=["a"], y=[2], name="second")
    figure.update_layout(xaxis_title="epoch", yaxis_title="validation Dice")
    assert rows(figure) == [
        ["series", "epoch", "validation Dice"],
        ['the "first", one', "0", "0.1"],
        ['the "first", one', "1", "nan"],
        ['the "first", one', "2", "0.3"],
        ["second", "a", "2"],
    ]


def test_a_histogram_gives_its_values_not_its_bins() -> None:
    assert rows(go.Figure(go.Histogram(x=[0.5, 0.25])).update_layout(xaxis_title="Dice", yaxis_title="images")) == [
        ["Dice"],
        ["0.5"],
        ["0.25"],
    ]


def test_a_figure_without_points_is_a_header() -> None:
    assert rows(go.Figure()) == [[]]


def test_the_learning_rate_test_has_its_losses() -> None:
    result = LrRange((1e-4, 1e-3, 1e-2), (0.9, 0.5, 0.8), 1e-3, 1e-3, 1e-3, "end", 1.0)
    assert rows(charts.draw_lr_finder(result, 0.001))[1:] == [
        ["loss", "0.0001", "0.9"],
        ["loss", "0.001", "0.5"],
        ["loss", "0.01", "0.8"],
    ]


def test_counts_are_marked_with_whole_numbers() -> None:
    few, many = (
        draw_distribution(describe_values("dice", np.array(values)), "Dice", None)
        for values in ([0.1, 0.11, 0.5], [0.1] * 500)
    )
    assert (few.layout.yaxis.dtick, few.layout.yaxis.tickformat) == (1, ",d")
    assert (many.layout.yaxis.dtick, many.layout.yaxis.rangemode) == (None, "tozero")


def test_no_page_draws_a_figure_without_the_menu() -> None:
    drawing = [path for path in (ROOT / "pages").rglob("*.py") if re.search(r"\bplotly_chart\(", path.read_text())]
    assert [path.name for path in drawing] == ["chart_view.py"]
