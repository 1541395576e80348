"""What the values in the masks of a dataset mean: one answer for all files, stored with run and checkpoint."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import LABELS, encode_pixels, encode_value, find_unique, format_code
from unet_core.data.recipe import classes as class_repairs
from unet_core.errors import DataError, listing

IGNORE = 255  # the class index of pixels that count in no loss and no score
KINDS = ("binary", "classes", "instances")
NO_CLASS = 254  # of a value that the coding does not list; models have at most 254 classes, 0 to 253
WIDE = 2**16  # gray levels that a table covers; larger ones are searched

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class MaskCoding:
    """From what is stored in mask files to class indices.

    `kind`: "binary", "classes", or "instances" (every value that `classes` does not list is an object, class 1).
    `classes`: pairs (code of a value or color, class index), see `values.encode_value`. `ignore`: codes that do not
    count. `threshold`: gray levels above it are foreground, whatever `classes` says (soft edges). `nearest`: a value
    that is not listed counts as the nearest that is (soft edges between colors). `divisor`: values are
    class * divisor + object number. `palette_colors`: palettes are read through their colors, not their indices.

    >>> coding = MaskCoding("binary", ((encode_value((0,)), 0), (encode_value((255,)), 1)))
    >>> coding.describe()
    'binary: 0 = background, 255 = foreground'
    """

    kind: str
    classes: tuple[tuple[int, int], ...]
    ignore: tuple[int, ...] = ()
    threshold: int | None = None
    nearest: bool = False
    divisor: int = 0
    palette_colors: bool = False

    @property
    def num_classes(self) -> int:
        """Outputs that a model needs: 1 for binary and instances."""
        if self.kind != "classes":
            return 1
        return 1 + max((index for _, index in self.classes), default=0)

    def codes_of(self, raw: RawMask) -> NDArray[np.int64]:
        """(H, W) the code of each pixel."""
        return encode_pixels(raw.as_colors() if self.palette_colors and raw.palette is not None else raw.values)

    def apply(self, raw: RawMask, name: str = "mask") -> Array:
        """(H, W) uint8 class indices with the repairs of the mask, IGNORE where a pixel does not count.

        Raises DataError that names the values which the coding does not list.
        """
        mask = self._classes(raw, name)
        return self._repair(raw, mask, name)[0] if raw.repairs else mask

    def objects(self, raw: RawMask) -> NDArray[np.int32] | None:
        """(H, W) the number of the object of each pixel from 1, 0 = none; None where the masks name no objects."""
        mask = self._classes(raw)
        return self._repair(raw, mask)[1] if raw.repairs else self._objects(raw, mask)

    def _repair(self, raw: RawMask, mask: Array, name: str = "mask") -> tuple[Array, NDArray[np.int32] | None]:
        objects = self._objects(raw, mask)
        return class_repairs.repair(mask, objects, raw.repairs, IGNORE, self.kind == "binary", name)

    def _classes(self, raw: RawMask, name: str = "mask") -> Array:
        """`apply` without repairs."""
        values = raw.values
        if values.ndim == 2 and values.dtype == np.uint8 and not (self.palette_colors and raw.palette is not None):
            return self._check(self._gray[values], raw, name)
        if values.ndim == 2 and values.dtype == np.uint16 and raw.palette is None:
            return self._check(self._wide[values], raw, name)
        codes = self.codes_of(raw)
        unique, index = find_unique(codes)
        return self._check(self._look_up(unique)[index], raw, name)

    def _objects(self, raw: RawMask, mask: Array) -> NDArray[np.int32] | None:
        """`objects` without repairs, given the class indices."""
        if raw.objects is not None:
            return np.where(mask == IGNORE, 0, raw.objects).astype(np.int32)
        if self.kind != "instances" and not self.divisor:
            return None
        numbers = find_unique(self.codes_of(raw))[1].astype(np.int32) + 1
        return np.where((mask > 0) & (mask != IGNORE), numbers, 0).astype(np.int32)

    def apply_apart(self, raw: RawMask, name: str = "mask") -> Array:
        """`apply`, but pixels of an object that touch another object are background; the same without object numbers.

        Predicted objects are what is connected: a model that learned touching objects as one piece cannot part them.
        """
        mask, numbers = self.apply(raw, name), self.objects(raw)
        if numbers is not None:
            mask[find_borders(numbers) & (mask != IGNORE)] = 0
        return mask

    def unknown(self, codes: Iterable[int]) -> list[int]:
        """Those of some codes that it gives no class, sorted."""
        codes = set(codes)
        return sorted(codes - self.classes_by_code(codes).keys())

    def classes_by_code(self, codes: Iterable[int]) -> dict[int, int]:
        """The class index of each of some codes, IGNORE for those that do not count; without the unknown."""
        array = np.array(sorted(codes), np.int64)
        pairs = zip(array.tolist(), self._look_up(array).tolist(), strict=True) if array.size else ()
        return {code: index for code, index in pairs if index != NO_CLASS}

    def name_classes(self, names: Mapping[int, str], num_classes: int) -> str:
        """The setting `class_names`, from the names of values and colors by their codes; "" where none fits.

        >>> coding = MaskCoding("binary", ((0, 0), (encode_value((255,)), 1)))
        >>> coding.name_classes({encode_value((255,)): "road"}, 1)
        'background,road'
        """
        by_class = {index: names[code] for code, index in self.classes if code in names}
        if self.kind == "instances" or not by_class.keys() - {0}:
            return ""
        chosen = [
            by_class.get(index, f"class {index}" if index else "background") for index in range(max(2, num_classes))
        ]
        return ",".join(" ".join(name.replace(",", " ").split()) for name in chosen)

    def describe(self) -> str:
        """One line: what each value means."""
        ignored = "".join(f", {format_code(code)} = ignored" for code in self.ignore)
        if self.threshold is not None:
            return f"{self.kind}: above {self.threshold} = foreground{ignored}"
        if self.kind == "instances":
            background = ", ".join(format_code(code) for code, _ in self.classes)
            return f"instances: {background} = background, each other value is one object{ignored}"
        names = {0: "background", 1: "foreground"} if self.kind == "binary" else {}
        pairs = [f"{format_code(code)} = {names.get(index, f'class {index}')}" for code, index in self.classes]
        return f"{self.kind}: {listing(pairs, 12)}{ignored}"

    def to_json(self) -> str:
        return json.dumps({**dataclasses.asdict(self), "version": 1})

    @classmethod
    def from_json(cls, text: str) -> "MaskCoding":
        """Raises DataError where the text is none."""
        try:
            content: Mapping[str, Any] = json.loads(text)
            fields = {field.name: content[field.name] for field in dataclasses.fields(cls) if field.name in content}
            fields["classes"] = tuple((int(code), int(index)) for code, index in fields["classes"])
            fields["ignore"] = tuple(int(code) for code in fields.get("ignore", ()))
            coding = cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"The stored meaning of mask values cannot be read ({error}).") from error
        if coding.kind not in KINDS:
            raise DataError(f"The stored meaning of mask values has the unknown kind {coding.kind!r}.")
        return coding

    @cached_property
    def _listed(self) -> tuple[NDArray[np.int64], Array]:
        """Codes and their classes, sorted by code."""
        table = dict(self.classes) | dict.fromkeys(self.ignore, IGNORE)
        codes = np.array(sorted(table), np.int64)
        return codes, np.array([table[code] for code in codes.tolist()], np.uint8)

    def _look_up(self, codes: NDArray[np.int64]) -> Array:
        """The class of each code of a 1-D array, NO_CLASS where it has none."""
        listed, classes = self._listed
        at = np.clip(np.searchsorted(listed, codes), 0, max(0, len(listed) - 1))
        hit = listed[at] == codes if len(listed) else np.zeros(len(codes), bool)
        answer = np.full(len(codes), NO_CLASS, np.uint8)
        if self.threshold is not None:
            answer[:] = _gray_of(codes) > self.threshold
        elif self.divisor:
            numbers = _gray_of(codes)
            parts = np.where(numbers >= self.divisor, numbers // self.divisor, numbers)
            listed_parts = {
                int(part): index for code, index in self.classes for part in [_gray_of(np.array([code]))[0]]
            }
            answer[:] = [listed_parts.get(int(part), NO_CLASS) for part in parts]
            hit &= np.isin(codes, self.ignore)
        elif self.kind == "instances":
            answer[:] = 1
        elif self.nearest and len(listed):
            distance = np.abs(_channels(codes)[:, None] - _channels(listed)[None]).sum(2)
            answer[:] = classes[distance.argmin(1)]
        if self.threshold is None or self.ignore:
            ignored = np.isin(codes, self.ignore)
            chosen = hit & ((self.threshold is None) | ignored)
            answer[chosen] = classes[at[chosen]]
        return answer

    @cached_property
    def _gray(self) -> Array:
        return self._look_up(np.arange(256, dtype=np.int64) * 0x010101)

    @cached_property
    def _wide(self) -> Array:
        return self._look_up(encode_pixels(np.arange(WIDE, dtype=np.uint16)[None])[0])

    def _check(self, mask: Array, raw: RawMask, name: str) -> Array:
        if (mask == NO_CLASS).any():
            codes = self.codes_of(raw)[mask == NO_CLASS]
            unlisted, counts = np.unique(codes, return_counts=True)
            values = [f"{format_code(code)} ({number} pixels)" for code, number in zip(unlisted, counts, strict=True)]
            raise DataError(
                f"{name}: the values {listing(values, 6)} are not among those of the dataset ({self.describe()}). "
                "Correct the mask, or list all values in color_map."
            )
        if raw.ignored is not None:
            mask[raw.ignored] = IGNORE
        return mask


def code_drawn(names: Sequence[str], model_names: Sequence[str] = ()) -> MaskCoding:
    """The coding of masks that are drawn from annotations: values are the indices of `names`, the background's first.

    `model_names` are those of a trained model: its classes go by name, whatever the order here. Raises DataError where
    it has no class of a name.

    >>> code_drawn(["background", "cell", "dirt"], ["background", "dirt", "cell"]).classes[1]
    (65793, 2)
    """
    order = [0, *range(1, len(names))]
    if model_names:
        if missing := [name for name in names[1:] if name not in model_names]:
            raise DataError(
                f"The annotations hold the classes {listing(missing)}, which the model does not have "
                f"({listing(list(model_names), 12)}). Rename or remove them."
            )
        order = [0, *(list(model_names).index(name) for name in names[1:])]
    pairs = tuple((encode_value((value,)), index) for value, index in enumerate(order))
    return MaskCoding("binary" if max(order) < 2 else "classes", pairs, (encode_value((IGNORE,)),))


def find_borders(numbers: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(H, W) whether a pixel has one of another object among its eight neighbors; 0 is no object.

    >>> find_borders(np.array([[1, 1, 2, 2, 0]], np.int32)).tolist()
    [[False, True, True, False, False]]
    """
    border = np.zeros(numbers.shape, bool)
    height, width = numbers.shape
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        first = slice(0, height - down), slice(max(0, -right), width - max(0, right))
        second = slice(down, height), slice(max(0, right), width - max(0, -right))
        differ = (numbers[first] != numbers[second]) & (numbers[first] > 0) & (numbers[second] > 0)
        border[first] |= differ
        border[second] |= differ
    return border


def _gray_of(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gray levels and labels as numbers; of a color its luminance (ITU-R BT.601)."""
    channels = _channels(codes)
    luminance = np.rint(channels @ np.array([0.299, 0.587, 0.114])).astype(np.int64)
    return np.where(codes >= LABELS, codes - LABELS, luminance)


def _channels(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N, 3) red, green, blue."""
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], 1)
