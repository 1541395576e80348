"""Where weights begin: whose net it is, what begins anew, and what is told where nothing fits."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.core.models.references import smp_weights
from tests.helpers.processes import make_data, quick
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.errors import CheckpointError, ConfigError, HubError
from unet_core.hub import resolve
from unet_core.inference.predictor import load_predictor
from unet_core.models import checkpoint
from unet_core.models.encoders import build_model
from unet_core.models.unet import UNet
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import RunStarted, Warned
from unet_core.runs.run import Run
from unet_core.training import finetune, launch, runner
from unet_core.training.state import TrainerState

SOURCE = ModelConfig(
    in_channels=1, num_classes=1, base_channels=3, depth=2, norm="group", activation="elu", normalization="unit",
    image_size=64, threshold=0.7, dropout=0.4,
)  # fmt: skip


UNKNOWN = (
    "It is not known which images /net was trained on: where they validate or test here, scores are too high. Put "
    "images that it never saw into val/ and test/."
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("finetune") / "data")


def saved(folder: Path, config: ModelConfig = SOURCE) -> UNet:
    torch.manual_seed(11)
    model = UNet(config)
    checkpoint.save_checkpoint(folder, model)
    return model


def begun(run: Run, monkeypatch: pytest.MonkeyPatch) -> tuple[TrainerState, list[str]]:
    """A run as it stands before its first step, and what it warned of."""
    found: list[TrainerState] = []
    monkeypatch.setattr(runner, "train", lambda training, control: found.append(training) or iter(()))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return found[0], [event.message for event, _ in read_events(run.events)[0] if isinstance(event, Warned)]


def test_the_net_is_the_checkpoints_and_what_has_no_weights_is_the_runs(tmp_path: Path) -> None:
    saved(tmp_path / "net")
    own = ModelConfig(base_channels=16, depth=3, norm="batch", image_size=32, threshold=0.3, dropout=0.1, num_classes=4)
    assert finetune.adopt(own, tmp_path / "net") == ModelConfig(
        in_channels=0, num_classes=4, base_channels=3, depth=2, norm="group", activation="elu", normalization="unit",
        image_size=32, threshold=0.3, dropout=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(("own", "source", "kept"), [(0, 1, 0), (0, 3, 3), (1, 3, 1), (3, 1, 3)])
def test_three_channels_stay_three_unless_one_is_asked_for(tmp_path: Path, own: int, source: int, kept: int) -> None:
    saved(tmp_path / "net", ModelConfig(in_channels=source, num_classes=1, base_channels=2, depth=1))
    assert finetune.adopt(ModelConfig(in_channels=own), tmp_path / "net").in_channels == kept


def test_a_run_begins_with_the_weights_it_was_given(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(tmp_path / "net")
    config = finetune.resolve_init(quick(cells, init=str(tmp_path / "net"), ema_decay=0.9), tmp_path)
    run = runs.create(tmp_path / "runs", config)
    assert run.config.model.base_channels == 3, "config.json tells what is trained"
    training, warnings = begun(run, monkeypatch)
    for part in (training.model, training.best_model()):
        assert {k: v.tolist() for k, v in part.state_dict().items()} == {
            k: v.tolist() for k, v in model.state_dict().items()
        }
    assert training.train_dataset[0].std[0] == 255, "normalized as the checkpoint's images were"
    assert training.model.config.image_size == 16
    assert [message.replace(str(tmp_path), "") for message in warnings] == [UNKNOWN]


def changed_layers(training: TrainerState, model: UNet) -> set[str]:
    before, after = model.state_dict(), training.model.state_dict()
    return {k for k in after if k not in before or not torch.equal(after[k], before[k])}


def test_other_classes_and_channels_begin_anew_and_are_told_of(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ModelConfig(in_channels=3, num_classes=5, base_channels=2, depth=2, deep_supervision=True, norm="none")
    model = saved(tmp_path / "net", many)
    config = quick(cells, init=str(tmp_path / "net"), in_channels=1)
    run = runs.create(tmp_path / "runs", finetune.resolve_init(config, tmp_path))
    training, warnings = begun(run, monkeypatch)
    assert (training.model.config.in_channels, training.model.config.num_classes) == (1, 1)
    names = {"encoder.0.0.weight", "head.weight", "deep_heads.0.weight"}
    assert changed_layers(training, model) >= names
    assert {name.rpartition(".")[0] for name in changed_layers(training, model)} <= {
        name.rpartition(".")[0] for name in names
    }
    assert [message.replace(str(tmp_path), "") for message in warnings] == [
        UNKNOWN,
        "The first layer starts untrained: /net has 3 channels, the dataset has 1.",
        "The last layer starts untrained: /net has 5 classes, the dataset has 1.",
    ]
    start = next(event for event, _ in read_events(run.events)[0] if isinstance(event, RunStarted))
    assert (start.in_channels, start.num_classes) == (1, 1)


def test_gray_images_fill_the_three_channels_of_a_net(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(tmp_path / "net", ModelConfig(in_channels=3, num_classes=1, base_channels=2, depth=1))
    config = quick(cells, init=str(tmp_path / "net"))
    training, warnings = begun(runs.create(tmp_path / "runs", finetune.resolve_init(config, tmp_path)), monkeypatch)
    assert training.model.config.in_channels == 3
    assert changed_layers(training, model) == set()
    assert [message.replace(str(tmp_path), "") for message in warnings] == [UNKNOWN]


def trained(run: Run) -> Run:
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return run


def test_from_a_run_by_its_id_and_taken_up_again_from_its_own_weights(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = trained(runs.create(tmp_path, quick(cells, epochs=1, norm="group")))
    config = finetune.resolve_init(quick(cells, epochs=1, init=source.id), tmp_path)
    assert (config.train.init, config.model.norm) == (source.id, "group")
    run = trained(runs.create(tmp_path, config))
    mine = checkpoint.load_model(run.last)[0]
    assert mine.config.norm == "group"
    source.folder.rename(tmp_path / "gone")  # it is needed no longer
    with monkeypatch.context() as patch:
        training, warnings = begun(run, patch)
    assert (training.epoch, changed_layers(training, mine)) == (1, set())
    assert warnings == [f"5 images that {source.id} was trained on stay in training, out of validation and test."]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "init 'nonsense': nonsense: neither a run nor a checkpoint folder"),
        ("/nowhere/at/all", "init '/nowhere/at/all'"),
        ("empty", "init .*: .*neither a run nor a checkpoint folder"),
        ("run", "has no checkpoint yet"),
    ],
)
def test_what_is_no_model_is_refused_before_anything_is_written(
    tmp_path: Path, cells: Path, name: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    unfinished = runs.create(tmp_path / "others", RunConfig())
    init = {"empty": str(tmp_path / "empty"), "run": str(unfinished.folder)}.get(name, name)
    with pytest.raises(CheckpointError, match=message):
        launch.launch(quick(cells, init=init), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_net_too_deep_for_the_crops_is_refused(tmp_path: Path, cells: Path) -> None:
    saved(tmp_path / "net", ModelConfig(in_channels=1, num_classes=1, base_channels=1, depth=4))
    with pytest.raises(ConfigError, match="image_size 16 is too small for depth 4"):
        launch.launch(quick(cells, init=str(tmp_path / "net")), tmp_path / "runs")


def test_a_model_of_the_hub_is_left_to_the_trainer(
    tmp_path: Path, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick(cells, init="someone/cells-unet")
    assert finetune.resolve_init(config, tmp_path) == config
    asked: list[Any] = []
    model = saved(tmp_path / "pulled")
    monkeypatch.setattr(resolve, "find_checkpoint", lambda *names: asked.append(names) or (tmp_path / "pulled", None))
    training, _ = begun(runs.create(tmp_path / "runs", config), monkeypatch)
    assert asked == [("someone/cells-unet", tmp_path / "runs")]
    assert changed_layers(training, model) == set()

    def silent(*names: object) -> None:
        raise HubError("The Hub does not answer.")

    monkeypatch.setattr(resolve, "find_checkpoint", silent)
    with pytest.raises(CheckpointError, match=r"init 'someone/cells-unet': The Hub does not answer\."):
        finetune.origin("someone/cells-unet", tmp_path)


def test_a_model_that_was_brought_in_goes_by_its_name(tmp_path: Path, cells: Path) -> None:
    saved(tmp_path / resolve.MODELS / "brought")
    config = finetune.resolve_init(quick(cells, init="brought"), tmp_path)
    assert config.model.norm == "group"
    assert config.train.init == str((tmp_path / resolve.MODELS / "brought").resolve())


def test_weights_that_are_not_those_of_their_config(tmp_path: Path) -> None:
    stored = dict(UNet(SOURCE).state_dict())
    fresh = UNet(SOURCE).state_dict()
    for change in ("missing", "surplus", "shape"):
        wrong = dict(stored)
        if change == "missing":
            del wrong["bottleneck.0.weight"]
        elif change == "surplus":
            wrong["bottleneck.9.weight"] = torch.zeros(1)
        else:
            wrong["bottleneck.0.weight"] = torch.zeros(1)
        with pytest.raises(CheckpointError, match=r"do not fit its config\.json \(bottleneck\."):
            finetune.merged(wrong, fresh, tmp_path)


def test_a_config_that_is_damaged_is_told_and_the_one_before_serves(tmp_path: Path) -> None:
    for name in ("net", "net.old"):
        saved(tmp_path / name)
    (tmp_path / "net" / "config.json").write_text("{")
    assert finetune.adopt(ModelConfig(), tmp_path / "net").norm == "group"
    (tmp_path / "net.old" / "config.json").write_text(json.dumps({"normm": "x"}))
    with pytest.raises(CheckpointError, match=r"net/config\.json: cannot be read \(Unknown setting 'normm'"):
        finetune.adopt(ModelConfig(), tmp_path / "net")


RESNET = ModelConfig(
    in_channels=3, num_classes=1, encoder="resnet18", depth=5, up="nearest", head_kernel=3, base_channels=2,
    normalization="imagenet",
)  # fmt: skip


def test_a_resnet_encoder_is_fine_tuned_saved_and_predicts(tmp_path: Path, cells: Path) -> None:
    """Gray images fill its three channels; its weights move, and the checkpoint says what it is."""
    model = build_model(RESNET)
    model.load_state_dict(smp_weights("resnet18", widths=(32, 16, 8, 4, 2)))
    checkpoint.save_checkpoint(tmp_path / "pets", model)
    config = finetune.resolve_init(quick(cells, init=str(tmp_path / "pets"), epochs=1, image_size=64), tmp_path)
    run = runs.create(tmp_path / "runs", config)
    assert (run.config.model.encoder, run.config.model.in_channels) == ("resnet18", 3)
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    trained, warning = checkpoint.load_model(run.best)
    assert (warning, trained.config.encoder, trained.config.normalization) == ("", "resnet18", "imagenet")
    before, after = model.state_dict(), trained.state_dict()
    assert before.keys() == after.keys()
    moved = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert moved == {"encoder", "decoder", "segmentation_head"}
    predictor, _ = load_predictor(run.best, "cpu", "fp32")
    assert predictor.predict(np.zeros((40, 50), np.uint8)).mask().shape == (40, 50)


def test_the_layers_of_a_resnet_that_follow_the_data_begin_anew(tmp_path: Path) -> None:
    stored = smp_weights("resnet18", widths=(32, 16, 8, 4, 2))
    fresh = build_model(replace(RESNET, num_classes=3, in_channels=2, normalization="unit")).state_dict()
    weights, messages = finetune.merged(stored, fresh, tmp_path)
    anew = {name for name, value in weights.items() if value is not stored[name]}
    assert anew == {"encoder.conv1.weight", "segmentation_head.0.weight", "segmentation_head.0.bias"}
    assert [message.split(":")[0] for message in messages] == [
        "The first layer starts untrained",
        "The last layer starts untrained",
    ]
