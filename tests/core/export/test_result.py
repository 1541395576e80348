"""A result works out its objects once, and names its classes."""

import pytest

from tests.helpers.made import difficult_mask, result
from unet_core.postprocessing import objects


def test_objects_are_found_once_with_the_settings_of_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    find = objects.find
    monkeypatch.setattr(objects, "find", lambda *args, **more: (calls.append(more), find(*args, **more))[1])
    each = result(pixel_size=0.5, split=True)
    assert each.objects is each.objects
    assert calls == [{"probability": None, "split": True, "pixel_size": 0.5, "channel_names": ()}]
    found = result(precomputed=each.objects)
    assert found.objects is each.objects
    assert len(calls) == 1


def test_given_objects_count_even_when_there_are_none() -> None:
    mask = difficult_mask() * 0
    none = objects.find(mask, mask[:, :, None])
    assert result(precomputed=none).objects is none


def test_areas_in_pixels() -> None:
    each = result(pixel_size=0.5)
    assert sum(each.pixel_areas) == each.mask.sum()
    assert each.pixel_areas[0] == 4 * each.objects.table["area_um2"][0]


def test_names_of_classes() -> None:
    assert (result().class_name(1), result(num_classes=3).class_name(2)) == ("object", "class 2")
    named = result(num_classes=3, class_names=("none", "cell"))
    assert [named.class_name(index) for index in (0, 1, 2)] == ["none", "cell", "class 2"]
    assert (list(result().object_classes), list(named.object_classes)) == ([1], [1, 2])
