"""Which channels of an image a model takes: found once for a dataset, and the same again for an image to predict.

| the image has | the model gets |
|---|---|
| channels with the names of the model's | those, by name |
| as many as the training files had | those of the setting `channels` |
| as many as the model takes | them as they are |
| one, and the model takes RGB | it three times |
| RGB, and the model takes gray | its luminance |
| anything else | an error: no channel is dropped or repeated in silence |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unet_core.config.channels import parse_channels
from unet_core.config.schema import ModelConfig
from unet_core.errors import DataError, MisfitError, PredictionError, listing
from unet_core.io.channels import Kind, are_colors
from unet_core.io.filenames import readable
from unet_core.io.pixels import Pixels, with_channels

GRAY_AND_COLOR = {1, 3}


@dataclass(frozen=True)
class Choice:
    """What becomes of an image's channels: those at `positions` (None: all as they are), then `number` of them."""

    positions: tuple[int, ...] | None
    number: int
    note: str = ""

    def apply(self, image: Pixels) -> Pixels:
        """(H, W, C) to (H, W, number)."""
        if self.positions is not None and self.positions != tuple(range(image.shape[2])):
            image = np.ascontiguousarray(image[:, :, list(self.positions)])
        return with_channels(image, self.number)


def resolve(config: ModelConfig, files: Mapping[str, Kind]) -> tuple[ModelConfig, list[str]]:
    """The settings with what training files, by name, tell of the channels, and sentences a user should know.

    `in_channels` is filled in, `channels` becomes numbers, `source_channels` and `channel_names` are found, and the
    normalization "zscore" of channels that are unlike becomes "zscore_per_channel". Of a trained model all stays as it
    is. Raises DataError where files have not the channels that are asked for or differ in number.
    """
    if not files:  # none can be read, which is said when they are read
        return replace(config, in_channels=config.channels_or(1)), []
    if config.source_channels:
        choices = {name: _chosen(config, kind) for name, kind in files.items()}
        _refuse(choices, "Leave them out.")
        return config, _notes(choices)
    kinds = set(files.values())
    source = tuple(sorted({kind.number for kind in kinds}))
    entries = parse_channels(config.channels)
    if entries:
        picks = {name: _positions(entries, kind) for name, kind in files.items()}
        _refuse(picks, "Correct the setting channels, or leave these images out.")
        positions = sorted({pick for pick in picks.values() if not isinstance(pick, str)})
        named = {tuple(kind.names[place] for place in positions[0]) for kind in kinds if kind.names}
        if len(positions) == 1:  # else they are taken by name, which `channels` then says
            config = replace(config, channels=",".join(map(str, positions[0])))
        else:
            named = {tuple(_stored_names(entries, kind)) for kind in kinds}
    else:
        _refuse_mixed(files)
        named = {kind.names for kind in kinds}
    alike = len({frozenset(names) for names in named}) == 1
    names = min(named) if alike else ()
    number = config.in_channels or len(entries) or max(source)
    is_known = len(names) == number and source != (1,) and (entries or not are_colors(names))
    if config.normalization == "imagenet" and number != 3:
        raise DataError(
            f"The images have {number} channel{'s' * (number > 1)}, but normalization 'imagenet' is that of RGB. Set "
            "in_channels to 3 (grayscale fills all three), or choose another normalization."
        )
    config = replace(config, in_channels=number, source_channels=source, channel_names=names if is_known else ())
    remedy = f"Set in_channels to {max(source)} (0 = detected), or choose {number} with the setting channels."
    _refuse({name: _chosen(config, kind) for name, kind in files.items()}, remedy)
    messages = []
    is_color = all(kind.is_color for kind in kinds) or (len(names) == 3 and are_colors(names))
    if number > 1 and not (number == 3 and is_color) and config.normalization == "zscore":
        config = replace(config, normalization="zscore_per_channel")
        which = f" ({_listed(names)})" if names else ""
        messages.append(f"Each of the {number} channels{which} is normalized by itself (zscore_per_channel).")
    if len(named) > 1 and not is_color:
        how = f"by name: {_listed(names)}" if names else "in the order of the files"
        messages.append(f"The channels are named differently from file to file; they are taken {how}.")
    return config, messages


def choose(config: ModelConfig, number: int, names: Sequence[str] = (), label: str = "") -> Choice:
    """What a model takes of an image with that many channels, of those names; `label` is the image's, for the message.

    Raises PredictionError where it cannot take it.

    >>> choose(ModelConfig(in_channels=2, channels="0,3", source_channels=(4,)), 4).positions
    (0, 3)
    """
    choice = _chosen(config, Kind(number, tuple(names)))
    if isinstance(choice, str):
        numbers = sorted({config.in_channels, *config.source_channels})
        choice = choice if not label else choice[0].lower() + choice[1:]
        remedy = f"Give it an image with {' or '.join(map(str, numbers))} channels."
        raise PredictionError(f"{label}{': ' * bool(label)}{choice}. {remedy.replace(' 1 channels', ' 1 channel')}")
    return choice


def fits(config: ModelConfig, kind: Kind) -> bool:
    """Whether a model takes an image with such channels."""
    return isinstance(_chosen(config, kind), Choice)


def _chosen(config: ModelConfig, kind: Kind) -> Choice | str:
    """The choice, or why there is none."""
    number, names = kind.number, kind.names
    takes = config.in_channels
    by_name = [name for name in config.channel_names if name in names]
    has_colors = are_colors(config.channel_names) and are_colors(names)
    if by_name and len(by_name) < len(config.channel_names) and not has_colors:
        missing = _listed([name for name in config.channel_names if name not in names])
        return f"The model takes {_listed(config.channel_names)}, but the image has {kind}, without {missing}"
    if by_name and len(by_name) == len(config.channel_names):
        positions = tuple(names.index(name) for name in config.channel_names)
        usual = (number in config.source_channels and _numbers(config)) or tuple(range(number))
        note = "" if positions == usual else f"Channels taken by name: {_listed(by_name)}."
        return Choice(positions, takes, note)
    numbers = _numbers(config)
    if numbers and number in config.source_channels and max(numbers) < number:
        return Choice(numbers, takes)
    if number == takes:
        unknown = names and config.channel_names and number > 1 and not has_colors
        note = f"The image's channels {_listed(names)} were taken as {_listed(config.channel_names)}, in this order."
        return Choice(None, takes, note if unknown else "")
    takes_color = set(config.source_channels) <= GRAY_AND_COLOR and are_colors(config.channel_names)
    if takes_color and (number, takes) == (1, 3) and config.normalization != "zscore_per_channel":
        return Choice(None, takes, "The image is gray; its channel was repeated for the model's RGB.")
    if takes_color and (number, takes) == (3, 1) and are_colors(names) and not numbers:
        return Choice(None, takes, "The image is in color; the model gets its luminance.")
    return f"The model takes {_asked(config)}, but the image has {kind}"


def _numbers(config: ModelConfig) -> tuple[int, ...]:
    """The setting `channels` where it is of numbers alone."""
    entries = parse_channels(config.channels)
    numbers = tuple(entry for entry in entries if isinstance(entry, int))
    return numbers if len(numbers) == len(entries) else ()


def _positions(entries: Sequence[int | str], kind: Kind) -> tuple[int, ...] | str:
    """Where the entries of `channels` are in a file, or why not."""
    small = [name.lower() for name in kind.names]
    positions = []
    for entry in entries:
        if isinstance(entry, int) and entry < kind.number:
            positions.append(entry)
        elif isinstance(entry, str) and entry in kind.names:
            positions.append(kind.names.index(entry))
        elif isinstance(entry, str) and small.count(entry.lower()) == 1:
            positions.append(small.index(entry.lower()))
        else:
            named = _listed([f"{position} {name}" for position, name in enumerate(kind.names)])
            numbered = f"{'0 to ' * (kind.number > 1)}{kind.number - 1}, without names"
            return f"there is no channel {entry!r}; it has {named or numbered}"
    if len(set(positions)) < len(positions):
        return f"{_listed([str(entry) for entry in entries])} name one channel twice"
    return tuple(positions)


def _stored_names(entries: Sequence[int | str], kind: Kind) -> list[str]:
    """The names in a file of the entries of `channels`, [] where it has none."""
    positions = _positions(entries, kind)
    return [] if isinstance(positions, str) or not kind.names else [kind.names[place] for place in positions]


def _notes(choices: Mapping[str, Choice | str]) -> list[str]:
    """What is to be said of the choices, by file, each sentence once with the files that it is about."""
    by_note: dict[str, list[str]] = {}
    for name, choice in choices.items():
        if isinstance(choice, Choice) and choice.note:
            by_note.setdefault(choice.note, []).append(readable(name.rpartition("/")[2]))
    return [f"{listing(names, 3)}: {note[0].lower()}{note[1:]}" for note, names in by_note.items()]


def _refuse(answers: Mapping[str, object], remedy: str) -> None:
    """Raise DataError where an answer, by file, is a problem in words; files with the same problem are named once."""
    by_problem: dict[str, list[str]] = {}
    for name, answer in answers.items():
        if isinstance(answer, str):
            by_problem.setdefault(answer, []).append(name)
    if by_problem:
        parts = [f"{listing(names, 3)}: {problem[0].lower()}{problem[1:]}" for problem, names in by_problem.items()]
        raise MisfitError(f"The channels do not fit. {listing(parts, 3, between='; ')}. {remedy}")


def _refuse_mixed(files: Mapping[str, Kind]) -> None:
    """Raise DataError where files differ in the number of channels, but for gray beside RGB."""
    by_number: dict[int, list[str]] = {}
    for name, kind in files.items():
        by_number.setdefault(kind.number, []).append(name)
    colors_only = all(kind.is_color for kind in files.values())
    if len(by_number) == 1 or (by_number.keys() <= GRAY_AND_COLOR and colors_only):
        return
    parts = "; ".join(f"{number} channels: {listing(names, 3)}" for number, names in sorted(by_number.items()))
    shared = ",".join(map(str, range(min(by_number))))
    raise DataError(
        f"The images have different numbers of channels. {parts.replace('1 channels', '1 channel')}. Choose those that "
        f'all have with the setting channels, for example "{shared}", or take the others out of the folder.'
    )


def _asked(config: ModelConfig) -> str:
    words = str(Kind(config.in_channels, config.channel_names))
    if config.in_channels in GRAY_AND_COLOR and not config.channel_names and not config.channels:
        words += " (gray)" if config.in_channels == 1 else " (RGB)"
    if config.channels:
        source = " or ".join(map(str, config.source_channels)) or "more"
        words += f", or the channels {config.channels} of {source}"
    return words


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
