"""Which channels a model takes: of a dataset, of another image, and what is refused."""

import dataclasses

import numpy as np
import pytest

from unet_core.config.schema import ModelConfig
from unet_core.errors import DataError, PredictionError
from unet_core.io.channels import Kind
from unet_core.models.channels import choose, resolve

RGB = Kind(3, ("red", "green", "blue"))
BANDS = Kind(4, ("red", "green", "blue", "nir"))
PAIR = Kind(2, ("DAPI", "GFP"))


def numbered(channels: int) -> np.ndarray:
    """Every pixel of a channel is the channel's number."""
    return np.broadcast_to(np.arange(channels, dtype=np.uint8), (4, 5, channels))


def taken(config: ModelConfig, kind: Kind) -> list[int]:
    """The numbers of the channels that the model gets of an image."""
    choice = choose(config, kind.number, kind.names)
    return choice.apply(numbered(kind.number))[0, 0].tolist()


@pytest.mark.parametrize(
    ("kinds", "settings", "number", "normalization"),
    [
        ([Kind(1)], {}, 1, "zscore"),
        ([Kind(3)], {}, 3, "zscore"),
        ([RGB], {}, 3, "zscore"),
        ([Kind(1), RGB], {}, 3, "zscore"),
        ([Kind(2)], {}, 2, "zscore_per_channel"),
        ([BANDS], {}, 4, "zscore_per_channel"),
        ([Kind(32)], {}, 32, "zscore_per_channel"),
        ([Kind(3, stacked=True)], {}, 3, "zscore_per_channel"),
        ([Kind(3, ("DAPI", "GFP", "RFP"))], {}, 3, "zscore_per_channel"),
        ([BANDS], {"channels": "0,1,2"}, 3, "zscore"),
        ([BANDS], {"channels": "0,1,3"}, 3, "zscore_per_channel"),
        ([BANDS], {"channels": "nir"}, 1, "zscore"),
        ([RGB], {"channels": "0,1"}, 2, "zscore_per_channel"),
        ([RGB, BANDS], {"channels": "0,1,2"}, 3, "zscore"),
        ([Kind(2)], {"normalization": "unit"}, 2, "unit"),
        ([RGB], {"normalization": "zscore_per_channel"}, 3, "zscore_per_channel"),
        ([RGB], {"in_channels": 1}, 1, "zscore"),
        ([Kind(2)], {"channels": "1", "in_channels": 3}, 3, "zscore_per_channel"),
    ],
)
def test_a_dataset_says_how_many_and_how_they_are_normalized(
    kinds: list[Kind], settings: dict, number: int, normalization: str
) -> None:
    files = {f"{index}.tif": kind for index, kind in enumerate(kinds)}
    config, told = resolve(ModelConfig(**settings), files)
    assert (config.in_channels, config.normalization) == (number, normalization)
    assert config.source_channels == tuple(sorted({kind.number for kind in kinds}))
    changed = config.normalization != settings.get("normalization", "zscore")
    assert [f"the {number} channels" in text and "zscore_per_channel" in text for text in told] == [True] * changed
    assert ModelConfig.from_dict(config.to_dict()) == config
    for kind in kinds:  # what was trained on can be predicted
        assert len(taken(config, kind)) == number
    again, notes = resolve(config, files)
    assert again == config, "a trained model stays as it is"
    changes_color = {(kind.number, number) for kind in kinds} & {(1, 3), (3, 1)} and not settings.get("channels")
    assert len(notes) == bool(changes_color)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [("0,2", [0, 2]), ("2,0", [2, 0]), ("nir,red", [3, 0]), ("NIR, 1", [3, 1]), ("3,2,1,0", [3, 2, 1, 0])],
)
def test_the_order_is_that_of_the_setting_in_training_and_in_prediction(channels: str, expected: list[int]) -> None:
    config, _ = resolve(ModelConfig(channels=channels), {"a.tif": BANDS})
    assert config.channels == ",".join(map(str, expected))
    assert taken(config, BANDS) == expected
    assert taken(config, Kind(4)) == expected, "without names the numbers count"
    mixed = Kind(5, ("blue", "nir", "green", "swir", "red"))
    assert [mixed.names[number] for number in taken(config, mixed)] == [BANDS.names[number] for number in expected]
    if len(expected) < 4:
        assert taken(config, Kind(len(expected))) == list(range(len(expected)))


def test_a_permuted_rgb_is_permuted_again_in_prediction() -> None:
    for kind in (Kind(3), RGB):
        config, _ = resolve(ModelConfig(channels="2,1,0"), {"a.png": kind})
        assert (config.in_channels, config.normalization) == (3, "zscore")
        assert taken(config, kind) == taken(config, Kind(3)) == taken(config, RGB) == [2, 1, 0]


def test_names_count_more_than_the_order() -> None:
    config, _ = resolve(ModelConfig(), {"a.tif": PAIR})
    assert config.channel_names == ("DAPI", "GFP")
    swapped = choose(config, 2, ("GFP", "DAPI"))
    assert (swapped.positions, swapped.note) == ((1, 0), "Channels taken by name: DAPI, GFP.")
    assert choose(config, 2, ("DAPI", "GFP")).note == choose(config, 2).note == ""
    other = choose(config, 2, ("488", "561"))
    assert other.positions is None
    assert "488, 561 were taken as DAPI, GFP, in this order" in other.note
    with pytest.raises(
        PredictionError, match=r"^cell\.tif: the model takes DAPI, GFP, .* \(GFP, RFP\), without DAPI\."
    ):
        choose(config, 2, ("GFP", "RFP"), "cell.tif")


def test_files_that_name_their_channels_in_another_order_are_read_by_name() -> None:
    files = {"a.tif": PAIR, "b.tif": Kind(2, ("GFP", "DAPI"))}
    for channels in ("", "DAPI,GFP"):
        config, told = resolve(ModelConfig(channels=channels), files)
        assert [taken(config, kind) for kind in files.values()] == [[0, 1], [1, 0]]
    assert "by name: DAPI, GFP" in resolve(ModelConfig(), files)[1][1]
    config, told = resolve(ModelConfig(), {"a.tif": PAIR, "b.tif": Kind(2, ("488", "561"))})
    assert config.channel_names == ()
    assert "in the order of the files" in told[1]


@pytest.mark.parametrize(
    ("kinds", "settings", "words"),
    [
        ([Kind(2), Kind(4)], {}, ["2 channels: 0.tif; 4 channels: 1.tif", 'setting channels, for example "0,1"']),
        ([Kind(1), Kind(2)], {}, ["1 channel: 0.tif", 'for example "0"']),
        ([Kind(1), Kind(3, ("a", "b", "c"))], {}, ["different numbers of channels"]),
        ([RGB, BANDS], {"channels": "nir"}, ["0.tif: there is no channel 'nir'; it has 0 red, 1 green, 2 blue."]),
        ([Kind(2)], {"channels": "0,2"}, ["there is no channel 2; it has 0 to 1, without names"]),
        ([Kind(1)], {"channels": "1"}, ["there is no channel 1; it has 0, without names"]),
        ([PAIR], {"channels": "0,DAPI"}, ["0, DAPI name one channel twice"]),
        ([BANDS], {"in_channels": 3}, ["takes 3 channels (RGB), but the image has 4", "Set in_channels to 4"]),
        ([Kind(2)], {"in_channels": 1}, ["takes 1 channel (gray), but the image has 2 channels"]),
    ],
)
def test_what_does_not_fit_names_files_channels_and_setting(
    kinds: list[Kind], settings: dict, words: list[str]
) -> None:
    with pytest.raises(DataError) as refusal:
        resolve(ModelConfig(**settings), {f"{index}.tif": kind for index, kind in enumerate(kinds)})
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_each_remedy_of_a_message_is_one() -> None:
    files = {"a.tif": Kind(2), "b.tif": Kind(4)}
    assert resolve(ModelConfig(channels="0,1"), files)[0].in_channels == 2
    assert resolve(ModelConfig(in_channels=4), {"a.tif": BANDS})[0].in_channels == 4
    assert resolve(ModelConfig(in_channels=3, channels="0,1,3"), {"a.tif": BANDS})[0].in_channels == 3


@pytest.mark.parametrize("number", [1, 3, 5])
def test_another_number_of_channels_is_refused(number: int) -> None:
    config, _ = resolve(ModelConfig(channels="0,2"), {"a.tif": Kind(4)})
    with pytest.raises(PredictionError) as refusal:
        choose(config, number)
    assert "The model takes 2 channels, or the channels 0,2 of 4, but the image has" in str(refusal.value)
    assert "Give it an image with 2 or 4 channels." in str(refusal.value)


def test_gray_and_rgb_become_one_another_and_that_is_told() -> None:
    gray, _ = resolve(ModelConfig(), {"a.png": Kind(1)})
    color, _ = resolve(ModelConfig(), {"a.png": RGB})
    assert taken(color, Kind(1)) == [0, 0, 0]
    assert "repeated" in choose(color, 1).note
    assert choose(gray, 3, RGB.names).apply(np.full((2, 2, 3), 9, np.uint8)).tolist() == [[[9], [9]]] * 2
    assert "luminance" in choose(gray, 3).note
    old = ModelConfig(in_channels=3)  # of a release that did not note what the files had
    assert taken(old, Kind(1)) == [0, 0, 0]
    for config in (resolve(ModelConfig(), {"a.tif": Kind(3, stacked=True)})[0], resolve(ModelConfig(), {"a": PAIR})[0]):
        with pytest.raises(PredictionError):
            choose(config, 1)
    for names in (("DAPI", "GFP", "RFP"),):
        with pytest.raises(
            PredictionError, match=r"1 channel \(gray\), but the image has 3 channels \(DAPI, GFP, RFP\)"
        ):
            choose(gray, 3, names)


def test_what_is_done_to_the_images_of_a_trained_model_is_told_with_their_names() -> None:
    config, _ = resolve(ModelConfig(), {"a.tif": PAIR})
    others = {"b.tif": Kind(2, ("GFP", "DAPI")), "c.tif": Kind(2), "d.tif": Kind(2, ("488", "561")), "e.tif": PAIR}
    assert resolve(config, others) == (
        config,
        [
            "b.tif: channels taken by name: DAPI, GFP.",
            "d.tif: the image's channels 488, 561 were taken as DAPI, GFP, in this order.",
        ],
    )


def test_names_of_another_number_of_channels_are_refused_in_a_config() -> None:
    config, _ = resolve(ModelConfig(), {"a.tif": PAIR})
    with pytest.raises(Exception, match="channel_names to name the 3 input channels"):
        dataclasses.replace(config, in_channels=3)
