"""Snapshots: what is chosen and written, that it is small, that it reads back as what was predicted."""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import dataset, discovery
from unet_core.data.layouts import Sample
from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.runs import snapshots

RELEASE_0_1 = Path(__file__).parents[2] / "golden" / "release_0_1"


@pytest.fixture
def pictures(sample_folder):
    found = discovery.find(sample_folder)
    return dataset.load_dataset(found, DataConfig(), ModelConfig())


@dataclass(frozen=True)
class Frame:
    """One probe at one epoch, as it lies on the disk."""

    image: np.ndarray
    truth: np.ndarray
    pred: np.ndarray
    dice: float | None
    number: int
    name: str


def frames(folder, epoch):
    """The probes at an epoch; those that cannot be read are left out."""
    names, result = snapshots.names(folder), []
    for number, dice in enumerate(snapshots.read_scores(folder, epoch) or []):
        try:
            image = images.read(folder / f"{number}-image.png")
            truth = images.read_mask(folder / f"{number}-truth.png").astype(np.uint8)
            pred = images.read_mask(folder / f"{epoch:04}-{number}.png").astype(np.uint8)
        except ImageError:
            continue
        result.append(Frame(image, truth, pred, dice, number, names[number] if number < len(names) else ""))
    return result


def curves(folder, epochs=None):
    """For each probe its Dice at each of the epochs, None where it is undefined or lost."""
    rows = [snapshots.read_scores(folder, epoch) or [] for epoch in epochs or snapshots.epochs(folder)]
    return [[row[n] if n < len(row) else None for row in rows] for n in range(max(map(len, rows), default=0))]


def blind(image):
    return np.zeros(image.shape[:2], np.uint8)


def test_each_epoch_is_kept_with_its_scores(tmp_path, pictures):
    folder = tmp_path / "film"
    assert snapshots.epochs(folder) == curves(folder) == snapshots.names(folder) == []
    dices = [0.1 * index for index in range(8)]
    snapshots.save_snapshots(folder, 1, blind, pictures, dices)
    assert snapshots.names(folder) == [pictures.samples[index].id for index in (7, 6, 4, 3, 1, 0)]
    truths = iter([pictures[index].mask for index in (7, 6, 4, 3, 1, 0)])
    snapshots.save_snapshots(folder, 2, lambda image: next(truths), pictures, dices[::-1])  # the choice stays
    assert snapshots.epochs(folder) == [1, 2]
    first, perfect = frames(folder, 1), frames(folder, 2)
    assert [frame.dice for frame in first] == [0.0] * 6
    assert [frame.dice for frame in perfect] == [1.0] * 6
    assert [(frame.number, frame.name) for frame in perfect] == list(enumerate(snapshots.names(folder)))
    assert curves(folder) == [[0.0, 1.0]] * 6
    for frame in perfect:
        assert (frame.pred == frame.truth).all()
        assert frame.pred.any()
        assert frame.image.shape[:2] == frame.truth.shape
        assert max(frame.truth.shape) <= snapshots.SIDE
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["0001.json", "0002.json", "probes.json"]
        + [f"{start}-{number}.png" for start in ("0001", "0002") for number in range(6)]
        + [f"{number}-{what}.png" for number in range(6) for what in ("image", "truth")]
    )


NAN = math.nan


@pytest.mark.parametrize(
    ("dices", "chosen"),
    [
        ([], []),
        ([0.5], [0]),
        ([0.2, 0.9, 0.5], [1, 2, 0]),  # fewer than six: all
        ([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], [10, 8, 6, 4, 2, 0]),
        ([0.0] * 11, [0, 2, 4, 6, 8, 10]),  # a net that finds nothing yet: spread over the images
        ([0.0] * 9 + [0.9, 0.5], [9, 0, 2, 4, 6, 8]),
        ([NAN, 0.3, NAN, 0.8, NAN, NAN, NAN, NAN, NAN], [3, 1, 0, 4, 6, 8]),  # the undefined make up the number
        ([NAN] * 3, [0, 1, 2]),
    ],
)
def test_the_probes_span_easy_to_hard(dices, chosen):
    found = snapshots.choose(dices)
    assert found == chosen
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("length", range(30))
def test_never_more_than_six_and_none_twice(length):
    dices = np.random.default_rng(length).random(length)
    dices[::3] = np.nan
    found = snapshots.choose(dices.tolist())
    assert len(found) == len(set(found)) == min(6, length)
    defined = [dices[index] for index in found if not math.isnan(dices[index])]
    assert defined == sorted(defined, reverse=True)
    if len(defined) > 1:
        assert (defined[0], defined[-1]) == (np.nanmax(dices), np.nanmin(dices))


def test_the_choice_survives_a_restart_and_an_image_that_was_taken_away(tmp_path, pictures):
    snapshots.save_snapshots(tmp_path, 1, blind, pictures, [0.1 * index for index in range(8)])
    kept = snapshots.names(tmp_path)
    fewer = pictures.subset(tuple(sample.id for sample in pictures.samples if sample.id != kept[1]))
    snapshots.save_snapshots(tmp_path, 2, blind, fewer, [0.5] * 7)
    assert snapshots.names(tmp_path) == kept
    assert [frame.name for frame in frames(tmp_path, 2)] == [kept[0], *kept[2:]]
    assert [curve[-1] for curve in curves(tmp_path)] == [0.0, None, 0.0, 0.0, 0.0, 0.0]


def test_a_film_of_the_last_release_is_read_and_goes_on_with_its_four_probes(tmp_path):
    folder = shutil.copytree(RELEASE_0_1 / "run" / "film", tmp_path / "film")
    assert snapshots.epochs(folder) == [1, 2]
    assert [len(frames(folder, epoch)) for epoch in (1, 2)] == [4, 4]
    assert [frame.name for frame in frames(folder, 2)] == [""] * 4
    scores = [json.loads((folder / f"000{epoch}.json").read_text())["dice"] for epoch in (1, 2)]
    assert curves(folder) == [list(column) for column in zip(*scores, strict=True)]

    found = discovery.find(RELEASE_0_1 / "data")
    split = json.loads((RELEASE_0_1 / "run" / "split.json").read_text())
    val = dataset.load_dataset(found, DataConfig(), ModelConfig(depth=1, image_size=16)).subset(tuple(split["val"]))
    truth = [frame.truth for frame in frames(folder, 1)]
    snapshots.save_snapshots(folder, 3, blind, val, [0.1 * index for index in range(len(val))])
    after = frames(folder, 3)
    assert len(after) == 4
    for frame, before in zip(after, truth, strict=True):
        index = [sample.id for sample in val.samples].index(frame.name)
        assert (val[index].mask == before).all(), "the names are those of the pictures"


def test_an_incomplete_or_damaged_epoch_is_left_out(tmp_path, pictures):
    folder = tmp_path / "film"
    snapshots.save_snapshots(folder, 1, blind, pictures, [0.5] * 8)
    (folder / "0001-2.png").write_bytes(b"damaged")
    assert [frame.number for frame in frames(folder, 1)] == [0, 1, 3, 4, 5]
    assert frames(folder, 2) == []
    snapshots.save_snapshots(folder, 2, blind, pictures)
    (folder / "0001.json").write_text("damaged")
    assert curves(folder) == [[None, 0.0]] * 6
    assert curves(folder, [2]) == [[0.0]] * 6
    (folder / "probes.json").write_text("damaged")
    assert [frame.name for frame in frames(folder, 2)] == [""] * 6


@dataclass
class Still:
    """One picture of four pixels."""

    image = np.zeros((2, 2, 1), np.uint8)
    mask = np.zeros((2, 2), np.uint8)


class OnePicture:
    samples = (Sample("a", Path("a.png"), (Path("m.png"),)),)
    model = ModelConfig(num_classes=1)

    def __getitem__(self, index):
        return Still()


def test_a_long_run_keeps_a_bounded_film(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_EPOCHS", 8)
    most = 0
    for epoch in range(1, 101):
        snapshots.save_snapshots(tmp_path, epoch, blind, OnePicture(), [NAN])
        assert {1, epoch} <= set(snapshots.epochs(tmp_path))
        most = max(most, len(snapshots.epochs(tmp_path)))
    assert most <= 8 + 1
    assert snapshots.epochs(tmp_path) == [1, 16, 32, 48, 64, 80, 96, 100]
    pictures = {path.name for path in tmp_path.glob("*-0.png")}
    assert pictures == {f"{epoch:04}-0.png" for epoch in snapshots.epochs(tmp_path)}
    assert len(frames(tmp_path, 48)) == 1


def test_a_page_reads_the_scores_of_the_longest_run_without_its_images(tmp_path, monkeypatch):
    for epoch in range(1, snapshots.MOST_EPOCHS + 1):
        (tmp_path / f"{epoch:04}.json").write_text(json.dumps({"dice": [epoch / 1000] * 6}))
    monkeypatch.setattr(images, "read", None)
    monkeypatch.setattr(images, "read_mask", None)
    found = curves(tmp_path)
    assert [len(curve) for curve in found] == [snapshots.MOST_EPOCHS] * 6
    assert found[5][-1] == snapshots.MOST_EPOCHS / 1000
