"""What people call the settings: the labels of the fields, for forms, tables and messages; there is no second list."""

import functools
import re

from unet_core.config.fields import Field
from unet_core.config.schema import all_fields

# Names that are no words of English. "depth" or "loss" mean the same with and without their label.
_SHORT = ("lr", "init", "norm", "augment")


@functools.cache
def fields_by_name() -> dict[str, Field]:
    """Every setting by its name."""
    return {option.name: option for option in all_fields()}


def label_of(name: str) -> str:
    """The name of a setting in running text and tables.

    >>> label_of("image_size"), label_of("lr")
    ('Crop size', 'Learning rate')
    """
    return fields_by_name()[name].noun


@functools.cache
def _names() -> "re.Pattern[str]":
    names = [name for name in fields_by_name() if "_" in name or name in _SHORT]
    return re.compile(rf"(?<![\w./\\'\"-])(?:{'|'.join(sorted(names, key=len, reverse=True))})(?!\w|[./\\'\"-]\w)")


def in_words(message: str) -> str:
    """A message of the core with the labels of settings in place of their names, as the form shows them.

    What is part of a file name or quoted stays.

    >>> in_words("image_size 12 is too small for depth 4. See image_size.txt.")
    'Crop size 12 is too small for depth 4. See image_size.txt.'
    >>> in_words("Lower image_size or ema_decay.")
    'Lower crop size or EMA decay.'
    """

    def replace(match: "re.Match[str]") -> str:
        label, before = label_of(match[0]), message[: match.start()].rstrip()
        inside = before and before[-1] not in ".:!?"
        return f"{label[0].lower()}{label[1:]}" if inside and not label[:2].isupper() else label

    return _names().sub(replace, message)
