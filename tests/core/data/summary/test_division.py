"""A split in numbers, and what leaks; it is the one that training draws."""

from pathlib import Path

import numpy as np
import pytest

from tests.core.data.groups.test_mosaics import cut, photo
from tests.helpers.processes import make_data, png
from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery
from unet_core.data.checks import scan
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.splits import Split
from unet_core.data.summary import division
from unet_core.data.summary.division import Leak
from unet_core.training import splitting

FACTS = [
    SampleFacts("a", "a.png", classes=((0, 6), (1, 2), (255, 8))),
    SampleFacts("b", "b.png", classes=((0, 8),)),
    SampleFacts("c", "c.png", classes=((0, 4), (2, 4))),
]


def test_parts_count_images_groups_and_classes() -> None:
    split = Split(("a", "b"), ("c",), ())
    train, val = division.total_parts(split, FACTS, {"a": "mouse", "b": "mouse"}, 3)
    assert (train.name, train.images, train.groups, train.largest_group) == ("train", 2, 1, 2)
    assert train.class_shares == (14 / 16, 2 / 16, 0) and train.class_images == (2, 1, 0)
    assert (val.name, val.images, val.groups, val.largest_group) == ("val", 1, 1, 1)
    assert val.class_shares == (0.5, 0, 0.5)
    assert division.find_unseen([train, val]) == {"train": [2], "val": [1]}


def test_all_parts_with_all_classes_lack_nothing() -> None:
    parts = division.total_parts(Split(("a",), ("a",), ()), FACTS, {}, 2)
    assert division.find_unseen(parts) == {}


def test_leaks_are_copies_lookalikes_and_groups() -> None:
    look = "ff00" * 16
    near = "ff01" + "ff00" * 15
    records = {
        "a": f"px:1 look:9x9:{look}",
        "copy": f"px:1 look:9x9:{look}",
        "near": f"px:2 look:9x9:{near}",
        "other": "px:3",
    }
    split = Split(("a",), ("copy", "near"), ("other",))
    leaks = division.find_leaks(split, records, {"a": "slide 1", "other": "slide 1"})
    assert leaks == [
        Leak("val", "copies", ("copy",)),
        Leak("val", "lookalikes", ("near",)),
        Leak("test", "groups", ("other",)),
    ]
    assert division.find_leaks(Split(("a",), ("other",), ()), records, {}) == []


@pytest.mark.parametrize("group_by", ["auto", "none", "folder", "^tile([0-9])"])
def test_the_split_by_facts_is_the_one_that_training_draws(tmp_path: Path, group_by: str) -> None:
    root = make_data(tmp_path / "data", 12)
    for name, tile in cut(photo(0), 128, name="tile").items():  # tiles of one image, which "auto" keeps together
        (root / "images" / f"{name}.png").write_bytes(png(tile))
        (root / "masks" / f"{name}.png").write_bytes(png(np.where(tile[:, :, 0] > 99, 255, 0).astype(np.uint8)))
    config = RunConfig().replace(root=str(root), group_by=group_by, val_fraction=0.3, test_fraction=0.2)
    samples = discovery.find(root)
    images = dataset.load_dataset(samples, config.data, config.model)
    drawn = splitting.draw_split(images, config.data, splitting.make_records(images))
    facts = {item.id: item for item in scan.scan(config.data).facts}
    looks = {name: item.describe() for name, item in facts.items()}
    assert looks == {sample.id: images.describe(index) for index, sample in enumerate(images.samples)}
    records = {name: item.record for name, item in facts.items()}
    grouping = division.find_grouping(root, samples, group_by)
    again = splitting.divide(samples, config.data, records, looks, grouping)
    assert again.split == drawn.split and again.grouping == drawn.grouping
    assert bool(grouping.group_of) == (group_by not in ("none", "folder"))


def test_looks_are_shares_of_the_range_and_of_nothing_for_an_unread_image() -> None:
    facts = SampleFacts("a", "a", height=2, width=3, dtype="uint16", mean=(0.0, 257.0))
    assert facts.describe() == (6, 1.0, 0.5)
    assert SampleFacts("b", "b", problem="gone").describe() == (0, 0.0, 0.0)
