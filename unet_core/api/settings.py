"""Settings from the keyword arguments of the public functions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError


def run_settings(data: str | Path, preset: str, settings: Mapping[str, Any]) -> RunConfig:
    if "root" in settings:
        raise ConfigError("The folder of the data is the first argument; leave out root=.")
    return get_preset(preset).replace(root=str(Path(data).resolve()), **settings)


def data_settings(data: str | Path, settings: Mapping[str, Any], base: RunConfig) -> RunConfig:
    return base.replace(**{"root": str(Path(data).resolve()), **settings})
