"""A dataset as folders of images and masks: `images/a.png` with `masks/a.png`, in train/, val/ and test/ where given.

Masks hold class indices, 255 where a pixel does not count; where they number the objects of one class, 16-bit numbers.
"""

from dataclasses import dataclass

import numpy as np

from unet_core.data.masks.coding import IGNORE
from unet_core.export.dataset.target import Item, Target, common_text, encode_image, encode_mask
from unet_core.io.filenames import readable


@dataclass
class Folders(Target):
    """`images/` and `masks/`, `classes.txt`, and the settings that read them."""

    _ignored: bool = False

    def add(self, item: Item) -> None:
        """Write one image and its mask."""
        name, where = self.name(item), f"{item.subset}/" if item.subset else ""
        self.write(f"{where}images/{name}{self.suffix}", encode_image(item, self.suffix))
        self.write(f"{where}masks/{name}.png", encode_mask(self._mask(item)))
        self.remember_group(item, where + name)
        self._ignored |= bool((item.mask == IGNORE).any())

    def _mask(self, item: Item) -> np.ndarray:
        if not self.facts.numbered or item.objects is None:
            return item.mask
        numbers = np.unique(item.objects, return_inverse=True)[1].reshape(item.mask.shape)
        numbers += not (item.objects == 0).any()  # else the first of the sorted numbers is 0, as it should be
        numbers += numbers >= IGNORE  # 255 does not count
        return np.where(item.mask == IGNORE, IGNORE, numbers).astype(np.uint16)

    def close(self) -> None:
        """Write the names of the classes and the settings that read the masks."""
        names = [readable(name) for name in self.facts.names]
        self.write("classes.txt", ("\n".join(names) + "\n").encode())
        if self.facts.numbered:
            self.write_recipe(labels="instances", ignore_index=IGNORE, class_names=common_text(names))
            return
        values = [*map(str, range(len(names))), *([str(IGNORE)] if self._ignored else [])]
        ignored = {"ignore_index": len(names)} if self._ignored else {}
        self.write_recipe(color_map=";".join(values), class_names=common_text(names), **ignored)
