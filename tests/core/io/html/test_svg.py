"""Charts as SVG: they have what they show, and text in them is inert."""

from unet_core.io.html import svg


def test_charts_have_what_they_show() -> None:
    assert svg.draw_histogram([], "none") == ""
    assert svg.draw_histogram([1, 10, 100], "sizes").count("<rect") == 3
    assert svg.draw_lines([[1, 4], [0, 9]], (0, 256), "x < y").count("<polyline") == 2
    assert "x &lt; y" in svg.draw_lines([[1]], (0, 256), "x < y")


def test_counts_of_scores_lie_from_0_to_1() -> None:
    chart = svg.draw_counts([0.0, 0.04, 0.5, 1.0], "Dice", bins=10)
    assert chart.count("<rect") == 3
    assert ">2</text>" in chart and ">0</text>" in chart and ">1</text>" in chart
    heights = [float(part.split('"')[0]) for part in chart.split('height="')[2:]]
    assert heights == [80.0, 40.0, 40.0]


def test_curves_name_their_last_value_and_lie_between_the_limits() -> None:
    curves = [("Dice <1>", "#000000", [(1.0, 0.0), (2.0, 0.5), (3.0, 1.0)]), ("absent", "#ffffff", [])]
    chart = svg.draw_curves(curves, "scores", (0.0, 1.0))
    assert "Dice &lt;1&gt; 1.0000" in chart and "absent" not in chart
    (line,) = [part.split('"')[0] for part in chart.split('points="')[1:]]
    points = [tuple(map(float, point.split(","))) for point in line.split(" ")]
    assert points == [(44.0, 218.0), (246.0, 124.0), (448.0, 30.0)]
    assert svg.draw_curves([("none", "#ffffff", [])], "nothing") == ""
    assert svg.draw_curves([("one", "#ffffff", [(1.0, 2.0)])], "a point").count("<circle") == 1
