"""Every format is written whole, checked, opened by its own readers, and says nothing of this disk."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml

from tests.core.export.model.test_onnx import draw, make_model, stored
from tests.helpers.bioimage import check_package
from unet_core.errors import CheckpointError, ConfigError, PredictionError, RunError
from unet_core.export.model import files, parity
from unet_core.export.model.bioimage_about import About
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint

ABOUT = About("Nuclei: <b>v2</b>", "Nuclei in fluorescence images.", "A. Author", "cc-by-4.0")


def make_folder(folder: Path, dtype: str = "uint8", **changes: object) -> Path:
    save_checkpoint(folder / "best", make_model(**changes), about={"fingerprint": {"dtype": dtype}})
    return folder / "best"


@pytest.mark.parametrize("name", files.FORMATS)
def test_a_format_is_written_whole_and_without_paths(tmp_path: Path, name: str) -> None:
    folder = make_folder(tmp_path)
    path = tmp_path / f"out{files.FORMATS[name].suffix}"
    written = files.write(folder, name, path, ABOUT)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["best", path.name]
    assert written.bytes == path.stat().st_size
    assert written.input_range == 255
    assert (written.difference is None) == (name == "safetensors")
    assert written.difference is None or written.difference < 1e-4
    parts = [path.read_bytes()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            parts += [packed.read(entry) for entry in packed.namelist()]
    for word in (str(tmp_path), str(Path.cwd()), "unet_core", "site-packages"):
        assert not any(word.encode() in part for part in parts), word


@pytest.mark.parametrize("changes", [{}, {"padding": "valid", "normalization": "unit"}, {"norm": "instance"}])
def test_a_torch_program_needs_nothing_of_ours(tmp_path: Path, changes: dict[str, str]) -> None:
    model = make_model(**changes)
    save_checkpoint(tmp_path / "best", model)
    files.write(tmp_path / "best", "torch", tmp_path / "a.pt2")
    image = draw(41, 60, 1)
    np.save(tmp_path / "image.npy", stored(image))
    code = (
        "import sys, numpy, torch\n"
        "program = torch.export.load('a.pt2', extra_files=(extra := {'unet_studio.json': ''})).module()\n"
        "answer = program(torch.from_numpy(numpy.load('image.npy')))\n"
        "numpy.save('answer.npy', answer.detach().numpy())\n"
        "print(extra['unet_studio.json'])\n"
        "assert not [name for name in sys.modules if name.startswith('unet_core')]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = Predictor(model, torch.device("cpu"), "fp32").probabilities(image)
    assert np.abs(np.load(tmp_path / "answer.npy")[0] - expected).max() < 1e-4
    assert json.loads(done.stdout)["normalization"] == model.config.normalization


def test_safetensors_come_with_a_program_that_runs(tmp_path: Path) -> None:
    model = make_model()
    save_checkpoint(tmp_path / "best", model)
    files.write(tmp_path / "best", "safetensors", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert sorted(packed.namelist()) == ["config.json", "model.safetensors", "predict.py"]
        packed.extractall(tmp_path / "out")
    image = draw(41, 60, 1)
    (tmp_path / "out" / "image.png").write_bytes(encode_png(image[:, :, 0]))
    subprocess.run([sys.executable, "predict.py"], cwd=tmp_path / "out", check=True)
    from unet_core.io import images

    mask = images.read(tmp_path / "out" / "mask.png")[:, :, 0]
    assert np.array_equal(mask > 0, Predictor(model, torch.device("cpu"), "fp32").mask(image) > 0)


def test_weights_of_a_resnet_come_without_a_program_which_is_said(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, encoder="resnet18", depth=5, image_size=64, up="nearest", head_kernel=3)
    written = files.write(folder, "safetensors", tmp_path / "a.zip")
    assert written.notes == ("There is no predict.py for this architecture: the weights alone were written.",)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"in_channels": 3, "normalization": "imagenet", "num_classes": 3, "class_names": "background,cell,wall"},
        {"in_channels": 2, "normalization": "zscore_per_channel", "channel_names": ("DAPI", "GFP")},
        {"normalization": "unit", "padding": "valid"},
    ],
)
def test_bioimageio_accepts_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    folder = make_folder(tmp_path, **changes)
    files.write(folder, "bioimage", tmp_path / "model.zip", ABOUT)
    summary = check_package(tmp_path / "model.zip", monkeypatch)
    assert summary.status == "passed", summary
    names = [detail.name for detail in summary.details]
    assert "Reproduce test outputs from test inputs (onnx)" in names


def test_the_package_says_what_it_is(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, dtype="uint16", in_channels=3)
    files.write(folder, "bioimage", tmp_path / "model.zip", ABOUT)
    with zipfile.ZipFile(tmp_path / "model.zip") as packed:
        text = yaml.safe_load(packed.read("rdf.yaml"))
        given = np.load(io.BytesIO(packed.read("test-input.npy")))
        proto = onnx.load_from_string(packed.read("model.onnx"))
    assert text["name"] == "Nuclei b v2 b"
    assert (text["license"], text["authors"]) == ("CC-BY-4.0", [{"name": "A. Author"}])
    assert text["inputs"][0]["axes"][1]["channel_names"] == ["red", "green", "blue"]
    assert text["inputs"][0]["preprocessing"][0]["kwargs"]["axes"] == ["channel", "y", "x"]
    assert given.max() > 20_000  # drawn in 16 bits, as the training images were
    assert {entry.key: entry.value for entry in proto.metadata_props}["normalization_inside"] == "false"


def test_an_example_is_the_test_image(tmp_path: Path) -> None:
    folder, example = make_folder(tmp_path), draw(70, 30, 1)
    files.write(folder, "bioimage", tmp_path / "model.zip", ABOUT, example=example)
    with zipfile.ZipFile(tmp_path / "model.zip") as packed:
        given = np.load(io.BytesIO(packed.read("test-input.npy")))
    assert given.shape == (1, 1, 64, 28)  # whole cells of the middle, two crops at most
    assert np.array_equal(given[0, 0], example[3:67, 1:29, 0])
    with pytest.raises(PredictionError, match="The example has 3 channels, the model takes 1"):
        files.write(folder, "bioimage", tmp_path / "b.zip", ABOUT, example=draw(70, 70, 3))


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, dtype="")
    written = files.write(folder, "bioimage", tmp_path / "model.zip")
    assert written.notes == (
        "The checkpoint does not say what type its images had: 8 bit (0 to 255) was taken.",
        "No license is stated: nobody but you may use the model.",
    )


@pytest.mark.parametrize("name", ["onnx", "torch", "bioimage"])
def test_a_file_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder, exact = make_folder(tmp_path), parity.probabilities
    monkeypatch.setattr(parity, "probabilities", lambda model, image: exact(model, image) + 2e-4)
    with pytest.raises(CheckpointError, match=r"by up to 0\.0002 in probability"):
        files.write(folder, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path)
    with pytest.raises(ConfigError, match=r"Format 'tflite' is not known\. Choose one of onnx, torch"):
        files.write(folder, "tflite", tmp_path / "a")
    with pytest.raises(RunError, match="cannot be written"):
        files.write(folder, "safetensors", tmp_path / "none" / "a.zip")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r'need onnxruntime\. Install with: pip install "unet-studio\[onnx\]"'):
        files.write(folder, "bioimage", tmp_path / "a.zip")
