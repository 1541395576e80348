"""Areas of classes, and when regions are objects, on masks that can be counted by hand."""

import numpy as np

from unet_core.data.masks.coding import IGNORE
from unet_core.postprocessing import class_areas


def test_areas_are_those_of_the_pixels_the_largest_first() -> None:
    mask = np.array([[0, 0, 2, 2], [2, 2, 1, IGNORE]], np.uint8)
    areas = class_areas.measure(mask, 4)
    assert {name: column.tolist() for name, column in areas.items()} == {
        "class": [2, 0, 1],
        "area_px2": [4, 2, 1],
        "share": [4 / 7, 2 / 7, 1 / 7],
    }
    assert class_areas.measure(mask, 4, pixel_size=0.5)["area_um2"].tolist() == [1, 0.5, 0.25]


def test_an_ignored_image_has_no_areas() -> None:
    areas = class_areas.measure(np.full((3, 3), IGNORE, np.uint8), 3)
    assert [len(column) for column in areas.values()] == [0, 0, 0]


def cells(touching: bool) -> np.ndarray:
    """Cells of two types on a background, two of them side by side."""
    mask = np.zeros((20, 40), np.uint8)
    mask[2:8, 2:8], mask[12:18, 2:8] = 1, 2
    mask[5:15, 20:28] = 1
    if touching:
        mask[5:15, 28:36] = 2
    return mask


def test_cells_of_several_types_are_objects_also_where_some_touch() -> None:
    assert class_areas.are_objects(cells(touching=False), 3)
    assert class_areas.are_objects(cells(touching=True), 3)


def test_a_scene_has_no_objects_also_where_class_0_is_part_of_it() -> None:
    scene = np.zeros((30, 40), np.uint8)  # sky, buildings, trees, a road with markings
    scene[10:20, :20], scene[10:20, 20:], scene[20:] = 1, 2, 3
    scene[24:26, 5:35:4] = 4
    assert not class_areas.are_objects(scene, 5)
    assert class_areas.are_objects((scene == 1).astype(np.uint8), 1)


def test_a_mask_of_one_class_alone_has_no_borders_that_would_speak_against_objects() -> None:
    assert class_areas.are_objects(np.zeros((5, 5), np.uint8), 3)
    edge = np.zeros((5, 5), np.uint8)
    edge[:, 3:] = IGNORE
    assert class_areas.are_objects(edge, 3)
