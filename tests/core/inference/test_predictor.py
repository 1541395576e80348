"""A picture to a mask: seams that are not there, any channels, any threshold, views, and a memory that runs out."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unet_core.config.choices import NORMALIZATIONS
from unet_core.config.schema import ModelConfig
from unet_core.data import synthetic
from unet_core.data.normalization import normalize, statistics
from unet_core.errors import Cancelled, CheckpointError, ConfigError, ImageError, PredictionError
from unet_core.inference import sliding_window
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.inference.tta import TTA
from unet_core.io import images
from unet_core.io.pixels import encode_png, for_display
from unet_core.models import architecture
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet

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


def learned(**changes: Any) -> Predictor:
    """The same with batch norm statistics of its own and logits that are neither flat nor saturated."""
    ready = predictor(**changes)
    torch.manual_seed(1)
    side = max(64, 2 ** (ready.model.config.depth + 2))
    with torch.no_grad():
        ready.model.train()
        for _ in range(20):
            ready.model(torch.randn(2, ready.model.config.in_channels, side, side))
        ready.model.eval()
        ready.model.head.weight *= 3
    return ready


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
    net = Fixed(config(**{"normalization": "unit"} | changes), function)
    return Predictor(net, CPU, "fp32"), net  # type: ignore[arg-type]


def picture(height: int, width: int, channels: int = 1, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(256, size=(height, width, channels)).astype(np.uint8)


def cells(height: int, width: int) -> Array:
    """(height, width, 3) of the built-in dataset, side by side."""
    image = synthetic.draw(0, 0)[0].reshape(*synthetic.draw(0, 0)[0].shape[:2], -1)
    over = np.tile(image, (-(-height // image.shape[0]), -(-width // image.shape[1]), 1))[:height, :width]
    return np.ascontiguousarray(np.repeat(over, 3 // over.shape[2], axis=2))


# From picture to logits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_small_picture_goes_through_the_net_in_one_piece(normalization: str) -> None:
    channels = 3 if normalization == "imagenet" else 1
    ready = predictor(normalization=normalization, in_channels=channels)
    image = picture(17, 31, channels)
    mirrored = np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="reflect")  # to whole cells of the deepest level
    with torch.inference_mode():
        expected = ready.model(normalize(mirrored, *statistics(image, normalization))[None])[0, :, :17, :31]
    np.testing.assert_allclose(ready.logits(image), expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (17, 31), (33, 20), (70, 5)])
@pytest.mark.parametrize("classes", [1, 3])
def test_any_size_comes_back_in_its_own_size(height: int, width: int, classes: int) -> None:
    ready = predictor(num_classes=classes)
    ready.tile = 32
    image = picture(height, width)
    logits, probabilities, mask = ready.logits(image), ready.probabilities(image), ready.mask(image)
    assert logits.shape == probabilities.shape == (classes, height, width)
    assert mask.shape == (height, width)
    assert (logits.dtype, probabilities.dtype, mask.dtype) == (np.float32, np.float32, np.uint8)
    assert np.isfinite(logits).all()
    assert 0 <= probabilities.min() <= probabilities.max() <= 1


@pytest.mark.parametrize(("height", "width"), [(112, 160), (161, 75), (40, 333)])
@pytest.mark.parametrize("changes", [{}, {"depth": 2, "up": "bilinear", "down": "avgpool"}, {"norm": "none"}], ids=str)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_tiled_equals_one_forward_pass_everywhere(
    normalization: str, changes: dict[str, Any], height: int, width: int
) -> None:
    """What a pixel sees lies in the overlap, and the statistics are those of the whole picture."""
    channels = 3 if normalization == "imagenet" else 1
    ready = learned(normalization=normalization, num_classes=2, in_channels=channels, **changes)
    image = picture(height, width, channels)
    image[:, width // 2 :] //= 3  # the parts have other statistics than the whole
    whole = ready.logits(image)
    ready.tile = 64 if changes.get("depth", 1) == 1 else 128
    assert sliding_window.is_exact(ready.model.config, ready.tile)
    if height * width > ready.tile**2:
        assert sliding_window.grid(ready.model.config, height, width, ready.tile).count > 1
    np.testing.assert_allclose(ready.logits(image), whole, rtol=1e-4, atol=1e-4)


def test_a_picture_of_1024_in_tiles_equals_one_large_forward_pass() -> None:
    """The default net, tiles whose overlap holds the receptive field: to 1e-3 in probability (fp32, batch norm)."""
    ready = learned(in_channels=3, depth=4, base_channels=4, image_size=64)
    image = cells(1024, 1024)
    whole = ready.answer(image)
    tiled = ready.answer(image, tile=608)
    assert (whole.tile, tiled.tile) == (0, 608)
    assert whole.probability16 is not None and tiled.probability16 is not None
    difference = np.abs(whole.probability16.astype(float) - tiled.probability16) / 65535
    assert difference.max() < 1e-3
    assert whole.probability16.std() > 3000  # there is something to see
    assert np.array_equal(whole.mask(0.4), tiled.mask(0.4)) or difference.max() > 0


@pytest.mark.parametrize("norm", ["group", "instance"])
def test_norms_that_look_at_the_whole_tile_come_near(norm: str) -> None:
    ready = learned(norm=norm)
    image = picture(256, 320)
    whole = ready.probabilities(image)
    ready.tile = 128
    assert not sliding_window.is_exact(ready.model.config, 128)
    difference = np.abs(ready.probabilities(image) - whole)
    assert 1e-6 < difference.mean() < 0.05


@pytest.mark.parametrize(("height", "width"), [(9, 140), (141, 23), (100, 80)])
def test_a_net_that_sees_one_pixel_shows_no_seam(height: int, width: int) -> None:
    ready, net = fixed(lambda x: torch.cat([x, 1 - 3 * x], 1), num_classes=2)
    image = picture(height, width)
    whole = ready.logits(image)
    net.shapes.clear()
    ready.tile = 32
    np.testing.assert_allclose(ready.logits(image), whole, rtol=1e-5, atol=1e-6)
    assert sum(count for count, *_ in net.shapes) > 2
    assert all(rows <= 32 and columns <= 32 for _, _, rows, columns in net.shapes)


@pytest.mark.parametrize("value", [-7.25, 0.0, 1e4])
def test_a_constant_net_gives_a_constant_picture(value: float) -> None:
    ready, _ = fixed(lambda x: torch.full_like(x, value))
    ready.tile = 32
    np.testing.assert_allclose(ready.logits(picture(61, 147)), value, rtol=1e-6)


def test_every_tile_is_normalized_by_the_statistics_of_the_whole_picture() -> None:
    ready, _ = fixed(lambda x: x, normalization="zscore")
    ready.tile = 32
    image = np.zeros((32, 256, 1), np.uint8)
    image[:, 128:] = 200  # most tiles are flat: by their own statistics all of them would come out as 0
    logits = ready.logits(image)
    assert logits[0, :, :128] == pytest.approx(-1, abs=1e-3)
    assert logits[0, :, 128:] == pytest.approx(1, abs=1e-3)


def test_several_tiles_make_a_batch() -> None:
    ready, net = fixed(lambda x: x)
    ready.tile = 32
    ready.logits(picture(100, 100))
    tiles = sliding_window.grid(net.config, 100, 100, 32).count
    assert [count for count, *_ in net.shapes] == [16] * (tiles // 16) + [tiles % 16] * bool(tiles % 16)
    assert len({shape[1:] for shape in net.shapes}) == 1
    net.shapes.clear()
    ready.tiles_at_once = 5
    ready.logits(picture(100, 100))
    assert max(count for count, *_ in net.shapes) == 5


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


def test_gray_into_a_color_model_is_repeated() -> None:
    ready, net = fixed(lambda x: x[:, :1] + 10 * x[:, 1:2] + 100 * x[:, 2:], in_channels=3)
    gray = picture(6, 7)
    np.testing.assert_allclose(ready.logits(gray)[0], gray[:, :, 0] * (111 / 255), rtol=1e-5)
    assert net.shapes == [(1, 3, 6, 8)]


def test_color_into_a_gray_model_becomes_luminance() -> None:
    ready, net = fixed(lambda x: x)
    colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    luminance = np.array([0.299, 0.587, 0.114, 90 / 255])  # ITU-R BT.601
    assert ready.logits(colors)[0, 0] == pytest.approx(luminance, abs=0.5 / 255 + 1e-6)
    assert net.shapes == [(1, 1, 2, 4)]


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


# Answers ------------------------------------------------------------------------------------------------------------


def test_an_answer_of_one_class_says_what_probabilities_say() -> None:
    ready = learned()
    image = picture(50, 70)
    found, expected = ready.answer(image), ready.probabilities(image)[0]
    assert (found.shape, found.num_classes, found.tta, found.tile, found.note) == ((50, 70), 1, "none", 0, "")
    assert found.probability16 is not None and found.probability16.dtype == np.uint16
    np.testing.assert_allclose(found.probability16 / 65535, expected, atol=0.5 / 65535 + 1e-7)
    np.testing.assert_allclose(found.probability / 255, expected, atol=1 / 255)
    surely = np.clip(expected, 1e-7, 1 - 1e-7).astype(float)
    entropy = -(surely * np.log2(surely) + (1 - surely) * np.log2(1 - surely))
    np.testing.assert_allclose(found.uncertainty / 255, entropy, atol=0.6 / 255)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_a_mask_of_an_answer_is_the_mask_of_the_predictor(threshold: float) -> None:
    """At the threshold itself and next to it too: a logit of 0 is a probability of 0.5, which is not above 0.5."""
    at = float(torch.logit(torch.tensor(threshold, dtype=torch.float64)))
    ready, _ = fixed(lambda x: (x - 0.5) * 1e-4 + at)
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(ready.answer(image).mask(threshold), ready.mask(image, threshold))
    zero, _ = fixed(torch.zeros_like)
    assert zero.answer(image).mask(0.5).max() == zero.mask(image, 0.5).max() == 0


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_predict_takes_arrays(shape: tuple[int, ...], dtype: type) -> None:
    ready = learned(threshold=0.3)
    array = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    found = ready.predict(array, "mirror", tile=32)
    image = array.reshape(20, 30, -1)
    assert found.image is not None and np.array_equal(found.image, image)
    assert (found.name, found.threshold, found.tta, found.num_classes) == ("", 0.3, "mirror", 1)
    assert np.array_equal(found.mask(), ready.answer(image, "mirror", 32).mask(0.3))
    assert ready.predict(array, threshold=0.8).threshold == 0.8


def test_predict_reads_a_file_and_saves_what_it_found(tmp_path: Path) -> None:
    ready = learned()
    (tmp_path / "cell 1.png").write_bytes(encode_png(picture(20, 30)[:, :, 0]))
    found = ready.predict(str(tmp_path / "cell 1.png"))
    assert found.name == "cell 1"
    path = found.save(tmp_path / "masks")
    assert [file.name for file in path.iterdir()] == ["cell 1.png"]
    with pytest.raises(ImageError):
        ready.predict(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (
            np.zeros((4, 4, 4), np.uint8),
            r"takes 1 channel \(gray\), but the image has 4 channels\. Give it an image with 1 channel\.",
        ),
        (np.zeros((2, 3, 4, 4), np.uint8), "one by one"),
        (np.zeros((0, 4), np.uint8), "Expected an image of shape"),
        (np.zeros((4, 4)), r"got float64\. Convert them"),
        (np.full((4, 4), np.nan, np.float32), "NaN or infinite"),
    ],
    ids=["alpha", "stack", "empty", "float64", "nan"],
)
def test_predict_refuses_what_is_no_image(array: NDArray[Any], reason: str) -> None:
    with pytest.raises(PredictionError, match=reason):
        learned().predict(array)
    with pytest.raises(ConfigError, match="threshold"):
        learned().predict(np.zeros((4, 4), np.uint8), threshold=1.5)


def test_an_answer_of_several_classes_says_what_probabilities_say() -> None:
    ready = learned(num_classes=5)
    ready.tile = 64
    image = picture(90, 200)
    found, expected = ready.answer(image), ready.probabilities(image)
    assert found.tile == 64
    assert found.classes is not None and found.confidence is not None and found.probability16 is None
    assert np.array_equal(found.classes, expected.argmax(0))
    np.testing.assert_allclose(found.confidence / 255, expected.max(0), atol=0.51 / 255)
    entropy = -(expected * np.log(np.maximum(expected, 1e-7))).sum(0) / np.log(5)
    np.testing.assert_allclose(found.uncertainty / 255, entropy, atol=0.6 / 255)


@pytest.mark.parametrize("tta", TTA)
def test_the_views_of_a_net_that_sees_one_pixel_agree(tta: str) -> None:
    ready, _ = fixed(lambda x: 8 * x - 4)
    image = picture(40, 23)
    one, several = ready.answer(image), ready.answer(image, tta)
    assert one.probability16 is not None and several.probability16 is not None
    assert np.abs(one.probability16.astype(int) - several.probability16).max() <= 1
    assert (several.uncertainty.max() <= 1) == (tta != "none")


@pytest.mark.parametrize("tta", ["mirror", "flips", "d4"])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("changes", [{}, {"padding": "valid", "norm": "none", "image_size": 44}], ids=["same", "valid"])
def test_views_are_averaged_and_their_spread_is_told(changes: dict[str, Any], classes: int, tta: str) -> None:
    """Against views made with NumPy on the picture itself; its sides are whole cells, so that no view is padded."""
    ready = (unpadded if changes else learned)(num_classes=classes, **({"depth": 1} | changes))
    image = picture(48, 32)
    each = []
    for flipped, turns in {"mirror": [(0, 0), (1, 0)], "flips": [(0, 0), (1, 0), (0, 2), (1, 2)]}.get(
        tta, [(flipped, turns) for flipped in (0, 1) for turns in range(4)]
    ):
        seen = np.rot90(image[:, ::-1] if flipped else image, turns)
        back = np.rot90(ready.probabilities(np.ascontiguousarray(seen)), -turns, (1, 2))
        each.append(back[:, :, ::-1] if flipped else back)
    mean, spread = np.mean(each, 0), 2 * np.std(each, 0).max(0)
    found = ready.answer(image, tta)
    np.testing.assert_allclose(found.uncertainty / 255, spread, atol=1 / 255)
    assert found.uncertainty.max() > 5
    if classes == 1:
        assert found.probability16 is not None
        np.testing.assert_allclose(found.probability16 / 65535, mean[0], atol=1e-4)
    else:
        assert found.classes is not None
        sure = np.sort(mean, 0)[-1] - np.sort(mean, 0)[-2] > 1e-4
        assert np.array_equal(found.classes[sure], mean.argmax(0)[sure])


@pytest.mark.parametrize("at_once", [1, 3, 16])
def test_tiles_and_views_may_come_in_any_batches(at_once: int) -> None:
    ready = learned()
    image = picture(70, 100)
    expected = ready.answer(image, "d4", tile=64).probability16
    ready.tiles_at_once = at_once
    found = ready.answer(image, "d4", tile=64).probability16
    assert expected is not None and found is not None
    assert np.abs(found.astype(int) - expected).max() <= 2


def test_progress_counts_tiles_times_views() -> None:
    ready, net = fixed(lambda x: x)
    ready.tiles_at_once = 3
    told: list[tuple[int, int]] = []
    ready.answer(picture(60, 100), "flips", tile=32, progress=lambda done, total: told.append((done, total)))
    total = 4 * sliding_window.grid(net.config, 60, 100, 32).count
    assert {whole for _, whole in told} == {total}
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (total, total)
    assert sum(count for count, *_ in net.shapes) == total


MEMORY = """
import numpy as np, torch
from pathlib import Path
from unet_core.config.schema import ModelConfig
from unet_core.inference.predictor import Predictor
from unet_core.models.unet import UNet
torch.set_num_threads(1)
def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
net = UNet(ModelConfig(in_channels=1, num_classes=40, base_channels=1, depth=1, image_size=16)).eval()
ready = Predictor(net, torch.device("cpu"), "fp32", tiles_at_once=2)
ready.answer(np.zeros((200, 200, 1), np.uint8), tile=128)
before = held()
ready.answer(np.zeros((800, 1600, 1), np.uint8), tile=128)
print(held() - before)
"""


def test_memory_holds_one_strip_of_all_classes_and_never_the_whole_picture() -> None:
    """40 classes of 800 x 1600 pixels are 205 MB of logits; `benchmarks.inference` measures 5000 x 5000."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process' memory is read from /proc")
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150


@pytest.mark.parametrize("passes", [0, 1, 4])
def test_cancel_is_asked_between_passes(passes: int) -> None:
    ready, net = fixed(lambda x: x)
    ready.tiles_at_once = 2
    with pytest.raises(Cancelled):
        ready.answer(picture(100, 100), tile=32, cancelled=lambda: len(net.shapes) >= passes)
    assert len(net.shapes) == passes


@pytest.mark.parametrize(
    ("given", "words"), [({"tta": "spin"}, "tta 'spin'"), ({"tile": 3}, "tile 3"), ({"tile": 9999}, "9999")]
)
def test_odd_wishes_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        predictor().answer(picture(8, 8), **given)


def greedy(most_pixels: int, error: type[BaseException] = torch.OutOfMemoryError) -> tuple[Predictor, Fixed]:
    """A net whose device holds so many pixels."""

    def function(x: Tensor) -> Tensor:
        if x.shape[0] * x.shape[2] * x.shape[3] > most_pixels:
            raise error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9999 bytes.")
        return 2 * x - 1

    return fixed(function)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_a_batch_that_does_not_fit_the_memory_is_halved(error: type[BaseException]) -> None:
    ready, net = greedy(5 * 32 * 32, error)
    image = picture(100, 100)
    told: list[tuple[int, int]] = []
    found = ready.answer(image, tile=32, progress=lambda done, total: told.append((done, total)))
    assert np.array_equal(found.mask(), for_display(image)[:, :, 0] >= 128)
    assert max(shape[0] for shape in net.shapes) == 16 and ready.tiles_at_once == 4
    assert "holds 4 tiles of 32 pixels" in found.note
    assert told[-1][0] == told[-1][1]
    net.shapes.clear()
    assert ready.answer(image, tile=32).note == ""  # it is remembered
    assert {shape[0] for shape in net.shapes} <= {1, 2, 3, 4}


def test_B02_a_tile_that_does_not_fit_the_memory_is_made_smaller() -> None:  # noqa: N802
    ready, net = greedy(70 * 70)
    image = picture(200, 300)
    found = ready.answer(image, "mirror")
    assert 32 <= found.tile <= 70
    assert np.array_equal(found.mask(), image[:, :, 0] >= 128)
    assert "memory of cpu does not hold a tile of" in found.note and f"tile {found.tile} fits" in found.note
    net.shapes.clear()
    assert ready.answer(image).tile == found.tile  # the next picture begins with what fits
    assert max(shape[2] for shape in net.shapes) <= found.tile
    np.testing.assert_allclose(ready.logits(image)[0], image[:, :, 0] / 127.5 - 1, atol=1e-5)


def test_B02_a_memory_that_holds_nothing_is_told_and_nothing_is_kept() -> None:  # noqa: N802
    ready, _ = greedy(10)
    for ask in (ready.answer, ready.mask):
        with pytest.raises(PredictionError, match=r"memory of cpu does not hold a tile of .* pixels, and smaller"):
            ask(picture(100, 100))


def test_another_error_of_the_net_is_not_taken_for_the_memory() -> None:
    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        fixed(broken)[0].answer(picture(20, 20))


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
    assert "The previous checkpoint was used instead" in load_predictor(tmp_path / "best", "cpu", "fp32")[1]
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
    margin = architecture.margin(config)
    height, width = image.shape[:2]
    sides = [architecture.fitting_size(config, length + 2 * margin) for length in (height, width)]
    after = [side - margin - length for side, length in zip(sides, (height, width), strict=True)]
    mirrored = np.pad(image, ((margin, after[0]), (margin, after[1]), (0, 0)), mode="reflect")
    mean, std = statistics(image, config.normalization)
    with torch.inference_mode():
        logits = predictor.model(normalize(mirrored, mean, std)[None])
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
    predictor.tile = 150
    found = predictor.logits(image)
    assert sum(shape[0] for shape in calls) > 3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_overlapping_tiles_of_real_slices() -> None:
    """The paper's net on the paper's data (ISBI 2012), where it lies: $UNET_DATA."""
    folder = Path(os.environ.get("UNET_DATA", Path(__file__).parents[4] / "shared" / "data")) / "isbi_em" / "images"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; name the real data in UNET_DATA")
    predictor = unpadded()
    predictor.tile = 388
    for path in sorted(folder.iterdir())[:2]:
        image = images.read(path)
        np.testing.assert_allclose(predictor.logits(image), one_large_forward(predictor, image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (61, 60)])
def test_an_unpadded_net_answers_in_the_size_of_any_image(size: tuple[int, int]) -> None:
    predictor = unpadded(depth=2, image_size=60)
    image = np.random.default_rng(1).integers(0, 256, (*size, 1), np.uint8)
    assert predictor.mask(image).shape == size
