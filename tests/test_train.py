"""The training loop: it learns, tells so in a fixed order, repeats and resumes bit for bit, and stops well."""

import itertools
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

from unet_core import checkpoint, images
from unet_core.config import LOSSES, DataConfig, ModelConfig, RunConfig, TrainConfig
from unet_core.data import Pictures, load
from unet_core.errors import TrainingError
from unet_core.evaluation import ImageScore, evaluate, summarise
from unet_core.events import EpochFinished, Event, RunFinished, StepFinished, Warned, encode
from unet_core.inference import Predictor
from unet_core.losses import BINARY
from unet_core.samples import Sample, find
from unet_core.train import FIRST_LR, LAST_LR, Training, learning_rate, train, validate

Array = NDArray[np.uint8]
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
        (root / "images" / f"{number}.png").write_bytes(images.encode_png(image))
        (root / "masks" / f"{number}.png").write_bytes(images.encode_png(mask))
    return find(root)


def pictures(root: Path, pairs: list[tuple[Array, Array]], model: ModelConfig = TINY, **data: Any) -> Pictures:
    return load(folder(root, pairs), DataConfig(**data), model)[0]


def fresh(found: Pictures, held_back: int = 2, **settings: Any) -> Training:
    """A training on all pictures but the last `held_back`."""
    ids = [sample.id for sample in found.samples]
    cut = len(ids) - held_back
    config = RunConfig(model=found.model, train=replace(FAST, **settings))
    return Training(config, found.subset(tuple(ids[:cut])), found.subset(tuple(ids[cut:])))


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Six binary pictures: 4 to train on (2 steps an epoch) and 2 to validate on."""
    return pictures(tmp_path_factory.mktemp("six"), [blobs(number) for number in range(6)])


def weights(training: Training) -> dict[str, Tensor]:
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
    found = load(find(sample_folder), DataConfig(), model)[0]
    training = fresh(found, epochs=6, batch_size=8, crops_per_image=6, lr=0.03)
    judged = epochs(list(train(training)))
    assert judged[-1].train_loss < 0.6 * judged[0].train_loss
    assert judged[-1].val_loss < judged[0].val_loss
    assert max(event.val_dice for event in judged) > judged[0].val_dice + 0.2
    assert training.best_dice > 0.7


def test_it_learns_several_classes_and_passes_over_ignored_pixels(tmp_path: Path) -> None:
    pairs = [blobs(number, classes=3) for number in range(6)]
    for _, mask in pairs:
        mask[:5] = 9
    found = pictures(tmp_path, pairs, replace(TINY, base_channels=4), ignore_index=9)
    assert found.model.num_classes == 3
    training = fresh(found, epochs=12, lr=0.05)
    judged = epochs(list(train(training)))
    assert all(math.isfinite(event.train_loss) for event in judged)
    assert training.best_dice > max(0.6, judged[0].val_dice)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "auto"])
def test_every_loss_falls(name: str, six: Pictures, tmp_path: Path) -> None:
    found = six if name in BINARY else pictures(tmp_path, [blobs(number, classes=3) for number in range(6)])
    judged = epochs(list(train(fresh(found, loss=name, epochs=5))))
    assert judged[-1].train_loss < judged[0].train_loss


# What it tells ------------------------------------------------------------------------------------------------------


def test_events_come_in_this_order_with_these_numbers(six: Pictures) -> None:
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
            assert event.lr == learning_rate(event.step, 4, FAST.lr)
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


def test_steps_are_told_as_they_are_made(six: Pictures) -> None:
    training = fresh(six)
    before = weights(training)
    running = train(training)
    assert isinstance(next(running), StepFinished)
    assert training.step == 1
    assert not torch.equal(weights(training)["head.weight"], before["head.weight"])


def test_scores_told_are_those_of_the_evaluation(six: Pictures) -> None:
    """The validation of the loop and the evaluation of a finished model give the same numbers."""
    training = fresh(six, epochs=3)
    last = epochs(list(train(training)))[-1]
    chosen = {"val": training.val_pictures.samples}
    predictor = Predictor(training.model, training.device, "fp32")
    scores = [item for item in evaluate(predictor, chosen, DataConfig()) if isinstance(item, ImageScore)]
    assert len(scores) == 2
    assert summarise(scores).mean_dice == pytest.approx(last.val_dice, abs=1e-12)
    assert summarise(scores).mean_iou == pytest.approx(last.val_iou, abs=1e-12)


def test_validating_changes_nothing_and_repeats(six: Pictures) -> None:
    training = fresh(six)
    training.model.train()
    before = weights(training)
    assert validate(training) == validate(training)
    assert_equal(weights(training), before)
    assert training.model.training


# The same again -----------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_runs_and_others_do_not(six: Pictures) -> None:
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
@pytest.mark.parametrize("augment", ["flips", "light"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    six: Pictures, tmp_path: Path, after: int, augment: str
) -> None:
    settings = {"epochs": 4, "augment": augment, "seed": 7}
    whole = fresh(six, **settings)
    expected = told(list(train(whole)))

    first = fresh(six, **settings)
    before: list[Event] = []
    for event in train(first):
        before.append(event)
        if isinstance(event, EpochFinished) and event.epoch == after:
            checkpoint.save_checkpoint(tmp_path / "last", first.model, first.state())
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


def test_a_finished_run_taken_up_again_only_says_that_it_is_finished(six: Pictures) -> None:
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
def test_a_stop_is_obeyed_after_the_step_and_the_epoch_is_judged(six: Pictures, after: int, types: list[str]) -> None:
    training = fresh(six, epochs=5)
    events = list(train(training, should_stop=lambda: training.step >= after))
    assert [event.type for event in events] == types
    epoch, end = events[-2], events[-1]
    assert isinstance(epoch, EpochFinished)
    assert isinstance(end, RunFinished)
    assert epoch.step == after
    assert epoch.val_dice is not None
    assert math.isfinite(epoch.train_loss)
    assert end.reason == "stopped"
    assert end.best_epoch in (1, epoch.epoch)


# When it cannot go on -----------------------------------------------------------------------------------------------


def failing_at(number: int, failure: Callable[[Tensor], Tensor], training: Training) -> None:
    """Plant a loss that fails at its n-th call."""
    loss, calls = training.loss, []

    def planted(logits: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        value = loss(logits, target)
        return failure(value) if len(calls) == number else value

    training.loss = planted


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_before_it_spoils_the_weights(six: Pictures, value: float) -> None:
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
    named = message.partition("The batch: ")[2].partition(". Try")[0].split(", ")
    assert named == sorted(set(named))
    assert 1 <= len(named) <= 4
    assert set(named) <= {"0", "1", "2", "3"}
    for name, parameter in training.model.named_parameters():
        assert torch.equal(parameter, seen[name]), name
        assert parameter.isfinite().all(), name


def out_of_memory(loss: Tensor) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def no_memory(loss: Tensor) -> Tensor:
    raise MemoryError("cannot allocate")


@pytest.mark.parametrize("failure", [out_of_memory, no_memory])
@pytest.mark.parametrize(("batch_size", "smaller"), [(4, 2), (1, 1)])
def test_no_memory_left_names_a_smaller_batch(
    six: Pictures, failure: Callable[[Tensor], Tensor], batch_size: int, smaller: int
) -> None:
    training = fresh(six, batch_size=batch_size)
    failing_at(2, failure, training)
    with pytest.raises(
        TrainingError, match=f"batch_size {batch_size} and image_size 16; try batch_size {smaller}.* all"
    ):
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
    assert "No image is held back" in events[0].message
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


@pytest.mark.parametrize("loss", ["auto", *BINARY])
def test_masks_that_are_all_background_give_no_nan(tmp_path: Path, loss: str) -> None:
    pairs = [(image, np.zeros_like(mask)) for image, mask in (blobs(number) for number in range(4))]
    events = list(strict(list(train(fresh(pictures(tmp_path, pairs), loss=loss, epochs=4)))))
    assert all(math.isfinite(value) for value in steps(events))
    judged = epochs(events)
    assert all(math.isfinite(event.train_loss) and math.isfinite(event.val_loss) for event in judged)
    best = [event for event in judged if event.best][-1]
    assert best.val_loss == min(event.val_loss for event in judged), "with nothing to find the loss decides"


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
    assert all(tensor.isfinite().all() for tensor in weights(training).values())


def test_one_ignored_image_among_others_does_not_count(tmp_path: Path) -> None:
    pairs = [blobs(number) for number in range(5)]
    with_ignored = [*pairs, (pairs[0][0], np.full_like(pairs[0][1], 9))]
    some = fresh(pictures(tmp_path / "a", with_ignored, ignore_index=9), held_back=2)
    without = fresh(pictures(tmp_path / "b", pairs, ignore_index=9), held_back=1)
    assert validate(some).dice == validate(without).dice
    assert validate(some).iou == validate(without).iou


# The learning rate --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, 10, 100, 333, 1000])
@pytest.mark.parametrize("peak", [0.01, 1.0])
def test_learning_rate_rises_to_its_peak_and_falls_to_almost_nothing(total: int, peak: float) -> None:
    rates = [learning_rate(step, total, peak) for step in range(1, total + 1)]
    top = max(range(total), key=rates.__getitem__)
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rates)
    assert all(before < after for before, after in itertools.pairwise(rates[: top + 1]))
    assert all(before >= after - 1e-12 * peak for before, after in itertools.pairwise(rates[top:]))
    assert rates[top] > 0.75 * peak
    assert abs(top + 1 - max(1, 0.3 * total)) <= 1
    assert sum(rate >= 0.999999 * peak for rate in rates) <= max(1, total // 100)
    if total > 1:
        assert rates[-1] == pytest.approx(LAST_LR * peak)


def test_learning_rate_by_hand() -> None:
    assert learning_rate(1, 1, 0.5) == 0.5
    assert learning_rate(30, 100, 0.5) == 0.5
    assert learning_rate(15, 100, 1.0) == pytest.approx((FIRST_LR + 1) / 2)  # half the way up a cosine
    assert learning_rate(65, 100, 1.0) == pytest.approx((LAST_LR + 1) / 2)
    assert learning_rate(100, 100, 1.0) == pytest.approx(LAST_LR)
    assert learning_rate(1, 1000, 1.0) == pytest.approx(FIRST_LR, abs=1e-4)
