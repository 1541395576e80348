"""The kinds of repairs: what each needs, and how it is told to users. What they do to pixels is in the modules beside.

describe(make_repair("shift", ["a"], down=3, right=-2))  # "Mask of a moved 3 px down and 2 px left"
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from unet_core.data.recipe.recipe import FILE, Recipe, Repair
from unet_core.errors import DataError, listing
from unet_core.io.filenames import readable

SEARCH, STORED, CLASSES, IMAGE = "search", "stored", "classes", "image"  # when a repair is carried out
MOST_NAMES = 3  # samples that a sentence names
MOST_SENTENCES = 5  # repairs that a note names
SNAP_SHARE = 0.005  # of a mask file's pixels: values that cover as many are true ones for "snap"
ORIENTATIONS = {  # EXIF: how the pixels are turned
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored along its diagonal",
    6: "turned by 90 degrees clockwise",
    7: "mirrored along its other diagonal",
    8: "turned by 90 degrees counterclockwise",
}
DTYPES = ("uint8", "uint16", "float32")  # of images as they are read


@dataclass(frozen=True)
class Option:
    """A number from `low` to `high`, one of `choices`, or texts; without a `default` it must be given."""

    kind: type = int
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str | int, ...] = ()
    default: str | int | float | None = None

    def accepts(self, value: object) -> bool:
        """Whether a value is allowed."""
        if self.kind is tuple:
            return isinstance(value, tuple) and bool(value)
        if isinstance(value, bool) or not isinstance(value, (int, float) if self.kind is float else self.kind):
            return False
        if self.choices:
            return value in self.choices
        return not isinstance(value, int | float) or self.low <= value <= self.high

    @property
    def bounds(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if self.kind is tuple:
            return "a list of texts"
        low, high = (f"{bound:.10g}" if math.isfinite(bound) else "" for bound in (self.low, self.high))
        range_ = f" from {low}" * bool(low) + f" to {high}" * bool(high)
        return ("a whole number" if self.kind is int else "a number") + range_


@dataclass(frozen=True)
class RepairKind:
    """One kind of repair.

    `stage`: "search" (which files belong together), "stored" (mask files as they are stored), "classes" (masks as class
    indices), or "image". `what` is the thing that changes, for the sentence: "Mask", or "" of a sentence without one.
    `done` says what happens to it. `samples`: the fewest and the most ids that it names, (0, inf): none means all.
    """

    stage: str
    description: str
    done: Callable[[Repair], str]
    what: str = "Mask"
    options: Mapping[str, Option] = field(default_factory=dict)
    samples: tuple[float, float] = (0, math.inf)

    def describe(self, repair: Repair) -> str:
        """What it does in one sentence without its full stop."""
        names = [readable(name) for name in repair.samples]
        if not self.what:
            return self.done(repair)
        if not names:
            who = f"All {self.what.lower()}s"
        else:
            who = f"{self.what}{'s' * (len(names) > 1)} of {listing(names, MOST_NAMES)}"
        return f"{who} {self.done(repair)}"


def _fit(repair: Repair) -> str:
    if repair.get("how") == "scale":
        return "scaled to the size of the image (nearest pixel)"
    middle = "around the center" if repair.get("at", "center") == "center" else "from the top left corner"
    if repair.get("how") == "crop":
        return f"cropped to the size of the image {middle}"
    return f"padded to the size of the image {middle}; the new pixels do not count"


def _shift(repair: Repair) -> str:
    down, right = repair.get("down", 0), repair.get("right", 0)
    steps = [
        f"{abs(pixels)} px {ahead if pixels > 0 else back}"
        for pixels, ahead, back in ((down, "down", "up"), (right, "right", "left"))
        if pixels
    ]
    return f"moved {' and '.join(steps)}" if steps else "left where they are"


def _recode(repair: Repair) -> str:
    pairs = [" to ".join(pair.split(":")) for pair in repair.get("values", ())]
    return f"recoded: {listing(pairs, MOST_SENTENCES)}"


def _scale(repair: Repair) -> str:
    dtype = repair.get("dtype", "")
    return f"multiplied by {repair.get('factor'):g}" + (f" and read as {dtype}" if dtype else "")


REPAIRS = {
    "leave_out": RepairKind(
        SEARCH,
        "leave an image with its mask, or a single file, out of the dataset",
        lambda repair: f"Left out: {listing([readable(name) for name in repair.samples], MOST_NAMES)}",
        what="",
        samples=(1, math.inf),
    ),
    "pair": RepairKind(
        SEARCH,
        "give an image its mask files by hand",
        lambda repair: f"paired with {listing([readable(name) for name in repair.get('masks', ())], MOST_NAMES)}",
        what="Image",
        options={"masks": Option(tuple)},
        samples=(1, 1),
    ),
    "together": RepairKind(
        SEARCH,
        "keep images in the same part of the split",
        lambda repair: f"Kept together: {listing([readable(name) for name in repair.samples], MOST_NAMES)}",
        what="",
        samples=(2, math.inf),
    ),
    "subset": RepairKind(
        SEARCH,
        "put images into one part of the split",
        lambda repair: f"put into {repair.get('part')}",
        what="Image",
        options={"part": Option(str, choices=("train", "val", "test"))},
    ),
    "fit": RepairKind(
        STORED,
        "give a mask the size of its image: crop or pad it (center or top_left), or scale it",
        _fit,
        options={
            "how": Option(str, choices=("crop", "pad", "scale")),
            "at": Option(str, choices=("center", "top_left"), default="center"),
        },
    ),
    "turn": RepairKind(
        STORED,
        "turn or mirror a mask as an EXIF orientation does",
        lambda repair: ORIENTATIONS[repair.get("orientation")],
        options={"orientation": Option(int, choices=tuple(ORIENTATIONS))},
    ),
    "shift": RepairKind(
        STORED,
        "move a mask by whole pixels; pixels that nothing moves to do not count",
        _shift,
        options={name: Option(int, -100_000, 100_000, default=0) for name in ("down", "right")},
    ),
    "recode": RepairKind(
        STORED,
        "replace values or colors of a mask, all at once, as in 1:255 or 255,0,0:0,0,0",
        _recode,
        options={"values": Option(tuple)},
    ),
    "threshold": RepairKind(
        STORED,
        "make what is above a level 255 and all else 0",
        lambda repair: f"cut at {repair.get('level'):g} (above is 255, else 0)",
        options={"level": Option(float, 0, 2**32)},
    ),
    "snap": RepairKind(
        STORED,
        f"give each pixel the nearest of the values that cover at least {SNAP_SHARE:.1%} of the file",
        lambda repair: "set to the nearest of their frequent values",
    ),
    "invert": RepairKind(
        CLASSES,
        "swap background and foreground of a binary mask",
        lambda repair: "inverted: background and foreground swapped",
    ),
    "remove_specks": RepairKind(
        CLASSES,
        "make connected pieces smaller than an area background",
        lambda repair: f"without pieces smaller than {repair.get('area')} px",
        options={"area": Option(int, 1, 2**31)},
    ),
    "fill_holes": RepairKind(
        CLASSES,
        "fill holes smaller than an area with what encloses them",
        lambda repair: f"with holes smaller than {repair.get('area')} px filled",
        options={"area": Option(int, 1, 2**31)},
    ),
    "scale_intensity": RepairKind(
        IMAGE,
        "multiply the intensities of an image, for one of another bit depth than the others",
        _scale,
        what="Image",
        options={
            "factor": Option(float, 1e-12, 1e12),
            "dtype": Option(str, choices=("", *DTYPES), default=""),
        },
    ),
}


def describe(repair: Repair) -> str:
    """What a repair does in one sentence without its full stop.

    >>> from unet_core.data.recipe.recipe import make_repair
    >>> describe(make_repair("shift", ["a.png"], down=3, right=-2))
    'Mask of a.png moved 3 px down and 2 px left'
    """
    return REPAIRS[repair.kind].describe(repair)


def check(recipe: Recipe) -> None:
    """Raise DataError for the first repair of an unknown kind, with a bad option, or with too few or many samples."""
    for repair in recipe.repairs:
        if problem := _find_problem(repair):
            raise DataError(f"{FILE}: {problem}")


def _find_problem(repair: Repair) -> str:
    kind = REPAIRS.get(repair.kind)
    if kind is None:
        return f"the repair {readable(repair.kind)!r} is unknown; known are {', '.join(REPAIRS)}."
    values = dict(repair.options)
    if unknown := sorted(values.keys() - kind.options.keys()):
        known = ", ".join(kind.options) or "none"
        return f"the repair {repair.kind!r} has no option {readable(unknown[0])!r}; its options: {known}."
    for name, option in kind.options.items():
        value = values.get(name, option.default)
        if value is None:
            return f"the repair {repair.kind!r} lacks the option {name!r}: {option.bounds}."
        if not option.accepts(value):
            return f"{name} of the repair {repair.kind!r} is {value!r}; expected {option.bounds}."
    fewest, most = kind.samples
    if not fewest <= len(repair.samples) <= most:
        number = "one sample" if most == 1 else f"{fewest:g} or more samples"
        return f"the repair {repair.kind!r} names {len(repair.samples)} samples; expected {number}."
    return _find_bad_values(repair)


def _find_bad_values(repair: Repair) -> str:
    """What is wrong with the pairs of "recode"."""
    for pair in repair.get("values", ()) if repair.kind == "recode" else ():
        try:
            old, new = parse_pair(pair)
        except ValueError:
            return f"values of the repair 'recode' hold {pair!r}; expected OLD:NEW, as 1:255 or 255,0,0:0,0,0."
        if len(old) != len(new):
            return f"values of the repair 'recode' hold {pair!r}, which turns a number into a color or back."
    return ""


def parse_pair(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The old and the new value, or color, of a pair of "recode". Raises ValueError.

    >>> parse_pair("1:255"), parse_pair("255,0,0:0,0,0")
    (((1,), (255,)), ((255, 0, 0), (0, 0, 0)))
    """
    old, new = (tuple(int(number) for number in part.split(",")) for part in text.split(":"))
    for value in (old, new):
        most = 255 if len(value) == 3 else 2**32 - 1
        if len(value) not in (1, 3) or not all(0 <= number <= most for number in value):
            raise ValueError(text)
    return old, new


def tell(recipe: Recipe) -> list[str]:
    """A sentence on the repairs of a recipe, where there are any; those that do the same are told together."""
    if not recipe.repairs:
        return []
    count = len(recipe.repairs)
    noun = "1 repair of {} is" if count == 1 else f"{count} repairs of {{}} are"
    alike: dict[object, Repair] = {}
    for number, repair in enumerate(recipe.repairs):
        key = number if repair.kind == "together" or not repair.samples else (repair.kind, repair.options)
        earlier = alike[key].samples if key in alike else ()
        alike[key] = replace(repair, samples=(*earlier, *repair.samples))
    sentences = listing([describe(repair) for repair in alike.values()], MOST_SENTENCES, "; ")
    return [f"{noun.format(FILE)} applied: {sentences}."]
