"""Which images are scored: known by their pixels and by what the model says that it has seen."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.core.evaluation.test_evaluation import Bright, folder, gray
from unet_core.config.choices import SPLITS
from unet_core.config.schema import DataConfig
from unet_core.data.discovery import content_hash, find, search
from unet_core.data.groups import identity
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.data.layouts import Sample
from unet_core.errors import DataError
from unet_core.evaluation.scores import evaluate
from unet_core.evaluation.selection import choose, classify, count_images, select_from
from unet_core.io import images

Array = NDArray[np.uint8]


def select(samples: list[Sample], parts: dict[str, dict[str, str]], split: str = "held-out") -> dict[str, list[Sample]]:
    return choose(classify(samples, parts), split)


@pytest.fixture
def known(tmp_path: Path) -> tuple[Path, dict[str, dict[str, str]]]:
    """Five images, four of them in a run's split."""
    found = folder(tmp_path / "first", {name: gray(10 * number) for number, name in enumerate("abcde")})
    digests = {sample.id: content_hash(sample.image) for sample in found}
    parts = {"train": ("a", "b"), "val": ("c",), "test": ("d",)}
    return tmp_path, {subset: {name: digests[name] for name in ids} for subset, ids in parts.items()}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("held-out", {"val": ["c"], "test": ["d"], "new": ["e"]}),
        ("all", {"train": ["a", "b"], "val": ["c"], "test": ["d"], "new": ["e"]}),
        ("train", {"train": ["a", "b"]}),
        ("val", {"val": ["c"]}),
        ("test", {"test": ["d"]}),
    ],
)
def test_every_choice_of_the_settings(
    known: tuple[Path, dict[str, dict[str, str]]], wanted: str, expected: dict[str, list[str]]
) -> None:
    root, parts = known
    chosen = select(find(root / "first"), parts, wanted)
    assert {subset: [sample.id for sample in group] for subset, group in chosen.items() if group} == expected
    assert set(chosen) == {"train", "val", "test", "new"}


def test_those_are_all_choices() -> None:
    assert list(SPLITS) == ["held-out", "all", "train", "val", "test"]


def test_an_image_is_known_by_its_content_under_any_name(known: tuple[Path, dict[str, dict[str, str]]]) -> None:
    root, parts = known
    renamed = folder(root / "second", {name: gray(10 * number) for number, name in enumerate("edxyz")})
    chosen = select(renamed, parts, "held-out")  # e, d, x, y, z hold what a, b, c, d, e held
    assert {subset: [sample.id for sample in group] for subset, group in chosen.items()} == {
        "train": [],
        "val": ["x"],
        "test": ["y"],
        "new": ["z"],
    }


def test_the_same_name_with_another_content_is_new(known: tuple[Path, dict[str, dict[str, str]]]) -> None:
    root, parts = known
    other = folder(root / "other", {name: gray(200 + number) for number, name in enumerate("abc")})
    assert [sample.id for sample in select(other, parts)["new"]] == ["a", "b", "c"]


def structured(seed: int) -> Array:
    """Smooth noise of 64 x 80 pixels."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(64, 80)), (0, 0), 5)
    return np.clip(128 + 500 * noise, 0, 255).astype(np.uint8)


def full_records(found: list[Sample]) -> dict[str, str]:
    return {
        sample.id: f"{identity.describe_pixels(images.read(sample.image))} file:{content_hash(sample.image)}"
        for sample in found
    }


def test_an_image_is_known_in_any_format_and_a_lossy_copy_is_told(tmp_path: Path) -> None:
    empty = np.zeros((64, 80), np.uint8)
    found = folder(tmp_path / "first", {name: (structured(seed), empty) for seed, name in enumerate("abc")})
    records = full_records(found)
    parts = {"train": {name: records[name] for name in "ab"}, "val": {"c": records["c"]}, "test": {}}
    folder(tmp_path / "second", {name: (structured(seed), empty) for seed, name in enumerate("kopy")})
    for name, ending in (("k", "bmp"), ("o", "jpg"), ("p", "tif")):
        path = tmp_path / "second" / "images" / f"{name}.png"
        pixels = Image.open(path).convert("RGB" if name == "k" else "L")
        pixels.save(path.with_suffix(f".{ending}"))
        path.unlink()
    again = find(tmp_path / "second")
    groups = classify(again, parts)
    assert {subset: [sample.id for sample in group] for subset, group in groups.items()} == {
        "train": ["k"],
        "val": ["p"],
        "test": [],
        "new": ["o", "y"],
    }
    seen = TrainingImages.of_split(parts)
    selection = select_from(search(tmp_path / "second"), DataConfig(), seen)
    results, dataset = evaluate(Bright(), selection)  # type: ignore[arg-type]
    skipped, warnings = dataset.skipped, dataset.warnings
    assert not skipped
    assert warnings[1:] == [  # the first: all masks are background only
        "1 images look like images that the model was trained on, though their pixels differ: o. If they are copies "
        "(resaved as JPEG, for example), their scores are too high."
    ]
    assert count_images(groups, results) == {
        "images_by_split": {"train": 1, "val": 1, "test": 0, "new": 2},
        "evaluated_by_split": {"train": 0, "val": 1, "test": 0, "new": 2},
    }
    assert selection.left_out() == {"train": ["k"]}
    assert selection.explain() == [
        "1 of 4 images are left out: the model was trained on them (k).",
        "1 of them chose the best epoch (validation images), so their scores are slightly too good.",
    ]
    marked = select_from(search(tmp_path / "second"), DataConfig(), seen, "all")
    assert marked.left_out() == {}
    assert marked.explain()[0] == "The model was trained on 1 of them, so their scores are too good (k)."


def test_a_file_that_is_validated_on_and_trained_on_as_another_format_was_trained_on(tmp_path: Path) -> None:
    found = folder(tmp_path / "data", {"a": (structured(1), structured(1))})
    record = full_records(found)["a"]
    pixels, file = identity.key(record, "px"), identity.key(record, "file")
    parts = {"val": {"a": f"{pixels} {file}"}, "train": {"twin": f"{pixels} file:0123456789abcdef"}}
    assert [sample.id for sample in classify(found, parts)["train"]] == ["a"]


def test_a_file_that_cannot_be_read_is_new_until_it_is_loaded(tmp_path: Path) -> None:
    found = folder(tmp_path / "data", {"a": (structured(1), structured(1)), "b": (structured(2), structured(2))})
    records = full_records(found)
    found[1].image.write_bytes(b"no image")
    assert [sample.id for sample in classify(found, {"train": records})["new"]] == ["b"]


def test_without_a_split_all_are_new(known: tuple[Path, dict[str, dict[str, str]]]) -> None:
    assert len(select(find(known[0] / "first"), {})["new"]) == 5


def test_an_image_that_was_trained_on_is_never_held_out_whatever_else_it_was(
    known: tuple[Path, dict[str, dict[str, str]]],
) -> None:
    root, parts = known
    parts["test"]["a-again"] = parts["train"]["a"]  # the same picture lies in train/ and in test/
    assert "a" not in [sample.id for group in select(find(root / "first"), parts).values() for sample in group]
    parts = dict(reversed(parts.items()))
    assert "a" not in [sample.id for group in select(find(root / "first"), parts).values() for sample in group]


def test_nothing_left_to_score_is_refused_with_what_there_is(known: tuple[Path, dict[str, dict[str, str]]]) -> None:
    root, parts = known
    trained_on = [sample for sample in find(root / "first") if sample.id in "ab"]
    with pytest.raises(DataError, match=r"None of the 2 images .*'held-out': they are 2 train, 0 val, 0 test, 0 new"):
        select(trained_on, parts)
    with pytest.raises(DataError, match="None of the 0 images"):
        select([], parts, "all")


KNOWN = frozenset({"px:00112233445566ff"})
FINE_TUNED = "This model was made from one that does not say which images it was trained on"
OTHER = "It is not known which images this model was trained on (weights of another program or older release)"


@pytest.mark.parametrize(
    ("seen", "warning"),
    [
        (TrainingImages(), ""),
        (TrainingImages(KNOWN, KNOWN), ""),
        (UNKNOWN, f"{OTHER}: some of the 2 images that count as new may be among them, and their scores be too high."),
        (
            TrainingImages(KNOWN, unknown=frozenset({"train", "val"})),
            f"{FINE_TUNED}: some of the 2 images that count as new may be among them, and their scores be too high.",
        ),
        (
            TrainingImages(KNOWN, unknown=frozenset({"val"})),
            "It is not known which images chose the epoch of this model (it was saved by an older release): some of "
            "the 2 images that count as new may have, and their scores be slightly too high.",
        ),
    ],
    ids=["nothing", "all", "unknown", "parent unknown", "older release"],
)
def test_what_is_not_known_is_said_wherever_images_count_as_new(
    tmp_path: Path, seen: TrainingImages, warning: str
) -> None:
    found = folder(tmp_path, {name: (structured(seed), np.zeros((64, 80), np.uint8)) for seed, name in enumerate("ab")})
    selection = select_from(search(tmp_path), DataConfig(), seen)
    assert selection.warnings == ((warning,) if warning else ())
    _, dataset = evaluate(Bright(), selection)  # type: ignore[arg-type]
    assert dataset.warnings[: len(selection.warnings)] == list(selection.warnings)
    all_known = TrainingImages(test=frozenset(full_records(found).values()), unknown=seen.unknown)
    assert select_from(search(tmp_path), DataConfig(), all_known).warnings == (), "none of them counts as new"
