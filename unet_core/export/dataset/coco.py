"""A dataset as COCO: images and one JSON file of their objects as run lengths, which are exact."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unet_core.data.masks.coding import IGNORE
from unet_core.errors import DataError
from unet_core.export import coco
from unet_core.export.dataset.target import Item, Target, encode_image
from unet_core.io.filenames import readable
from unet_core.postprocessing.objects import label


@dataclass
class Coco(Target):
    """`images/` with `annotations.json`, or `train/` with `train/_annotations.coco.json` where the parts are given."""

    _files: dict[str, tuple[list[Any], list[Any]]] = field(default_factory=lambda: defaultdict(lambda: ([], [])))
    _number: int = 0

    def add(self, item: Item) -> None:
        """Write one image and remember its objects. Raises DataError for pixels that do not count."""
        if (item.mask == IGNORE).any():
            raise DataError(
                f"{item.id}: {int((item.mask == IGNORE).sum())} pixels do not count, which COCO cannot say. Convert to "
                "folders or nnunet, which can."
            )
        where = f"{item.subset}/" if item.subset else "images/"
        name = f"{where}{self.name(item)}{self.suffix}"
        self.write(name, encode_image(item, self.suffix))
        self.remember_group(item, name.removesuffix(self.suffix))
        images, annotations = self._files[item.subset or ""]
        height, width = item.mask.shape
        file_name = name.removeprefix(where) if item.subset else name
        images.append({"id": len(images) + 1, "file_name": file_name, "height": height, "width": width})
        for category, labels, crowd in self._objects(item):
            number = int(labels.max(initial=0))
            areas = np.bincount(labels.ravel(), minlength=number + 1)
            for at, counts in enumerate(coco.encode(labels, number), 1):
                rows, columns = (np.flatnonzero((labels == at).any(axis)) for axis in (1, 0))
                self._number += 1
                annotations.append(
                    {
                        "id": self._number,
                        "image_id": len(images),
                        "category_id": category,
                        "segmentation": {"size": [height, width], "counts": counts.decode()},
                        "area": int(areas[at]),
                        "bbox": [
                            int(columns[0]),
                            int(rows[0]),
                            int(columns[-1] - columns[0] + 1),
                            int(rows[-1] - rows[0] + 1),
                        ],
                        "iscrowd": int(crowd),
                    }
                )

    def _objects(self, item: Item) -> list[tuple[int, np.ndarray, bool]]:
        """(class, labels (H, W) from 1, whether they are a crowd): the numbered objects, else connected pieces."""
        found = []
        for category in range(1, len(self.facts.names)):
            inside = item.mask == category
            if not inside.any():
                continue
            if item.objects is None:
                found.append((category, label(inside.astype(np.uint8)), False))
                continue
            numbers = np.where(inside, item.objects, 0)
            unique, labels = np.unique(numbers, return_inverse=True)
            labels = labels.reshape(numbers.shape).astype(np.int32) + (unique[0] != 0)
            found.append((category, labels, False))
            if (rest := inside & (item.objects == 0)).any():  # many at once, which have no numbers
                found.append((category, rest.astype(np.int32), True))
        return [entry for entry in found if entry[1].any()]

    def close(self) -> None:
        """Write the JSON files."""
        categories = [{"id": index, "name": readable(name)} for index, name in enumerate(self.facts.names) if index]
        for subset, (images, annotations) in self._files.items():
            content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
            name = f"{subset}/_annotations.coco.json" if subset else "annotations.json"
            self.write(name, json.dumps(content).encode())
        self.write_recipe()
