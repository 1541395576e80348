"""Kaggle's tables of run lengths."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.annotated import HEIGHT, WIDTH, box, draw, grow, read
from unet_core.data.annotations import name_found
from unet_core.errors import DataError

Mask = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def runs(mask: Mask) -> str:
    """By its definition: pixel by pixel, down the columns, from 1."""
    flat = [0, *mask.T.ravel().tolist(), 0]
    starts = [i for i in range(1, len(flat)) if flat[i] and not flat[i - 1]]
    ends = [i for i in range(1, len(flat)) if not flat[i] and flat[i - 1]]
    return " ".join(f"{start} {end - start}" for start, end in zip(starts, ends, strict=True))


ONE, OTHER = box(1, 2, 4, 7), box(6, 8, 11, 10)


def test_rows_are_objects(tmp_path: Path) -> None:
    text = f"ImageId,EncodedPixels\na,{runs(ONE)}\na,{runs(OTHER)}\nb,\n"
    grow(tmp_path, {"train/a.png": None, "train/b.png": None, "train/c.png": None, "train.csv": text})
    result = read(tmp_path)
    assert result.class_names == ("background", "object")
    assert result.unlabeled == (tmp_path / "train/c.png",)
    assert set(result.subsets.values()) == {"train"}
    classes, objects = result.drawings[tmp_path / "train/a.png"].draw(HEIGHT, WIDTH)
    assert (classes == ONE + OTHER).all()
    assert (objects == ONE + 2 * OTHER).all()
    assert not draw(tmp_path, "train/b.png").any()


def test_a_column_of_classes(tmp_path: Path) -> None:
    text = f'ImageId,ClassId,EncodedPixels\na.jpg,2,"{runs(ONE)}"\na.jpg,10,{runs(OTHER)}\n'
    grow(tmp_path, {"train_images/a.jpg": None, "test_images/b.jpg": None, "train.csv": text})
    assert read(tmp_path).class_names == ("background", "2", "10")
    assert (draw(tmp_path, "train_images/a.jpg") == ONE + 2 * OTHER).all()


def test_the_class_behind_the_name(tmp_path: Path) -> None:
    text = f"ImageId_ClassId,EncodedPixels\nx_1.jpg_1,\nx_1.jpg_2,{runs(ONE)}\nx_1.jpg_3,-1\n"
    grow(tmp_path, {"images/x_1.jpg": None, "train.csv": text})
    assert read(tmp_path).class_names == ("background", "1", "2", "3")
    assert (draw(tmp_path, "images/x_1.jpg") == 2 * ONE).all()


def test_image_label(tmp_path: Path) -> None:
    text = f"Image_Label,EncodedPixels\na.jpg_Fish,{runs(ONE)}\na.jpg_Sugar,\n"
    grow(tmp_path, {"images/a.jpg": None, "train.csv": text})
    assert read(tmp_path).class_names == ("background", "Fish", "Sugar")


def test_missing_and_ambiguous_images(tmp_path: Path) -> None:
    text = f"id,rle_mask\na,{runs(ONE)}\ngone,{runs(ONE)}\n"
    result = read(grow(tmp_path, {"x/a.png": None, "y/a.png": None, "t.csv": text}))
    assert result.problems[0] == "t.csv: a may be x/a.png or y/a.png"
    assert any("gone" in text for text in result.warnings)


def test_two_tables_of_one_image_are_a_problem(tmp_path: Path) -> None:
    text = f"ImageId,EncodedPixels\na,{runs(ONE)}\n"
    grow(tmp_path, {"a.png": None, "one.csv": text, "two.csv": text})
    assert read(tmp_path).problems == ("a.png is annotated in one.csv and in two.csv",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,1 2 3", "line 2: the runs are no pairs"),
        ("a,1 x", "line 2: the runs are no pairs"),
        ("a", "line 2 has 1 columns"),
        ("a,100 2 3 2", "line 2: the runs overlap"),
        ("a,0 2", "do not count from 1"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, row: str, message: str) -> None:
    grow(tmp_path, {"a.png": None, "t.csv": f"ImageId,EncodedPixels\n{row}\n"})
    with pytest.raises(DataError, match=rf"t\.csv: .*{message}"):
        read(tmp_path)


def test_runs_beyond_the_image_are_told_when_drawn(tmp_path: Path) -> None:
    grow(tmp_path, {"a.png": None, "t.csv": f"ImageId,EncodedPixels\na,{HEIGHT * WIDTH} 2\n"})
    with pytest.raises(DataError, match=rf"t\.csv: run lengths reach pixel {HEIGHT * WIDTH + 1}"):
        draw(tmp_path, "a.png")


def test_other_tables_and_examples_of_a_submission_are_not_meant(tmp_path: Path) -> None:
    tree = {"a.png": None, "sample_submission.csv": "ImageId,EncodedPixels\na,1 1\n", "x.csv": "name,value\na,1\n"}
    assert name_found(grow(tmp_path, tree)) == []
