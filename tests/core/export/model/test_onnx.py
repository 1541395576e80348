"""An ONNX file gives what the predictor gives, whatever the size, the normalization and the network."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, ConfigError, RunError
from unet_core.export.model import parity
from unet_core.export.model.onnx import INPUT, export_onnx, runner
from unet_core.export.model.segmenter import Segmenter
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Pixels
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.encoders import build_model
from unet_core.models.unet import UNet

SMALL = {"in_channels": 1, "num_classes": 1, "base_channels": 4, "depth": 2, "image_size": 32}
SIZES = ((48, 32), (37, 50), (1, 7), (130, 5))
KINDS = {
    "zscore gray": {},
    "zscore color": {"in_channels": 3},
    "zscore of unlike channels": {"in_channels": 2, "normalization": "zscore_per_channel", "num_classes": 3},
    "unit, valid padding": {"normalization": "unit", "padding": "valid"},
    "instance norm, bilinear": {"norm": "instance", "up": "bilinear", "activation": "leaky_relu"},
    "group norm, aligned": {"norm": "group", "up": "bilinear_aligned", "down": "strided_conv", "activation": "gelu"},
    "deep supervision": {"deep_supervision": True, "dropout": 0.3, "order": "conv_act_norm", "activation": "silu"},
    "resnet": {
        "encoder": "resnet18",
        "depth": 5,
        "image_size": 64,
        "up": "nearest",
        "head_kernel": 3,
        "normalization": "imagenet",
        "in_channels": 3,
        "num_classes": 4,
    },
}


def make_model(seed: int = 0, **changes: object) -> UNet:
    """With statistics of its batch norms as a training leaves them: none is the identity."""
    torch.manual_seed(seed)
    model = build_model(ModelConfig(**{**SMALL, **changes}))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.running_mean) * 0.1
            module.running_var = torch.rand_like(module.running_var) + 0.5
    return model.eval()


def draw(height: int, width: int, channels: int, dtype: type = np.uint8) -> Pixels:
    """Noise over a slope, each channel darker than the one before."""
    most = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    values = np.random.default_rng(height).random((height, width, channels)) * 0.5
    values += np.linspace(0, 0.5, width)[None, :, None]
    return np.asarray(values * most / np.arange(1, channels + 1), dtype)


def stored(image: Pixels) -> np.ndarray:
    """As the file takes it: (1, C, H, W) float32, the values as they are."""
    return image.transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_gives_what_the_predictor_gives(tmp_path: Path, kind: str) -> None:
    model = make_model(**KINDS[kind])
    report = export_onnx(model, tmp_path / "a.onnx")
    run = runner((tmp_path / "a.onnx").read_bytes())
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    for height, width in SIZES:
        image = draw(height, width, model.config.in_channels)
        answer = run(stored(image))
        assert answer.shape == (1, model.config.num_classes, height, width)
        assert np.abs(answer[0] - predictor.probabilities(image)).max() < 1e-4
    assert report.difference < 1e-4
    assert report.images == 5
    assert report.bytes == (tmp_path / "a.onnx").stat().st_size


def test_images_of_a_batch_are_normalized_each_by_itself(tmp_path: Path) -> None:
    model = make_model()
    export_onnx(model, tmp_path / "a.onnx")
    run = runner((tmp_path / "a.onnx").read_bytes())
    dark, bright = draw(40, 40, 1) // 8, draw(40, 40, 1)
    both = run(np.concatenate([stored(dark), stored(bright)]))
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    assert np.abs(both[0] - predictor.probabilities(dark)).max() < 1e-4
    assert np.abs(both[1] - predictor.probabilities(bright)).max() < 1e-4


@pytest.mark.parametrize(
    ("dtype", "input_range", "changes"),
    [
        (np.uint16, 65535.0, {}),
        (np.uint16, 65535.0, {"normalization": "unit"}),
        (np.float32, 1.0, {}),
        (np.float32, 1.0, {"normalization": "unit"}),
    ],
)
def test_other_types_of_pixels(tmp_path: Path, dtype: type, input_range: float, changes: dict[str, str]) -> None:
    model = make_model(**changes)
    report = export_onnx(model, tmp_path / "a.onnx", input_range=input_range)
    run = runner((tmp_path / "a.onnx").read_bytes())
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    narrow = draw(40, 52, 1, dtype)
    narrow = (narrow * 0.001 + np.asarray(30000 if dtype is np.uint16 else 0.4)).astype(dtype)
    for image in (draw(40, 52, 1, dtype), narrow, np.full((20, 20, 1), 0.3, dtype)):
        assert np.abs(run(stored(image))[0] - predictor.probabilities(image)).max() < 1e-4
    assert report.metadata["input_range"] == f"{input_range:g}"


def test_tiles_take_images_that_are_normalized_already(tmp_path: Path) -> None:
    from unet_core.data.normalization import normalize, statistics

    model, image = make_model(), draw(64, 64, 1)
    report = export_onnx(model, tmp_path / "a.onnx", normalize=False)
    run = runner((tmp_path / "a.onnx").read_bytes())
    answer = run(normalize(image, *statistics(image, "zscore"))[None].numpy())
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    assert np.abs(answer[0] - predictor.probabilities(image)).max() < 1e-4
    assert report.metadata["normalization_inside"] == "false"


def test_one_file_says_what_it_is_and_nothing_of_this_disk(tmp_path: Path) -> None:
    model = make_model(num_classes=3, class_names="background,cell,wall", in_channels=3)
    export_onnx(model, tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    proto = onnx.load(tmp_path / "a.onnx")
    texts = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(texts["classes"]) == ["background", "cell", "wall"]
    assert json.loads(texts["input_channels"]) == ["red", "green", "blue"]
    assert (texts["normalization"], texts["activation"], texts["threshold"]) == ("zscore", "softmax", "")
    assert [entry.version for entry in proto.opset_import] == [18]
    shape = proto.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in shape] == ["batch", 3, "height", "width"]
    assert proto.graph.input[0].name == INPUT
    data = (tmp_path / "a.onnx").read_bytes()
    for word in (b"unet_core", b"site-packages", str(Path.cwd()).encode(), b".py"):
        assert word not in data
    assert not any(node.metadata_props for node in proto.graph.node)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_onnx(make_model(seed=3), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("dtype", "expected"), [("uint16", 65535.0), ("uint8", 255.0), ("", 255.0)])
def test_a_checkpoint_says_the_range_of_its_images(tmp_path: Path, dtype: str, expected: float) -> None:
    model = make_model()
    save_checkpoint(tmp_path / "best", model, about={"fingerprint": {"dtype": dtype}})
    assert export_onnx(tmp_path / "best", tmp_path / "a.onnx").input_range == expected


def test_the_model_itself_is_left_as_it_was(tmp_path: Path) -> None:
    model = make_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_onnx(model, tmp_path / "a.onnx", images=[draw(40, 40, 1), draw(40, 40, 3), draw(8, 8, 1, np.uint16)])
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_images_that_fit_are_checked_too(tmp_path: Path) -> None:
    images = [draw(40, 40, 1), draw(40, 40, 3), draw(8, 8, 1, np.uint16)]  # two have other channels or another type
    assert export_onnx(make_model(), tmp_path / "a.onnx", images=images).images == 6


def test_a_file_that_differs_is_refused_and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.onnx").write_bytes(b"before")
    exact = parity.probabilities
    monkeypatch.setattr(parity, "probabilities", lambda model, image: exact(model, image) + 2e-4)
    with pytest.raises(CheckpointError, match=r"differs from the model by up to 0\.0002 in probability"):
        export_onnx(make_model(), tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    assert (tmp_path / "a.onnx").read_bytes() == b"before"


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(CheckpointError, match="up to nan"):
        parity.refuse_difference(float("nan"), "ONNX file")


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_package_that_is_missing_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf'need {name}\. Install with: pip install "unet-studio\[onnx\]"'):
        export_onnx(make_model(), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose 255"):
        export_onnx(make_model(), tmp_path / "a.onnx", input_range=4095)
    model = make_model()
    object.__setattr__(model.config, "normalization", "histogram")
    with pytest.raises(ConfigError, match="'histogram' cannot be computed inside"):
        Segmenter(model)
    with pytest.raises(RunError, match="cannot be written"):
        export_onnx(make_model(), tmp_path / "none" / "a.onnx")


def test_opencv_reads_the_file_too(tmp_path: Path) -> None:
    import cv2

    model = make_model(in_channels=3)
    export_onnx(model, tmp_path / "a.onnx")
    net = cv2.dnn.readNetFromONNX(str(tmp_path / "a.onnx"))
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    for height, width in ((48, 32), (37, 50)):
        image = draw(height, width, 3)
        net.setInput(stored(image))
        assert np.abs(net.forward()[0] - predictor.probabilities(image)).max() < 1e-4
