"""The machinery of settings, on a class of its own: types, bounds, choices, dicts and what an error says."""

import dataclasses
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from unet_core.config.fields import Field, Settings, field, fields_of
from unet_core.errors import ConfigError

LIQUIDS = {"water": "boils at 100 degrees", "milk": "boils over"}


@dataclass(frozen=True)
class Pot(Settings):
    litres: float = field(2.0, "How much goes in.", gt=0, le=10)
    handles: int = field(2, "What it is held by.", ge=0, le=4)
    lid: bool = field(True, "Whether it can be closed.")
    liquid: str = field("water", "What is cooked.", choices=LIQUIDS)
    timer: int | None = field(None, "Minutes until it rings.", ge=1)
    label: str = field("", "What stands on it.")


@dataclass(frozen=True)
class Kitchen(Settings):
    pot: Pot = dataclasses.field(default_factory=Pot)
    size: int = field(10, "Square metres.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("litres", "2"),
        ("litres", True),
        ("litres", None),
        ("litres", [2.0]),
        ("handles", 2.0),
        ("handles", "2"),
        ("handles", True),
        ("handles", None),
        ("lid", 1),
        ("lid", "yes"),
        ("liquid", 3),
        ("timer", 1.0),
        ("timer", False),
        ("label", 0),
        ("label", b"pot"),
    ],
)
def test_a_wrong_type_is_refused_with_the_name_the_value_and_the_description(name: str, value: Any) -> None:
    option = next(option for option in fields_of("", Pot) if option.name == name)
    with pytest.raises(ConfigError) as refusal:
        Pot(**{name: value})
    assert str(refusal.value) == f"Expected {name} to be {option.kind.__name__}, got {value!r}. {option.description}"


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("litres", 0.0, "above 0 and at most 10"),
        ("litres", 10.1, "above 0 and at most 10"),
        ("litres", float("nan"), "above 0 and at most 10"),
        ("litres", float("inf"), "above 0 and at most 10"),
        ("litres", 11, "above 0 and at most 10"),
        ("handles", -1, "at least 0 and at most 4"),
        ("handles", 5, "at least 0 and at most 4"),
        ("liquid", "oil", "one of water, milk"),
        ("liquid", "Water", "one of water, milk"),
        ("timer", 0, "at least 1"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name: str, value: Any, bounds: str) -> None:
    option = next(option for option in fields_of("", Pot) if option.name == name)
    assert option.bounds == bounds
    shown = float(value) if option.kind is float else value
    with pytest.raises(ConfigError) as refusal:
        Pot(**{name: value})
    assert str(refusal.value) == f"Expected {name} to be {bounds}, got {shown!r}. {option.description}"


def test_a_whole_number_stands_for_a_float_and_nothing_else_changes_its_type() -> None:
    pot = Pot(litres=3, handles=4, timer=1)
    assert (pot.litres, pot.handles, pot.timer) == (3.0, 4, 1)
    assert isinstance(pot.litres, float)
    assert isinstance(pot.handles, int)


def test_a_number_that_no_float_holds_is_refused_and_does_not_overflow() -> None:
    with pytest.raises(ConfigError, match="Expected litres to be float"):
        Pot(litres=10**400)


def test_none_only_where_a_setting_is_optional() -> None:
    assert Pot(timer=None).timer is None
    with pytest.raises(ConfigError, match="handles"):
        Pot(handles=None)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        Pot().litres = 3.0


def test_a_dict_and_back() -> None:
    kitchen = Kitchen(Pot(litres=1.5, liquid="milk", timer=7, label="Töpfchen"), 12)
    values = kitchen.to_dict()
    assert values == {
        "pot": {"litres": 1.5, "handles": 2, "lid": True, "liquid": "milk", "timer": 7, "label": "Töpfchen"},
        "size": 12,
    }
    assert Kitchen.from_dict(values) == kitchen


def test_what_is_missing_takes_its_default() -> None:
    assert Kitchen.from_dict({}) == Kitchen()
    assert Kitchen.from_dict({"pot": {"handles": 1}}) == Kitchen(Pot(handles=1))


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (Kitchen, {"pots": {}}, "Unknown setting 'pots'; did you mean 'pot'?"),
        (Kitchen, {"pot": {"litre": 1.0}}, "Unknown setting 'litre'; did you mean 'litres'?"),
        (Kitchen, {"zzz": 1}, "Unknown setting 'zzz'; available: pot, size."),
        (Kitchen, {"pot": 3}, "Expected an object with the settings of Pot, got 3."),
        (Kitchen, {"pot": None}, "Expected an object with the settings of Pot, got None."),
        (Kitchen, [1], "Expected an object with the settings of Kitchen, got [1]."),
        (Kitchen, "pot", "Expected an object with the settings of Kitchen, got 'pot'."),
    ],
)
def test_a_dict_that_is_not_ours_is_refused(cls: type[Settings], values: Any, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        cls.from_dict(values)
    assert str(refusal.value) == message


def test_a_value_in_a_nested_dict_is_checked() -> None:
    with pytest.raises(ConfigError, match="Expected handles to be at least 0 and at most 4, got 9"):
        Kitchen.from_dict({"pot": {"handles": 9}})


def test_options_are_told_in_order_with_all_that_a_menu_needs() -> None:
    assert list(fields_of("kitchen", Kitchen)) == [
        Field("kitchen", "size", int, False, 10, "Square metres.", None, None, None, None, "Size")
    ]
    told = [(option.name, option.kind, option.optional, option.bounds) for option in fields_of("pot", Pot)]
    assert told == [
        ("litres", float, False, "above 0 and at most 10"),
        ("handles", int, False, "at least 0 and at most 4"),
        ("lid", bool, False, ""),
        ("liquid", str, False, "one of water, milk"),
        ("timer", int, True, "at least 1"),
        ("label", str, False, ""),
    ]
