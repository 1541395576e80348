"""Touching objects are parted, single ones of any shape are left whole."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.postprocessing import objects, watershed

Array = NDArray[np.uint8]


def count(mask: Array, split: bool = True) -> int:
    return len(objects.find(mask, mask[:, :, None], split=split))


def discs(*places: tuple[int, int, int]) -> Array:
    mask = np.zeros((160, 240), np.uint8)
    for x, y, radius in places:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask


@pytest.mark.parametrize("radius", [6, 12, 25, 40])
def test_two_touching_discs_are_parted_in_the_middle(radius: int) -> None:
    mask = discs((110 - radius, 80, radius), (110 + radius, 80, radius))
    assert count(mask, split=False) == 1
    found = objects.find(mask, mask[:, :, None], split=True)
    assert len(found) == 2
    areas = found.table["area_px2"].tolist()
    assert sum(areas) == mask.sum()  # no pixel is lost to a line between them
    assert areas[0] == pytest.approx(areas[1], rel=0.15)
    assert found.table["centroid_x_px"].tolist() == pytest.approx([110.5 - radius, 110.5 + radius], abs=1.5)
    assert found.table["width_px"].tolist() == pytest.approx([2 * radius + 1] * 2, abs=2)


def test_overlapping_ones_of_different_size_and_a_chain() -> None:
    assert count(discs((80, 80, 40), (126, 80, 12))) == 2
    assert count(discs(*((30 + 33 * place, 80, 20) for place in range(6)))) == 6


def test_an_overlap_without_a_neck_stays_one() -> None:
    assert count(discs((80, 80, 30), (90, 80, 30))) == 1


@pytest.mark.parametrize("angle", [0, 17, 45, 90])
def test_single_shapes_stay_whole(angle: int) -> None:
    for shape in ("ellipse", "rectangle", "rod"):
        mask = np.zeros((200, 200), np.uint8)
        if shape == "ellipse":
            cv2.ellipse(mask, (100, 100), (70, 20), angle, 0, 360, 1, -1)
        else:
            size = (140, 50) if shape == "rectangle" else (150, 7)
            cv2.fillPoly(mask, [cv2.boxPoints(((100, 100), size, angle)).astype(np.int32)], 1)
        assert count(mask) == 1, shape


def test_parts_keep_to_their_class_and_number_without_gaps() -> None:
    mask = discs((60, 80, 20), (100, 80, 20))
    mask[discs((200, 40, 15), (200, 70, 15)) > 0] = 2
    found = objects.find(mask, mask[:, :, None], split=True)
    assert found.table["class"].tolist() == [1, 1, 2, 2]
    assert np.unique(found.labels).tolist() == [0, 1, 2, 3, 4]
    for number, value in enumerate(found.table["class"], 1):
        assert set(mask[found.labels == number].tolist()) == {value}


def test_a_huge_object_is_parted_on_a_reduced_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = discs((70, 80, 40), (150, 80, 40))
    exact = objects.find(mask, mask[:, :, None], split=True)
    monkeypatch.setattr(watershed, "MOST_PIXELS", 1500)
    assert watershed._reduced(mask, 3).shape == (54, 80)
    coarse = objects.find(mask, mask[:, :, None], split=True)
    assert len(exact) == len(coarse) == 2
    assert ((coarse.labels > 0) == (mask > 0)).all()
    assert (exact.labels != coarse.labels).mean() < 0.01
