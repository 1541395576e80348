"""The tables for spreadsheets, read back as CSV."""

import csv
import io

import numpy as np
import pytest

from tests.helpers.made import empty, result
from unet_core.export.result import Result
from unet_core.export.tables import ObjectTable, SummaryTable


def read(table: ObjectTable | SummaryTable, *results: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(table, *results).decode("utf-8-sig"))))


def written(table: ObjectTable | SummaryTable, *results: Result) -> bytes:
    file = io.BytesIO()
    for each in results:
        table.add(each)
    table.write(file)
    return file.getvalue()


def test_a_row_an_object_with_its_measures() -> None:
    first, second = result(num_classes=3, class_names=("none", "cell", "dead")), result("b.png")
    rows = read(ObjectTable(), first, empty(), second)
    assert len(rows) == len(first.objects) + len(second.objects)
    for row, expected in zip(rows, first.objects.rows(), strict=False):
        assert row["image"] == "a.png"
        assert row["class_name"] == ("none", "cell", "dead")[expected["class"]]
        for name, value in expected.items():
            assert float(row[name]) == pytest.approx(value, rel=1e-6) if name != "touches_border" else row[name]
    assert {row["touches_border"] for row in rows} == {"True", "False"}
    assert list(rows[0])[:4] == ["image", "id", "class", "class_name"]


def test_columns_of_other_pictures_stay_empty() -> None:
    gray = Result("g.png", np.zeros((2, 2, 1), np.uint8), np.ones((2, 2), np.uint8), 1)
    rows = read(ObjectTable(), gray, result(probability=np.ones((70, 90), np.float32)))
    assert (rows[0]["mean_red"], rows[0]["mean_probability"]) == ("", "")
    assert (rows[1]["mean_probability"], rows[1]["mean_red"] > "") == ("1", True)


def test_the_summary_counts_what_is_there_and_what_is_not() -> None:
    mask = np.zeros((10, 20), np.uint8)
    mask[:2, :2] = mask[5:7, 5:9] = 1
    each = result(mask=mask, num_classes=3, pixel_size=0.5)
    one, two = read(SummaryTable(), each)
    assert (one["objects"], one["covered_percent"]) == ("2", "6")
    assert (one["total_area_um2"], one["mean_area_um2"], one["median_area_um2"]) == ("3", "1.5", "1.5")
    assert (one["width_px"], one["height_px"], one["pixel_size_um"]) == ("20", "10", "0.5")
    assert (two["class"], two["objects"], two["total_area_um2"]) == ("2", "0", "0")
    assert two["mean_area_um2"] == two["mean_intensity"] == two["threshold"] == ""
    assert read(SummaryTable(), empty(threshold=0.4))[0]["threshold"] == "0.4"


def test_no_picture_gives_the_heads_of_the_columns() -> None:
    assert written(ObjectTable()) == b"image,id,class,class_name\n"


def test_formulas_in_names_are_disarmed() -> None:
    names = ("none", "@SUM(A1)")
    (row, *_) = read(ObjectTable(), result('=HYPERLINK("http://a").png', class_names=names))
    assert row["image"] == '\'=HYPERLINK("http://a").png'
    assert row["class_name"] == "'@SUM(A1)"


def test_only_what_is_not_ascii_is_marked_as_utf_8() -> None:
    assert written(ObjectTable(), result()).startswith(b"image,")
    assert written(ObjectTable(), result("ä.png")).startswith(b"\xef\xbb\xbfimage,")


def test_undefined_is_empty() -> None:
    nan = result(probability=np.full((70, 90), np.nan, np.float32))
    assert read(ObjectTable(), nan)[0]["mean_probability"] == ""
