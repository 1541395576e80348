"""Which images of a dataset are shown, and in which order: filters, sorts and pages over the facts of a scan."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from unet_core.data.checks.facts import SampleFacts

T = TypeVar("T")
RANGES = {"bool": 1.0, "uint8": 255.0, "int8": 127.0, "uint16": 65535.0, "int16": 32767.0}  # of other types: theirs


class Sort(NamedTuple):
    """An order: its name in a menu, and the key by which facts are sorted; equal ones stay in the order of ids."""

    label: str
    key: Callable[[SampleFacts], Any]


SORTS = {
    "name": Sort("Name", lambda facts: facts.id),
    "largest": Sort("Largest image", lambda facts: -facts.height * facts.width),
    "emptiest": Sort("Least foreground", lambda facts: facts.foreground),
    "fullest": Sort("Most foreground", lambda facts: -facts.foreground),
    "darkest": Sort("Darkest", lambda facts: brightness_share(facts)),
    "brightest": Sort("Brightest", lambda facts: -brightness_share(facts)),
    "objects": Sort("Most objects", lambda facts: -facts.objects),
    "group": Sort("Group", lambda facts: (not facts.group, facts.group)),
}


@dataclass(frozen=True)
class Filter:
    """What an image must have to be shown; an empty field asks for nothing.

    `text` occurs in its id or file name, whatever the case. `subset` and `group` are its own. `class_index` occurs in
    its mask. `ids`: it is one of them.
    """

    text: str = ""
    subset: str = ""
    group: str = ""
    class_index: int | None = None
    ids: frozenset[str] | None = None

    def accepts(self, facts: SampleFacts) -> bool:
        """Whether the image passes.

        >>> Filter(text="CELL").accepts(SampleFacts("a/cell 1", "a/cell 1.png"))
        True
        """
        text = self.text.strip().casefold()
        return (
            (not text or text in facts.id.casefold() or text in facts.image.casefold())
            and (not self.subset or facts.subset == self.subset)
            and (not self.group or facts.group == self.group)
            and (self.class_index is None or has_class(facts, self.class_index))
            and (self.ids is None or facts.id in self.ids)
        )


def select(facts: Sequence[SampleFacts], chosen: Filter, sort: str = "name") -> list[SampleFacts]:
    """Those that pass, in the order of a key of `SORTS`. Unreadable files come last, but by name.

    >>> dark, bright = SampleFacts("a", "a.png", mean=(9.0,)), SampleFacts("b", "b.png", mean=(99.0,))
    >>> [item.id for item in select([dark, bright], Filter(), "brightest")]
    ['b', 'a']
    """
    key = SORTS[sort].key
    passed = (item for item in facts if chosen.accepts(item))
    return sorted(passed, key=lambda item: (sort != "name" and bool(item.problem), key(item), item.id))


def count_pages(items: Collection[Any], size: int) -> int:
    """How many pages of `size` items there are; at least one."""
    return max(1, math.ceil(len(items) / size))


def page_of(items: Sequence[T], number: int, size: int) -> Sequence[T]:
    """The items of a page, counted from 1; a number beyond the last page gives the last one.

    >>> page_of("abcde", 2, 2), page_of("abcde", 9, 2)
    ('cd', 'e')
    """
    number = min(max(1, number), count_pages(items, size))
    return items[(number - 1) * size : number * size]


def has_class(facts: SampleFacts, index: int) -> bool:
    """Whether a class occurs in the mask."""
    return any(number > 0 for other, number in facts.classes if other == index)


def brightness_share(facts: SampleFacts) -> float:
    """Mean intensity as a share of the range of the type, so that 8 and 16 bits compare; of float as it is."""
    return facts.brightness / RANGES.get(facts.dtype, 1.0)
