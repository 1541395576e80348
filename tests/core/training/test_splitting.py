"""The split of a run: its own seed, groups that are told and stored, copies, and what a former training has seen."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.core.data.groups.test_mosaics import cut, photo
from tests.helpers.processes import make_data, png, quick
from unet_core.api.analysis import compare_kinds
from unet_core.api.models import evaluate
from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery
from unet_core.data.groups import identity
from unet_core.data.groups.training_images import UNKNOWN, TrainingImages
from unet_core.errors import DataError
from unet_core.models import checkpoint
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import Warned
from unet_core.runs.run import Run
from unet_core.training import finetune, runner, splitting
from unet_core.training.splitting import Parent


def trained(runs_dir: Path, config: RunConfig) -> Run:
    run = runs.create(runs_dir, config)
    go_on(run)
    return run


def go_on(run: Run) -> None:
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()


def warnings_of(run: Run) -> list[str]:
    return [event.message for event, _ in read_events(run.events)[0] if isinstance(event, Warned)]


def drawn(config: RunConfig, parent: Parent | None = None) -> splitting.DrawnSplit:
    samples = discovery.find(Path(config.data.root))
    images = dataset.load_dataset(samples, config.data, config.model)
    return splitting.draw_split(images, config.data, splitting.make_records(images), parent)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("splitting") / "data", 12)


def test_the_seed_of_the_training_leaves_the_split_alone(tmp_path: Path, cells: Path) -> None:
    first, second = (trained(tmp_path, quick(cells, epochs=1, seed=seed)) for seed in (0, 7))
    other = trained(tmp_path, quick(cells, epochs=1, split_seed=7))
    assert first.split() == second.split() != other.split()
    assert first.groups() == {} and not (first.folder / "groups.json").exists()
    weights = [(run.last / "model.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] != weights[1]


def test_an_older_run_keeps_the_split_of_its_seed(cells: Path) -> None:
    values = quick(cells, seed=3).to_dict()
    del values["data"]["split_seed"], values["data"]["group_by"]
    old = RunConfig.from_json(json.dumps(values))
    assert (old.data.split_seed, old.data.group_by, old.train.seed) == (3, "none", 3)
    assert drawn(old).split == drawn(quick(cells, split_seed=3)).split != drawn(quick(cells)).split


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images that were cut into four tiles each, and four whole ones."""
    root = tmp_path_factory.mktemp("tiles") / "data"
    images = {
        key: tile for seed in range(8) for key, tile in cut(photo(seed, 192, 192, 1), 96, name=f"{seed}x").items()
    }
    images |= {f"whole{seed}": photo(seed, 96, 96, 1) for seed in range(90, 94)}
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for name, image in images.items():
        (root / "images" / f"{name}.png").write_bytes(png(image))
        (root / "masks" / f"{name}.png").write_bytes(png((image > 100) * image.dtype.type(255)))
    return root


def test_tiles_of_one_image_do_not_lie_in_train_and_val(tmp_path: Path, tiles: Path) -> None:
    run = trained(tmp_path, quick(tiles, epochs=1))
    parts = run.split()
    assert len(parts["val"]) == 7 or len(parts["val"]) == 8
    whole = {name.partition("x")[0] for name in parts["train"] if "x" in name}
    assert not whole & {name.partition("x")[0] for name in parts["val"] if "x" in name}
    assert sorted(map(len, run.groups().values())) == [4] * 8
    assert warnings_of(run) == [
        "32 images were kept together as 8 groups (tiles of one image, by borders that continue one another)."
    ]
    alone = drawn(quick(tiles, group_by="none"))
    assert alone.grouping.group_of == {} and alone.messages == ()
    val = {name.partition("x")[0] for name in alone.split.val}
    assert val & {name.partition("x")[0] for name in alone.split.train}, "else the test shows nothing"


def test_a_pattern_of_the_settings(tiles: Path) -> None:
    found = drawn(quick(tiles, group_by=r"^(.)x"))
    assert len(found.grouping.members()) == 8
    assert found.messages[0] == r"32 images were kept together as 8 groups (by group_by '^(.)x')."


def test_nothing_is_drawn_nothing_is_told_but_leaks(tmp_path: Path, tiles: Path) -> None:
    for part, names in (("train", "01234567"), ("val", "w")):
        for kind in ("images", "masks"):
            (tmp_path / part / kind).mkdir(parents=True)
            for path in (tiles / kind).iterdir():
                if path.name[0] in names:
                    (tmp_path / part / kind / path.name).write_bytes(path.read_bytes())
    assert drawn(quick(tmp_path)).messages == ()
    for kind in ("images", "masks"):
        (tmp_path / "train" / kind / "0x00.png").rename(tmp_path / "val" / kind / "0x00.png")
    assert drawn(quick(tmp_path)).messages == (
        "1 of 5 images of val belong together with training images: val/0x00. The folders say so; scores of val may be "
        "too high.",
    )


def test_a_run_is_resumed_with_images_in_another_format(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")
    run = trained(tmp_path / "runs", quick(data, epochs=1))
    before = run.split()
    for path in (data / "images").iterdir():
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    config = json.loads((run.folder / "config.json").read_text())
    config["train"]["epochs"] = 2
    (run.folder / "config.json").write_text(json.dumps(config))
    go_on(run)
    assert run.split() == before
    Image.new("L", (24, 24), 9).save(data / "images" / "p0.bmp")
    with pytest.raises(DataError, match="1 images of this run are missing or have changed since it started: p0"):
        go_on(run)


def as_of_release_0_1(run: Run) -> None:
    """Only the hash of each file in the split, and none with the checkpoints."""
    parts = run.split()
    files = {part: {k: identity.key(record, "file")[5:] for k, record in ids.items()} for part, ids in parts.items()}
    (run.folder / "split.json").write_text(json.dumps(files))
    for folder in (run.best, run.last):
        model, _ = checkpoint.load_model(folder)
        state = checkpoint.load_state(folder) if (folder / "state.json").exists() else None
        checkpoint.save_checkpoint(folder, model, state, {})


@pytest.mark.parametrize("old", [False, True], ids=["by its checkpoint", "by its split of release 0.1"])
def test_what_the_parent_was_trained_on_is_not_held_back(tmp_path: Path, cells: Path, old: bool) -> None:
    parent = trained(tmp_path, quick(cells, epochs=1, split_seed=1))
    if old:
        as_of_release_0_1(parent)
        go_on(parent)
    child = trained(tmp_path, quick(cells, epochs=1, init=parent.id, val_fraction=0.1, test_fraction=0.1, split_seed=2))
    assert len(parent.split()["train"]) == 10
    assert set(parent.split()["train"]) <= set(child.split()["train"])
    assert [len(child.split()[part]) for part in ("train", "val", "test")] == [10, 1, 1]
    assert warnings_of(child) == [
        f"10 images that {parent.id} was trained on stay in training, out of validation and test."
    ]
    seen = finetune.trained_images(child.best, tmp_path)
    assert seen.unknown == frozenset() and set(child.split()["train"].values()) <= seen.train


def test_the_parent_of_the_parent_counts(tmp_path: Path, cells: Path) -> None:
    """The first was trained on other images, which come back in the dataset of the third."""
    first = trained(tmp_path / "runs", quick(cells, epochs=1))
    others = make_data(tmp_path / "others", [f"q{number}" for number in range(20)])
    for kind in ("images", "masks"):
        for number in range(12):
            (others / kind / f"q{number}.png").unlink()
    second = trained(tmp_path / "runs", quick(others, epochs=1, init=first.id))
    assert not set(second.split()["train"]) & set(first.split()["train"])
    (tmp_path / "exported").mkdir()
    exported = shutil.copytree(second.best, tmp_path / "exported" / "model")
    result = evaluate(exported, cells, split="all", device="cpu")
    assert (result.images_by_split, result.evaluated_by_split) == (2 * ({"train": 10, "val": 2, "test": 0, "new": 0},))
    result = evaluate(second, others, device="cpu")
    assert result.images_by_split == {"train": 6, "val": 2, "test": 0, "new": 0}
    assert result.evaluated_by_split == {"train": 0, "val": 2, "test": 0, "new": 0}
    assert not [warning for warning in result.warnings if "trained on" in warning or "epoch" in warning]
    third = trained(tmp_path / "runs", quick(cells, epochs=1, init=second.id, split_seed=5))
    assert set(third.split()["train"]) == set(first.split()["train"])
    as_of_release_0_1(second)
    seen = finetune.trained_images(second.best, tmp_path / "runs")
    assert seen.train == {*first.split()["train"].values(), *second.split()["train"].values()}
    assert seen.unknown == frozenset(), "each run says what its own images were"


def test_folders_that_hold_back_what_the_parent_saw(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", ["a", "b", "c", "d"])
    parts = {"train": "ab", "val": "cd"}
    for part, names in parts.items():
        for kind in ("images", "masks"):
            (tmp_path / "parts" / part / kind).mkdir(parents=True)
            for name in names:
                (tmp_path / "parts" / part / kind / f"{name}.png").write_bytes(
                    (data / kind / f"{name}.png").read_bytes()
                )
    seen = frozenset(
        splitting.make_records(
            dataset.load_dataset(discovery.find(data)[1:3], quick(data).data, quick(data).model)
        ).values()
    )
    found = drawn(quick(tmp_path / "parts"), Parent("cells", TrainingImages(seen)))
    assert found.messages == (
        "cells was trained on 1 of the images in the folders for validation and test: val/c. Their scores are too "
        "high.",
        "1 images that cells was trained on stay in training, out of validation and test.",
    )


def test_copies_that_were_compressed_are_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for kind in ("images", "masks"):
        (data / kind).mkdir(parents=True)
    for seed in range(10):
        image = photo(seed, 96, 96, 1)[:, :, 0]
        Image.fromarray(image).save(data / "images" / f"{seed}.png")
        Image.fromarray(image).save(data / "images" / f"{seed}-copy.jpg", quality=80)
        for name in (f"{seed}", f"{seed}-copy"):
            (data / "masks" / f"{name}.png").write_bytes(png((image > 100) * image.dtype.type(255)))
    found = drawn(quick(data))
    train = set(found.split.train)
    apart = [
        name
        for name in found.split.val
        if name in train or name.removesuffix("-copy") in train or f"{name}-copy" in train
    ]
    assert apart and found.messages == (
        f"{len(apart)} of 4 images of val look like training images: {', '.join(apart)}. Where they are copies or "
        "frames of one video, their scores are too high: remove them, or set group_by.",
    )
    assert len(drawn(quick(data, group_by=r"^(\d+)")).messages) == 1


def test_a_parent_that_saw_all_leaves_no_validation_and_that_is_told(cells: Path) -> None:
    images = dataset.load_dataset(discovery.find(cells), quick(cells).data, quick(cells).model)
    found = drawn(quick(cells), Parent("all", TrainingImages(frozenset(splitting.make_records(images).values()))))
    assert (len(found.split.train), found.split.val) == (12, ())
    assert found.messages[-1] == (
        "No image is left for validation: all was trained on all of them, or on one of each group."
    )
    assert drawn(quick(cells, val_fraction=0.0), Parent("unknown", UNKNOWN)).messages == ()


def test_a_kind_that_is_held_out_only_tests_and_is_abroad(tmp_path: Path) -> None:
    rare = [f"rare_{number}" for number in range(3)]
    data = make_data(tmp_path / "data", [f"home_{number}" for number in range(8)] + rare)
    run = trained(tmp_path / "runs", quick(data, epochs=1, hold_out="^rare"))
    split = run.split()
    assert sorted(split["test"]) == rare
    assert len(split["val"]) == 2 and len(split["train"]) == 6
    assert "3 images only test (hold_out '^rare'): rare_0, rare_1, rare_2." in warnings_of(run)
    shift = compare_kinds(run, group_by="(.+)_")
    assert (shift.home.kinds, shift.abroad.kinds) == (("home",), ("rare",))
    assert (len(shift.home.dice), len(shift.abroad.dice)) == (2, 3)


def test_a_kind_that_no_image_is_of_is_refused(cells: Path) -> None:
    with pytest.raises(DataError, match=r"hold_out '\^rat' is found in none of the 12 image ids, such as "):
        drawn(quick(cells, hold_out="^rat"))
    with pytest.raises(DataError, match="is left for training"):
        drawn(quick(cells, hold_out="."))
