"""The recipe of a dataset as its settings name it, and the settings that it brings along.

recipe = of(config.data)
config = configure(config, recipe)
"""

import dataclasses
from pathlib import Path
from typing import Any

from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
from unet_core.data.recipe import kinds
from unet_core.data.recipe.recipe import FILE, Recipe, load
from unet_core.errors import ConfigError, DataError

AUTO, NONE = "auto", "none"
NOT_FIXED = ("root", "recipe", "cache_mb")  # settings that no recipe can bring along


def of(data: DataConfig) -> Recipe:
    """The recipe that the setting `recipe` names: the dataset's own ("auto"), none ("none"), or that of a file.

    Raises DataError where it is damaged, holds a repair or a setting that does not exist, or the file is missing.
    """
    if data.recipe == NONE or (data.recipe in (AUTO, "") and not data.root):
        return Recipe()
    if data.recipe in (AUTO, ""):
        recipe = load(Path(data.root))
    else:
        path = Path(data.recipe)
        try:
            recipe = Recipe.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, DataError) as error:
            reason = (error.strerror if isinstance(error, OSError) else "") or error
            raise DataError(f"{path}: {reason}. Set recipe to 'auto', 'none' or the path of a {FILE}.") from error
    kinds.check(recipe)
    configure(RunConfig(), recipe)
    return recipe


def configure(config: RunConfig, recipe: Recipe) -> RunConfig:
    """The settings of a run with those of a recipe where the run has the default; what was set stays.

    Raises DataError for a setting that does not exist or is out of range.

    >>> recipe = Recipe(settings=(("ignore_index", 7), ("labels", "instances")))
    >>> configured = configure(RunConfig(data=DataConfig(labels="classes")), recipe)
    >>> configured.data.ignore_index, configured.data.labels
    (7, 'classes')
    """
    data, model = configure_parts(config.data, config.model, recipe)
    return dataclasses.replace(config, data=data, model=model)


def configure_parts(data: DataConfig, model: ModelConfig, recipe: Recipe) -> tuple[DataConfig, ModelConfig]:
    """The same for the settings of data and model. Raises DataError."""
    parts: list[Any] = [data, model]
    fixed: list[dict[str, Any]] = [{}, {}]
    for name, value in recipe.settings:
        for part, changes in zip(parts, fixed, strict=True):
            field = next((field for field in dataclasses.fields(part) if field.name == name), None)
            if field is not None and field.metadata and name not in NOT_FIXED:
                if getattr(part, name) == field.default:
                    changes[name] = _as_setting(name, value)
                break
        else:
            raise DataError(f"{FILE}: {name!r} is no setting of data or model that a recipe can have. Remove it.")
    try:
        data, model = (dataclasses.replace(part, **changes) for part, changes in zip(parts, fixed, strict=True))
    except ConfigError as error:
        raise DataError(f"{FILE}: {error}") from error
    return data, model


def _as_setting(name: str, value: Any) -> Any:
    """A list as the text that the setting takes."""
    return (";" if name == "color_map" else ",").join(value) if isinstance(value, tuple) else value
