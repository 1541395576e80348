"""Images of two and four channels through the whole of it: trained, predicted, evaluated, exported, continued."""

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.helpers.stacks import make_folder, make_stack
from unet_core import evaluate, load, open_dataset, train
from unet_core.cli.parser import main
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.dataset import load_dataset
from unet_core.data.discovery import find
from unet_core.data.fingerprint import measure_samples
from unet_core.data.layouts import Sample
from unet_core.errors import DataError, PredictionError
from unet_core.inference import inputs
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import load_model

TINY = {
    "epochs": 1, "base_channels": 2, "depth": 1, "image_size": 32, "crops_per_image": 2, "batch_size": 4,
    "device": "cpu", "threads": 1, "augment": "strong",
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Two channels of an ImageJ composite, and a run that was trained on them."""
    folder = make_folder(tmp_path_factory.mktemp("pair") / "data", 2, planes=True)
    return folder, train(folder, runs_dir=folder.parent / "runs", **TINY)


@pytest.fixture(scope="module")
def bands(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Four bands of 8 bits, and a run that was trained on the last and the first, in that order."""
    folder = make_folder(tmp_path_factory.mktemp("bands") / "data", 4, dtype=np.uint8)
    return folder, train(folder, runs_dir=folder.parent / "runs", channels="3,0", **TINY)


def test_two_channels_are_one_image_and_both_count(pair: tuple) -> None:
    folder, run = pair
    dataset = open_dataset(folder)
    assert len(dataset) == 6
    for index in range(6):
        image, mask = make_stack(2, index)
        np.testing.assert_array_equal(dataset[index].image, image)
        np.testing.assert_array_equal(dataset[index].mask, mask > 0)
    assert any("2 channels is normalized by itself" in text for text in dataset.warnings)
    config = load_model(run.best)[0].config
    assert (config.in_channels, config.source_channels, config.normalization) == (2, (2,), "zscore_per_channel")
    predictor = load(run, device="cpu")
    image, _ = make_stack(2, 0)
    before = predictor.predict(image).probability16
    for channel in range(2):  # a channel that is dropped would change nothing
        other = image.copy()
        other[:, :, channel] = other[::-1, :, channel]
        assert (predictor.predict(other).probability16 != before).any()
    facts = json.loads((run.best / "training.json").read_text())
    assert facts["fingerprint"]["channels"] == 2


def test_it_is_evaluated_and_exported_with_a_column_for_each_channel(pair: tuple, tmp_path: Path) -> None:
    folder, run = pair
    predictor = load(run, device="cpu")
    result = evaluate(run, folder, split="all", device="cpu")
    assert len(result.images) == 6
    assert result.skipped == []
    prediction = predictor.predict(folder / "images" / "cell_0.tif")
    assert prediction.image is not None
    assert prediction.image.shape == (48, 48, 2)
    names = ("mask", "overlay", "csv", "summary", "coco", "geojson")
    prediction.save(tmp_path / "all.zip", names, threshold=0.01)
    with zipfile.ZipFile(tmp_path / "all.zip") as file:
        rows = list(csv.DictReader(file.read("objects.csv").decode().splitlines()))
        overlay = next(name for name in file.namelist() if name.endswith("_overlay.png"))
        assert images.decode(file.read(overlay), overlay).shape == (48, 48, 3)
    assert {"mean_intensity", "mean_intensity_0", "mean_intensity_1"} <= rows[0].keys()
    assert "mean_red" not in rows[0]


def test_files_with_a_channel_each_are_predicted_as_one_image(pair: tuple, tmp_path: Path, capsys) -> None:
    folder, run = pair
    image, _ = make_stack(2, 3)
    (tmp_path / "images").mkdir()
    for channel in range(2):
        tifffile.imwrite(tmp_path / "images" / f"cell_3_000{channel}.tif", image[:, :, channel])
    where = ["--output", str(tmp_path / "masks"), "--device", "cpu", "--threshold", "0.4"]
    assert main(["predict", str(run.best), str(tmp_path / "images"), *where]) == 0
    assert "channels of one image: cell_3" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["cell_3.png"]
    expected = load(run, device="cpu").predict(folder / "images" / "cell_3.tif").mask(0.4)
    np.testing.assert_array_equal(images.read(tmp_path / "masks" / "cell_3.png")[:, :, 0], expected * 255)


def test_the_channels_of_the_training_are_those_of_the_prediction(bands: tuple, tmp_path: Path) -> None:
    folder, run = bands
    predictor = load(run, device="cpu")
    config = predictor.model.config
    assert (config.in_channels, config.channels, config.source_channels) == (2, "3,0", (4,))
    image, _ = make_stack(4, 0, dtype=np.uint8)
    whole = predictor.predict(image)
    picked = predictor.predict(np.ascontiguousarray(image[:, :, [3, 0]]))
    file = predictor.predict(folder / "images" / "cell_0.tif")
    np.testing.assert_array_equal(whole.probability16, picked.probability16)
    np.testing.assert_array_equal(whole.probability16, file.probability16)
    swapped = predictor.predict(np.ascontiguousarray(image[:, :, [0, 3]]))
    assert (swapped.probability16 != whole.probability16).any()
    for channels in (1, 3, 5):
        with pytest.raises(PredictionError, match=f"or the channels 3,0 of 4, but the image has {channels} channel"):
            predictor.predict(np.zeros((40, 40, channels), np.uint8))
    main(["predict", str(run.best), str(folder / "images"), "--output", str(tmp_path), "--device", "cpu"])
    for index in range(6):
        expected = predictor.predict(folder / "images" / f"cell_{index}.tif").mask() * 255
        np.testing.assert_array_equal(images.read(tmp_path / f"cell_{index}.png")[:, :, 0], expected)


def test_the_evaluation_scores_what_is_predicted(bands: tuple, tmp_path: Path) -> None:
    folder, run = bands
    predictor = load(run, device="cpu")
    scored = {item.id: item.scores["dice"] for item in evaluate(predictor, folder, split="all").images}
    two = tmp_path / "two"
    for name in ("images", "masks"):
        (two / name).mkdir(parents=True)
    for index in range(6):
        image, mask = make_stack(4, index, dtype=np.uint8)
        pred = predictor.predict(image).mask() > 0
        both = (pred & (mask > 0)).sum()
        assert scored[f"cell_{index}"] == pytest.approx(2 * both / (pred.sum() + (mask > 0).sum()))
        tifffile.imwrite(two / "images" / f"cell_{index}.tif", image[:, :, [3, 0]], photometric="minisblack")
        (two / "masks" / f"cell_{index}.png").write_bytes(encode_png(mask))
    again = {item.id: item.scores["dice"] for item in evaluate(predictor, two, split="all").images}
    assert again == scored, "files with just the channels of the model are taken as they are"
    with pytest.raises(DataError, match=r"but the image has 3 channels"):
        evaluate(predictor, make_folder(tmp_path / "three", 3, number=2), split="all")


def test_a_network_of_other_channels_is_fine_tuned(bands: tuple) -> None:
    folder, run = bands
    again = train(folder, runs_dir=folder.parent / "runs", init=run.id, channels="0,1,3", **TINY)
    config = load_model(again.best)[0].config
    assert (config.in_channels, config.channels, config.source_channels) == (3, "0,1,3", (4,))
    assert config.normalization == "zscore_per_channel"


def test_a_file_for_each_channel_is_the_same_as_one_file_of_all(tmp_path: Path) -> None:
    make_folder(tmp_path, 4)
    together = find(tmp_path)
    apart = []
    for sample in together:
        pixels = images.read(sample.image)
        files = [tmp_path / f"{sample.id}_000{number}.tif" for number in range(4)]
        for number, path in enumerate(files):
            tifffile.imwrite(path, pixels[:, :, number])
        apart.append(Sample(sample.id, files[0], sample.masks, channel_files=tuple(files[1:])))
    model = ModelConfig(depth=1, image_size=32, channels="1,3")
    one, several = (load_dataset(samples, DataConfig(), model) for samples in (together, apart))
    assert one.model == several.model
    for index in range(len(one)):
        np.testing.assert_array_equal(one[index].image, several[index].image)
        np.testing.assert_array_equal(one[index].std, several[index].std)
    assert measure_samples(apart) == measure_samples(together)
    items = inputs.from_samples(apart).items
    np.testing.assert_array_equal(items[0].read(), images.read(together[0].image))
    assert items[0].key != replace(items[0], channel_files=items[0].channel_files[:2]).key
    tifffile.imwrite(apart[0].channel_files[0], np.zeros((3, 3), np.uint16))
    with pytest.raises(DataError, match=r"cell_0_0001\.tif: this channel is 3 x 3 pixels"):
        load_dataset(apart[:2], DataConfig(), model)


def test_images_of_different_channels_are_told_before_training(tmp_path: Path) -> None:
    make_folder(tmp_path, 4, number=4)
    make_folder(tmp_path, 2, number=2)  # the first two again, with two channels
    with pytest.raises(DataError, match=r"2 channels: .*cell_0\.tif, .*cell_1\.tif; 4 channels: .*cell_2\.tif"):
        open_dataset(tmp_path)
    dataset = open_dataset(tmp_path, channels="0,1")
    assert {item.image.shape for item in dataset} == {(48, 48, 2)}
    assert any("different channels (2 with 2 channels, 2 with 4 channels)" in text for text in dataset.warnings)
