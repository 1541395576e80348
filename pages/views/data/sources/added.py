"""What a way in gives: a dataset that is in the library now."""

from typing import NamedTuple


class Added(NamedTuple):
    """A new dataset by its name, and sentences on what was left out of it."""

    name: str
    notes: tuple[str, ...] = ()
