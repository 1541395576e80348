"""Training images never score as new without a word: re-encoded, in a copied folder, of a child, of a pulled model."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.core.data.groups.test_mosaics import photo
from tests.helpers.hub_push_server import TOKEN, PushHub, running_push_hub
from tests.helpers.processes import png, quick
from unet_core.api.models import Evaluation, evaluate, load
from unet_core.cli.parser import main
from unet_core.data.groups import training_images
from unet_core.hub import lineage, resolve
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.run import Run
from unet_core.training import runner

GOLDEN = Path(__file__).parents[2] / "golden" / "release_0_1"
COUNTS = {"train": 6, "val": 2, "test": 2, "new": 0}
UNKNOWN = "It is not known which images this model was trained on"
FINE_TUNED = "This model was made from one that does not say which images it was trained on"


def write(root: Path, seeds: range) -> Path:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for seed in seeds:
        image = photo(seed, 48, 64, 1)[:, :, 0]
        (root / "images" / f"{seed}.png").write_bytes(png(image))
        (root / "masks" / f"{seed}.png").write_bytes(png((image > 100) * np.uint8(255)))
    return root


def trained(runs_dir: Path, data: Path, **changes: object) -> Run:
    run = runs.create(runs_dir, quick(data, epochs=1, val_fraction=0.2, test_fraction=0.2, **changes))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return run


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data` (10 images), `others` (10 other ones), and a run that was trained on the first; for reading."""
    folder = tmp_path_factory.mktemp("lineage")
    write(folder / "data", range(10))
    write(folder / "others", range(20, 30))
    trained(folder / "runs", folder / "data")
    return folder


@pytest.fixture
def run(once: Path, tmp_path: Path) -> Run:
    folder = next((once / "runs").iterdir())
    return Run(shutil.copytree(folder, tmp_path / "runs" / folder.name))


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """The best checkpoint in a folder elsewhere, without its run."""
    return shutil.copytree(run.best, tmp_path / "elsewhere" / "model")


@pytest.fixture
def renamed(once: Path, tmp_path: Path) -> Path:
    """The images of the training under other names and in other formats, pixel for pixel."""
    root = tmp_path / "renamed"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for seed in range(10):
        pixels = images.read(once / "data" / "images" / f"{seed}.png")[:, :, 0]
        path = root / "images" / f"x{seed}"
        if seed % 3 == 0:
            tifffile.imwrite(path.with_suffix(".tif"), pixels.astype(np.uint16))
        elif seed % 3 == 1:
            Image.fromarray(np.dstack([pixels] * 3)).save(path.with_suffix(".bmp"))
        else:
            Image.fromarray(pixels).save(path.with_suffix(".webp"), lossless=True)
        shutil.copy(once / "data" / "masks" / f"{seed}.png", root / "masks" / f"x{seed}.png")
    return root


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PushHub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running_push_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def evaluated(model: Path | Run | str, data: Path, split: str = "all", **options: object) -> Evaluation:
    return evaluate(model, data, split=split, device="cpu", precision="fp32", **options)


def marks(result: Evaluation) -> dict[str, str]:
    return {score.id: score.subset for score in result.images}


def leaks(result: Evaluation) -> list[str]:
    """The warnings about what the model has seen; others speak of the formats of the images."""
    return [warning for warning in result.warnings if "trained on" in warning or "epoch" in warning]


def without_images(folder: Path, about: dict[str, object] | None = None) -> None:
    """As a release without `images.json` wrote it."""
    model, _ = checkpoint.load_model(folder)
    state = checkpoint.load_state(folder) if (folder / "state.json").exists() else None
    shutil.rmtree(folder)
    shutil.rmtree(folder.with_name(folder.name + ".old"), ignore_errors=True)
    checkpoint.save_checkpoint(folder, model, state, about)


def subsets(run: Run) -> dict[str, str]:
    return {name: part for part, ids in run.split().items() for name in ids}


def test_a_checkpoint_names_no_file_and_holds_every_image(run: Run) -> None:
    for folder in (run.best, run.last):
        checkpoint.verify(folder)
        assert "images.json" in (folder / "sha256").read_text()
        seen = training_images.load(folder)
        assert seen == training_images.TrainingImages.of_split(run.split())
        assert seen is not None and [len(seen.train), len(seen.val), len(seen.test)] == [6, 2, 2]
    content = json.loads((run.best / "images.json").read_text())
    assert all(word.startswith(("px:", "file:", "look:")) for record in content["train"] for word in record.split())


@pytest.mark.parametrize("of", ["run", "folder", "checkpoints", "zip"])
def test_images_are_known_in_other_formats_by_a_copied_model(
    run: Run, model: Path, once: Path, renamed: Path, tmp_path: Path, of: str
) -> None:
    copied: Path | Run = run
    if of == "folder":
        copied = model
    elif of == "checkpoints":  # what looks like a part of a run, without the run
        shutil.copytree(run.checkpoints, tmp_path / "copy" / "checkpoints")
        copied = tmp_path / "copy" / "checkpoints" / "best"
    elif of == "zip":
        copied = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", model))
    for data, prefix in ((once / "data", ""), (renamed, "x")):
        result = evaluated(copied, data)
        assert marks(result) == {f"{prefix}{name}": part for name, part in subsets(run).items()}
        assert result.images_by_split == COUNTS and leaks(result) == []
        held_out = evaluated(copied, data, "held-out")
        assert set(marks(held_out).values()) == {"val", "test"} and len(held_out.images) == 4
        assert sorted(held_out.left_out) == ["train"] and len(held_out.left_out["train"]) == 6
        assert set(marks(evaluated(copied, data, "test")).values()) == {"test"}


def test_a_lossy_copy_is_told_by_a_copied_model(run: Run, model: Path, once: Path, tmp_path: Path) -> None:
    root = shutil.copytree(once / "data", tmp_path / "lossy")
    chosen = sorted(run.split()["train"])[:2]
    for name in chosen:
        path = root / "images" / f"{name}.png"
        Image.open(path).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    result = evaluated(model, root, "held-out")
    assert {name for name, subset in marks(result).items() if subset == "new"} == set(chosen)
    assert leaks(result) == [
        f"2 images look like images that the model was trained on, though their pixels differ: {', '.join(chosen)}. "
        "If they are copies (resaved as JPEG, for example), their scores are too high."
    ]


def test_a_child_and_a_grandchild_know_what_their_parents_saw(run: Run, model: Path, once: Path, renamed: Path) -> None:
    """The parent is a copied folder, so that its run cannot help; the generations are trained on other images."""
    runs_dir = run.folder.parent
    child = trained(runs_dir, once / "others", init=str(model))
    shutil.rmtree(model)
    grandchild = trained(runs_dir, once / "others", init=child.id, split_seed=9)
    shutil.rmtree(child.folder)
    for descendant in (grandchild, shutil.copytree(grandchild.best, run.folder.parent.parent / "copy" / "of it")):
        result = evaluated(descendant, renamed)
        expected = {f"x{name}": "new" if part == "test" else part for name, part in subsets(run).items()}
        assert marks(result) == expected, "what only tested the parent is new to the child"
        assert leaks(result) == []
        own = evaluated(descendant, once / "others")
        assert own.images_by_split["train"] >= 6 and own.images_by_split["new"] == 0
    held_out = evaluated(grandchild, renamed, "held-out")
    assert not {f"x{name}" for name in run.split()["train"]} & marks(held_out).keys()
    assert held_out.notes[0].startswith("6 of 10 images are left out: the model was trained on them (x")


def test_a_pulled_model_knows_its_images_and_so_does_its_child(
    run: Run, hub: PushHub, once: Path, renamed: Path, tmp_path: Path
) -> None:
    assert main(["push", str(run.folder), "anna/cells", "--precision", "fp32", "--yes"]) == 0
    sent = json.loads(hub.repos["anna/cells"].files["images.json"])
    records = [*sent["train"], *sent["val"], *sent["test"]]
    assert len(records) == 10
    assert not any("look:" in record for record in records), "what shows a little of an image stays here"
    assert all(name not in subsets(run) for record in records for name in record.split())
    elsewhere = tmp_path / "elsewhere" / "runs"
    folder = resolve.find_checkpoint("anna/cells", elsewhere, token=TOKEN)[0]
    assert marks(evaluated(folder, renamed)) == {f"x{name}": part for name, part in subsets(run).items()}
    lossless_only = "Lossy copies (JPEG) of training images cannot be recognized"
    assert evaluated(folder, once / "others").notes[-1].startswith(lossless_only)
    child = trained(elsewhere, once / "others", init="anna/cells")
    result = evaluated(child, renamed)
    assert result.images_by_split == {"train": 6, "val": 2, "test": 0, "new": 2} and leaks(result) == []


def test_an_older_checkpoint_is_read_by_its_run_and_alone_says_that_it_does_not_know(
    run: Run, model: Path, once: Path, renamed: Path
) -> None:
    facts = checkpoint.load_about(model)
    for folder in (run.best, run.last, model):
        without_images(folder, facts)
    assert evaluated(run, renamed).images_by_split == COUNTS
    result = evaluated(model, renamed)
    assert result.images_by_split == {"train": 0, "val": 0, "test": 0, "new": 10}
    assert [warning[: len(UNKNOWN)] for warning in leaks(result)] == [UNKNOWN]
    pixels = sorted(record.split()[0] for record in run.split()["train"].values())
    without_images(model, {"trained_on": pixels})  # of the release before this one
    result = evaluated(model, renamed)
    assert result.images_by_split == {"train": 6, "val": 0, "test": 0, "new": 4}
    assert len(leaks(result)) == 1 and "which images chose the epoch" in leaks(result)[0]


def test_what_a_child_held_back_and_its_parent_trained_on_is_named(run: Run, once: Path, tmp_path: Path) -> None:
    """The folders of the child say that a training image of the parent validates."""
    first, second = sorted(run.split()["train"])[:2]
    root = tmp_path / "folders"
    for part, names in (("train", range(20, 26)), ("val", ["26", first]), ("test", ["27", second])):
        for kind in ("images", "masks"):
            (root / part / kind).mkdir(parents=True)
            for name in names:
                source = once / ("others" if int(name) >= 20 else "data") / kind / f"{name}.png"
                shutil.copy(source, root / part / kind / f"{name}.png")
    child = trained(run.folder.parent, root, init=str(run.best))
    result = evaluated(child, root, "held-out")
    assert marks(result) == {"val/26": "val", "test/27": "test"}
    assert leaks(result) == [
        "2 images of validation or test were trained on as well, in this run or by a model that it was fine-tuned "
        f"from, so they count as training images: test/{second}, val/{first}."
    ]


def test_the_child_of_a_model_that_does_not_know_says_so(run: Run, model: Path, once: Path) -> None:
    without_images(model)
    child = trained(run.folder.parent, once / "others", init=str(model))
    copied = shutil.copytree(child.best, model.parent / "child")
    for descendant in (child, copied):
        own = evaluated(descendant, once / "others")
        assert marks(own) == subsets(child) and leaks(own) == []
        result = evaluated(descendant, once / "data")
        assert result.images_by_split["new"] == 10
        assert [warning[: len(FINE_TUNED)] for warning in leaks(result)] == [FINE_TUNED]


def test_the_run_of_release_0_1_marks_its_images_and_a_copy_of_its_checkpoint_warns(tmp_path: Path) -> None:
    old = Run(shutil.copytree(GOLDEN / "run", tmp_path / "runs" / "golden"))
    result = evaluated(old, GOLDEN / "data")
    counts = {part: len(ids) for part, ids in old.split().items()}
    assert result.images_by_split == counts | {"new": 0}
    assert leaks(result) == []
    copied = evaluated(shutil.copytree(old.best, tmp_path / "copy"), GOLDEN / "data")
    assert copied.images_by_split["new"] == sum(counts.values())
    assert [warning[: len(UNKNOWN)] for warning in leaks(copied)] == [UNKNOWN]


def test_a_run_that_names_itself_as_its_parent_is_not_followed_for_ever(run: Run) -> None:
    config = json.loads((run.folder / "config.json").read_text())
    config["train"]["init"] = run.id
    (run.folder / "config.json").write_text(json.dumps(config))
    without_images(run.best)
    seen = lineage.find_training_images(run.best, run, run.folder.parent)
    assert seen.train == frozenset(run.split()["train"].values()) and seen.unknown == {"train", "val"}


def test_options_of_the_prediction_give_the_same_numbers_everywhere(
    run: Run, once: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "scores.csv"
    command = ["evaluate", str(run.folder), str(once / "data"), "--output", str(table)]
    command += ["--device", "cpu", "--precision", "fp32", "--split", "all"]
    assert main([*command, "--tta", "flips", "--threshold", "0.45", "--tile", "32"]) == 0
    result = evaluated(run, once / "data", tta="flips", threshold=0.45, tile=32)
    assert table.read_text() == result.to_csv()
    plain = evaluated(run, once / "data")
    assert plain.to_csv() != result.to_csv()
    predictor = load(run, device="cpu", precision="fp32")
    for image in plain.images:
        mask = images.read_mask(once / "data" / "masks" / f"{image.id}.png") > 0
        answer = predictor.predict(once / "data" / "images" / f"{image.id}.png", tta="flips", tile=32, threshold=0.45)
        both = float(np.logical_and(answer.mask() > 0, mask).sum())
        scored = next(score for score in result.images if score.id == image.id)
        assert float(scored.counts.tp.sum()) == both
    capsys.readouterr()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--threshold", "1.5"], "threshold"),
        (["--tile", "7"], "tile"),
    ],
)
def test_an_option_out_of_range_is_refused(
    run: Run, once: Path, capsys: pytest.CaptureFixture[str], option: list[str], message: str
) -> None:
    assert main(["evaluate", str(run.folder), str(once / "data"), *option]) != 0
    assert message in capsys.readouterr().err.lower()
