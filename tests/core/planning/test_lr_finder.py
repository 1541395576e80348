"""The learning-rate range test: what a curve says, and that the training is left as it was."""

import numpy as np
import pytest
import torch

from unet_core.config.schema import RunConfig
from unet_core.errors import TrainingError
from unet_core.planning import lr_finder, trial
from unet_core.planning.report import LrRange, Progress

RATES = np.geomspace(1e-5, 1, 100)


def curve(lowest: float = 1e-1) -> np.ndarray:
    """1 at first, falling around a twentieth of `lowest`, rising after it."""
    place = np.log10(RATES / lowest)
    return 1 - 0.7 / (1 + np.exp(-6 * (place + 1))) + np.where(place > 0, 2 * place, 0)


def test_a_tenth_of_the_lowest_is_suggested():
    noise = np.random.default_rng(0).normal(0, 0.02, 100)
    found = lr_finder.suggest(RATES, curve() + noise, "diverged", 1.0)
    assert 0.03 < found.lowest < 0.15
    assert found.steepest == pytest.approx(0.01, rel=0.6)
    assert found.suggestion == pytest.approx(found.lowest / 10, rel=0.15)
    assert len(found.rates) == len(found.losses) == 100


@pytest.mark.parametrize("losses", [np.linspace(1, 2, 100), np.ones(100), np.ones(4), np.ones(0)], ids=len)
def test_nothing_is_suggested_where_the_loss_never_fell(losses):
    found = lr_finder.suggest(RATES[: len(losses)], losses, "end", 1.0)
    assert (found.steepest, found.lowest, found.suggestion) == (None, None, None)


def test_a_loss_that_runs_away_is_noticed_and_one_that_falls_is_not():
    falling, rising = [1 - 0.01 * n for n in range(30)], [0.7 + 0.05 * n for n in range(30)]
    assert not any(lr_finder._diverged(falling[:n]) for n in range(31))
    ends = [n for n in range(61) if lr_finder._diverged((falling + rising)[:n])]
    assert ends and 35 < ends[0] < 50


@pytest.fixture
def tried(sample_folder, tmp_path):
    small = {"base_channels": 2, "depth": 1, "image_size": 32, "batch_size": 4, "ema_decay": 0.9}
    return trial.prepare(RunConfig().replace(root=str(sample_folder), **small), tmp_path)


def test_the_training_is_left_as_it_was(tried):
    training = tried.training
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    average = {name: value.clone() for name, value in training.average.state_dict().items()}
    told = list(lr_finder.measure(tried, seconds=0.0))
    assert isinstance(told[-1], LrRange) and all(isinstance(item, Progress) for item in told[:-1])
    assert len(told[-1].rates) == lr_finder.FEWEST_STEPS or told[-1].ended_by == "diverged"
    for kept, now in ((before, training.model), (average, training.average)):
        assert all(torch.equal(kept[name], value) for name, value in now.state_dict().items())
    assert training.step == 0 and not training.recent and not training.optimizer.state_dict()["state"]


def test_a_loss_that_is_not_finite_ends_it_and_leaves_the_weights(tried, monkeypatch):
    before = {name: value.clone() for name, value in tried.training.model.state_dict().items()}
    step = lr_finder.make_step

    def bursting(training, batch, lr):
        if lr > 0.01:
            raise TrainingError("The loss is nan")
        return step(training, batch, lr)

    monkeypatch.setattr(lr_finder, "make_step", bursting)
    found = list(lr_finder.measure(tried, seconds=0.0))[-1]
    assert found.ended_by == "diverged" and max(found.rates) <= 0.01
    assert all(torch.equal(before[name], value) for name, value in tried.training.model.state_dict().items())
