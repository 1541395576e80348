"""YOLO segmentation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, TRIANGLE, WIDTH, box, draw, grow, read, triangle
from tests.helpers.made import result
from unet_core.data.annotations import name_found
from unet_core.errors import DataError
from unet_core.export import yolo
from unet_core.io.pixels import encode_png


def line(index: int, points: Any, digits: int = 6) -> str:
    shares = [f"{x / WIDTH:.{digits}f} {y / HEIGHT:.{digits}f}" for x, y in points]
    return f"{index} {' '.join(shares)}\n"


PIXELS = line(0, TRIANGLE)


def test_folders_of_images_and_labels(tmp_path: Path) -> None:
    tree = {
        "data.yaml": "train: images/train\nval: images/val\nnames: {0: cell, 1: dirt}\n",
        "images/train/a.jpg": None,
        "labels/train/a.txt": line(1, TRIANGLE),
        "images/val/a.jpg": None,
        "labels/val/a.txt": PIXELS,
    }
    data = read(grow(tmp_path, tree))
    assert data.class_names == ("background", "cell", "dirt")
    assert data.subsets == {tmp_path / "images/train/a.jpg": "train", tmp_path / "images/val/a.jpg": "val"}
    assert (draw(tmp_path, "images/train/a.jpg") == triangle(2)).all()
    assert (draw(tmp_path, "images/val/a.jpg") == triangle(1)).all()


@pytest.mark.parametrize("names", ["[cell, 'no']", "\n- cell\n- no", "\n  0: cell\n  1: no", "{1: no, 0: cell}"])
def test_folders_of_subsets_and_every_way_to_write_names(tmp_path: Path, names: str) -> None:
    tree = {
        "export/data.yaml": f"nc: 2\nnames: {names}\n",
        "export/train/images/a.jpg": None,
        "export/train/labels/a.txt": PIXELS,
    }
    data = read(grow(tmp_path, tree))
    assert data.class_names == ("background", "cell", "no")
    assert data.subsets == {tmp_path / "export/train/images/a.jpg": "train"}


def test_a_text_beside_its_image_and_names_in_a_list(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": PIXELS, "classes.txt": "cell\ndirt\n"})
    assert read(tmp_path).class_names == ("background", "cell", "dirt")
    assert (draw(tmp_path, "a.jpg") == triangle()).all()


def test_without_names_classes_have_their_numbers(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": line(1, TRIANGLE)})
    assert read(tmp_path).class_names == ("background", "class 0", "class 1")


def test_corners_between_pixels_lie_on_the_plane(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": line(0, [(2.5, 1.5), (8.4, 1.5), (8.4, 7.25), (2.5, 7.25)])})
    assert (draw(tmp_path, "a.jpg") == box(2, 3, 7, 8)).all()
    assert not any("read as pixels" in text for text in read(tmp_path).warnings)


@pytest.mark.parametrize("digits", [4, 6, 17])
def test_pixels_are_known_from_shares_of_any_length(tmp_path: Path, digits: int) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": line(0, TRIANGLE, digits)})
    assert (draw(tmp_path, "a.jpg") == triangle()).all()
    assert any("read as pixels" in text for text in read(tmp_path).warnings)


def test_shares_that_are_too_coarse_say_nothing_of_pixels(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": line(0, TRIANGLE, 1)})
    assert not any("read as pixels" in text for text in read(tmp_path).warnings)


def test_an_empty_file_is_an_empty_mask_and_no_file_no_label(tmp_path: Path) -> None:
    tree = {
        "images/a.jpg": None,
        "images/b.jpg": None,
        "images/c.jpg": None,
        "labels/a.txt": PIXELS,
        "labels/b.txt": "",
    }
    data = read(grow(tmp_path, tree))
    assert not draw(tmp_path, "images/b.jpg").any()
    assert data.unlabeled == (tmp_path / "images/c.jpg",)


def test_boxes_are_refused_and_an_image_with_one_is_left_out(tmp_path: Path) -> None:
    box_line = "0 0.5 0.5 0.25 0.25\n"
    grow(tmp_path, {"images/a.jpg": None, "labels/a.txt": box_line})
    with pytest.raises(DataError, match=r"a\.txt: the objects are boxes without outlines"):
        read(tmp_path)
    grow(tmp_path, {"images/b.jpg": None, "labels/b.txt": PIXELS, "labels/a.txt": PIXELS + box_line})
    assert read(tmp_path).left_out == (tmp_path / "images/a.jpg",)
    assert list(read(tmp_path).drawings) == [tmp_path / "images/b.jpg"]


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    tree = {"images/a.jpg": None, "images/a.png": None, "labels/a.txt": PIXELS, "labels/gone.txt": PIXELS}
    data = read(grow(tmp_path, tree))
    assert data.problems[0] == "labels/a.txt: a may be images/a.jpg or images/a.png"
    assert any("gone" in text for text in data.warnings)


def test_a_class_without_name_is_a_problem(tmp_path: Path) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": line(3, TRIANGLE), "data.yaml": "names: [cell]\n"})
    assert read(tmp_path).problems[0] == "class 3 is used, but only 1 classes have names"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PIXELS + "0 0.5 0.5 0.2 0.2 0.3\n", "a line of 6 numbers is no outline"),
        (PIXELS + "0 0.5 0.5 0.2 0.2 0.3 x\n", "not as YOLO text should be"),
        (PIXELS + "0 100 200 300 400 500 600\n", "a corner at 600, but corners are shares"),
        (PIXELS + "cell 0.1 0.1 0.2 0.2 0.3 0.1\n", "not as YOLO text should be"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": text})
    with pytest.raises(DataError, match=rf"a\.txt: .*{message}"):
        read(tmp_path)


@pytest.mark.parametrize("yaml", ["names: [a, a]", "names: {x: a}", "names: [a\n", "names: 5"])
def test_malformed_names_are_told(tmp_path: Path, yaml: str) -> None:
    grow(tmp_path, {"a.jpg": None, "a.txt": PIXELS, "data.yaml": yaml})
    with pytest.raises(DataError, match=r"data\.yaml"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["1 0 5 0\n2 0 5 0\n", "hello\n", "1 640 480 640 480\n", ""])
def test_other_text_is_not_meant(tmp_path: Path, text: str) -> None:
    assert name_found(grow(tmp_path, {"a.jpg": None, "notes.txt": text})) == []


def test_what_this_project_exports_is_read_pixel_by_pixel(tmp_path: Path) -> None:
    mask = np.zeros((40, 50), np.uint8)  # holes are not stored
    mask[2:20, 3:30], mask[25:38, 5:45], mask[30, 45:49] = 1, 2, 2
    exported = result("a.png", mask, 3)
    grow(tmp_path, {"a.png": encode_png(exported.image), "a.txt": yolo.encode(exported), "classes.txt": "cell\ndirt\n"})
    drawn = read(tmp_path).drawings[tmp_path / "a.png"].draw(40, 50)
    assert (drawn[0] == mask).all()
    assert (drawn[1] == exported.objects.labels).all()
