"""A dataset for nnU-Net v2: imagesTr/, labelsTr/, dataset.json, and splits_final.json where there are val images.

The format is that of nnU-Net's documentation (dataset_format.md): labels are consecutive, and "ignore" is the highest.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe.recipe import make_repair
from unet_core.errors import DataError
from unet_core.export.dataset.target import (
    IMAGES,
    Item,
    Target,
    common_text,
    encode_image,
    encode_mask,
    list_values,
)
from unet_core.io.filenames import readable


@dataclass
class NnUNet(Target):
    """Each channel that is no color is a file of its own, `case_0000`; RGB is one file, as nnU-Net reads PNG."""

    _cases: dict[str, list[str]] = field(default_factory=lambda: {"train": [], "val": [], "test": []})
    _given: list[str] = field(default_factory=list)  # cases that the source has for training
    _channels: set[tuple[int, bool]] = field(default_factory=set)
    _ignored: bool = False

    def add(self, item: Item) -> None:
        """Write the channels of one image and its labels. Raises DataError where channels differ between images."""
        name, ending = self.name(item), "Ts" if item.subset == "test" else "Tr"
        self._cases[item.subset or "train"].append(name)
        self._given += [name] if item.subset == "train" else []
        self._channels.add((item.image.shape[2], item.is_color))
        if len(self._channels) > 1:
            raise DataError(
                f"{item.id}: it has {item.image.shape[2]} channels, other images have other ones, and nnU-Net wants "
                "the same of all. Choose some with the setting channels, or convert to folders."
            )
        self._ignored |= bool((item.mask == IGNORE).any())
        planes = 1 if item.is_color else item.image.shape[2]
        for number in range(planes):
            part = item if item.is_color else replace(item, image=item.image[:, :, number, None], is_color=True)
            self.write(f"images{ending}/{name}_{number:04d}{self.suffix}", encode_image(part, self.suffix))
        mask = np.where(item.mask == IGNORE, len(self.facts.names), item.mask).astype(np.uint8)
        self.write(f"labels{ending}/{name}{self.suffix}", self._encode_labels(mask, item))
        self.remember_group(item, f"test/{name}" if ending == "Ts" else name)

    def _encode_labels(self, mask: np.ndarray, item: Item) -> bytes:
        """Labels have the ending of the images."""
        if self.suffix == IMAGES["png"]:
            return encode_mask(mask)
        return encode_image(replace(item, image=mask[:, :, None], is_color=True), self.suffix)

    def close(self) -> None:
        """Write dataset.json, the split and the settings that read the labels."""
        names = [readable(name) for name in self.facts.names]
        labels: dict[str, int] = {name: index for index, name in enumerate(["background", *names[1:]])}
        labels |= {"ignore": len(names)} if self._ignored else {}
        channels, is_color = next(iter(self._channels), (1, True))
        words = ("R", "G", "B") if channels == 3 and is_color else [f"channel {number}" for number in range(channels)]
        content: dict[str, Any] = {
            "channel_names": {str(number): word for number, word in enumerate(words)},
            "labels": labels,
            "numTraining": len(self._cases["train"]) + len(self._cases["val"]),
            "file_ending": self.suffix,
        }
        self.write("dataset.json", (json.dumps(content, indent=2) + "\n").encode())
        repairs = []
        if self._cases["val"]:
            split = [{"train": self._cases["train"], "val": self._cases["val"]}]
            self.write("splits_final.json", (json.dumps(split, indent=2) + "\n").encode())
            repairs = [make_repair("subset", self._cases["val"], part="val")]
        if self._given:
            repairs.append(make_repair("subset", self._given, part="train"))
        values = list_values(len(names), self._ignored)
        self.write_recipe(*repairs, class_names=common_text(names), **values)
