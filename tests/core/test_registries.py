"""One entry is enough: a dummy in each registry is offered, trained with, saved and scored, without other changes."""

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.helpers.processes import ROOT, make_data, quick
from unet_core import losses, metrics
from unet_core.cli.parser import main
from unet_core.config import choices
from unet_core.config.choices import Registry
from unet_core.config.schema import RunConfig, all_fields
from unet_core.data import augmentation, layouts
from unet_core.evaluation.summary import ImageScore, summarize, to_csv
from unet_core.inference.predictor import load_predictor
from unet_core.metrics import Counts, Metric
from unet_core.models import layers
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.run import Run, RunState
from unet_core.training import optim, runner

NAME = "dummy_entry"
REGISTRIES = {name: value for name, value in vars(choices).items() if isinstance(value, Registry)}
calls: list[str] = []


def counted(value: Any) -> Any:
    """The value, noting that the dummy was asked for it."""
    calls.append(NAME)
    return value


def dummy_loss(logits: Tensor, target: Tensor) -> Tensor:
    return counted(losses.dice(logits, target))


ENTRIES: dict[str, tuple[str, dict[str, Any], Any]] = {  # by registry: the setting, the registry, its new entry
    "LOSSES": ("loss", losses.LOSSES, losses.Loss(dummy_loss, "a dummy", binary=True, multiclass=True)),
    "AUGMENTATIONS": (
        "augment",
        augmentation.AUGMENTATIONS,
        augmentation.Augmentation(lambda alb: counted([alb.VerticalFlip(p=1.0)]), "a dummy", flips_vertically=True),
    ),
    "NORMS": (
        "norm",
        layers.NORMS,
        layers.Norm(
            lambda channels: counted(nn.BatchNorm2d(channels)),
            "a dummy",
            has_parameters=True,
            has_buffers=True,
            is_local=True,
        ),
    ),
    "ACTIVATIONS": ("activation", layers.ACTIVATIONS, layers.Activation(lambda: counted(nn.Tanh()), "a dummy")),
    "DOWNS": (
        "down",
        layers.DOWNS,
        layers.Down(lambda before, after: counted(nn.Conv2d(before, after, 2, stride=2)), "a dummy", is_learned=True),
    ),
    "UPS": (
        "up",
        layers.UPS,
        layers.Up(lambda before, after: counted(nn.Upsample(scale_factor=2)), "a dummy", is_learned=False),
    ),
    "OPTIMIZERS": (
        "optimizer",
        optim.OPTIMIZERS,
        optim.OptimizerKind(lambda weights, lr, decay, fused: counted(torch.optim.Adagrad(weights, lr)), "a dummy"),
    ),
    "LAYOUTS": (
        "layout",
        layouts.LAYOUTS,
        layouts.Layout(lambda root: counted(layouts.paired(root)), "a dummy"),
    ),
    "SCHEDULES": (
        "schedule",
        optim.SCHEDULES,
        optim.Schedule(lambda step, total, peak: counted(peak / step), "a dummy"),
    ),
}
every_registry = pytest.mark.parametrize("registry", ENTRIES)


@pytest.fixture
def setting(registry: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting that chooses from a registry, which has a dummy entry for this test."""
    name, entries, entry = ENTRIES[registry]
    monkeypatch.setitem(entries, NAME, entry)
    calls.clear()
    return name


def train_here(run: Run) -> Run:
    log = EventLog(run.events)
    run.beat()
    try:
        runner.run_to_end(run, log)
    finally:
        log.close()
    return run


def test_every_registry_of_the_settings_is_walked() -> None:
    assert set(REGISTRIES) == set(ENTRIES)
    for name, (_, entries, _) in ENTRIES.items():
        assert [key for key in REGISTRIES[name] if key != "auto"] == list(entries)
        assert all(REGISTRIES[name].values())
        assert len(REGISTRIES[name]) == len(list(REGISTRIES[name]))


@every_registry
def test_a_new_entry_is_offered(registry: str, setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the fields, of which menus are made, by the error for a wrong name and by the command line."""
    (option,) = (option for option in all_fields() if option.name == setting)
    assert option.choices is not None
    assert option.choices[NAME] == "a dummy"
    assert NAME in option.bounds
    assert getattr(getattr(RunConfig().replace(**{setting: NAME}), option.section), setting) == NAME
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert NAME in capsys.readouterr().out


@every_registry
def test_a_new_entry_trains_is_saved_and_predicts(registry: str, setting: str, tmp_path: Path) -> None:
    config = quick(make_data(tmp_path / "data", 5), epochs=1, **{setting: NAME})
    run = train_here(runs.create(tmp_path / "runs", config))
    assert run.state() is RunState.FINISHED
    assert calls
    (section,) = (option.section for option in all_fields() if option.name == setting)
    assert getattr(getattr(run.config, section), setting) == NAME
    predictor, warning = load_predictor(run.best, "cpu", "fp32")
    assert warning == ""
    assert predictor.predict(np.zeros((20, 30), np.uint8)).mask().shape == (20, 30)


def test_settings_read_names_and_descriptions_without_torch_or_numpy() -> None:
    """A queued run is a process that waits with the settings alone, and a page draws the menus at once."""
    program = (
        "import sys\n"
        "from unet_core.config.schema import RunConfig, all_fields\n"
        "RunConfig()\n"
        "assert all(dict(option.choices) for option in all_fields() if option.choices is not None)\n"
        "print(*sorted({'torch', 'numpy', 'cv2', 'albumentations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def specificity(counts: Counts) -> np.ndarray:
    return counts.tn / (counts.tn + counts.fp)


def test_a_new_metric_is_in_every_summary_and_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(metrics.METRICS, NAME, Metric(specificity, "TN / (TN + FP)"))
    counts = Counts(*(np.array([value], np.float64) for value in (6, 2, 2, 6)))
    summary = summarize([ImageScore("a", "val", counts)])
    assert (summary.mean[NAME], summary.pooled[NAME]) == (0.75, 0.75)
    (row,) = csv.DictReader(to_csv([ImageScore("a", "val", counts)]).splitlines())
    assert float(row[NAME]) == 0.75

    data = make_data(tmp_path / "data", 5)
    run = train_here(runs.create(tmp_path / "runs", quick(data, epochs=1)))
    where = ["--runs-dir", str(tmp_path / "runs"), "--device", "cpu", "--output", str(tmp_path / "scores.csv")]
    assert main(["evaluate", run.id, str(data), "--split", "all", *where]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    with (tmp_path / "scores.csv").open() as file:
        values = [float(row[NAME]) for row in csv.DictReader(file)]
    assert result[f"mean_{NAME}"] == pytest.approx(np.mean(values), abs=1e-6)
    assert 0 <= result[f"pooled_{NAME}"] <= 1


def test_facts_are_what_the_layers_do() -> None:
    """What an entry says of itself is so: parameters, buffers, the sizes."""
    for name, norm in layers.NORMS.items():
        layer = norm.build(8)
        assert bool(list(layer.parameters())) == norm.has_parameters, name
        assert bool(list(layer.buffers())) == norm.has_buffers, name
    for name, down in layers.DOWNS.items():
        layer = down.build(4, 4)
        assert layer(torch.zeros(1, 4, 6, 8)).shape == (1, 4, 3, 4), name
        assert bool(list(layer.parameters())) == down.is_learned, name
    for name, up in layers.UPS.items():
        layer = up.build(4, 2)
        assert layer(torch.zeros(1, 4, 3, 4)).shape == (1, 2 if up.is_learned else 4, 6, 8), name
        assert bool(list(layer.parameters())) == up.is_learned, name


@pytest.mark.parametrize("preset", augmentation.AUGMENTATIONS)
def test_augmentations_say_truly_whether_they_turn_upside_down(preset: str) -> None:
    """A bright upper half: whether it is ever found below."""
    image = np.zeros((32, 32, 1), np.uint8)
    image[:16] = 200
    augment = augmentation.Augment(preset)
    shares = [augment(image, image[:, :, 0], seed)[0][16:].mean() for seed in range(40)]
    assert (max(shares) > 150) == augmentation.AUGMENTATIONS[preset].flips_vertically


def test_entries_are_frozen() -> None:
    for _, _, entry in ENTRIES.values():
        with pytest.raises(dataclasses.FrozenInstanceError):
            entry.description = "another"
