"""The machinery of settings: dataclass fields that carry a sentence and bounds, check themselves, and go to JSON."""

import dataclasses
import difflib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, get_type_hints

from unet_core.errors import ConfigError

RENAMED = {  # settings of release 0.1 by their names there, which files, flags and addresses may still have
    "optimiser": "optimizer",
    "normalisation": "normalization",
    "colour_map": "color_map",
}


def field(
    default: Any,
    sentence: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: Mapping[str, str] | None = None,
) -> Any:
    """A dataclass field with its sentence (what it is, unit and range) and its bounds: `low <= value <= high`."""
    meta = {"sentence": sentence, "low": low, "high": high, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True)
class Settings:
    """Base of the config classes: checks types and bounds, reads and writes dicts, refuses unknown keys."""

    def __post_init__(self) -> None:
        for option in fields_of("", type(self)):
            object.__setattr__(self, option.name, option.checked(getattr(self, option.name)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote, by this release or an older one (`RENAMED`).

        Missing keys take their defaults. Raises ConfigError where a key is unknown or stands there by both its names.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"Expected an object with the settings of {cls.__name__}, got {values!r}.")
        hints = get_type_hints(cls)
        known = [item.name for item in fields(cls)]
        built: dict[str, Any] = {}
        for name, value in values.items():
            key = current_name(name)
            if key in built:
                raise ConfigError(f"The setting {key!r} is there twice, once as {name!r}. Remove one of them.")
            if key not in known:
                raise unknown_setting(key, known)
            section = hints[key]
            nested = isinstance(section, type) and issubclass(section, Settings)
            built[key] = section.from_dict(value) if nested else value
        return cls(**built)

    def to_dict(self) -> dict[str, Any]:
        """A dict that JSON can hold."""
        return dataclasses.asdict(self)


def current_name(name: str) -> str:
    """What a setting is called now, by its name in this or an older release.

    >>> current_name("optimiser")
    'optimizer'
    """
    return RENAMED.get(name, name)


def unknown_setting(key: str, known: list[str]) -> ConfigError:
    """The error for a name that is no setting, with the nearest one that is."""
    close = difflib.get_close_matches(key, known, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}."
    return ConfigError(f"Unknown setting {key!r}{hint}")


@dataclass(frozen=True)
class Field:
    """One setting as a menu or a command line shows it."""

    section: str
    name: str
    kind: type
    optional: bool
    default: Any
    sentence: str
    low: float | None
    high: float | None
    above: float | None
    choices: Mapping[str, str] | None

    @property
    def bounds(self) -> str:
        """The allowed values in words, empty where anything goes."""
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        words = (("above", self.above), ("at least", self.low), ("at most", self.high))
        return " and ".join(f"{word} {bound:.10g}" for word, bound in words if bound is not None)

    def checked(self, value: Any) -> Any:
        """The value itself (a whole number turned to float where a float is meant), or ConfigError."""
        if value is None and self.optional:
            return None
        if self.kind is float and type(value) is int and abs(value) < 2**63:
            value = float(value)
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            raise ConfigError(f"Expected {self.name} to be {self.kind.__name__}, got {value!r}. {self.sentence}")
        in_range = not isinstance(value, (int, float)) or (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and value == value  # not NaN
        )
        if not in_range or (self.choices is not None and value not in self.choices):
            raise ConfigError(f"Expected {self.name} to be {self.bounds}, got {value!r}. {self.sentence}")
        return value


def fields_of(section: str, cls: type[Settings]) -> Iterator[Field]:
    """The settings of one class, in the order in which they stand."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        meta = item.metadata
        if "sentence" not in meta:
            continue  # a nested section, which has checked itself
        hint = hints[item.name]
        optional = isinstance(hint, types.UnionType)
        kind = next(arg for arg in hint.__args__ if arg is not type(None)) if optional else hint
        yield Field(section, item.name, kind, optional, item.default, **meta)
