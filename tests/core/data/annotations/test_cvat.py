"""CVAT for images 1.1."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, read, triangle
from unet_core.errors import DataError

POINTS = ";".join(f"{x:.2f},{y:.2f}" for x, y in TRIANGLE)
POLYGON = f'<polygon label="cell" source="manual" occluded="0" points="{POINTS}" z_order="0"></polygon>'


def cvat(*images: tuple[str, str], labels: tuple[str, ...] = ("dirt", "cell")) -> str:
    names = "".join(f"<label><name>{name}</name><color>#fa3253</color></label>" for name in labels)
    entries = "".join(
        f'<image id="{i}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>'
        for i, (name, shapes) in enumerate(images)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"<meta><task><labels>{names}</labels></task></meta>{entries}</annotations>"
    )


def test_polygons_and_the_order_of_the_labels(tmp_path: Path) -> None:
    grow(tmp_path, {"images/sub/a.png": None, "annotations.xml": cvat(("sub/a.png", POLYGON))})
    assert read(tmp_path).class_names == ("background", "dirt", "cell")
    assert (draw(tmp_path, "images/sub/a.png") == triangle(2)).all()


def test_every_kind_of_shape(tmp_path: Path) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    shapes = (
        '<box label="cell" xtl="1" ytl="2" xbr="4" ybr="6"/>'
        '<box label="dirt" xtl="10" ytl="1" xbr="14" ybr="3" rotation="90"/>'
        '<ellipse label="cell" cx="7" cy="8.5" rx="2.3" ry="1.4"/>'
        '<mask label="dirt" rle="1, 2, 3" left="12" top="8" width="3" height="2"/>'
        '<polyline label="dirt" points="1,1;2,2"/><tag label="dirt"/>'
    )
    grow(tmp_path, {"a.png": None, "annotations.xml": cvat(("a.png", shapes))})
    expected = box(2, 1, 6, 4, 2) + box(0, 11, 4, 13, 1)
    expected[((x - 7) / 2.3) ** 2 + ((y - 8.5) / 1.4) ** 2 <= 1] = 2
    expected[8, 13:15] = 1
    assert (draw(tmp_path, "a.png") == expected).all()
    assert "Shapes without an area are not drawn: 1 x polyline." in read(tmp_path).warnings


def test_the_z_order_decides_what_lies_on_top(tmp_path: Path) -> None:
    shapes = (
        '<box label="cell" xtl="0" ytl="0" xbr="4" ybr="4" z_order="2"/>'
        '<box label="dirt" xtl="0" ytl="0" xbr="6" ybr="6" z_order="-1"/>'
    )
    grow(tmp_path, {"a.png": None, "annotations.xml": cvat(("a.png", shapes))})
    assert (draw(tmp_path, "a.png") == np.maximum(box(0, 0, 6, 6), box(0, 0, 4, 4, 2))).all()


def test_an_image_without_shape_is_not_labeled(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "b.png": None, "annotations.xml": cvat(("a.png", POLYGON), ("b.png", ""))})
    result = read(tmp_path)
    assert list(result.drawings) == [tmp_path / "a.png"]
    assert result.unlabeled == (tmp_path / "b.png",)


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    tree = {"x/a.png": None, "y/a.png": None, "annotations.xml": cvat(("a.png", POLYGON), ("gone.png", POLYGON))}
    result = read(grow(tmp_path, tree))
    assert result.problems[0] == "annotations.xml: a.png may be x/a.png or y/a.png"
    assert any("gone.png" in text for text in result.warnings)


def test_a_label_that_meta_lacks_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "annotations.xml": cvat(("a.png", POLYGON), labels=("dirt",))})
    assert read(tmp_path).problems == ("the class 'cell' is not among those that the files list (dirt)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (cvat(("a.png", POLYGON))[:-20], "no valid XML"),
        (cvat(("a.png", '<polygon label="cell"/>')), "lacks 'points'"),
        (cvat(("a.png", '<polygon label="cell" points="1,2;3"/>')), "not as CVAT XML should be"),
        (cvat(("a.png", '<mask label="cell" rle="1,x" left="0" top="0" width="1" height="1"/>')), "not as CVAT XML"),
        (cvat(("a.png", '<heart label="cell"/>')), "'heart' is not read"),
        ("<annotations><track id='0'></track></annotations>", "CVAT XML of a video"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations><image/></annotations>', "document type of its own"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    grow(tmp_path, {"a.png": None, "annotations.xml": text})
    with pytest.raises(DataError, match=rf"annotations\.xml: .*{message}"):
        read(tmp_path)


def test_other_xml_is_not_meant(tmp_path: Path) -> None:
    from unet_core.data.annotations import name_found

    grow(tmp_path, {"a.png": None, "a.xml": "<annotation><filename>a.png</filename></annotation>"})
    assert name_found(tmp_path) == []
