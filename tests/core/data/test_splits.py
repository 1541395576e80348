"""Splits by groups: none is divided; fractions and looks are met as well as they allow; what is not met is told."""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from unet_core.data import splits
from unet_core.data.layouts import Sample
from unet_core.data.splits import Split
from unet_core.errors import DataError


def some(groups: Mapping[str, int], subset: str | None = None) -> tuple[list[Sample], dict[str, str]]:
    """Samples of groups of these sizes, and the group of each."""
    group_of = {f"{group}-{number:03d}": group for group, size in groups.items() for number in range(size)}
    return [Sample(name, Path(name), (), subset) for name in group_of], group_of


def divide(
    samples: list[Sample],
    groups: Mapping[str, str],
    val: float = 0.2,
    test: float = 0.0,
    seed: int = 0,
    looks: Mapping[str, tuple[float, ...]] | None = None,
    only_train: set[str] | None = None,
) -> Split:
    ids = {sample.id: sample.id for sample in samples}
    looks = looks or dict.fromkeys(ids, (0.0,))
    return splits.split(samples, val, test, seed, ids, looks, groups, only_train or set())


def assert_whole(split: Split, groups: Mapping[str, str]) -> None:
    part_of = {name: part for part, ids in split.parts() for name in ids}
    assert sorted(part_of) == sorted(groups)
    assert len({(groups[name], part) for name, part in part_of.items()}) == len(set(groups.values())), "a divided group"


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_divided_and_the_fractions_are_met(seed: int) -> None:
    rng = random.Random(seed)
    samples, groups = some({f"g{number:02d}": rng.randrange(1, 9) for number in range(30)})
    split = divide(samples, groups, 0.2, 0.15, seed)
    assert_whole(split, groups)
    assert abs(len(split.val) - 0.2 * len(samples)) <= 2
    assert abs(len(split.test) - 0.15 * len(samples)) <= 2
    assert divide(random.Random(1).sample(samples, len(samples)), groups, 0.2, 0.15, seed) == split


def test_other_seeds_draw_other_groups() -> None:
    samples, groups = some({f"g{number}": 4 for number in range(20)})
    assert len({divide(samples, groups, seed=seed).val for seed in range(10)}) >= 8


@pytest.mark.parametrize("seed", range(10))
def test_rare_kinds_are_in_train_and_val_also_by_groups(seed: int) -> None:
    """Four kinds of ten groups of three images: of each kind about two groups validate."""
    samples, groups = some({f"g{number:02d}": 3 for number in range(40)})
    kind = {name: int(group[1:]) % 4 for name, group in groups.items()}
    split = divide(samples, groups, 0.2, seed=seed, looks={name: (float(kind[name]),) for name in groups})
    shares = Counter(kind[name] for name in split.val)
    assert len(split.val) == 24 and set(shares) == {0, 1, 2, 3} and max(shares.values()) <= 9


def test_groups_of_one_are_split_as_images_are() -> None:
    samples, groups = some({f"n{number:03d}": 1 for number in range(40)})
    for seed in range(5):
        assert divide(samples, groups, 0.3, 0.1, seed) == divide(samples, {}, 0.3, 0.1, seed)


@pytest.mark.parametrize(
    ("sizes", "val", "test", "parts"),
    [
        ((5, 5), 0.2, 0.0, (5, 5, 0)),
        ((9, 1), 0.2, 0.0, (9, 1, 0)),
        ((5, 5), 0.2, 0.2, (5, 5, 0)),
        ((6, 3, 1), 0.1, 0.2, (6, 1, 3)),
        ((10,), 0.2, 0.2, (10, 0, 0)),
        ((4, 4, 4), 0.9, 0.0, (4, 8, 0)),
        ((3, 3), 0.0, 0.0, (6, 0, 0)),
    ],
    ids=str,
)
def test_few_groups(sizes: tuple[int, ...], val: float, test: float, parts: tuple[int, int, int]) -> None:
    samples, groups = some({f"g{number}": size for number, size in enumerate(sizes)})
    for seed in range(5):
        split = divide(samples, groups, val, test, seed)
        assert_whole(split, groups)
        assert (len(split.train), len(split.val), len(split.test)) == parts


def test_copies_join_groups() -> None:
    samples, groups = some({"a": 3, "b": 3, "c": 3, "d": 3})
    ids = {sample.id: sample.id for sample in samples} | {"a-000": "same", "b-000": "same"}
    for seed in range(10):
        split = splits.split(samples, 0.3, 0.0, seed, ids, dict.fromkeys(ids, (0.0,)), groups)
        part_of = {name: part for part, names in split.parts() for name in names}
        assert len({part_of[name] for name in part_of if name[0] in "ab"}) == 1


@pytest.mark.parametrize("seed", range(10))
def test_what_must_train_trains_with_its_group(seed: int) -> None:
    samples, groups = some({f"g{number:02d}": 1 + number % 3 for number in range(20)})
    seen = {"g02-000", "g05-001", "g07-000"}
    split = divide(samples, groups, 0.4, 0.2, seed, only_train=seen)
    assert_whole(split, groups)
    assert {name for name in groups if groups[name] in ("g02", "g05", "g07")} <= set(split.train)
    assert abs(len(split.val) - 16) <= 2, "the fraction is of all images"


def test_only_what_was_never_seen_validates() -> None:
    samples, groups = some({f"n{number}": 1 for number in range(10)})
    seen = {sample.id for sample in samples[:8]}
    assert divide(samples, groups, 0.5, only_train=seen).val == tuple(sample.id for sample in samples[8:])
    assert divide(samples, groups, 0.5, only_train={sample.id for sample in samples}).val == ()


def test_fractions_that_are_missed_are_told() -> None:
    samples, groups = some({"a": 5, "b": 5})
    split = divide(samples, groups)
    assert list(splits.check_split(split, samples, 0.2, 0.0, groups)) == [
        "val has 5 of 10 images (50% instead of 20%), because groups of images are kept together. Set group_by to "
        "group them otherwise, or val_fraction."
    ]
    samples, groups = some({f"g{number}": 2 for number in range(20)})
    assert list(splits.check_split(divide(samples, groups), samples, 0.2, 0.0, groups)) == []
    assert list(splits.check_split(Split(("a",), ("b",), ()), samples, 0.2, 0.0, {})) == [], "few images, no groups"


def test_groups_that_folders_divide_are_told() -> None:
    train, groups = some({"a": 3, "b": 2}, "train")
    val = [Sample(f"v{number}", Path("x"), (), "val") for number in range(4)]
    groups |= {"v0": "a", "v1": "c"}
    split = divide([*train, *val], groups)
    assert split.val == ("v0", "v1", "v2", "v3")
    assert list(splits.check_split(split, [*train, *val], 0.2, 0.0, groups)) == [
        "1 of 4 images of val belong together with training images: v0. The folders say so; scores of val may be too "
        "high."
    ]


def test_nothing_to_train_on_with_groups() -> None:
    samples, groups = some({"a": 3}, "val")
    with pytest.raises(DataError, match="None of the 3 images is left for training"):
        divide(samples, groups)


def test_thousands_of_groups() -> None:
    samples, groups = some({f"g{number:04d}": 1 + number % 2 for number in range(3000)})
    split = divide(samples, groups, 0.2, 0.1)
    assert_whole(split, groups)
    assert abs(len(split.val) - 900) <= 2 and abs(len(split.test) - 450) <= 2
