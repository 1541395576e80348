"""U-Net segmentation from Python: train, predict, evaluate. Everything that has a right answer, and no Streamlit.

The public names load what they need at first use, so that `import unet_core` costs milliseconds and no torch:

    from unet_core import evaluate, load, train

    run = train("cells", epochs=15, loss="dice")
    prediction = load(run).predict("cells/images/cells_000.png")
    print(evaluate(run, "cells").mean["dice"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from unet_core.api.analysis import compare_kinds, find_label_errors, measure_robustness
    from unet_core.api.compare import compare, duel
    from unet_core.api.datasets import convert_dataset, open_dataset, plan
    from unet_core.api.experiments import cross_validate, label_next, learning_curve, make_ensemble
    from unet_core.api.export import export_model
    from unet_core.api.models import evaluate, load
    from unet_core.api.runs import launch, train
    from unet_core.api.thresholds import choose_threshold, reset_threshold
    from unet_core.config.schema import ModelConfig, RunConfig
    from unet_core.errors import UnetError
    from unet_core.inference.prediction import Prediction
    from unet_core.inference.predictor import Predictor
    from unet_core.models.unet import UNet
    from unet_core.runs.run import Run

_HOMES = {  # public name: the module it is loaded from (PEP 562)
    "ModelConfig": "config.schema",
    "Prediction": "inference.prediction",
    "Predictor": "inference.predictor",
    "Run": "runs.run",
    "RunConfig": "config.schema",
    "UNet": "models.unet",
    "UnetError": "errors",
    "compare_kinds": "api.analysis",
    "choose_threshold": "api.thresholds",
    "compare": "api.compare",
    "convert_dataset": "api.datasets",
    "cross_validate": "api.experiments",
    "duel": "api.compare",
    "evaluate": "api.models",
    "export_model": "api.export",
    "find_label_errors": "api.analysis",
    "label_next": "api.experiments",
    "launch": "api.runs",
    "learning_curve": "api.experiments",
    "load": "api.models",
    "measure_robustness": "api.analysis",
    "make_ensemble": "api.experiments",
    "open_dataset": "api.datasets",
    "plan": "api.datasets",
    "reset_threshold": "api.thresholds",
    "train": "api.runs",
}
__all__ = [
    "ModelConfig",
    "Prediction",
    "Predictor",
    "Run",
    "RunConfig",
    "UNet",
    "UnetError",
    "choose_threshold",
    "compare",
    "compare_kinds",
    "convert_dataset",
    "cross_validate",
    "duel",
    "evaluate",
    "export_model",
    "find_label_errors",
    "label_next",
    "launch",
    "learning_curve",
    "load",
    "make_ensemble",
    "measure_robustness",
    "open_dataset",
    "plan",
    "reset_threshold",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
