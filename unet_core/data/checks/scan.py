"""A scan: every file of a dataset read once, what it holds, and what is wrong with it.

result = scan(data, progress=lambda done, total, name: None)
result.findings        # errors first
load_cached(data)      # the same without reading a pixel, None where anything changed
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unet_core.config.schema import DataConfig
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import Finding
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe.recipe import Recipe


@dataclass(frozen=True)
class Scan:
    """What all files of a dataset hold, after the repairs of its recipe.

    `facts` in the order of the sample ids, also of samples that cannot be read. `coding` says what the mask values
    mean, None where that is unclear; `class_names` in class order with the background's first, () where none are known.
    `findings`: errors first. `refused`: why it cannot be trained on as it is, "" = it can. `missing`: images without a
    mask; `spare_masks`: masks without an image. `complete` is False where the scan was cancelled.
    """

    root: Path
    layout: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    facts: tuple[SampleFacts, ...] = ()
    coding: MaskCoding | None = None
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    recipe: Recipe = Recipe()
    refused: str = ""
    missing: tuple[Sample, ...] = ()
    spare_masks: tuple[Path, ...] = ()
    seconds: float = 0.0
    complete: bool = True


def scan(
    data: DataConfig,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Scan:
    """Read every file of a dataset that is new or has changed since the last scan, and check all.

    `progress` is called with (samples done, samples, name of the next). A cancelled scan keeps what it has measured.
    Raises DataError where there is no folder, no image, or no layout fits.
    """
    raise NotImplementedError


def load_cached(data: DataConfig) -> Scan | None:
    """The last scan of a dataset with these settings; None where a file, the recipe or a setting has changed since."""
    raise NotImplementedError
