"""Weights in milesial's naming load into our net and give the logits of that architecture, written here by hand."""

import io
import pickle
import zipfile

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unet_core.errors import CheckpointError
from unet_core.models.milesial import load

WIDTHS = {False: (2, 4, 8, 16, 32), True: (2, 4, 8, 16, 16)}  # bilinear halves the deepest level


def weights(bilinear: bool, in_channels: int = 3, classes: int = 2, biases: bool = False) -> dict[str, Tensor]:
    """A state dict with the names and shapes of that architecture, random, batch norms with statistics of their own."""
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}

    def double(name: str, before: int, middle: int, after: int) -> None:
        for index, (a, b) in ((0, (before, middle)), (3, (middle, after))):
            state[f"{name}.double_conv.{index}.weight"] = torch.randn(b, a, 3, 3) / (3 * a**0.5)
            if biases:
                state[f"{name}.double_conv.{index}.bias"] = torch.randn(b)
            norm = f"{name}.double_conv.{index + 1}"
            state.update({f"{norm}.weight": torch.rand(b) + 0.5, f"{norm}.bias": torch.randn(b)})
            state.update({f"{norm}.running_mean": torch.randn(b), f"{norm}.running_var": torch.rand(b) + 0.5})
            state[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    widths = WIDTHS[bilinear]
    double("inc", in_channels, widths[0], widths[0])
    for level in range(1, 5):
        double(f"down{level}.maxpool_conv.1", widths[level - 1], widths[level], widths[level])
    for number, width in enumerate((16, 8, 4, 2), 1):
        if bilinear:
            double(f"up{number}.conv", 2 * width, width, max(width // 2, 2))
        else:
            state[f"up{number}.up.weight"] = torch.randn(2 * width, width, 2, 2) / width**0.5
            state[f"up{number}.up.bias"] = torch.randn(width)
            double(f"up{number}.conv", 2 * width, width, width)
    state |= {"outc.conv.weight": torch.randn(classes, 2, 1, 1), "outc.conv.bias": torch.randn(classes)}
    return state


def logits_by_hand(state: dict[str, Tensor], x: Tensor, bilinear: bool) -> Tensor:
    """Double convolutions, max-pooling, up, the skip first in the concatenation, 1x1 at the end."""

    def double(name: str, x: Tensor) -> Tensor:
        for index in (0, 3):
            conv, norm = f"{name}.double_conv.{index}", f"{name}.double_conv.{index + 1}"
            x = F.conv2d(x, state[f"{conv}.weight"], state.get(f"{conv}.bias"), padding=1)
            mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
            x = F.batch_norm(x, mean, var, state[f"{norm}.weight"], state[f"{norm}.bias"]).relu()
        return x

    skips = [double("inc", x)]
    for level in range(1, 5):
        skips.append(double(f"down{level}.maxpool_conv.1", F.max_pool2d(skips[-1], 2)))
    x = skips.pop()
    for number in range(1, 5):
        if bilinear:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        else:
            x = F.conv_transpose2d(x, state[f"up{number}.up.weight"], state[f"up{number}.up.bias"], stride=2)
        x = double(f"up{number}.conv", torch.cat([skips.pop(), x], dim=1))
    return F.conv2d(x, state["outc.conv.weight"], state["outc.conv.bias"])


@pytest.mark.parametrize("extras", [{}, {"mask_values": [0, 255]}])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("bilinear", [False, True])
@torch.inference_mode()
def test_the_same_logits(bilinear, biases, extras, tmp_path):
    state = weights(bilinear, biases=biases)
    torch.save(state | extras, tmp_path / "carvana.pth")
    model = load(tmp_path / "carvana.pth")
    image = torch.rand(2, 3, 48, 32)
    torch.testing.assert_close(model(image), logits_by_hand(state, image, bilinear), rtol=1e-5, atol=1e-4)
    assert model.config.up == ("bilinear_aligned" if bilinear else "transposed")
    assert (model.config.in_channels, model.config.num_classes, model.config.base_channels) == (3, 2, 2)
    assert model.config.normalization == "unit"


def test_the_published_size_has_the_published_number_of_parameters():
    from unet_core.config.schema import ModelConfig
    from unet_core.models.architecture import parameter_count

    common = {"in_channels": 3, "num_classes": 2, "base_channels": 64}
    assert parameter_count(ModelConfig(**common)) == 31_037_698
    assert parameter_count(ModelConfig(**common, up="bilinear_aligned")) == 17_262_977 + 65


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def zipped(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def saved(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda tmp: (tmp / "w.pth").write_bytes(saved({"inc": Canary(tmp / "canary")})), "safely"),
        (lambda tmp: (tmp / "w.pth").write_bytes(pickle.dumps(Canary(tmp / "canary"))), "not a file of PyTorch"),
        (lambda tmp: (tmp / "w.pth").write_bytes(b"just text"), "not a file of PyTorch"),
        (lambda tmp: zipped(tmp / "w.pth", {"w/data/0": bytes(10**6)}, zipfile.ZIP_DEFLATED), "compressed"),
        (lambda tmp: zipped(tmp / "w.pth", {"w/code/a.py": b"", "w/data.pkl": b""}), "TorchScript"),
        (lambda tmp: (tmp / "w.pth").write_bytes(saved([1, 2])), "a list instead of a dict"),
        (
            lambda tmp: (tmp / "w.pth").write_bytes(saved({"conv1.weight": torch.ones(1)})),
            "not those of milesial.*begins with 'conv1.weight'",
        ),
        (lambda tmp: (tmp / "w.pth").write_bytes(saved({"inc": 3})), "no weights"),
        (lambda tmp: (tmp / "w.pth").write_bytes(saved({"outc.conv.bias": torch.ones(1)})), "not those of milesial"),
        (lambda tmp: None, "not a file of PyTorch"),
    ],
)
def test_what_is_no_such_file_is_refused_and_runs_nothing(make, words, tmp_path):
    make(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path / "w.pth")
    assert not (tmp_path / "canary").exists()


def test_a_missing_layer_is_named(tmp_path):
    state = weights(False)
    del state["down2.maxpool_conv.1.double_conv.3.weight"]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"down2\.maxpool_conv\.1\.double_conv\.3\.weight is missing"):
        load(tmp_path / "w.pth")


@pytest.mark.parametrize("in_channels", [2, 4, 32])
def test_any_number_of_channels_is_imported(tmp_path, in_channels):
    torch.save(weights(False, in_channels=in_channels), tmp_path / "a.pth")
    assert load(tmp_path / "a.pth").config.in_channels == in_channels


def test_more_channels_than_a_model_may_have_are_refused(tmp_path):
    torch.save(weights(False, in_channels=33), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="at most 32, got 33"):
        load(tmp_path / "a.pth")
