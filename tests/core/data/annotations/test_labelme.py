"""LabelMe."""

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, packed_png, read, triangle
from unet_core.errors import DataError


def shape(label: str, points: Any, kind: str = "polygon", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **more}


def labelme(image: str, *shapes: dict[str, Any], size: tuple[int, int] = (HEIGHT, WIDTH)) -> dict[str, Any]:
    return {
        "version": "5.4.1",
        "shapes": list(shapes),
        "imagePath": image,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def test_polygons_of_pixels(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", shape("cell", TRIANGLE)), "b.png": None})
    result = read(tmp_path)
    assert result.format == "LabelMe JSON"
    assert result.class_names == ("background", "cell")
    assert list(result.drawings) == [tmp_path / "a.png"]
    assert result.unlabeled == (tmp_path / "b.png",)
    assert result.problems == ()
    assert "read as pixels" in result.warnings[0]
    assert (draw(tmp_path, "a.png") == triangle()).all()


def test_corners_with_fractions_lie_on_the_plane(tmp_path: Path) -> None:
    points = [[2.5, 1.5], [8.5, 1.5], [8.5, 7.25], [2.5, 7.25]]
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", shape("cell", points))})
    assert read(tmp_path).warnings == ()
    assert (draw(tmp_path, "a.png") == box(2, 3, 7, 9)).all()


def test_every_kind_of_shape(tmp_path: Path) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    shapes = [
        shape("a", [[0.4, 0.25], [3, 2]], "rectangle"),
        shape("b", [[9, 6], [12, 6]], "circle"),
        shape(
            "c",
            [[0, 8], [1, 9]],
            "mask",
            mask=base64.b64encode(zlib.decompress(base64.b64decode(packed_png(np.eye(2, dtype=np.uint8))))).decode(),
        ),
        shape("c", [[0, 0], [5, 5]], "line"),
        shape("c", [[0, 0]], "point"),
        shape("c", [[0, 0], [1, 1]]),
    ]
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", *shapes)})
    expected = box(0, 0, 2, 3)
    expected[(x - 9) ** 2 + (y - 6) ** 2 <= 9] = 2
    expected[8, 0] = expected[9, 1] = 3
    assert (draw(tmp_path, "a.png") == expected).all()
    assert any(
        "1 x line, 1 x point, 1 x polygon of less than three corners" in text for text in read(tmp_path).warnings
    )


def test_a_group_is_one_object(tmp_path: Path) -> None:
    parts = [[[1.2, 1], [3, 1], [3, 3]], [[6.2, 6], [9, 6], [9, 9]], [[12.2, 1], [14, 1], [14, 3]]]
    shapes = [shape("cell", part, group_id=group) for part, group in zip(parts, (7, 7, None), strict=True)]
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", *shapes)})
    objects = read(tmp_path).drawings[tmp_path / "a.png"].draw(HEIGHT, WIDTH)[1]
    assert sorted(np.unique(objects)) == [0, 1, 2]
    assert objects[1, 2] == objects[6, 8] == 1


def test_classes_are_sorted_by_name_and_this_is_told(tmp_path: Path) -> None:
    shapes = [shape("dirt", TRIANGLE), shape("cell", [[10, 1], [14, 5], [10, 5]])]
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", *shapes)})
    assert read(tmp_path).class_names == ("background", "cell", "dirt")
    assert any("numbered by name: 1 cell, 2 dirt" in text for text in read(tmp_path).warnings)
    assert draw(tmp_path, "a.png")[3, 3] == 2


def test_labels_txt_gives_the_order_and_what_is_ignored(tmp_path: Path) -> None:
    shapes = [
        shape("dirt", TRIANGLE),
        shape("__ignore__", [[2, 1], [3, 2], [2, 2]]),
        shape("_background_", [[4, 7], [5, 7], [5, 6]]),
    ]
    grow(
        tmp_path,
        {"a.png": None, "a.json": labelme("a.png", *shapes), "labels.txt": "__ignore__\n_background_\ndirt\ncell\n"},
    )
    assert read(tmp_path).class_names == ("background", "dirt", "cell")
    classes = draw(tmp_path, "a.png")
    assert (classes[1, 2], classes[7, 5], classes[5, 3]) == (255, 0, 1)


def test_a_label_that_labels_txt_lacks_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", shape("dirt", TRIANGLE)), "labels.txt": "cell\n"})
    assert read(tmp_path).problems == ("the class 'dirt' is not among those that the files list (cell)",)


@pytest.mark.parametrize("reference", ["a.png", "..\\images\\a.png", "/home/me/old/a.png", "other.png"])
def test_an_image_that_moved_is_found(tmp_path: Path, reference: str) -> None:
    grow(tmp_path, {"export/a.png": None, "export/a.json": labelme(reference, shape("cell", TRIANGLE))})
    assert (draw(tmp_path, "export/a.png") == triangle()).all()


def test_images_in_a_folder_of_their_own(tmp_path: Path) -> None:
    grow(tmp_path, {"images/a.png": None, "json/a.json": labelme("../images/a.png", shape("cell", TRIANGLE))})
    assert (draw(tmp_path, "images/a.png") == triangle()).all()


def test_an_image_that_is_missing_is_told(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {
            "a.png": None,
            "a.json": labelme("a.png", shape("c", TRIANGLE)),
            "b.json": labelme("b.png", shape("c", TRIANGLE)),
        },
    )
    result = read(tmp_path)
    assert list(result.drawings) == [tmp_path / "a.png"]
    assert "1 annotated image is not in the folder and left out: b.png." in result.warnings


def test_without_any_image_it_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"b.json": labelme("b.png", shape("c", TRIANGLE))})
    assert read(tmp_path).problems == ("no image of b.json is in the folder",)


def test_a_name_that_says_another_image_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "b.png": None, "b.json": labelme("a.png", shape("c", TRIANGLE))})
    assert read(tmp_path).problems == ("b.json: a.png may be a.png or b.png",)


def test_two_images_of_the_name_are_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"x/a.png": None, "y/a.png": None, "json/b.json": labelme("a.png", shape("c", TRIANGLE))})
    assert read(tmp_path).problems == ("json/b.json: a.png may be x/a.png or y/a.png",)


def test_two_files_of_one_image_are_a_problem(tmp_path: Path) -> None:
    file = labelme("a.png", shape("c", TRIANGLE))
    grow(tmp_path, {"a.png": None, "a.json": file, "copy of a.json": file})
    assert read(tmp_path).problems == ("a.png is annotated in a.json and in copy of a.json",)


def test_another_size_is_refused(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "a.json": labelme("a.png", shape("c", TRIANGLE), size=(24, 32))})
    with pytest.raises(DataError, match="drawn for an image of 32 x 24 pixels, but the image is 16 x 12"):
        draw(tmp_path, "a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"imagePath": "a.png", "shapes": [', "no valid JSON in line 1"),
        ('{"shapes": [{"points": [[1, 2], [3, 4], [5, 6]], "shape_type": "polygon"}]}', "lacks 'label'"),
        (
            '{"shapes": [{"label": "a", "points": [[1, 2], [3]], "shape_type": "polygon"}]}',
            "not as LabelMe JSON should be",
        ),
        ('{"shapes": [{"label": "a", "points": [[1, NaN], [3, 1], [2, 2]], "shape_type": "polygon"}]}', "not a number"),
        ('{"shapes": [{"label": "a", "points": [[1, 2]], "shape_type": "heart"}]}', "'heart' is not read"),
        ('{"shapes": 5, "imagePath": "a.png"}', "not as LabelMe JSON should be"),
        ('{"shapes": [], "imagePath": "\udcff.png"}'.encode("utf-8", "surrogateescape"), "byte 29 is not UTF-8"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, content: Any, message: str) -> None:
    grow(tmp_path, {"a.png": None, "a.json": content})
    with pytest.raises(DataError, match=f"a.json: .*{message}"):
        read(tmp_path)


def test_an_image_whose_file_has_no_shape_is_an_empty_mask(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {"a.png": None, "a.json": labelme("a.png"), "b.png": None, "b.json": labelme("b.png", shape("c", TRIANGLE))},
    )
    assert not draw(tmp_path, "a.png").any()
