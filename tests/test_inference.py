"""A picture to a mask: tiles that cover and overlap, seams that are not there, any channels, any threshold."""

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unet_core import anatomy, images, inference
from unet_core.checkpoint import save_checkpoint
from unet_core.config import NORMALISATIONS, ModelConfig
from unet_core.data import normalise, statistics
from unet_core.errors import CheckpointError, ConfigError
from unet_core.inference import Predictor, blending_weight, load_predictor, tiles
from unet_core.unet import UNet

Array = NDArray[np.uint8]
CPU = torch.device("cpu")


def config(**changes: Any) -> ModelConfig:
    return ModelConfig(
        **{"in_channels": 1, "num_classes": 1, "base_channels": 4, "depth": 1, "image_size": 16} | changes
    )


def predictor(**changes: Any) -> Predictor:
    """A U-Net of depth 1; a logit depends on pixels less than 8 away (two 3x3 pairs at full, one at half size)."""
    torch.manual_seed(0)
    return Predictor(UNet(config(**changes)).eval(), CPU, "fp32")


class Fixed(nn.Module):
    """A net whose logits are a function of each pixel alone."""

    def __init__(self, model_config: ModelConfig, function: Any) -> None:
        super().__init__()
        self.config, self.function = model_config, function
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        result: Tensor = self.function(x)
        return result


def fixed(function: Any, **changes: Any) -> tuple[Predictor, Fixed]:
    net = Fixed(config(**{"normalisation": "unit"} | changes), function)
    return Predictor(net, CPU, "fp32"), net  # type: ignore[arg-type]


def picture(height: int, width: int, channels: int = 1, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(256, size=(height, width, channels)).astype(np.uint8)


def small_tiles(monkeypatch: pytest.MonkeyPatch, tile: int, overlap: int) -> None:
    monkeypatch.setattr(inference, "TILE", tile)
    monkeypatch.setattr(inference, "OVERLAP", overlap)


# Tiles --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tile", "overlap"), [(8, 2), (16, 4), (10, 5), (9, 8), (7, 0), (1024, 256)])
def test_tiles_cover_every_pixel_and_overlap(tile: int, overlap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles(monkeypatch, tile, overlap)
    lengths = [*range(1, 6 * tile)] if tile < 100 else [1, 1023, 1024, 1025, 1791, 1792, 1793, 2560, 2561, 5000, 9450]
    for length in lengths:
        windows = [window for window, _ in tiles(length, 1)]
        assert windows[0].start == 0
        assert windows[-1].stop == length
        assert all(0 < window.stop - window.start <= tile for window in windows)
        for before, after in itertools.pairwise(windows):
            assert before.start < after.start
            assert before.stop - after.start >= overlap, f"length {length}: {before} {after}"
        assert len(windows) == 1 or (len(windows) - 1) * (tile - overlap) + overlap < length, "one tile too many"


def test_tiles_of_both_sides_are_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles(monkeypatch, 8, 2)
    covered = np.zeros((19, 30), int)
    windows = list(tiles(19, 30))
    for window in windows:
        covered[window] += 1
    assert covered.min() == 1
    rows, columns = {(w.start, w.stop) for w, _ in windows}, {(w.start, w.stop) for _, w in windows}
    assert len(windows) == len(rows) * len(columns) == len({(a.start, b.start) for a, b in windows})


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (8, 8), (64, 48), (1024, 3)])
def test_blending_weight_is_even_falls_to_the_edges_and_is_never_0(height: int, width: int) -> None:
    weight = blending_weight(height, width)
    assert weight.shape == (height, width)
    assert weight.dtype == np.float32
    assert weight.min() > 0
    assert weight.max() <= 1
    assert np.array_equal(weight, weight[::-1, ::-1])
    down, right = weight[: height // 2 + 1, width // 2], weight[height // 2, : width // 2 + 1]
    assert (np.diff(down) >= 0).all()
    assert (np.diff(right) >= 0).all()


# From picture to logits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_a_small_picture_goes_through_the_net_in_one_piece(normalisation: str) -> None:
    ready = predictor(normalisation=normalisation)
    image = picture(17, 31)
    with torch.inference_mode():
        expected = ready.model(normalise(image, *statistics(image, normalisation))[None])[0]
    np.testing.assert_allclose(ready.logits(image), expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (17, 31), (33, 20), (70, 5)])
@pytest.mark.parametrize("classes", [1, 3])
def test_any_size_comes_back_in_its_own_size(
    height: int, width: int, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_tiles(monkeypatch, 16, 4)
    ready = predictor(num_classes=classes)
    image = picture(height, width)
    logits, probabilities, mask = ready.logits(image), ready.probabilities(image), ready.mask(image)
    assert logits.shape == probabilities.shape == (classes, height, width)
    assert mask.shape == (height, width)
    assert (logits.dtype, probabilities.dtype, mask.dtype) == (np.float32, np.float32, np.uint8)
    assert np.isfinite(logits).all()
    assert 0 <= probabilities.min() <= probabilities.max() <= 1


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_tiled_equals_untiled_away_from_the_edges_of_tiles(normalisation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles start at even pixels here, as the cells of the net do; the statistics are those of the whole picture."""
    ready = predictor(normalisation=normalisation, num_classes=2)
    image = picture(56, 80)
    image[:, 40:] //= 3  # the parts have other statistics than the whole
    whole = ready.logits(image)
    small_tiles(monkeypatch, 32, 8)
    windows = list(tiles(56, 80))
    assert len(windows) == 6
    assert all(side.start % 2 == 0 for window in windows for side in window)
    far = np.ones((56, 80), bool)
    for rows, columns in windows:
        inner = np.zeros((56, 80), bool)
        inner[
            rows.start + 8 * (rows.start > 0) : rows.stop - 8 * (rows.stop < 56),
            columns.start + 8 * (columns.start > 0) : columns.stop - 8 * (columns.stop < 80),
        ] = True
        near = np.zeros((56, 80), bool)
        near[rows, columns] = True
        far &= inner | ~near
    assert far.mean() > 0.1
    tiled = ready.logits(image)
    np.testing.assert_allclose(tiled[:, far], whole[:, far], rtol=1e-4, atol=1e-4)
    assert not np.allclose(tiled[:, ~far], whole[:, ~far], rtol=1e-4, atol=1e-4)  # the test does see edges


@pytest.mark.parametrize(("height", "width"), [(9, 40), (41, 23), (100, 8)])
def test_a_net_that_sees_one_pixel_shows_no_seam(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, net = fixed(lambda x: torch.cat([x, 1 - 3 * x], 1), num_classes=2)
    image = picture(height, width)
    whole = ready.logits(image)
    small_tiles(monkeypatch, 16, 4)
    np.testing.assert_allclose(ready.logits(image), whole, rtol=1e-5, atol=1e-6)
    assert len(net.shapes) > 2
    assert all(rows <= 16 and columns <= 16 for _, _, rows, columns in net.shapes[1:])


@pytest.mark.parametrize("value", [-7.25, 0.0, 1e4])
def test_a_constant_net_gives_a_constant_picture(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles(monkeypatch, 16, 4)
    ready, _ = fixed(lambda x: torch.full_like(x, value))
    np.testing.assert_allclose(ready.logits(picture(61, 47)), value, rtol=1e-6)


def test_every_tile_is_normalised_by_the_statistics_of_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles(monkeypatch, 16, 4)
    ready, _ = fixed(lambda x: x, normalisation="zscore")
    image = np.zeros((16, 64, 1), np.uint8)
    image[:, 32:] = 200  # most tiles are flat: by their own statistics all of them would come out as 0
    logits = ready.logits(image)
    assert logits[0, :, :32] == pytest.approx(-1, abs=1e-3)
    assert logits[0, :, 32:] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_logits_are_float32_whatever_the_precision(precision: str) -> None:
    ready = predictor()
    exact = ready.logits(picture(20, 20))
    found = Predictor(ready.model, CPU, precision).logits(picture(20, 20))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, atol=0.1 * np.abs(exact).max())


@pytest.mark.parametrize("training", [True, False])
def test_predicting_leaves_the_model_as_it_was(training: bool) -> None:
    ready = predictor()
    ready.model.train(training)
    before = {name: tensor.clone() for name, tensor in ready.model.state_dict().items()}
    first, again = ready.logits(picture(20, 20)), ready.logits(picture(20, 20))
    assert np.array_equal(first, again)
    assert ready.model.training is training
    assert all(torch.equal(tensor, before[name]) for name, tensor in ready.model.state_dict().items())


# Channels and thresholds --------------------------------------------------------------------------------------------


def test_grey_into_a_colour_model_is_repeated() -> None:
    ready, net = fixed(lambda x: x[:, :1] + 10 * x[:, 1:2] + 100 * x[:, 2:], in_channels=3)
    grey = picture(6, 7)
    np.testing.assert_allclose(ready.logits(grey)[0], grey[:, :, 0] * (111 / 255), rtol=1e-5)
    assert net.shapes == [(1, 3, 6, 7)]


def test_colour_into_a_grey_model_becomes_luminance() -> None:
    ready, net = fixed(lambda x: x)
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    luminance = np.array([0.299, 0.587, 0.114, 90 / 255])  # ITU-R BT.601
    assert ready.logits(colours)[0, 0] == pytest.approx(luminance, abs=0.5 / 255 + 1e-6)
    assert net.shapes == [(1, 1, 1, 4)]


@pytest.mark.parametrize(
    ("given", "expected"), [(None, [0, 0, 1, 1]), (0.1, [0, 1, 1, 1]), (0.7, [0, 0, 0, 1]), (1.0, [0, 0, 0, 0])]
)
def test_the_threshold_is_the_models_unless_given(given: float | None, expected: list[int]) -> None:
    ready, _ = fixed(torch.logit, threshold=0.25)
    levels = np.array([[[0], [51], [102], [204]]], np.uint8)  # probabilities 0, 0.2, 0.4, 0.8
    assert ready.probabilities(levels)[0, 0] == pytest.approx([0, 0.2, 0.4, 0.8])
    assert ready.mask(levels, given).tolist() == [expected]


def test_a_mask_of_several_classes_is_the_most_probable() -> None:
    ready, _ = fixed(lambda x: torch.cat([0.5 - x, torch.zeros_like(x), x - 0.8], 1), num_classes=3)
    assert ready.mask(np.array([[[0], [140], [255]]], np.uint8), 0.99).tolist() == [[0, 1, 2]]


# From a folder ------------------------------------------------------------------------------------------------------


def test_a_predictor_from_a_folder_predicts_as_the_model_did(tmp_path: Path) -> None:
    ready = predictor(num_classes=2)
    save_checkpoint(tmp_path / "best", ready.model)
    loaded, warning = load_predictor(tmp_path / "best", "cpu", "fp32")
    assert warning == ""
    assert (loaded.device, loaded.precision, loaded.model.training) == (CPU, "fp32", False)
    np.testing.assert_allclose(loaded.logits(picture(20, 30)), ready.logits(picture(20, 30)), rtol=1e-5, atol=1e-5)


def test_a_predictor_from_a_damaged_folder_warns_or_refuses(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "best.old", predictor().model)
    assert "The checkpoint before it was taken" in load_predictor(tmp_path / "best", "cpu", "fp32")[1]
    with pytest.raises(CheckpointError, match="not a complete checkpoint"):
        load_predictor(tmp_path / "other", "cpu")


def test_a_precision_the_device_lacks_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "best", predictor().model)
    with pytest.raises(ConfigError, match="fp16"):
        load_predictor(tmp_path / "best", "cpu", "fp16")


# Unpadded nets ------------------------------------------------------------------------------------------------------


def one_large_forward(predictor: Predictor, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The logits of the whole image in a single pass over the image mirrored by the margin that the net eats."""
    config = predictor.model.config
    margin = anatomy.margin(config)
    height, width = image.shape[:2]
    sides = [anatomy.fitting_size(config, length + 2 * margin) for length in (height, width)]
    after = [side - margin - length for side, length in zip(sides, (height, width), strict=True)]
    mirrored = np.pad(image, ((margin, after[0]), (margin, after[1]), (0, 0)), mode="reflect")
    mean, std = statistics(image, config.normalisation)
    with torch.inference_mode():
        logits = predictor.model(normalise(mirrored, mean, std)[None])
    return logits[0, :, :height, :width].numpy()


def unpadded(**changes: Any) -> Predictor:
    torch.manual_seed(0)
    settings = {"in_channels": 1, "num_classes": 2, "base_channels": 4, "norm": "none", "padding": "valid"}
    model = UNet(ModelConfig(**(settings | {"image_size": 572} | changes))).eval()
    return Predictor(model, torch.device("cpu"), "fp32")


@pytest.mark.parametrize(
    ("size", "changes"),
    [
        ((512, 512), {}),
        ((300, 517), {}),
        ((230, 231), {"depth": 2, "image_size": 60, "convs_per_block": 1, "head_kernel": 3}),
        ((190, 402), {"depth": 3, "image_size": 140, "up": "nearest", "down": "strided_conv"}),
    ],
)
def test_overlapping_tiles_equal_one_forward_of_the_mirrored_image(
    size: tuple[int, int], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = unpadded(**changes)
    image = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    expected = one_large_forward(predictor, image)
    calls = []
    forward = predictor.model.forward
    monkeypatch.setattr(predictor.model, "forward", lambda x: calls.append(x.shape) or forward(x))
    monkeypatch.setattr("unet_core.inference.TILE", 150)
    found = predictor.logits(image)
    assert len(calls) > 3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_overlapping_tiles_of_real_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's net on the paper's data (ISBI 2012), where it lies: $UNET_DATA."""
    folder = Path(os.environ.get("UNET_DATA", Path(__file__).parents[2] / "shared" / "data")) / "isbi_em" / "images"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; name the real data in UNET_DATA")
    predictor = unpadded()
    monkeypatch.setattr("unet_core.inference.TILE", 388)
    for path in sorted(folder.iterdir())[:2]:
        image = images.read(path)
        np.testing.assert_allclose(predictor.logits(image), one_large_forward(predictor, image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (61, 60)])
def test_an_unpadded_net_answers_in_the_size_of_any_image(size: tuple[int, int]) -> None:
    predictor = unpadded(depth=2, image_size=60)
    image = np.random.default_rng(1).integers(0, 256, (*size, 1), np.uint8)
    assert predictor.mask(image).shape == size
