"""An ensemble averages probabilities, is a checkpoint like any other, and knows what its members have seen."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.processes import make_data, picture, quick
from unet_core.api.models import evaluate, load
from unet_core.cli.parser import main
from unet_core.config.schema import ModelConfig
from unet_core.data.groups import training_images
from unet_core.data.groups.training_images import TrainingImages
from unet_core.errors import CheckpointError, ConfigError, DataError, RunError
from unet_core.experiments import ensembles
from unet_core.export.model import standalone
from unet_core.export.model.segmenter import Segmenter
from unet_core.models import architecture, checkpoint, import_weights, weight_file
from unet_core.models.encoders import build_model
from unet_core.models.ensemble import average_logits
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.run import Run
from unet_core.static_page import graph
from unet_core.training import finetune, runner


def save(folder: Path, seed: int = 0, images: TrainingImages | None = None, **changes: object) -> Path:
    """A checkpoint of a random model."""
    torch.manual_seed(seed)
    settings = {"in_channels": 1, "num_classes": 1, "base_channels": 2, "depth": 1, "image_size": 16}
    model = build_model(ModelConfig(**(settings | changes)))
    checkpoint.save_checkpoint(folder, model, images=None if images is None else images.to_values())
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_classes": 3},
        {"num_classes": 3, "deep_supervision": True, "dropout": 0.5},
        {"encoder": "resnet18", "depth": 5, "up": "nearest", "image_size": 64},
    ],
)
def test_its_probabilities_are_the_mean_of_those_of_its_members(tmp_path: Path, changes: dict[str, object]) -> None:
    folders = [save(tmp_path / f"m{seed}", seed, **changes) for seed in range(3)]
    made = ensembles.make_ensemble(folders, tmp_path / "all", tmp_path)
    assert made.members == ("m0", "m1", "m2")
    assert json.loads((made.folder / "training.json").read_text())["members"] == ["m0", "m1", "m2"]
    image = picture(3)[0][:, :, None]
    single = [load(folder, device="cpu").probabilities(image) for folder in folders]
    shutil.rmtree(folders[0])  # the ensemble holds its members
    predictor = load(made.folder, device="cpu")
    expected = np.mean(single, 0, dtype=np.float64)
    np.testing.assert_allclose(predictor.probabilities(image), expected, atol=1e-6)
    count = architecture.parameter_count(predictor.model.config)
    assert count == sum(parameter.numel() for parameter in predictor.model.parameters())
    stored = weight_file.header_of(made.folder / "model.safetensors", "x").values
    assert weight_file.stored_values(predictor.model.config) == stored
    flipped = predictor.answer(image, "flips")
    assert flipped.tta == "flips" and flipped.mask().shape == image.shape[:2]


def test_probabilities_near_0_and_1_have_finite_logits() -> None:
    logits = torch.tensor([[-80.0, 80.0, 60.0], [-90.0, 90.0, -60.0]]).reshape(2, 1, 1, 1, 3)
    averaged = average_logits(logits)
    assert torch.isfinite(averaged).all()
    assert averaged.flatten()[0].item() == pytest.approx(-80 - np.log(2), abs=1e-3)
    assert averaged.flatten()[2].item() == pytest.approx(0, abs=1e-6)
    alike = torch.full((3, 1, 4, 1, 1), 0.7)
    assert torch.allclose(average_logits(alike).softmax(1), torch.full((1, 4, 1, 1), 0.25))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_channels": 3}, "base_channels 3 instead of 2"),
        ({"in_channels": 3}, "in_channels 3 instead of 1"),
        ({"num_classes": 2}, "num_classes 2 instead of 1"),
        ({"class_names": "sky,cell"}, "class_names 'sky,cell' instead of ''"),
        ({"normalization": "unit"}, "normalization 'unit' instead of 'zscore'"),
    ],
)
def test_members_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    pair = [save(tmp_path / "a"), save(tmp_path / "b", 1, **changes)]
    with pytest.raises(CheckpointError, match=f"b cannot join an ensemble with a: it has {reason}"):
        ensembles.make_ensemble(pair, tmp_path / "all", tmp_path)
    assert not (tmp_path / "all").exists()


def test_other_refusals_leave_nothing(tmp_path: Path) -> None:
    first, second = save(tmp_path / "a"), save(tmp_path / "b", 1)
    with pytest.raises(ConfigError, match="2 to 20 members, got 1"):
        ensembles.make_ensemble([first], tmp_path / "all", tmp_path)
    with pytest.raises(ConfigError, match="a is named twice"):
        ensembles.make_ensemble([first, second, first], tmp_path / "all", tmp_path)
    made = ensembles.make_ensemble([first, second], tmp_path / "all", tmp_path)
    with pytest.raises(RunError, match="already exists"):
        ensembles.make_ensemble([first, second], tmp_path / "all", tmp_path)
    with pytest.raises(CheckpointError, match="ensemble"):
        ensembles.make_ensemble([made.folder, made.folder], tmp_path / "more", tmp_path)
    with pytest.raises(CheckpointError, match="an ensemble of 2 models cannot be fine-tuned"):
        finetune.adopt(ModelConfig(), made.folder)
    with pytest.raises(ConfigError, match="members to be 1 to 20, got 0"):
        ModelConfig(members=0)


def test_thresholds_that_differ_are_averaged_and_told(tmp_path: Path) -> None:
    pair = [save(tmp_path / "a", threshold=0.3), save(tmp_path / "b", 1, threshold=0.5, image_size=32)]
    made = ensembles.make_ensemble(pair, tmp_path / "all", tmp_path)
    config = load(made.folder, device="cpu").model.config
    assert (config.threshold, config.image_size, config.members) == (0.4, 32, 2)
    assert "The thresholds of the members differ (0.3, 0.5); the ensemble has their mean, 0.4." in made.notes


def test_an_uploaded_ensemble_is_imported_whole_and_a_wrong_count_is_refused(tmp_path: Path) -> None:
    pair = [save(tmp_path / "a"), save(tmp_path / "b", 1)]
    made = ensembles.make_ensemble(pair, tmp_path / "all", tmp_path).folder
    files = {path.name: path for path in made.iterdir()}
    imported = import_weights.import_model(files, tmp_path / "models", "both")
    assert load(imported, device="cpu").model.config.members == 2
    values = json.loads((made / "config.json").read_text()) | {"members": 3}
    (made / "config.json").write_text(json.dumps(values))
    del files["sha256"]
    with pytest.raises(CheckpointError, match=r"do not fit config\.json"):
        import_weights.import_model(files, tmp_path / "models", "three")


@pytest.mark.parametrize("changes", [{}, {"num_classes": 3}, {"padding": "valid", "image_size": 32}])
def test_what_is_exported_computes_the_same(tmp_path: Path, changes: dict[str, object]) -> None:
    """The program of a whole image, and the tile of a static page, which takes the model apart."""
    pair = [save(tmp_path / f"m{seed}", seed, **changes) for seed in range(2)]
    predictor = load(ensembles.make_ensemble(pair, tmp_path / "both", tmp_path).folder, device="cpu", precision="fp32")
    image = picture(5, 40, 40)[0]
    program = Segmenter(predictor.model)(torch.from_numpy(image)[None, None].float())
    np.testing.assert_allclose(program[0].detach().numpy(), predictor.probabilities(image[:, :, None]), atol=1e-5)
    tile = torch.rand(1, 1, 44, 44)
    assert torch.allclose(graph._TileModel(predictor.model)(tile), predictor.model(tile), atol=1e-6)
    assert len(graph.to_onnx(predictor.model, 44)) > 1000
    assert standalone.standalone_code(predictor.model.config) == ""


def train(runs_dir: Path, data: Path, **changes: object) -> Run:
    run = runs.create(runs_dir, quick(data, epochs=1, **changes))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return run


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Run]]:
    folder = tmp_path_factory.mktemp("ensembles")
    data = make_data(folder / "data", 6)
    return data, folder / "runs", [train(folder / "runs", data, folds=2, fold=fold) for fold in (1, 2)]


def test_an_ensemble_of_folds_has_seen_every_image(
    folds: tuple[Path, Path, list[Run]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, runs_dir, members = folds
    ids = [run.id for run in members]
    arguments = ["ensemble", *ids, "--output", str(tmp_path / "both"), "--runs-dir", str(runs_dir)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["members"] == ids
    assert "note: Every image of the dataset trained some member, so it cannot score the ensemble." in err
    images = training_images.load(tmp_path / "both")
    assert images is not None and len(images.train) == 6 and not images.val and not images.unknown
    with pytest.raises(DataError, match="None of the 6 images belongs to the split 'held-out': they are 6 train"):
        evaluate(tmp_path / "both", data, runs_dir=runs_dir)
    scored = evaluate(tmp_path / "both", data, split="all", runs_dir=runs_dir)
    assert scored.evaluated_by_split == {"train": 6, "val": 0, "test": 0, "new": 0}
    assert "The model was trained on 6 of them, so their scores are too good" in scored.notes[0]
    other = make_data(tmp_path / "other", [f"q{number}" for number in range(8)])
    fresh = evaluate(tmp_path / "both", other, runs_dir=runs_dir)
    assert [score.id for score in fresh.images] == ["q6", "q7"], "the first six have the same pixels as the dataset"
    predicted = tmp_path / "masks"
    assert main(["predict", str(tmp_path / "both"), str(other / "images"), "--output", str(predicted)]) == 0
    assert len(list(predicted.glob("*.png"))) == 8


def test_an_ensemble_of_a_model_that_says_nothing_of_its_images_says_so(
    folds: tuple[Path, Path, list[Run]], tmp_path: Path
) -> None:
    _, runs_dir, members = folds
    foreign = tmp_path / "foreign"
    shutil.copytree(members[1].best, foreign)
    (foreign / "images.json").unlink()
    sums = (foreign / "sha256").read_text().splitlines(keepends=True)
    (foreign / "sha256").write_text("".join(line for line in sums if "images.json" not in line))
    made = ensembles.make_ensemble([members[0].folder, foreign], tmp_path / "both", runs_dir)
    assert any(note.startswith("It is not known on which images all members") for note in made.notes)
    other = make_data(tmp_path / "other", [f"q{number}" for number in range(8)])
    assert (
        evaluate(made.folder, other, runs_dir=runs_dir)
        .warnings[0]
        .startswith(
            "This model was made from one that does not say which images it was trained on: some of the 2 images"
        )
    )
