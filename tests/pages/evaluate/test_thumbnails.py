"""Pictures of rows: errors in the colors of the viewer, ignored pixels, images that are gone, one cache."""

import base64

import cv2
import numpy as np

from pages.server.evaluation import thumbnails
from pages.server.scoring_job import Scores
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from unet_core.io.pixels import encode_png

TRUTH = np.array([[1, 1, 0, 0, IGNORE]], np.uint8)
PRED = np.array([[1, 0, 1, 0, 1]], np.uint8)


def decode(url: str) -> np.ndarray:
    head, data = url.split(",")
    assert head in ("data:image/jpeg;base64", "data:image/png;base64")
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_errors_have_the_colors_of_the_viewer_and_the_rest_shows_the_image() -> None:
    base = np.full((1, 5, 3), 100, np.uint8)
    drawn = thumbnails.paint_errors(base, PRED, TRUTH, 1)
    half = [(100 + part) // 2 for part in TRUE_POSITIVE]
    assert drawn[0].tolist() == [half, list(FALSE_NEGATIVE), list(FALSE_POSITIVE), [100] * 3, [100] * 3]


def test_of_several_classes_every_wrong_pixel_is_marked() -> None:
    base = np.zeros((1, 5, 3), np.uint8)
    drawn = thumbnails.paint_errors(
        base, np.array([[0, 1, 2, 2, 2]], np.uint8), np.array([[0, 2, 2, 1, IGNORE]], np.uint8), 3
    )
    assert (drawn[0] == FALSE_POSITIVE).all(1).tolist() == [False, True, False, True, False]


def test_binary_masks_are_white_on_black_and_ignored_pixels_gray() -> None:
    assert thumbnails.paint_classes(TRUTH, 1)[0, :, 0].tolist() == [255, 255, 0, 0, 128]


def test_a_large_image_becomes_a_small_picture_in_its_proportions() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 65536, (900, 1800, 2)).astype(np.uint16)
    mask = np.zeros((900, 1800), np.uint8)
    mask[:, 900:] = 1
    made = thumbnails.draw(image, mask, np.zeros_like(mask), 1)
    for url in (made.image, made.truth, made.prediction, made.errors):
        assert decode(url).shape == (thumbnails.SIDE // 2, thumbnails.SIDE, 3)
    errors = decode(made.errors).astype(int)
    assert np.abs(errors[:, 70:] - FALSE_POSITIVE).mean() < 25, "the right half is a false positive"
    assert (decode(made.truth) < 10).all() and (decode(made.prediction)[:, 70:] > 245).all()


def test_an_image_that_is_gone_leaves_its_masks(tmp_path) -> None:
    scores = Scores()
    scores.samples["a"] = Sample("a", tmp_path / "gone.png", ())
    scores.masks["a"], scores.truths["a"] = encode_png(PRED), encode_png(TRUTH)
    made = thumbnails.make(scores, "a", 1)
    assert made.image == "" and made.truth and made.prediction and made.errors
    assert thumbnails.make_all(scores, ["a", "a"], 1) == [made, made]


def test_another_mask_of_the_same_image_is_another_picture(tmp_path) -> None:
    pictures = set()
    for mask in (np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8)):
        scores = Scores()
        scores.samples["a"] = Sample("a", tmp_path / "gone.png", ())
        scores.masks["a"], scores.truths["a"] = encode_png(mask), encode_png(np.zeros((8, 8), np.uint8))
        pictures.add(thumbnails.make(scores, "a", 1).prediction)
    assert len(pictures) == 2
