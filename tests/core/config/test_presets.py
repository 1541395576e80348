"""Every preset is a run that learns: settings that fit together, a falling loss, a mask of the right size."""

import math

import numpy as np
import pytest

from unet_core.config.presets import FOUR, PRESETS, get_preset
from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery
from unet_core.errors import ConfigError
from unet_core.training.loop import train
from unet_core.training.state import TrainerState


def test_the_default_preset_changes_nothing():
    assert get_preset("default") == RunConfig()
    assert all(get_preset(name) != RunConfig() for name in PRESETS if name != "default")


@pytest.mark.parametrize("name", ["MP_Tr_BCE", "mp-tr-bce", "MP-TR-BCE"])
def test_names_are_read_as_the_reference_project_writes_them(name):
    assert get_preset(name) == get_preset("mp-tr-bce")


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"Unknown preset 'mp_tr'; available: default, paper-2015"):
        get_preset("mp_tr")


def test_the_four_differ_in_exactly_what_their_names_say():
    kinds = {name: (p.model.down, p.model.up, p.train.loss) for name in FOUR for p in [get_preset(name)]}
    assert kinds == {
        "mp-tr-bce": ("maxpool", "transposed", "bce"),
        "mp-tr-dice": ("maxpool", "transposed", "dice"),
        "strconv-tr-bce": ("strided_conv", "transposed", "bce"),
        "strconv-ups-dice": ("strided_conv", "bilinear", "dice"),
    }
    same = [get_preset(name).replace(down="maxpool", up="transposed", loss="bce") for name in FOUR]
    assert same[0] == same[1] == same[2] == same[3]


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_learns_and_predicts(name, sample_folder):
    """With fewer channels, since the widths are not what a preset can get wrong."""
    config = get_preset(name).replace(root=str(sample_folder), base_channels=4, epochs=2, crops_per_image=8, seed=1)
    if config.model.padding == "valid":
        config = config.replace(crops_per_image=2, batch_size=1)
    else:
        config = config.replace(batch_size=8)
    found = discovery.find(sample_folder)
    pictures = dataset.load_dataset(found, config.data, config.model)
    assert not pictures.skipped
    ids = tuple(sample.id for sample in found)
    training = TrainerState(
        RunConfig(config.data, pictures.model, config.train), pictures.subset(ids[:6]), pictures.subset(ids[6:])
    )
    losses, epochs = [], []
    for event in train(training):
        if event.type == "step":
            losses.append(event.loss)
        elif event.type == "epoch":
            epochs.append(event)
    assert all(map(math.isfinite, losses))
    assert epochs[1].train_loss < epochs[0].train_loss
    image = pictures[0].image
    mask = training.predictor.mask(image)
    assert mask.shape == image.shape[:2]
    assert set(np.unique(mask).tolist()) <= {0, 1}
