"""Files that hold a channel each (nnU-Net's case_0000, case_0001), put together to the images that a model takes.

Names alone do not say it, since frames of a video end in the same way: files are put together only where one of them
alone is not what the model takes and all of them together are.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from unet_core.config.schema import ModelConfig
from unet_core.errors import ImageError, listing
from unet_core.inference.inputs import Inputs, Item
from unet_core.io import channels
from unet_core.io.channels import Kind
from unet_core.io.filenames import fold_case, suffix_of
from unet_core.models.channels import fits

ENDING = re.compile(r"(?P<case>.+)_(?P<number>\d{4})")
MOST_NAMED = 3


def group(
    stems: Sequence[str], describe: Callable[[Sequence[int]], Kind], config: ModelConfig
) -> dict[tuple[int, ...], str]:
    """The positions of the files of each image, in their order, and what each image is called.

    `stems` are the names of the files without their suffix; `describe` says what the channels of some files are
    together, by their positions, or raises ImageError.

    >>> config = ModelConfig(in_channels=2, source_channels=(2,))
    >>> group(["a_0001", "b", "a_0000"], lambda files: Kind(len(files)), config)
    {(2, 0): 'a', (1,): 'b'}
    """
    cases: dict[str, dict[int, int]] = {}
    for position, stem in enumerate(stems):
        if match := ENDING.fullmatch(stem):
            cases.setdefault(match["case"], {})[int(match["number"])] = position
    joined: dict[int, tuple[int, ...]] = {}
    for numbers in cases.values():
        if len(numbers) > 1 and sorted(numbers) == list(range(len(numbers))):
            files = tuple(numbers[number] for number in range(len(numbers)))
            try:
                if not fits(config, describe(files[:1])) and fits(config, describe(files)):
                    joined |= dict.fromkeys(files, files)
            except ImageError:
                continue  # said when its turn comes
    images = dict.fromkeys(joined.get(position, (position,)) for position in range(len(stems)))
    return {files: stems[files[0]][: -len("_0000")] if len(files) > 1 else stems[files[0]] for files in images}


def are_possible(items: Sequence[Item]) -> bool:
    """Whether any images are called as channels are: a look at the names alone."""
    return sum(ENDING.fullmatch(item.stem) is not None for item in items) > 1


def join(uploaded: Inputs, config: ModelConfig) -> Inputs:
    """Uploads with the channels of an image put together, as the model takes it; a note says which."""
    items = uploaded.items
    if not are_possible(items):
        return uploaded

    def describe(positions: Sequence[int]) -> Kind:
        return channels.join(items[position].file.describe() for position in positions)

    single = [item.stem if item.page is None else "" for item in items]
    taken = {fold_case(item.stem) for item in items}
    joined, images = [], []
    for files, name in group(single, describe, config).items():
        first, others = items[files[0]], [items[position].file for position in files[1:]]
        if not others or fold_case(name) in taken:
            joined += [items[position] for position in files]
            continue
        joined.append(Item(name + suffix_of(first.name), name, first.file, None, tuple(others)))
        images.append(name)
    if not images:
        return uploaded
    note = f"Files that end in _0000, _0001 and so on are channels of one image: {listing(images, MOST_NAMED)}."
    return replace(uploaded, items=joined, notes=[*uploaded.notes, note])
