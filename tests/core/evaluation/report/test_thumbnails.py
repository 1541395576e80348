"""Thumbnails: the colors of errors, and masks that are kept until it is known which are shown."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.report import thumbnails
from unet_core.evaluation.report.masks import KeptMasks
from unet_core.evaluation.report.thumbnails import draw_errors, make_thumbnails
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, GRAY, TRUE_POSITIVE
from unet_core.io.pixels import encode_png

IMAGE = np.full((1, 5, 1), 9, np.uint8)


def test_each_kind_of_error_has_its_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "OPACITY", 1.0)
    pred, target = np.array([[0, 1, 1, 0, 1]], np.uint8), np.array([[0, 1, 0, 1, IGNORE]], np.uint8)
    assert draw_errors(IMAGE, pred, target, 1)[0].tolist() == [
        [9, 9, 9],
        *map(list, (TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE, GRAY)),
    ]


def test_of_several_classes_the_wrong_ones_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "OPACITY", 1.0)
    pred, target = np.array([[0, 2, 2, 0, 1]], np.uint8), np.array([[0, 2, 1, 1, IGNORE]], np.uint8)
    drawn = draw_errors(IMAGE, pred, target, 3)[0].tolist()
    assert drawn == [[9, 9, 9], [9, 9, 9], list(FALSE_POSITIVE), list(FALSE_POSITIVE), list(GRAY)]


def test_masks_of_another_size_give_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(np.zeros((4, 6), np.uint8)))
    sample = Sample("a", path, (path,))
    fitting, other = np.zeros((4, 6), np.uint8), np.zeros((6, 4), np.uint8)
    pictures = make_thumbnails(sample, lambda name: (fitting, fitting), 1)
    assert pictures is not None and pictures.truth.startswith("data:image/jpeg;base64,")
    assert make_thumbnails(sample, lambda name: (other, other), 1) is None


def test_kept_masks_come_back_and_their_folder_goes() -> None:
    pred, target = np.array([[0, 1]], np.uint8), np.array([[IGNORE, 2]], np.uint8)
    with KeptMasks() as masks:
        masks.add("../a", pred, target)
        masks.add("b", target, pred)
        folder = Path(masks._folder.name)
        assert [mask.tolist() for mask in masks.read("../a")] == [pred.tolist(), target.tolist()]
        assert len(list(folder.iterdir())) == 4
        with pytest.raises(KeyError):
            masks.read("c")
    assert not folder.exists()
