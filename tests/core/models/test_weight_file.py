"""Weights by their header: no more is read than a net needs, and a net is counted as it is built."""

import json
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from unet_core.config.choices import DOWNS, NORMS, ORDERS, UPS
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError
from unet_core.models import weight_file
from unet_core.models.unet import UNet

BASE = ModelConfig(in_channels=1, num_classes=2, base_channels=2, depth=2, image_size=16)


def packed(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(shape: list[object], begin: object, end: object, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "changes",
    [
        *({"norm": norm, "order": order} for norm, order in product(NORMS, ORDERS)),
        *({"down": down, "up": up} for down, up in product(DOWNS, UPS)),
        {"deep_supervision": True},
        {"padding": "valid", "image_size": 64},
        {"head_kernel": 3, "convs_per_block": 3, "bottleneck_convs": 1, "in_channels": 3, "num_classes": 11},
    ],
    ids=str,
)
def test_values_are_counted_as_the_net_has_them(changes: dict[str, object]) -> None:
    config = ModelConfig(**(BASE.to_dict() | changes))  # type: ignore[arg-type]
    model = UNet(config)
    assert weight_file.stored_values(config) == sum(tensor.numel() for tensor in model.state_dict().values())
    header = weight_file.header_of(save(model.state_dict()), "a")
    weight_file.check_fit(config, header, "a")
    assert header.shapes == {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def test_a_file_on_the_disk_is_read_like_its_bytes(tmp_path: Path) -> None:
    data = save({"a": torch.zeros(2, 3)}, {"config": "words"})
    (tmp_path / "a.safetensors").write_bytes(data)
    for source in (data, tmp_path / "a.safetensors"):
        header = weight_file.header_of(source, "a")
        assert (header.shapes, header.metadata, header.values) == ({"a": (2, 3)}, {"config": "words"}, 6)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends before"),
        (b"\xff" * 8 + b"{}", "ends before"),
        (packed(b" " * (weight_file.MOST_HEADER + 1)), "header of 1,048,577 bytes is larger"),
        (packed(b"no json"), "damaged one"),
        (packed(b"[" * 100_000), "damaged one"),
        (packed([1]), "damaged one"),
        (packed({"a": entry([2], 0, 4)}, b"1234"), "do not agree"),
        (packed({"a": entry([1], 0, 4)}, b"12345"), "need 4 bytes, the file has 5"),
        (packed({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, b"1234"), "overlap"),
        (packed({"a": entry([1], 4, 8)}, b"12345678"), "overlap or leave holes"),
        (packed({"a": entry([-1], 0, -4)}), "not a whole number"),
        (packed({"a": entry([1.0], 0, 4)}, b"1234"), "not a whole number"),
        (packed({"a": entry([True], 0, 4)}, b"1234"), "not a whole number"),
        (packed({"a": entry([4], 0, 4, "U8")}, b"1234"), "type U8"),
        (packed({"a": {"dtype": "F32"}}), "damaged one"),
        (packed({"__metadata__": {"a": 1}}), "not strings"),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(CheckpointError, match=f"^here: .*{says}"):
        weight_file.header_of(data, "here")


def test_a_file_that_is_too_large_or_missing_is_refused(tmp_path: Path) -> None:
    data = save({"a": torch.zeros(2, 3)})
    with pytest.raises(CheckpointError, match="bytes are more than the limit of 10"):
        weight_file.header_of(data, "a", most=10)
    with pytest.raises(CheckpointError, match="cannot be read"):
        weight_file.header_of(tmp_path / "none", "a")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"architectures": ["BertModel"]}', "Unknown setting 'architectures'"),
        ("[]", "Expected an object"),
        ("{", "not the config.json"),
        ('{"in_channels": 0, "num_classes": 1}', "must be 1 or more"),
        ("[" * 60_000, "not the config.json"),
        (" " * 70_000, "70,000 bytes are more"),
        ('{"base_channels": 1e99}', "Expected base_channels"),
    ],
)
def test_a_config_of_something_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(CheckpointError, match=f"^here: .*{says}"):
        weight_file.config_from(text, "here")


def test_a_giant_net_is_refused_before_it_is_built() -> None:
    giant = ModelConfig(in_channels=3, num_classes=1, base_channels=256, depth=8, image_size=512)
    data = save(UNet(BASE).state_dict())
    assert weight_file.stored_values(giant) > 10**10
    with pytest.raises(CheckpointError, match="weights do not fit config"):
        weight_file.check_fit(giant, weight_file.header_of(data, "a"), "a")
    with pytest.raises(CheckpointError, match=r"values, the file has [\d,]+ bytes"):
        weight_file.guard(giant, data, "a")


def test_the_guard_lets_small_nets_pass_to_the_strict_loader() -> None:
    weight_file.guard(ModelConfig(in_channels=3, num_classes=1), b"", "a")
    with pytest.raises(CheckpointError, match="header"):
        weight_file.guard(BASE, packed(b" " * (weight_file.MOST_HEADER + 1)), "a")
