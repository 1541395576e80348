"""Weights from elsewhere, masks of judged images, predictions in every format, from the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from tests.core.models.test_milesial import weights
from unet_core.cli.parser import main
from unet_core.config.schema import ModelConfig
from unet_core.data import discovery
from unet_core.export.formats import FORMATS
from unet_core.inference.predictor import load_predictor
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.postprocessing.cleanup import clean


def test_imported_weights_predict(tmp_path, sample_folder, capsys):
    torch.save(weights(bilinear=True), tmp_path / "carvana.pth")
    assert main(["import", str(tmp_path / "carvana.pth"), "--output", str(tmp_path / "checkpoint")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["num_classes"] == 2
    picture = sorted((sample_folder / "images").iterdir())[0]
    output = tmp_path / "masks"
    assert main(["predict", str(tmp_path / "checkpoint"), str(picture), "--output", str(output)]) == 0
    predictor, warning = load_predictor(tmp_path / "checkpoint")
    assert warning == ""
    assert (images.read_mask(output / picture.name) == predictor.mask(images.read(picture))).all()


def test_a_file_that_is_no_such_weights_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "w.pth").write_text("text")
    assert main(["import", str(tmp_path / "w.pth"), "--output", str(tmp_path / "checkpoint")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "checkpoint").exists()


def test_masks_of_judged_images_are_saved(tmp_path, sample_folder, capsys):
    torch.save(weights(bilinear=False), tmp_path / "w.pth")
    assert main(["import", str(tmp_path / "w.pth"), "--output", str(tmp_path / "checkpoint")]) == 0
    command = ["evaluate", str(tmp_path / "checkpoint"), str(sample_folder), "--save-masks", str(tmp_path / "saved")]
    assert main(command) == 0
    found = discovery.find(sample_folder)
    assert sorted(path.stem for path in (tmp_path / "saved").iterdir()) == [sample.id for sample in found]
    for sample in found:
        saved = images.read_mask(tmp_path / "saved" / f"{sample.id}.png")
        assert saved.shape == images.size(sample.image)
        assert set(np.unique(saved).tolist()) <= {0, 1}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["images"] == pytest.approx(len(found))


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory) -> Path:
    """A checkpoint of a net that finds what is darker (or brighter) than the rest, and holes and specks with it."""
    torch.manual_seed(0)
    net = UNet(ModelConfig(in_channels=3, num_classes=1, base_channels=4, depth=1)).train()
    with torch.no_grad():
        for _ in range(10):
            net(torch.randn(2, 3, 64, 64))
        net.head.weight *= 3
    folder = tmp_path_factory.mktemp("nuclei") / "model"
    save_checkpoint(folder, net.eval())
    return folder


def predict(*arguments: object) -> int:
    return main(["predict", *map(str, arguments), "--device", "cpu", "--precision", "fp32"])


def test_every_format_is_written_for_every_picture(nuclei, sample_folder, tmp_path, capsys):
    pictures = sorted((sample_folder / "images").iterdir())[:2]
    options = ["--formats", "all", "--tta", "--threshold", "0.4", "--min-area", "20", "--fill-holes"]
    options += ["--split-touching", "--tile", "64", "--pixel-size", "0.5"]
    assert predict(nuclei, *pictures, "--output", tmp_path, *options) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "images": 2,
        "output": str(tmp_path),
        "skipped": 0,
    }
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    for each in FORMATS.values():
        if not each.collected:
            assert {path.stem + each.suffix for path in pictures} <= names
    predictor, _ = load_predictor(nuclei, "cpu", "fp32")
    rows = list(csv.DictReader((tmp_path / "objects.csv").open()))
    assert rows
    for path in pictures:
        answer = predictor.answer(images.read(path), "flips", 64)
        expected = clean(answer.mask(0.4), 20, fill_holes=True)
        assert ((images.read_mask(tmp_path / path.name) > 0) == expected).all()
        written = images.read(tmp_path / f"{path.stem}_prob.png")
        assert written.dtype == np.uint16 and (written[:, :, 0] == answer.probability16).all()
    assert any("um" in name or "µm" in name for name in rows[0])


def test_what_was_guessed_of_a_file_is_told_once(nuclei, tmp_path, capsys):
    stack = np.random.default_rng(0).random((3, 48, 64)).astype(np.float32)
    stack[1, :6] = np.nan
    path = tmp_path / "plate.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None)
    assert predict(nuclei, path, "--output", tmp_path / "masks") == 0
    assert sorted(mask.name for mask in (tmp_path / "masks").iterdir()) == [f"plate_00{page}.png" for page in range(3)]
    told = capsys.readouterr()
    lines = [line for line in (told.out + told.err).splitlines() if line.startswith("note: ")]
    assert len(lines) == 2
    assert "its 3 pages are taken for separate images" in lines[0]
    assert "384 of 3,072 pixels (12.5%) hold no data" in lines[1]


def test_masks_alone_are_the_default_and_options_change_them(nuclei, sample_folder, tmp_path, capsys):
    picture = sorted((sample_folder / "images").iterdir())[0]
    predictor, _ = load_predictor(nuclei, "cpu", "fp32")
    image = images.read(picture)
    for number, (options, expected) in enumerate(
        [
            ([], predictor.mask(image)),
            (["--threshold", "0.3"], predictor.mask(image, 0.3)),
            (["--min-area", "200"], clean(predictor.mask(image), 200)),
            (["--tta", "d4"], predictor.answer(image, "d4").mask()),
        ]
    ):
        folder = tmp_path / str(number)
        assert predict(nuclei, picture, "--output", folder, *options) == 0
        assert [path.name for path in folder.iterdir()] == [picture.name]
        assert ((images.read_mask(folder / picture.name) > 0) == expected).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--formats", "mask,word"], "word"),
        (["--min-area", "-1"], "--min-area"),
        (["--pixel-size", "0"], "--pixel-size"),
        (["--pixel-size", "nan"], "--pixel-size"),
        (["--tile", "7"], "tile 7 is out of range"),
        (["--threshold", "1.2"], "threshold"),
    ],
)
def test_odd_options_are_refused_before_anything_is_written(options, words, nuclei, sample_folder, tmp_path, capsys):
    assert predict(nuclei, sample_folder / "images", "--output", tmp_path / "out", *options) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_broken_picture_is_named_and_the_status_says_so(nuclei, sample_folder, tmp_path, capsys):
    picture = sorted((sample_folder / "images").iterdir())[0]
    (tmp_path / "half.png").write_bytes(picture.read_bytes()[:500])
    assert predict(nuclei, picture, tmp_path / "half.png", "--output", tmp_path / "out", "--formats", "mask,csv") == 1
    said = capsys.readouterr()
    assert "skipped: " in said.err and "half.png" in said.err
    assert json.loads(said.out.splitlines()[-1])["images"] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([picture.name, "objects.csv"])


def test_a_picture_that_no_memory_holds_is_named_and_the_others_are_done(nuclei, tmp_path, monkeypatch, capsys):
    real = UNet.forward

    def small(self, x):
        if x.shape[2] != 64:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, x)

    monkeypatch.setattr(UNet, "forward", small)
    for name, side in (("a", 64), ("b", 20), ("c", 64)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.full((side, side), 9, np.uint8)))
    assert predict(nuclei, *(tmp_path / f"{name}.png" for name in "abc"), "--output", tmp_path / "out") == 1
    assert "skipped: The memory of cpu" in capsys.readouterr().err
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == ["a", "c"]


def test_a_model_of_the_hub_is_fetched_and_used(nuclei, sample_folder, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("unet_core.hub.resolve.download", lambda name, *_, **__: asked.append(name) or nuclei)
    picture = sorted((sample_folder / "images").iterdir())[0]
    assert predict("hf:someone/nuclei", picture, "--output", tmp_path, "--runs-dir", tmp_path / "runs") == 0
    assert asked == ["hf:someone/nuclei"]
    assert (tmp_path / picture.name).exists()


def test_progress_of_a_large_picture_is_told_in_quarters(nuclei, tmp_path, capsys):
    (tmp_path / "large.png").write_bytes(encode_png(np.zeros((200, 300), np.uint8)))
    assert predict(nuclei, tmp_path / "large.png", "--output", tmp_path / "out", "--tile", "48") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("large: tile ")]
    assert 1 <= len(lines) <= 3
