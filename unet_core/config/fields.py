"""Dataclass fields that carry a description and bounds, validate themselves, and are written to and read from JSON."""

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
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    choices: Mapping[str, str] | None = None,
    label: str = "",
    zero: str = "",
) -> Any:
    """A dataclass field with a description for help texts and bounds: `ge <= value <= le`, `gt < value`.

    `choices` maps each allowed value to its description. `label` is what people call the setting, its unit in
    parentheses; `zero` what 0, "" or None means where it is not that number or text ("Auto", "Off").
    """
    metadata = {"description": description, "ge": ge, "le": le, "gt": gt, "choices": choices}
    metadata |= {"label": label, "zero": zero}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Base of the config classes: validates types and bounds, reads and writes dicts, rejects unknown keys."""

    def __post_init__(self) -> None:
        for option in fields_of("", type(self)):
            object.__setattr__(self, option.name, option.checked(getattr(self, option.name)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote, by this release or an older one (`RENAMED`).

        Missing keys take their defaults. Raises ConfigError where a key is unknown or present under both its names.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"Expected an object with the settings of {cls.__name__}, got {values!r}.")
        hints = get_type_hints(cls)
        names = [item.name for item in fields(cls)]
        arguments: dict[str, Any] = {}
        for name, value in values.items():
            key = current_name(name)
            if key in arguments:
                raise ConfigError(f"The setting {key!r} is given twice, once as {name!r}. Remove one of them.")
            if key not in names:
                raise unknown_setting(key, names)
            section = hints[key]
            nested = isinstance(section, type) and issubclass(section, Settings)
            arguments[key] = section.from_dict(value) if nested else value
        return cls(**arguments)

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dict that is the same after it was written as JSON and read again."""
        return dataclasses.asdict(
            self,
            dict_factory=lambda items: {name: list(it) if isinstance(it, tuple) else it for name, it in items},
        )


def current_name(name: str) -> str:
    """The current name of a setting, given its name in this or an older release.

    >>> current_name("optimiser")
    'optimizer'
    """
    return RENAMED.get(name, name)


def unknown_setting(key: str, names: list[str]) -> ConfigError:
    """The error for a name that is not a setting; it suggests the most similar one of `names`, or lists them all."""
    similar = difflib.get_close_matches(key, names, 1)
    hint = f"; did you mean {similar[0]!r}?" if similar else f"; available: {', '.join(names)}."
    return ConfigError(f"Unknown setting {key!r}{hint}")


@dataclass(frozen=True)
class Field:
    """One setting, with what a form or a command line needs to offer it."""

    section: str
    name: str
    kind: type
    optional: bool
    default: Any
    description: str
    ge: float | None
    le: float | None
    gt: float | None
    choices: Mapping[str, str] | None
    label: str = ""
    zero: str = ""

    @property
    def noun(self) -> str:
        """The name of the setting in running text and tables: its label without what stands in parentheses."""
        return self.label.partition(" (")[0]

    def words(self, value: Any) -> str:
        """A value as a person reads it: "Binary cross-entropy + Dice", "Auto", "On", "0.005"."""
        if self.zero and not value:
            return self.zero
        if self.choices is not None:
            return choice_label(self.choices, value)
        if isinstance(value, bool):
            return "On" if value else "Off"
        return f"{value:g}" if isinstance(value, float) else str(value)

    @property
    def bounds(self) -> str:
        """The allowed values in words, empty where there is no bound."""
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        words = (("above", self.gt), ("at least", self.ge), ("at most", self.le))
        return " and ".join(f"{word} {bound:.10g}" for word, bound in words if bound is not None)

    def checked(self, value: Any) -> Any:
        """The value, with an int converted to float for a float setting. Raises ConfigError where it is not allowed."""
        if value is None and self.optional:
            return None
        if self.kind is float and type(value) is int and abs(value) < 2**63:
            value = float(value)
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            raise ConfigError(f"Expected {self.name} to be {self.kind.__name__}, got {value!r}. {self.description}")
        in_range = not isinstance(value, (int, float)) or (
            (self.ge is None or value >= self.ge)
            and (self.le is None or value <= self.le)
            and (self.gt is None or value > self.gt)
            and value == value  # not NaN
        )
        if not in_range or (self.choices is not None and value not in self.choices):
            raise ConfigError(f"Expected {self.name} to be {self.bounds}, got {value!r}. {self.description}")
        return value


def choice_label(choices: Mapping[str, str], name: str) -> str:
    """The words of a choice: those of its registry, else its name as words.

    >>> choice_label({"group_norm": "by groups"}, "group_norm")
    'Group norm'
    """
    label: str = getattr(choices, "labels", {}).get(name, "")
    return label or f"{name[:1].upper()}{name[1:]}".replace("_", " ")


def fields_of(section: str, cls: type[Settings]) -> Iterator[Field]:
    """The settings of a config class, in the order of their definition."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        if "description" not in item.metadata:
            continue  # a nested section, which validates itself
        metadata: dict[str, Any] = {**item.metadata, "label": item.metadata["label"] or choice_label({}, item.name)}
        hint = hints[item.name]
        optional = isinstance(hint, types.UnionType)
        kind = next(arg for arg in hint.__args__ if arg is not type(None)) if optional else hint
        yield Field(section, item.name, kind, optional, item.default, **metadata)
