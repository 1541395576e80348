"""Files that hold a channel each are one image where the model takes so many, and frames of a video are not."""

import numpy as np
import pytest

from unet_core.config.schema import ModelConfig
from unet_core.inference import channel_files, inputs
from unet_core.io.channels import Kind
from unet_core.io.pixels import encode_png

PAIR = ModelConfig(in_channels=2, source_channels=(2,))
PICKED = ModelConfig(in_channels=2, channels="0,3", source_channels=(4,))
GRAY, RGB = ModelConfig(in_channels=1), ModelConfig(in_channels=3)


def png(level: int) -> bytes:
    return encode_png(np.full((4, 5), level, np.uint8))


@pytest.mark.parametrize(
    ("config", "stems", "names"),
    [
        (PAIR, ["a_0000", "a_0001", "b_0001", "b_0000"], ["a", "b"]),
        (PICKED, [f"a_000{number}" for number in range(4)], ["a"]),
        (PICKED, ["a_0000", "a_0001"], ["a"]),
        (PICKED, ["a_0000", "a_0001", "a_0002"], ["a_0000", "a_0001", "a_0002"]),
        (PAIR, ["a_0000", "a_0002"], ["a_0000", "a_0002"]),
        (PAIR, ["a_0001", "b_0000"], ["a_0001", "b_0000"]),
        (PAIR, ["a_0000", "a_0001", "c"], ["a", "c"]),
        (GRAY, ["frame_0000", "frame_0001"], ["frame_0000", "frame_0001"]),
        (RGB, ["frame_0000", "frame_0001", "frame_0002"], ["frame_0000", "frame_0001", "frame_0002"]),
    ],
)
def test_what_is_put_together(config: ModelConfig, stems: list[str], names: list[str]) -> None:
    groups = channel_files.group(stems, lambda files: Kind(len(files), stacked=len(files) > 1), config)
    assert list(groups.values()) == names
    assert sorted(position for files in groups for position in files) == list(range(len(stems)))
    for files in groups:
        assert [stems[position] for position in files] == sorted(stems[position] for position in files)


def test_uploads_are_joined_and_told() -> None:
    uploaded = inputs.gather([("b_0001.png", png(4)), ("b_0000.png", png(3)), ("c.png", png(9))])
    joined = channel_files.join(uploaded, PAIR)
    assert [item.name for item in joined.items] == ["b.png", "c.png"]
    assert [item.read()[0, 0].tolist() for item in joined.items] == [[3, 4], [9]]
    assert joined.notes == ["Files that end in _0000, _0001 and so on are channels of one image: b."]
    assert channel_files.join(uploaded, GRAY) is uploaded


def test_a_name_that_is_taken_or_a_broken_file_leaves_them_apart() -> None:
    for other in (("b.png", png(1)), ("b_0001.png", b"no image")):
        uploaded = inputs.gather(
            [("b_0000.png", png(3)), ("b_0001.png", png(4)), other][:: 1 if other[0] == "b.png" else 2]
        )
        assert channel_files.join(uploaded, PAIR).items == uploaded.items
