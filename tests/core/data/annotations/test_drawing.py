"""Drawings: order, numbers, holes, what does not count, and images that are not the annotated ones."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as reference

from unet_core.data.annotations import bitmaps, polygons
from unet_core.data.annotations.drawing import IGNORE, Drawing, Shape
from unet_core.errors import DataError

SOURCE = Path("a.json")


def square(left: float, top: float, side: float) -> tuple[polygons.Ring]:
    return (polygons.rectangle(left, top, left + side, top + side),)


def drawing(*shapes: Shape, size: tuple[int, int] | None = (10, 12), pixels: bool = False) -> Drawing:
    return Drawing(SOURCE, size, shapes, pixels)


def test_a_later_shape_lies_over_earlier_ones() -> None:
    classes, objects = drawing(Shape(2, (square(0, 0, 6),)), Shape(1, (square(4, 4, 4),))).draw(10, 12)
    expected = np.zeros((10, 12), int)
    expected[:6, :6] = 2
    expected[4:8, 4:8] = 1
    assert (classes == expected).all()
    assert (objects == np.where(expected == 2, 1, np.where(expected == 1, 2, 0))).all()
    assert classes.dtype == np.uint8
    assert objects.dtype == np.int32


def test_polygons_of_a_shape_unite_where_they_overlap() -> None:
    classes, objects = drawing(Shape(1, (square(0, 0, 4), square(2, 2, 4)))).draw(10, 12)
    assert classes.sum() == 16 + 16 - 4
    assert objects.max() == 1


def test_shapes_of_a_group_are_one_object() -> None:
    shapes = (
        Shape(1, (square(0, 0, 2),), group="a"),
        Shape(1, (square(6, 6, 2),), group="a"),
        Shape(1, (square(3, 3, 1),)),
    )
    objects = drawing(*shapes).draw(10, 12)[1]
    assert (objects[0, 0], objects[7, 7], objects[3, 3]) == (1, 1, 2)


def test_what_is_ignored_background_or_a_crowd_has_no_number() -> None:
    shapes = (Shape(1, (square(0, 0, 8),)), Shape(0, (square(0, 0, 2),)), Shape(IGNORE, (square(2, 2, 2),)))
    classes, objects = drawing(*shapes, Shape(1, (square(8, 0, 2),), crowd=True)).draw(10, 12)
    assert (classes[0, 0], classes[3, 3], classes[5, 5], classes[0, 9]) == (0, 255, 1, 1)
    assert (objects[0, 0], objects[3, 3], objects[5, 5], objects[0, 9]) == (0, 0, 1, 0)


def test_a_bitmap_and_a_polygon_of_one_shape() -> None:
    bitmap = bitmaps.from_lengths("rows", [0, 4], (2, 2), 7, 9)
    classes = drawing(Shape(3, (square(0, 0, 1),), bitmap)).draw(10, 12)[0]
    assert np.argwhere(classes == 3).tolist() == [[0, 0], [7, 9], [7, 10], [8, 9], [8, 10]]


def test_pixels_keep_their_outline_and_a_box_its_width() -> None:
    shapes = Shape(1, (square(1, 1, 3),)), Shape(2, (square(6, 1, 3),), exact=True)
    classes = drawing(*shapes, pixels=True).draw(10, 12)[0]
    assert (classes == 1).sum() == 16
    assert (classes == 2).sum() == 9


def test_shares_of_the_size() -> None:
    ring = polygons.as_ring([[0.25, 0.5], [0.75, 0.5], [0.75, 1], [0.25, 1]])
    classes = Drawing(SOURCE, None, (Shape(1, ((ring,),)),), relative=True).draw(10, 12)[0]
    expected = np.zeros((10, 12), int)
    expected[5:, 3:9] = 1
    assert (classes == expected).all()


def test_close_to_pycocotools() -> None:
    """Its polygons are drawn on a grid five times as fine: pixels may differ along an outline, and nowhere else."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
        ring = np.stack([50 + 30 * np.cos(angles), 40 + 25 * np.sin(angles)], 1).astype(np.float32)
        expected = reference.decode(reference.merge(reference.frPyObjects([ring.ravel().tolist()], 80, 100)))
        classes = Drawing(SOURCE, None, (Shape(1, ((ring,),)),)).draw(80, 100)[0]
        union, both = (classes | expected).sum(), (classes & expected).sum()
        assert both / union > 0.96


def test_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(
        DataError, match=r"a\.json: .* image of 12 x 10 pixels, but the image is 20 x 30\. Use the image"
    ):
        drawing().draw(30, 20)
    with pytest.raises(DataError, match=r"but the image is 10 x 12\. The image is probably turned by its EXIF"):
        drawing().draw(12, 10)
    assert drawing(size=None).draw(12, 10)[0].shape == (12, 10)


@pytest.mark.parametrize("corner", [(12.5, 0), (0, 10.5), (-9, 0), (0, -9)])
def test_a_shape_outside_the_image_is_refused(corner: tuple[float, float]) -> None:
    with pytest.raises(DataError, match=r"lies outside the image of 12 x 10 pixels"):
        drawing(Shape(1, (square(*corner, 4),))).draw(10, 12)


def test_damaged_pixels_name_the_file() -> None:
    with pytest.raises(DataError, match=r"a\.json: run lengths for 3 pixels"):
        drawing(Shape(1, bitmap=bitmaps.from_lengths("columns", [3], (10, 12)))).draw(10, 12)


def test_it_can_be_compared_hashed_and_sent_to_a_worker() -> None:
    one = drawing(Shape(1, (square(0, 0, 6),)))
    copy = pickle.loads(pickle.dumps(one))  # as the loader's workers get it
    assert one == copy
    assert hash(one) == hash(copy)
    for other in (
        drawing(Shape(2, (square(0, 0, 6),))),
        drawing(Shape(1, (square(0, 0, 6.5),))),
        drawing(Shape(1, (square(0, 0, 6),), group="a")),
        replace(one, pixels=True),
        replace(one, size=None),
        drawing(),
    ):
        assert one != other
        assert one.key != other.key
