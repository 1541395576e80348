"""The training loop: it learns, tells so in a fixed order, repeats and resumes bit for bit, and stops well."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.helpers.selections import select
from unet_core.config.choices import SCHEDULES
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig, TrainConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import find
from unet_core.data.layouts import Sample
from unet_core.data.sampling import Batch
from unet_core.errors import TrainingError
from unet_core.evaluation.scores import evaluate
from unet_core.evaluation.summary import summarize
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import encode_png
from unet_core.losses import LOSSES, fitting
from unet_core.models import checkpoint
from unet_core.runs.control import Control, Requests
from unet_core.runs.events import (
    EpochFinished,
    EpochsChanged,
    Event,
    LrChanged,
    Paused,
    RunFinished,
    StepFinished,
    Unpaused,
    Warned,
    encode,
)
from unet_core.training import loop, optim
from unet_core.training.class_weights import median_frequency, pixel_counts
from unet_core.training.loop import Validation, train, validate
from unet_core.training.optim import OPTIMIZERS, one_cycle
from unet_core.training.state import TrainerState

Array = NDArray[np.uint8]


class Asking(Control):
    """Asks for these orders once that many steps are made; a list of them, one at each look."""

    def __init__(self, orders: dict[int, Requests | list[Requests]]) -> None:
        self.planned = {step: given if isinstance(given, list) else [given] for step, given in orders.items()}
        self.waits = 0

    def poll(self, step: int) -> Requests:
        planned = self.planned.get(step)
        return planned.pop(0) if planned else Requests()

    def wait(self) -> None:
        self.waits += 1


TINY = ModelConfig(base_channels=2, depth=1, image_size=16)
FAST = TrainConfig(epochs=2, batch_size=4, crops_per_image=2, lr=0.02, device="cpu", precision="fp32")


def blobs(number: int, classes: int = 1, side: int = 24) -> tuple[Array, Array]:
    """Noise with a brighter rectangle for each class above the background."""
    rng = np.random.default_rng(number)
    mask = np.zeros((side, side + 4), np.uint8)
    for value in range(1, max(classes, 2)):
        top, left = rng.integers(0, side - 10, 2)
        mask[top : top + 9, left : left + 9] = value
    return np.clip(60 + 60 * mask.astype(float) + rng.normal(0, 10, mask.shape), 0, 255).astype(np.uint8), mask


def folder(root: Path, pairs: list[tuple[Array, Array]]) -> list[Sample]:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number, (image, mask) in enumerate(pairs):
        (root / "images" / f"{number}.png").write_bytes(encode_png(image))
        (root / "masks" / f"{number}.png").write_bytes(encode_png(mask))
    return find(root)


def pictures(root: Path, pairs: list[tuple[Array, Array]], model: ModelConfig = TINY, **data: Any) -> Dataset:
    return load_dataset(folder(root, pairs), DataConfig(**data), model)


def fresh(found: Dataset, held_back: int = 2, **settings: Any) -> TrainerState:
    """A training on all pictures but the last `held_back`."""
    ids = [sample.id for sample in found.samples]
    cut = len(ids) - held_back
    config = RunConfig(model=found.model, train=replace(FAST, **settings))
    return TrainerState(config, found.subset(tuple(ids[:cut])), found.subset(tuple(ids[cut:])))


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Six binary pictures: 4 to train on (2 steps an epoch) and 2 to validate on."""
    return pictures(tmp_path_factory.mktemp("six"), [blobs(number) for number in range(6)])


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The same with three classes."""
    return pictures(tmp_path_factory.mktemp("three"), [blobs(number, classes=3) for number in range(6)])


def weights(training: TrainerState) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name, tensor in found.items() if not torch.equal(tensor, expected[name])] == []


def told(events: list[Event]) -> list[Event]:
    """The events without their clock readings."""
    timeless = []
    for event in events:
        if isinstance(event, EpochFinished | RunFinished):
            assert event.seconds > 0
            assert event.images_per_second > 0
            event = replace(event, seconds=0.0, images_per_second=0.0)
        timeless.append(event)
    return timeless


def steps(events: list[Event]) -> list[float | None]:
    return [event.loss for event in events if isinstance(event, StepFinished)]


def epochs(events: list[Event]) -> list[EpochFinished]:
    return [event for event in events if isinstance(event, EpochFinished)]


# It learns ----------------------------------------------------------------------------------------------------------


def test_it_learns_the_sample_data_set(sample_folder: Path) -> None:
    model = ModelConfig(base_channels=4, depth=2, image_size=64)
    found = load_dataset(find(sample_folder), DataConfig(), model)
    training = fresh(found, epochs=6, batch_size=8, crops_per_image=6, lr=0.03)
    judged = epochs(list(train(training)))
    assert judged[-1].train_loss < 0.6 * judged[0].train_loss
    assert judged[-1].val_loss < judged[0].val_loss
    assert training.best_dice > max(0.75, judged[0].val_dice)


def test_it_learns_several_classes_and_passes_over_ignored_pixels(tmp_path: Path) -> None:
    pairs = [blobs(number, classes=3) for number in range(6)]
    for _, mask in pairs:
        mask[:5] = 9
    found = pictures(tmp_path, pairs, replace(TINY, base_channels=4), ignore_index=9)
    assert found.model.num_classes == 3
    training = fresh(found, epochs=25, lr=0.1)
    judged = epochs(list(train(training)))
    assert all(math.isfinite(event.train_loss) for event in judged)
    assert judged[-1].train_loss < 0.7 * judged[0].train_loss
    assert training.best_dice > max(0.5, judged[0].val_dice)


@pytest.mark.parametrize(
    ("name", "classes"), [(name, 1) for name in fitting(1)] + [(name, 3) for name in fitting(3)], ids=str
)
@pytest.mark.parametrize("class_weights", ["none", "auto"])
def test_every_loss_falls(name: str, classes: int, class_weights: str, six: Dataset, three: Dataset) -> None:
    found = six if classes == 1 else three
    training = fresh(found, loss=name, epochs=15, lr=0.1, class_weights=class_weights)
    judged = epochs(list(train(training)))
    assert judged[-1].train_loss < 0.8 * judged[0].train_loss
    assert len(training.class_weights) == (max(2, classes) if class_weights == "auto" and LOSSES[name].weighted else 0)


@pytest.mark.parametrize(("optimizer", "lr"), [("adamw", 0.1), ("adam", 0.1), ("sgd", 0.3), ("rmsprop", 0.01)])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_loss_falls_with_every_optimizer_and_schedule(
    six: Dataset, optimizer: str, lr: float, schedule: str
) -> None:
    judged = epochs(list(train(fresh(six, optimizer=optimizer, schedule=schedule, epochs=15, lr=lr))))
    assert judged[-1].train_loss < 0.8 * judged[0].train_loss


@pytest.mark.parametrize(
    "model",
    [
        replace(TINY, depth=2, deep_supervision=True),
        replace(TINY, depth=2, deep_supervision=True, image_size=19),
        replace(TINY, padding="valid", image_size=32),
        replace(TINY, depth=2, dropout=0.3),
    ],
    ids=["deep", "deep, odd", "unpadded", "dropout"],
)
def test_it_learns_whatever_the_net_gives(six: Dataset, tmp_path: Path, model: ModelConfig) -> None:
    found = pictures(tmp_path, [blobs(number, side=40) for number in range(4)], model)
    judged = epochs(list(train(fresh(found, epochs=15, lr=0.1))))
    assert judged[-1].train_loss < 0.85 * judged[0].train_loss
    assert math.isfinite(judged[-1].val_loss)


def test_it_learns_in_half_precision(six: Dataset) -> None:
    training = fresh(six, epochs=15, lr=0.1, precision="bf16")
    judged = epochs(list(train(training)))
    assert judged[-1].train_loss < 0.8 * judged[0].train_loss
    assert all(parameter.dtype == torch.float32 for parameter in training.model.parameters())


# What it tells ------------------------------------------------------------------------------------------------------


def test_events_come_in_this_order_with_these_numbers(six: Dataset) -> None:
    training = fresh(six)
    events = list(train(training))
    assert [(event.type, getattr(event, "epoch", None), getattr(event, "step", None)) for event in events] == [
        ("step", 1, 1),
        ("step", 1, 2),
        ("epoch", 1, 2),
        ("step", 2, 3),
        ("step", 2, 4),
        ("epoch", 2, 4),
        ("finished", None, None),
    ]
    for event in events:
        if isinstance(event, StepFinished):
            assert event.lr == one_cycle(event.step, 4, FAST.lr)
    first, second = epochs(events)
    losses = steps(events)
    assert first.train_loss == pytest.approx((losses[0] + losses[1]) / 2)
    assert second.train_loss == pytest.approx((losses[2] + losses[3]) / 2)
    assert first.best
    assert second.best == (second.val_dice > first.val_dice)
    assert second.seconds > first.seconds
    (end,) = (event for event in events if isinstance(event, RunFinished))
    best = max(first, second, key=lambda event: event.val_dice)
    assert (end.reason, end.best_epoch, end.val_dice, end.val_iou) == (
        "completed",
        best.epoch,
        best.val_dice,
        best.val_iou,
    )
    assert (training.best_epoch, training.epoch, training.step) == (best.epoch, 2, 4)


def test_steps_are_told_as_they_are_made(six: Dataset) -> None:
    training = fresh(six)
    before = weights(training)
    running = train(training)
    assert isinstance(next(running), StepFinished)
    assert training.step == 1
    assert not torch.equal(weights(training)["head.weight"], before["head.weight"])


def test_scores_told_are_those_of_the_evaluation(six: Dataset) -> None:
    """The validation of the loop and the evaluation of a finished model give the same numbers."""
    training = fresh(six, epochs=3)
    last = epochs(list(train(training)))[-1]
    chosen = {"val": training.val_dataset.samples}
    predictor = Predictor(training.model, training.device, "fp32")
    scores, _ = evaluate(predictor, select(chosen, DataConfig()))
    assert len(scores) == 2
    assert summarize(scores).mean["dice"] == pytest.approx(last.val_dice, abs=1e-12)
    assert summarize(scores).mean["iou"] == pytest.approx(last.val_iou, abs=1e-12)


def test_validating_changes_nothing_and_repeats(six: Dataset) -> None:
    training = fresh(six)
    training.model.train()
    before = weights(training)
    assert validate(training) == validate(training)
    assert_equal(weights(training), before)
    assert training.model.training


def test_a_model_left_in_evaluation_mode_trains_like_any_other(six: Dataset) -> None:
    training, other = fresh(six), fresh(six)
    training.model.eval()
    assert told(list(train(training))) == told(list(train(other)))
    assert_equal(weights(training), weights(other))


# The same again -----------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_runs_and_others_do_not(six: Dataset) -> None:
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(runs))
        np.random.seed(len(runs))  # the global generators must not matter
        training = fresh(six, seed=seed)
        runs.append((told(list(train(training))), weights(training)))
    (events, tensors), (events_again, tensors_again), (other_events, other_tensors) = runs
    assert events == events_again
    assert_equal(tensors, tensors_again)
    assert steps(events) != steps(other_events)
    assert not torch.equal(tensors["encoder.0.0.weight"], other_tensors["encoder.0.0.weight"])


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "light"},
        *({"optimizer": name} for name in OPTIMIZERS),
        *({"schedule": name, "plateau_patience": 1} for name in SCHEDULES),
        {"ema_decay": 0.9},
        {"ema_decay": 0.9, "optimizer": "sgd", "schedule": "plateau", "plateau_patience": 1, "clip_norm": 0.1},
        {"class_weights": "auto", "loss": "focal_dice", "clip_norm": 0.1, "patience": 2},
        {"precision": "bf16", "ema_decay": 0.99, "optimizer": "rmsprop", "lr": 0.001},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    six: Dataset, tmp_path: Path, after: int, settings: dict[str, Any]
) -> None:
    resumed_is_equal(six, tmp_path, after, epochs=4, seed=7, **settings)


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_resumed_run_with_dropout_and_deep_supervision_is_equal_too(
    tmp_path: Path, after: int, ema_decay: float
) -> None:
    model = replace(TINY, depth=2, dropout=0.5, deep_supervision=True)
    found = pictures(tmp_path / "data", [blobs(number) for number in range(5)], model)
    resumed_is_equal(found, tmp_path, after, epochs=4, ema_decay=ema_decay)


def resumed_is_equal(six: Dataset, tmp_path: Path, after: int, **settings: Any) -> None:
    whole = fresh(six, **settings)
    expected = told(list(train(whole)))

    first = fresh(six, **settings)
    before: list[Event] = []
    for event in train(first):
        before.append(event)
        if isinstance(event, EpochFinished) and event.epoch == after:
            checkpoint.save_checkpoint(tmp_path / "last", first.best_model(), first.state())
            break
    torch.manual_seed(99)
    loaded, _ = checkpoint.load_model(tmp_path / "last")
    second = fresh(six, **settings)
    second.restore(loaded.state_dict(), checkpoint.load_state(tmp_path / "last"))
    assert (second.epoch, second.step, second.seconds) == (after, 2 * after, first.seconds)
    assert second.best_epoch == first.best_epoch
    resumed = told(before) + told(list(train(second)))
    assert resumed == expected
    assert_equal(weights(second), weights(whole))
    assert_equal(second.best_model().state_dict(), whole.best_model().state_dict())
    assert second.state().tensors.keys() == whole.state().tensors.keys()
    assert_equal(dict(second.state().tensors), dict(whole.state().tensors))
    timeless = {"seconds": 0}
    assert {**second.state().values, **timeless} == {**whole.state().values, **timeless}


def test_a_resumed_run_of_several_classes_without_validation_is_equal_too(tmp_path: Path) -> None:
    found = pictures(tmp_path / "data", [blobs(number, classes=3) for number in range(4)])
    whole = fresh(found, held_back=0, epochs=3)
    expected = told(list(train(whole)))
    first = fresh(found, held_back=0, epochs=3)
    next(event for event in train(first) if isinstance(event, EpochFinished))
    checkpoint.save_checkpoint(tmp_path / "last", first.model, first.state())
    second = fresh(found, held_back=0, epochs=3)
    second.restore(checkpoint.load_model(tmp_path / "last")[0].state_dict(), checkpoint.load_state(tmp_path / "last"))
    assert math.isnan(second.best_dice)
    resumed = list(train(second))
    assert steps(resumed) == steps(expected)[2:]
    assert [event.best for event in epochs(resumed)] == [event.best for event in epochs(expected)][1:]
    assert_equal(weights(second), weights(whole))


def test_a_finished_run_taken_up_again_only_says_that_it_is_finished(six: Dataset) -> None:
    whole = fresh(six)
    expected = list(train(whole))[-1]
    again = fresh(six)
    again.restore(weights(whole), whole.state())
    (event,) = train(again)
    assert isinstance(event, RunFinished)
    assert (event.reason, event.best_epoch, event.val_dice) == ("completed", expected.best_epoch, expected.val_dice)


# Stopping -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "types"),
    [
        (1, ["step", "epoch", "finished"]),
        (2, ["step", "step", "epoch", "finished"]),
        (3, ["step", "step", "epoch", "step", "epoch", "finished"]),
    ],
)
def test_a_stop_is_obeyed_after_the_step_and_the_epoch_is_judged(six: Dataset, after: int, types: list[str]) -> None:
    training = fresh(six, epochs=5)
    events = list(train(training, Asking({after: Requests(stop=True)})))
    assert [event.type for event in events] == types
    epoch, end = events[-2], events[-1]
    assert isinstance(epoch, EpochFinished)
    assert isinstance(end, RunFinished)
    assert epoch.step == after
    assert epoch.val_dice is not None
    assert math.isfinite(epoch.train_loss)
    assert end.reason == "stopped"
    assert end.best_epoch in (1, epoch.epoch)


def ranked(ranks: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the epochs be judged by these scores in turn."""
    scores = iter(ranks)
    monkeypatch.setattr(
        loop, "validate", lambda training: (lambda dice: Validation(0.5, dice, dice, dice))(next(scores))
    )


def test_without_a_better_epoch_it_ends_early(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked([0.1, 0.3, 0.2, 0.4, 0.4, 0.3, 0.9], monkeypatch)
    training = fresh(six, epochs=9, patience=2)
    events = list(train(training))
    assert [event.type for event in events] == ["step", "step", "epoch"] * 6 + ["finished"]
    assert [event.best for event in epochs(events)] == [True, True, False, True, False, False]
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert (end.reason, end.best_epoch, end.val_dice) == ("early", 4, 0.4)

    again = fresh(six, epochs=9, patience=2)
    again.restore(weights(training), training.state())
    (event,) = train(again)
    assert isinstance(event, RunFinished)
    assert (event.reason, event.best_epoch, event.val_dice) == ("early", 4, 0.4)


def test_patience_counts_on_where_a_run_is_taken_up_again(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked([0.5, 0.4, 0.4, 0.4, 0.9], monkeypatch)
    first = fresh(six, epochs=9, patience=3)
    next(event for event in train(first) if isinstance(event, EpochFinished) and event.epoch == 2)
    second = fresh(six, epochs=9, patience=3)
    second.restore(weights(first), first.state())
    assert [event.type for event in train(second)] == ["step", "step", "epoch"] * 2 + ["finished"]
    assert second.epoch == 4


@pytest.mark.parametrize(("patience", "reason", "made"), [(0, "completed", 4), (3, "early", 4), (9, "completed", 4)])
def test_early_and_completed_are_told_apart(
    six: Dataset, monkeypatch: pytest.MonkeyPatch, patience: int, reason: str, made: int
) -> None:
    ranked([0.5, 0.4, 0.4, 0.4], monkeypatch)
    events = list(train(fresh(six, epochs=4, patience=patience)))
    assert len(epochs(events)) == made
    assert getattr(events[-1], "reason", "") == reason


def test_a_stop_comes_before_lost_patience(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked([0.5, 0.4], monkeypatch)
    training = fresh(six, epochs=9, patience=1)
    assert getattr(list(train(training, Asking({4: Requests(stop=True)})))[-1], "reason", "") == "stopped"


# The rate, the gradient, the average --------------------------------------------------------------------------------


def test_on_a_plateau_the_rate_is_halved(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked([0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1], monkeypatch)
    events = list(train(fresh(six, epochs=8, lr=0.08, schedule="plateau", plateau_patience=2)))
    rates = [event.lr for event in events if isinstance(event, StepFinished)]
    assert rates == [0.08] * 6 + [0.04] * 4 + [0.02] * 6
    assert [event.lr for event in epochs(events)] == rates[1::2]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_told_is_that_of_the_schedule_and_of_the_step(six: Dataset, schedule: str) -> None:
    training = fresh(six, epochs=3, schedule=schedule)
    for event in train(training):
        if isinstance(event, StepFinished):
            assert event.lr == training.lr == optim.SCHEDULES[schedule].rate(event.step, 6, FAST.lr)
            assert training.optimizer.param_groups[0]["lr"] == event.lr


def test_long_gradients_are_cut_and_short_ones_are_not(six: Dataset) -> None:
    norms = {}
    for clip_norm in (0.0, 0.01, 1000.0):
        training = fresh(six, clip_norm=clip_norm, epochs=1)
        next(train(training))
        gradients = [parameter.grad.flatten() for parameter in training.model.parameters()]
        norms[clip_norm] = float(torch.cat(gradients).norm())
    assert norms[0.0] > 0.1
    assert norms[0.01] == pytest.approx(0.01, rel=1e-3)
    assert norms[1000.0] == pytest.approx(norms[0.0], rel=1e-5)


def test_gradients_are_cut_after_the_loss_scale_is_taken_out(six: Dataset) -> None:
    """fp16 itself needs CUDA; its scaler runs here too."""
    plain, scaled = fresh(six, clip_norm=0.01, optimizer="sgd"), fresh(six, clip_norm=0.01, optimizer="sgd")
    scaled.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
    assert steps(list(train(scaled))) == pytest.approx(steps(list(train(plain))), rel=1e-5)
    for name, tensor in weights(plain).items():
        torch.testing.assert_close(weights(scaled)[name], tensor)


def test_a_scale_that_was_too_high_skips_the_step_and_goes_on(six: Dataset) -> None:
    training = fresh(six, clip_norm=0.01)
    training.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    training.model.head.bias.register_hook(lambda gradient: gradient * (math.inf if training.step == 1 else 1.0))
    before = weights(training)["head.weight"]
    events = train(training)
    assert isinstance(next(events), StepFinished)
    assert torch.equal(weights(training)["head.weight"], before)
    assert training.scaler.get_scale() == 512
    assert getattr(list(events)[-1], "reason", "") == "completed"


def test_the_average_is_what_is_judged_and_kept(six: Dataset) -> None:
    training = fresh(six, epochs=3, ema_decay=0.8, lr=0.1)
    mean = {name: parameter.detach().double() for name, parameter in training.model.named_parameters()}
    for event in train(training):
        if isinstance(event, StepFinished):
            decay = min(0.8, (1 + event.step) / (10 + event.step))
            for name, parameter in training.model.named_parameters():
                mean[name] = decay * mean[name] + (1 - decay) * parameter.detach().double()
        elif isinstance(event, EpochFinished):
            found = Predictor(training.best_model(), training.device, "fp32")
            picture = training.val_dataset[0]
            assert np.array_equal(found.logits(picture.image), training.predictor.logits(picture.image))
    kept = training.best_model()
    assert kept is not training.model
    for name, parameter in kept.named_parameters():
        torch.testing.assert_close(parameter.double(), mean[name], rtol=0, atol=1e-6)
    assert_equal(dict(kept.named_buffers()), dict(training.model.named_buffers()))
    assert not torch.equal(kept.head.weight, training.model.head.weight)
    assert validate(training).loss == pytest.approx(event_loss(training), abs=1e-12)


def event_loss(training: TrainerState) -> float:
    """The validation loss of the model to keep, computed by hand."""
    values = []
    for index in range(len(training.val_dataset)):
        picture = training.val_dataset[index]
        logits = Predictor(training.best_model(), training.device, "fp32").logits(picture.image)
        target = picture.mask
        values.append(
            float(LOSSES["bce_dice"].function(torch.from_numpy(logits)[None], torch.from_numpy(target).long()[None]))
        )
    return sum(values) / len(values)


def test_without_an_average_the_model_itself_is_kept_and_the_state_holds_no_second_one(six: Dataset) -> None:
    training = fresh(six)
    next(train(training))
    assert training.best_model() is training.model
    assert not [name for name in training.state().tensors if name.endswith(":raw")]


def test_a_state_of_the_first_release_is_taken_up(six: Dataset) -> None:
    first = fresh(six, epochs=3)
    running = train(first)
    while not isinstance(next(running), EpochFinished):
        pass
    state = first.state()
    new = ("lr_factor", "waited", "recent")
    older = checkpoint.SavedState({key: value for key, value in state.values.items() if key not in new}, state.tensors)
    second = fresh(six, epochs=3)
    second.restore(weights(first), older)
    assert steps(list(train(second))) == steps(list(running))


def test_class_weights_come_from_the_training_pictures(three: Dataset) -> None:
    training = fresh(three, class_weights="auto")
    expected = median_frequency(pixel_counts(training.train_dataset))
    assert training.class_weights == expected != median_frequency(pixel_counts(training.val_dataset))
    logits, target = torch.randn(1, 3, 4, 4), torch.randint(3, (1, 4, 4))
    assert torch.equal(training.loss(logits, target), LOSSES["cross_entropy_dice"].function(logits, target, expected))


def test_class_weights_that_change_nothing_are_told(six: Dataset) -> None:
    events = list(train(fresh(six, class_weights="auto", loss="dice")))
    assert [event.type for event in events] == ["warning", *["step", "step", "epoch"] * 2, "finished"]
    assert "class_weights 'auto' has no effect with the loss 'dice'" in getattr(events[0], "message", "")
    assert told(events[1:]) == told(list(train(fresh(six, loss="dice"))))


# When it cannot go on -----------------------------------------------------------------------------------------------


def failing_at(number: int, failure: Callable[[Tensor], Tensor], training: TrainerState) -> None:
    """Plant a loss that fails at its n-th call."""
    loss, calls = training.loss, []

    def planted(logits: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        value = loss(logits, target)
        return failure(value) if len(calls) == number else value

    training.loss = planted


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_before_it_spoils_the_weights(six: Dataset, value: float) -> None:
    training = fresh(six, epochs=3, crops_per_image=4)  # 4 steps an epoch
    failing_at(3, lambda loss: loss * value, training)
    events, seen = [], {}
    with pytest.raises(TrainingError) as raised:
        for event in train(training):
            events.append(event)
            seen = {name: parameter.detach().clone() for name, parameter in training.model.named_parameters()}
    assert [event.type for event in events] == ["step", "step"]
    message = str(raised.value)
    assert f"The loss is {value} at step 3 (epoch 1, " in message
    assert "Try a lower learning rate (lr 0.002) or precision fp32" in message
    named = message.partition("Images of the batch: ")[2].removesuffix(".").split(", ")
    assert named == sorted(set(named))
    assert 1 <= len(named) <= 4
    assert set(named) <= {"0", "1", "2", "3"}
    for name, parameter in training.model.named_parameters():
        assert torch.equal(parameter, seen[name]), name
        assert parameter.isfinite().all(), name


def ending(training: TrainerState) -> tuple[list[Event], str]:
    """The events of a training that cannot go on, and what it says; the weights stay as they were after the last."""
    events, seen = [], weights(training)
    with pytest.raises(TrainingError) as raised:
        for event in train(training):
            events.append(event)
            seen = {name: parameter.detach().clone() for name, parameter in training.model.named_parameters()}
    assert all(torch.equal(parameter, seen[name]) for name, parameter in training.model.named_parameters())
    return events, str(raised.value)


def changed_batch(monkeypatch: pytest.MonkeyPatch, number: int, change: Callable[[Batch], None]) -> None:
    """Plant something in the n-th batch of each epoch."""
    real = loop.batches

    def planted(*arguments: Any) -> Iterator[Batch]:
        for index, batch in enumerate(real(*arguments), 1):
            if index == number:
                change(batch)
            yield batch

    monkeypatch.setattr(loop, "batches", planted)


def test_an_image_that_is_not_finite_is_named(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def plant(batch: Batch) -> None:
        batch.images[1, 0, 3, 3] = math.nan
        names.append(batch.ids[1])

    changed_batch(monkeypatch, 2, plant)
    events, message = ending(fresh(six))
    assert [event.type for event in events] == ["step"]
    assert message.startswith("The loss is nan at step 2 (epoch 1, lr 0.0")
    assert f"Cause: pixels that are NaN or infinite in the image {names[0]}." in message


@pytest.mark.parametrize("classes", [1, 3])
def test_a_mask_that_holds_no_classes_is_found_before_the_loss(
    six: Dataset, three: Dataset, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    changed_batch(monkeypatch, 2, lambda batch: batch.target[0].mul_(254))
    events, message = ending(fresh(six if classes == 1 else three))
    assert [event.type for event in events] == ["step"]
    assert message.startswith("The loss is undefined at step 2 (epoch 1, ")
    assert "Cause: masks with the class 254" in message or "Cause: masks with the class 508" in message
    assert f"but the model has the classes 0 to {max(2, classes) - 1}. A mask of 0 and 255" in message


def test_overflow_in_half_precision_is_named(six: Dataset) -> None:
    training = fresh(six, precision="bf16")
    calls: list[int] = []

    def beyond(module: torch.nn.Module, inputs: Any, output: Tensor) -> Tensor:
        calls.append(1)
        return output * 3e38 * 100 if len(calls) == 2 else output

    training.model.register_forward_hook(beyond)
    events, message = ending(training)
    assert [event.type for event in events] == ["step"]
    assert "at step 2 (epoch 1, " in message
    assert "Cause: overflow in bf16, which ends at 3.39e+38: max |logit| is infinite" in message
    assert "Train in precision fp32." in message


def test_a_learning_rate_that_is_too_high_is_named(tmp_path: Path) -> None:
    """No plant: a net without norm and plain momentum at lr 10 does it by itself."""
    found = pictures(tmp_path, [blobs(number) for number in range(6)], replace(TINY, norm="none"))
    settings: dict[str, Any] = {"optimizer": "sgd", "schedule": "constant", "loss": "bce", "epochs": 50, "lr": 10.0}
    for clip_norm in (0.0, 1e-3):
        training = fresh(found, **settings, clip_norm=clip_norm)
        if clip_norm:
            training.model.head.weight.data.mul_(1e30)
        _, message = ending(training)
        assert "Cause: the learning rate is too high, " in message
        assert "Take a lower learning rate (lr 1)" in message


def test_a_gradient_that_is_not_finite_ends_the_run_where_gradients_are_cut(six: Dataset) -> None:
    training = fresh(six, clip_norm=1.0)
    calls: list[int] = []

    def lost(gradient: Tensor) -> Tensor:
        calls.append(1)
        return gradient * math.inf if len(calls) == 2 else gradient

    training.model.head.bias.register_hook(lost)
    events, message = ending(training)
    assert [event.type for event in events] == ["step"]
    assert message.startswith("The norm of the gradient is ")
    assert "at step 2 (epoch 1, " in message
    assert "(the loss " in message
    assert "lower learning rate (lr 0.002)" in message


def out_of_memory(loss: Tensor) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def no_memory(loss: Tensor) -> Tensor:
    raise MemoryError("cannot allocate")


@pytest.mark.parametrize("failure", [out_of_memory, no_memory])
@pytest.mark.parametrize(("batch_size", "smaller"), [(4, 2), (1, 1)])
def test_no_memory_left_names_a_smaller_batch(
    six: Dataset, failure: Callable[[Tensor], Tensor], batch_size: int, smaller: int
) -> None:
    training = fresh(six, batch_size=batch_size)
    failing_at(2, failure, training)
    with pytest.raises(
        TrainingError, match=f"batch_size {batch_size} and image_size 16. Try batch_size {smaller}.* all"
    ):
        list(train(training))


@pytest.mark.parametrize("kind", [NotImplementedError, RecursionError, RuntimeError])
def test_another_error_is_not_taken_for_a_lack_of_memory(six: Dataset, kind: type[RuntimeError]) -> None:
    def failing(loss: Tensor) -> Tensor:
        raise kind("something else")

    training = fresh(six)
    failing_at(2, failing, training)
    with pytest.raises(kind, match="something else"):
        list(train(training))


# Little and odd data ------------------------------------------------------------------------------------------------


def strict(events: list[Event]) -> Iterator[Event]:
    """The events, once each was written as strict JSON."""
    for number, event in enumerate(events, 1):
        assert "NaN" not in encode(event, number, 0.0)
        yield event


def test_one_image_trains_without_validation(tmp_path: Path) -> None:
    training = fresh(pictures(tmp_path, [blobs(0)]), held_back=0, epochs=3, batch_size=1)
    events = list(strict(list(train(training))))
    assert isinstance(events[0], Warned)
    assert "There are no validation images" in events[0].message
    assert [event.type for event in events[1:]] == ["step", "step", "epoch"] * 3 + ["finished"]
    judged = epochs(events)
    assert all(math.isnan(value) for event in judged for value in (event.val_loss, event.val_dice, event.val_iou))
    lowest = min(judged, key=lambda event: event.train_loss)
    assert training.best_epoch == lowest.epoch
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert end.best_epoch == lowest.epoch


@pytest.mark.parametrize("shape", [(1, 1), (17, 31), (1, 40)])
def test_pictures_of_any_size_train_and_validate_in_batches_of_one(tmp_path: Path, shape: tuple[int, int]) -> None:
    pairs = [(np.full(shape, 90 + number, np.uint8), np.full(shape, number % 2, np.uint8)) for number in range(3)]
    events = list(train(fresh(pictures(tmp_path, pairs), held_back=1, batch_size=1)))
    assert all(math.isfinite(value) for value in steps(events))
    assert all(math.isfinite(event.val_loss) for event in epochs(events))


@pytest.mark.parametrize("loss", ["auto", *fitting(1)])
def test_masks_that_are_all_background_give_no_nan(tmp_path: Path, loss: str) -> None:
    pairs = [(image, np.zeros_like(mask)) for image, mask in (blobs(number) for number in range(4))]
    events = list(strict(list(train(fresh(pictures(tmp_path, pairs), loss=loss, epochs=4)))))
    assert all(math.isfinite(value) for value in steps(events))
    judged = epochs(events)
    assert all(math.isfinite(event.train_loss) and math.isfinite(event.val_loss) for event in judged)
    best = [event for event in judged if event.best][-1]
    assert best.val_loss == min(event.val_loss for event in judged), "with nothing to find the loss decides"


def test_with_nothing_to_find_the_loss_ranks_even_where_something_is_found_wrongly(tmp_path: Path) -> None:
    pairs = [(image, np.zeros_like(mask)) for image, mask in (blobs(number) for number in range(2))]
    training = fresh(pictures(tmp_path, pairs), held_back=1)
    training.model.head.bias.data.fill_(9)  # foreground everywhere
    found = validate(training)
    assert found.dice == 0
    assert found.rank == -found.loss < -1


@pytest.mark.parametrize("classes", [0, 1, 3])
def test_pixels_that_are_all_ignored_give_no_nan(tmp_path: Path, classes: int) -> None:
    pairs = [(image, np.full_like(mask, 9)) for image, mask in (blobs(number) for number in range(4))]
    found = pictures(tmp_path, pairs, replace(TINY, num_classes=classes), ignore_index=9)
    training = fresh(found)
    events = list(strict(list(train(training))))
    assert steps(events) == [0.0] * 2
    for event in epochs(events):
        assert (event.train_loss, event.val_loss) == (0, 0)
        assert math.isnan(event.val_dice)
    assert [event.best for event in epochs(events)] == [True, False], "of equal epochs the first is the best"
    assert all(tensor.isfinite().all() for tensor in weights(training).values())


def test_one_ignored_image_among_others_does_not_count(tmp_path: Path) -> None:
    pairs = [blobs(number) for number in range(5)]
    with_ignored = [*pairs, (pairs[0][0], np.full_like(pairs[0][1], 9))]
    some = fresh(pictures(tmp_path / "a", with_ignored, ignore_index=9), held_back=2)
    without = fresh(pictures(tmp_path / "b", pairs, ignore_index=9), held_back=1)
    assert validate(some).dice == validate(without).dice
    assert validate(some).iou == validate(without).iou


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("no room"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 99 bytes")]
)
def test_no_memory_left_for_a_validation_image_is_told_too(
    six: Dataset, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = fresh(six, batch_size=4)

    def fail(image: Array) -> Array:
        raise error

    monkeypatch.setattr(training.predictor, "logits", fail)
    with pytest.raises(TrainingError, match="Try batch_size 2"):
        list(train(training))


def test_weights_lost_by_the_last_step_of_an_epoch_are_found_before_they_are_kept(six: Dataset) -> None:
    training = fresh(six, epochs=1)
    last = training.steps_per_epoch
    seen: list[Tensor] = []

    def lose(gradient: Tensor) -> Tensor:
        seen.append(gradient)
        return gradient * math.nan if len(seen) == last else gradient

    training.model.head.bias.register_hook(lose)
    kinds = []
    with pytest.raises(TrainingError, match=r"^The weights are no longer finite after the gradient at step"):
        for event in train(training):
            kinds.append(event.type)
    assert kinds == ["step"] * last


# In command ---------------------------------------------------------------------------------------------------------


def rates(events: list[Event]) -> list[float]:
    return [event.lr for event in events if isinstance(event, StepFinished)]


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_pause_changes_nothing_but_the_clock(six: Dataset, monkeypatch: pytest.MonkeyPatch, schedule: str) -> None:
    whole, held = fresh(six, schedule=schedule, epochs=3), fresh(six, schedule=schedule, epochs=3)
    expected = told(list(train(whole)))
    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])

    class Hour(Asking):
        def wait(self) -> None:
            super().wait()
            now[0] += 3600

    pause = Requests(pause=True)
    control = Hour({3: [pause, pause, pause, Requests()], 4: [Requests(), pause, Requests()]})  # mid-epoch, between two
    events = []
    for event in train(held, control):
        now[0] += 1  # what the training itself takes
        events.append(event)
    assert types(events) == [
        *["step", "step", "epoch", "step", "paused", "unpaused", "step", "epoch", "paused", "unpaused"],
        *["step", "step", "epoch", "finished"],
    ]
    assert [event for event in events if event.type in ("paused", "unpaused")] == [
        Paused(2, 3),
        Unpaused(2, 3, 3 * 3600 + 1),
        Paused(2, 4),
        Unpaused(2, 4, 3600 + 1),
    ]
    assert control.waits == 4
    assert [event.seconds for event in epochs(events)] == [2, 2 + 3, 5 + 2]  # one of them wrote down that it goes on
    assert [event.images_per_second for event in epochs(events)] == [8 / 2, 8 / 3, 8 / 2]
    assert told([event for event in events if event.type not in ("paused", "unpaused")]) == expected
    assert_equal(weights(held), weights(whole))
    assert_equal(dict(held.state().tensors), dict(whole.state().tensors))


def test_a_pause_before_the_first_step_and_a_stop_while_it_is_held(six: Dataset) -> None:
    pause = Requests(pause=True)
    training = fresh(six)
    events = list(train(training, Asking({0: [pause, pause, Requests()], 1: [pause, Requests(pause=True, stop=True)]})))
    assert types(events) == ["paused", "unpaused", "step", "paused", "unpaused", "epoch", "finished"]
    assert events[0] == Paused(0, 0)
    assert getattr(events[-1], "reason", "") == "stopped"
    assert training.skipped_steps == 1
    assert training.total_steps == 3


def test_a_stop_between_two_epochs_begins_no_other(six: Dataset) -> None:
    training = fresh(six, epochs=5)
    events = list(train(training, Asking({4: [Requests(), Requests(stop=True)]})))
    assert types(events) == ["step", "step", "epoch"] * 2 + ["finished"]
    assert getattr(events[-1], "reason", "") == "stopped"
    done = fresh(six)
    end = list(train(done, Asking({4: [Requests(), Requests(stop=True)]})))[-1]
    assert getattr(end, "reason", "") == "completed", "all epochs are made: there is nothing to stop"
    first = list(train(fresh(six), Asking({0: Requests(stop=True)})))
    assert types(first)[0] == "step", "it makes a step at least"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_rate_by_hand_is_in_effect_at_the_next_step(six: Dataset, schedule: str) -> None:
    training = fresh(six, epochs=5, schedule=schedule)  # 10 steps
    control = Asking({3: Requests(lr=0.5)})
    events = []
    for event in train(training, control):
        events.append(event)
        if isinstance(event, StepFinished):
            assert training.optimizer.param_groups[0]["lr"] == event.lr
    found, plain = rates(events), rates(list(train(fresh(six, epochs=5, schedule=schedule))))
    assert found[:3] == plain[:3]
    assert events[4:5] == [LrChanged(2, 3, before=plain[2], lr=0.5)]
    assert found[3] == 0.5
    if not optim.SCHEDULES[schedule].decays:
        assert found[3:] == [0.5] * 7
    else:
        part = [(10 - step) / 6 for step in range(4, 11)]  # 1 at step 4, 0 at step 10
        by_hand = [0.5 * (1e-4 + (1 - 1e-4) * (1 - math.cos(math.pi * x)) / 2) for x in part]
        assert found[3:] == pytest.approx(by_hand, rel=1e-12)
        assert found[-1] == pytest.approx(0.5e-4)


def test_a_rate_by_hand_before_the_last_step_and_before_the_first(six: Dataset) -> None:
    assert rates(list(train(fresh(six), Asking({3: Requests(lr=0.5)}))))[3] == 0.5
    events = list(train(fresh(six), Asking({0: Requests(lr=0.5)})))
    assert events[0] == LrChanged(0, 0, before=one_cycle(1, 4, FAST.lr), lr=0.5)
    assert rates(events)[0] == 0.5


def test_a_plateau_goes_on_halving_the_rate_by_hand(six: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked([0.1] * 8, monkeypatch)
    training = fresh(six, epochs=8, lr=0.08, schedule="plateau", plateau_patience=2)
    found = rates(list(train(training, Asking({7: Requests(lr=0.5)}))))
    assert found == [0.08] * 6 + [0.04] * 1 + [0.5] * 3 + [0.25] * 4 + [0.125] * 2


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("hand", [None, 0.5])
def test_more_epochs_stretch_the_schedule_and_never_exceed_the_rate(
    six: Dataset, schedule: str, hand: float | None
) -> None:
    training = fresh(six, epochs=3, schedule=schedule)
    control = Asking({3: [Requests(lr=hand)], 5: [Requests(epochs=6)]})
    events = list(train(training, control))
    assert EpochsChanged(3, 5, before=3, epochs=6) in events
    found = rates(events)
    assert len(found) == 12
    assert max(found[3:]) <= (hand or FAST.lr)
    if hand is None:
        assert found[5:] == [optim.SCHEDULES[schedule].rate(step, 12, FAST.lr) for step in range(6, 13)]
    elif optim.SCHEDULES[schedule].decays:
        assert found[3] == hand
        assert found[-1] == pytest.approx(hand * 1e-4)


@pytest.mark.parametrize(("at", "asked", "total"), [(3, 1, 2), (3, 2, 2), (4, 1, 2), (1, 4, 4), (0, 1, 1)])
def test_fewer_epochs_end_the_run_after_the_one_it_is_in(six: Dataset, at: int, asked: int, total: int) -> None:
    training = fresh(six, epochs=5)
    events = list(train(training, Asking({at: Requests(epochs=asked)})))
    assert len(epochs(events)) == total
    assert [event.epochs for event in events if isinstance(event, EpochsChanged)] == [total]
    if at < 4:
        assert rates(events)[-1] == pytest.approx(FAST.lr * 1e-4), "the schedule is fitted to the new length"
    assert getattr(events[-1], "reason", "") == "completed"


def test_more_epochs_after_the_last_one_go_on(six: Dataset) -> None:
    events = list(train(fresh(six), Asking({4: [Requests(), Requests(epochs=3)]})))
    assert types(events) == [*["step", "step", "epoch"] * 2, "epochs_changed", "step", "step", "epoch", "finished"]


def test_what_cannot_be_obeyed_is_told_and_training_goes_on(six: Dataset) -> None:
    training, plain = fresh(six), fresh(six)
    events = list(train(training, Asking({1: Requests(refused=("The learning rate was not changed. ...",))})))
    assert events[1] == Warned("The learning rate was not changed. ...")
    assert told([event for event in events if event.type != "warning"]) == told(list(train(plain)))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_changes_survive_a_restart_bit_for_bit(six: Dataset, tmp_path: Path, schedule: str) -> None:
    settings: dict[str, Any] = {"schedule": schedule, "epochs": 3, "plateau_patience": 1}
    planned = {3: Requests(lr=0.05), 5: Requests(epochs=4)}
    whole = fresh(six, **settings)
    expected = told(list(train(whole, Asking(planned))))
    for after in (1, 2, 3):
        first = fresh(six, **settings)
        next(
            event
            for event in train(first, Asking(planned))
            if isinstance(event, EpochFinished) and event.epoch == after
        )
        second = fresh(six, **settings)
        second.restore(first.best_model().state_dict(), json_and_back(first.state()))
        later = {step: orders for step, orders in planned.items() if step > first.step}
        rest = told(list(train(second, Asking(later))))
        assert rest == expected[-len(rest) :]
        assert_equal(weights(second), weights(whole))
        timeless = {"seconds": 0}
        assert {**second.state().values, **timeless} == {**whole.state().values, **timeless}


def json_and_back(state: checkpoint.SavedState) -> checkpoint.SavedState:
    return checkpoint.SavedState(json.loads(json.dumps(state.values)), state.tensors)


# Going on with a run that is over -----------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_run_that_goes_on_from_its_state_equals_one_that_never_ended(
    six: Dataset, schedule: str, ema_decay: float
) -> None:
    settings: dict[str, Any] = {"schedule": schedule, "epochs": 3, "ema_decay": ema_decay, "plateau_patience": 1}
    whole = fresh(six, **settings)
    list(train(whole))
    stored, state = whole.best_model().state_dict(), json_and_back(whole.state())
    again = fresh(six, **settings)
    again.restore({name: tensor.clone() for name, tensor in stored.items()}, state)
    for training in (whole, again):
        training.begin_stage(2, None)
    expected = told(list(train(whole)))
    assert told(list(train(again))) == expected
    assert_equal(weights(again), weights(whole))
    assert [event.epoch for event in epochs(expected)] == [4, 5]
    stage = (
        [1.0] * 4
        if not optim.SCHEDULES[schedule].decays
        else [optim.SCHEDULES[schedule].rate(n, 4, 1.0) for n in (1, 2, 3, 4)]
    )
    assert rates(expected)[:2] == pytest.approx([FAST.lr * part for part in stage][:2])
    if schedule != "plateau":
        assert rates(expected) == pytest.approx([FAST.lr * part for part in stage])


def test_at_a_constant_rate_three_epochs_and_two_more_are_five(six: Dataset) -> None:
    plain = fresh(six, schedule="constant", epochs=5)
    expected = told(list(train(plain)))
    training = fresh(six, schedule="constant", epochs=3)
    events = list(train(training))[:-1]
    training.begin_stage(2)
    events += list(train(training))
    assert told(events) == expected
    assert_equal(weights(training), weights(plain))


def test_a_later_stage_takes_the_rate_it_is_given_and_forgets_the_one_set_by_hand(six: Dataset) -> None:
    training = fresh(six, schedule="cosine", epochs=2)
    list(train(training, Asking({2: [Requests(lr=0.7)]})))
    assert training.manual_lr_step == 3
    training.begin_stage(2, lr=0.25)
    assert rates(list(train(training))) == [optim.cosine(step, 4, 0.25) for step in (1, 2, 3, 4)]
    training.begin_stage(1)
    assert rates(list(train(training))) == [optim.cosine(step, 2, FAST.lr) for step in (1, 2)]
    assert training.stage == 3


def test_a_later_stage_has_its_patience_anew_and_the_best_so_far_to_beat(
    six: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked([0.5, 0.4, 0.4, 0.4, 0.4], monkeypatch)
    training = fresh(six, epochs=9, patience=2)
    assert getattr(list(train(training))[-1], "reason", "") == "early"
    assert training.epoch == 3
    training.begin_stage(6)
    events = list(train(training))
    assert [event.epoch for event in epochs(events)] == [4, 5]
    assert not any(event.best for event in epochs(events))
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert (end.reason, end.best_epoch, end.val_dice) == ("early", 1, 0.5)


def test_after_a_stop_within_an_epoch_the_next_one_follows(six: Dataset) -> None:
    """The epoch that was cut short counts, with the steps that it made."""
    training = fresh(six, epochs=5, schedule="cosine")
    list(train(training, Asking({3: Requests(stop=True)})))
    assert (training.epoch, training.step, training.skipped_steps) == (2, 3, 1)
    training.begin_stage(2)
    events = list(train(training))
    assert [(event.epoch, event.step) for event in events if isinstance(event, StepFinished)] == [
        (3, 4),
        (3, 5),
        (4, 6),
        (4, 7),
    ]
    assert rates(events) == [optim.cosine(step, 4, FAST.lr) for step in (1, 2, 3, 4)]


def test_weights_to_begin_with_are_those_that_train(six: Dataset) -> None:
    source = fresh(six, seed=5)
    for ema_decay in (0.0, 0.9):
        training = fresh(six, ema_decay=ema_decay)
        training.load_weights(weights(source))
        assert_equal(weights(training), weights(source))
        assert_equal(training.best_model().state_dict(), weights(source))
        next(train(training))
        assert not torch.equal(weights(training)["head.weight"], weights(source)["head.weight"])


def test_the_memory_is_told_with_each_step(six: Dataset) -> None:
    told_of = [event.memory_mb for event in train(fresh(six)) if isinstance(event, StepFinished)]
    assert all(memory is not None and 50 < memory < 100_000 for memory in told_of)


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_a_flat_schedule_warms_up_once(six: Dataset, schedule: str) -> None:
    training = fresh(six, schedule=schedule, epochs=100)
    assert training.lr_at(1) == FAST.lr / 10  # 5 % of 200 steps
    training.epoch, training.step = 100, 200
    training.begin_stage(100)
    assert training.lr_at(201) == training.lr_at(400) == FAST.lr
