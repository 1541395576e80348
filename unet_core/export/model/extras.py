"""Packages that only the export of models needs: an extra, whose absence is a message and no traceback."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from unet_core.errors import ConfigError

INSTALL = 'pip install "unet-studio[onnx]"'
ONNX = ("onnx", "onnxscript", "onnxruntime")


def is_available(names: tuple[str, ...] = ONNX) -> bool:
    """Whether packages are installed; none is imported for it.

    >>> is_available(("numpy",)), is_available(("numpy", "no_such_package"))
    (True, False)
    """
    return not _missing(names)


def require(names: tuple[str, ...] = ONNX) -> tuple[ModuleType, ...]:
    """The modules, imported. Raises ConfigError with the command that installs them.

    >>> require(("json",))[0].__name__
    'json'
    """
    missing = _missing(names)
    if missing:
        raise ConfigError(f"ONNX files need {', '.join(missing)}. Install with: {INSTALL}")
    return tuple(import_module(name) for name in names)


def _missing(names: tuple[str, ...]) -> list[str]:
    missing = []
    for name in names:
        try:
            if find_spec(name) is None:
                missing.append(name)
        except ValueError:  # None in sys.modules: somebody has forbidden the import
            missing.append(name)
    return missing
