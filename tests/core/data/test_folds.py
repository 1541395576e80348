"""Folds and shares: every image validates once, groups stay whole, looks are spread, shares lie within one another."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.core.data.test_splits import assert_whole, some
from unet_core.data import folds, splits
from unet_core.data.layouts import Sample
from unet_core.data.splits import Split
from unet_core.errors import DataError


def all_folds(
    samples: list[Sample],
    groups: dict[str, str],
    number: int = 5,
    test: float = 0.0,
    seed: int = 0,
    looks: dict[str, tuple[float, ...]] | None = None,
    only_train: set[str] | None = None,
) -> list[Split]:
    ids = {sample.id: sample.id for sample in samples}
    looks = looks or dict.fromkeys(ids, (0.0,))
    return [
        folds.split_fold(samples, number, fold, test, seed, ids, looks, groups, only_train or set())
        for fold in range(1, number + 1)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_every_image_validates_in_one_fold_and_no_group_is_divided(seed: int) -> None:
    rng = random.Random(seed)
    samples, groups = some({f"g{number:02d}": rng.randrange(1, 9) for number in range(30)})
    parts = all_folds(samples, groups, seed=seed)
    for split in parts:
        assert_whole(split, groups)
        assert split.test == ()
    assert sorted(name for split in parts for name in split.val) == sorted(groups)
    sizes = [len(split.val) for split in parts]
    assert max(sizes) - min(sizes) <= 2
    assert all_folds(rng.sample(samples, len(samples)), groups, seed=seed) == parts, "the order of files decides"


def test_other_seeds_make_other_folds() -> None:
    samples, groups = some({f"g{number}": 2 for number in range(20)})
    assert len({all_folds(samples, groups, seed=seed)[0].val for seed in range(10)}) >= 8


@pytest.mark.parametrize("size", [1, 3])
def test_each_fold_has_its_share_of_each_kind(size: int) -> None:
    """Four kinds of ten units: of each kind two validate in each of five folds."""
    samples, groups = some({f"{kind}{number}": size for kind in "abcd" for number in range(10)})
    looks = {sample.id: (float("abcd".index(sample.id[0])),) for sample in samples}
    for split in all_folds(samples, groups, looks=looks):
        kinds = Counter(name[0] for name in split.val)
        assert set(kinds) == set("abcd")
        assert all(size <= number <= 3 * size for number in kinds.values()), kinds


def test_one_huge_group_is_a_fold_alone_and_the_others_are_even() -> None:
    samples, groups = some({"huge": 50} | {f"s{number}": 1 for number in range(40)})
    assert sorted(len(split.val) for split in all_folds(samples, groups)) == [10, 10, 10, 10, 50]


def test_test_images_are_the_same_in_all_folds_and_a_val_folder_is_divided_too() -> None:
    samples, groups = some({f"g{number}": 1 for number in range(20)})
    drawn = all_folds(samples, groups, test=0.25)
    assert len({split.test for split in drawn}) == 1 and len(drawn[0].test) == 5
    in_folders = [
        Sample(f"{part}{number}", Path("x"), (), part)
        for part, count in (("train", 8), ("val", 2), ("test", 3))
        for number in range(count)
    ]
    parts = all_folds(in_folders, {})
    assert {split.test for split in parts} == {("test0", "test1", "test2")}
    names = sorted(name for split in parts for name in split.val)
    assert names == sorted(sample.id for sample in in_folders if sample.subset != "test")


def test_copies_are_in_one_fold() -> None:
    samples, _ = some({f"g{number}": 1 for number in range(10)})
    content = {sample.id: sample.id for sample in samples} | {samples[3].id: samples[7].id}
    looks = {sample.id: (float(number),) for number, sample in enumerate(samples)}
    for fold in range(1, 6):
        split = folds.split_fold(samples, 5, fold, 0, 0, content, looks)
        assert (samples[3].id in split.val) == (samples[7].id in split.val)


def test_images_of_a_parent_validate_in_no_fold() -> None:
    samples, groups = some({f"g{number}": 2 for number in range(6)})
    parts = all_folds(samples, groups, 5, only_train={"g0-000"})
    assert all({"g0-000", "g0-001"} <= set(split.train) for split in parts)
    assert len({name for split in parts for name in split.val}) == 10


def test_too_few_groups_are_refused_with_a_remedy() -> None:
    samples, groups = some({"a": 4, "b": 4, "c": 4})
    with pytest.raises(DataError, match=r"5 folds need 5 images or groups .* are 3\. Use at most 3 folds, or set"):
        all_folds(samples, groups)
    samples, groups = some({"a": 4})
    with pytest.raises(DataError, match="Add images, or set group_by"):
        all_folds(samples, groups, 2)


def shares(sizes: dict[str, int], seed: int = 0) -> dict[float, Split]:
    samples, groups = some(sizes)
    ids = {sample.id: sample.id for sample in samples}
    looks = {name: (float(number),) for number, name in enumerate(ids)}
    split = splits.split(samples, 0.2, 0.1, 0, ids, looks, groups)
    return {
        share: folds.reduce_training(split, share, seed, ids, looks, groups) for share in (0.01, 0.25, 0.5, 0.75, 1)
    }


@pytest.mark.parametrize("seed", range(5))
def test_shares_lie_within_one_another_and_divide_no_group(seed: int) -> None:
    sizes = {f"g{number:02d}": 1 + number % 4 for number in range(60)}
    parts = shares(sizes, seed)
    smaller: set[str] = set()
    for share, split in parts.items():
        assert (split.val, split.test) == (parts[1].val, parts[1].test)
        train = set(split.train)
        assert smaller <= train
        assert abs(len(train) - share * len(parts[1].train)) <= 4
        held = Counter(name.partition("-")[0] for name in train)
        assert all(held[group] == sizes[group] for group in held)
        smaller = train
    assert smaller == set(parts[1].train)


def test_a_share_is_drawn_by_its_seed_from_all_looks() -> None:
    sizes = {f"g{number:03d}": 1 for number in range(200)}
    quarters = [shares(sizes, seed)[0.25].train for seed in range(8)]
    assert len(set(quarters)) == 8
    for train in quarters:
        stretches = Counter(int(name[1:4]) // 50 for name in train)
        assert all(7 <= stretches[number] <= 13 for number in range(4)), stretches
