"""The page's own tiling, normalization and thresholds give what unet_core gives."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.helpers import node
from unet_core.config.schema import ModelConfig
from unet_core.data.normalization import normalize, statistics
from unet_core.inference import prediction, sliding_window
from unet_core.models.channels import choose
from unet_core.static_page import probe, rules

pytestmark = node.needs_node

CONFIGS = {
    "default": ModelConfig(in_channels=1, num_classes=1, depth=3),
    "small receptive field": ModelConfig(in_channels=1, num_classes=1, depth=1, convs_per_block=1),
    "group norm": ModelConfig(in_channels=1, num_classes=2, depth=2, norm="group"),
}
SIZES = [(1, 1), (40, 50), (128, 128), (129, 40), (200, 300), (517, 333), (1000, 64)]
VALID = ModelConfig(in_channels=1, num_classes=1, depth=2, padding="valid", image_size=100)


def small_tiles(config: ModelConfig, monkeypatch: pytest.MonkeyPatch, side: int = 128) -> dict[str, Any]:
    """The rules with tiles so small that test images need several."""
    monkeypatch.setattr(rules, "SIDES", (32, side))
    return rules.tiles(config)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_grid_is_that_of_python(config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = small_tiles(config, monkeypatch)
    code = "input.sizes.map(([height, width]) => gridOf(input.tiles, height, width))"
    grids = node.run("{ gridOf } from inference/tiling.js", code, {"tiles": tiles, "sizes": SIZES})
    several = 0
    for (height, width), got in zip(SIZES, grids, strict=True):
        grid = sliding_window.grid(config, height, width, tiles["side"])
        several += grid.count > 1
        assert got["count"] == grid.count
        for axis, mine in ((grid.rows, got["rows"]), (grid.columns, got["columns"])):
            assert (mine["side"], mine["margin"], mine["out"]) == (axis.side, axis.margin, axis.out)
            assert tuple(mine["starts"]) == axis.starts
            for a, b in zip(mine["weights"], axis.weights, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert several >= 3


@pytest.mark.parametrize("config", [*CONFIGS.values(), VALID], ids=[*CONFIGS, "unpadded"])
def test_tiles_that_come_back_as_they_are_make_the_image_again(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = small_tiles(config, monkeypatch)
    code = """input.images.map((image) => {
      const grid = gridOf(input.tiles, image.height, image.width);
      const out = new Float32Array(image.data.length);
      const blender = new Blender(grid, 1, (top, rows, values) => out.set(values, top * image.width));
      grid.rows.starts.forEach((start, row) => grid.columns.starts.forEach((left, column) => {
        const [rows, columns] = [pixelsOf(grid.rows, start), pixelsOf(grid.columns, left)];
        const tile = tileOf(image, rows, columns, { mean: [0], deviation: [1] });
        const { margin, out: down, side } = grid.rows;
        const { out: across, side: width } = grid.columns;
        const piece = new Float32Array(down * across);
        for (let y = 0; y < down; y++) {
          const from = (y + margin) * width + margin;
          piece.set(tile.subarray(from, from + across), y * across);
        }
        blender.add(row, column, piece);
      }));
      return out;
    })"""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (height, width, 1), np.uint8) for height, width in SIZES]
    imports = "{ Blender, gridOf, pixelsOf } from inference/tiling.js\n{ tileOf } from inference/values.js"
    got = node.run(imports, code, {"tiles": tiles, "images": [node.image(image) for image in images]})
    for image, values in zip(images, got, strict=True):
        np.testing.assert_allclose(values, image.ravel(), atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 5, 30])
def test_a_tile_mirrors_what_is_outside_of_the_image(length: int) -> None:
    axis = {"length": length, "side": 40, "margin": 12}
    got = node.run("{ pixelsOf } from inference/tiling.js", "[...pixelsOf(input, 0)]", axis)
    assert got == np.pad(np.arange(length), (12, 28 - length if length < 28 else 0), "reflect")[:40].tolist()


@pytest.mark.parametrize("normalization", ["zscore", "zscore_per_channel", "unit", "imagenet"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("number", [1, 3])
def test_the_model_gets_the_numbers_of_python(normalization: str, dtype: type, number: int) -> None:
    if normalization == "imagenet" and number == 1:
        return
    rng = np.random.default_rng(1)
    most = int(np.iinfo(dtype).max)
    images = [rng.integers(0, most, (31, 17, number), dtype), np.full((8, 8, number), most // 3, dtype)]
    code = """input.images.map((image) => {
      const rows = Int32Array.from({ length: image.height }, (_, at) => at);
      const columns = Int32Array.from({ length: image.width }, (_, at) => at);
      return tileOf(image, rows, columns, statisticsOf(image, input.normalization));
    })"""
    value = {"images": [node.image(image) for image in images], "normalization": normalization}
    got = node.run("{ statisticsOf, tileOf } from inference/values.js", code, value)
    for image, tile in zip(images, got, strict=True):
        expected = normalize(image, *statistics(image, normalization)).numpy()
        np.testing.assert_allclose(tile.reshape(expected.shape), expected, rtol=2e-6, atol=2e-6)


MODELS = {
    "gray": ModelConfig(in_channels=1, num_classes=1, source_channels=(1,)),
    "color": ModelConfig(in_channels=3, num_classes=1, source_channels=(3,)),
    "red alone": ModelConfig(in_channels=1, num_classes=1, channels="0", source_channels=(3,)),
    "blue and green": ModelConfig(in_channels=2, num_classes=1, channels="2,1", source_channels=(3,)),
}


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_are_chosen_as_for_a_file(config: ModelConfig, dtype: type) -> None:
    rng = np.random.default_rng(2)
    table = rules.channels(config)
    for number, names in rules.IMAGES.items():
        image = rng.integers(0, np.iinfo(dtype).max, (20, 30, number), dtype)
        value = {"image": node.image(image), "rules": {"channels": table}}
        attempt = "try { return fitChannels(input.image, input.rules); } catch (error) { return error.message; }"
        code = f"(() => {{ {attempt} }})()"
        got = node.run("{ fitChannels } from inference/values.js", code, value)
        if "error" in table[str(number)]:
            assert got == table[str(number)]["error"]
            continue
        expected = choose(config, number, names).apply(image)
        assert np.array_equal(got["data"].reshape(got["height"], got["width"], got["channels"]), expected)


def test_probabilities_levels_and_masks_are_those_of_python() -> None:
    rng = np.random.default_rng(3)
    logits = np.concatenate([rng.normal(0, 4, 5000), [-100, 100, 0]]).astype(np.float32)
    code = """(() => {
      const answer = new Answer(input.logits.length, 1, 1);
      answer.store(0, 1, input.logits);
      return { levels: answer.levels, masks: input.thresholds.map((value) => maskAt(answer.levels, value)) };
    })()"""
    thresholds = [0.05, 0.3, 0.5, 0.731, 1.0]
    imports = "{ Answer } from inference/values.js\n{ maskAt } from result/answer.js"
    got = node.run(imports, code, {"logits": logits, "thresholds": thresholds})
    probabilities = prediction.to_probabilities(torch.from_numpy(logits)[None, None, None])[0, 0, 0].numpy()
    levels = prediction.to_levels(probabilities, prediction.FULL).astype(np.uint16)
    assert np.abs(got["levels"].astype(int) - levels.astype(int)).max() <= 1
    assert (got["levels"] != levels).mean() < 0.01
    for threshold, mask in zip(thresholds, got["masks"], strict=True):
        assert np.array_equal(mask, prediction.above(got["levels"], threshold))


def test_several_classes_give_the_most_probable_one_and_its_probability() -> None:
    logits = np.random.default_rng(4).normal(0, 3, (5, 6, 7)).astype(np.float32)
    code = "(() => { const answer = new Answer(7, 6, 5); answer.store(0, 6, input); return answer; })()"
    got = node.run("{ Answer } from inference/values.js", code, logits)
    probabilities = prediction.to_probabilities(torch.from_numpy(logits)[None])[0].numpy()
    assert np.array_equal(got["classes"].reshape(6, 7), probabilities.argmax(0))
    confidence = prediction.to_levels(probabilities.max(0), 255)
    assert np.abs(got["confidence"].reshape(6, 7) - confidence).max() <= 1


def test_the_check_of_the_model_runs_on_the_same_numbers() -> None:
    got = node.run("{ probeInput } from inference/values.js", "probeInput(input)", 1000)
    assert np.array_equal(got, probe.probe_input(1000))
