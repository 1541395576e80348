"""A selection of samples for the tests of scores, without a folder that is searched."""

from collections.abc import Mapping, Sequence

from unet_core.config.schema import DataConfig
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.evaluation.selection import Selection


def select(chosen: Mapping[str, Sequence[Sample]], data: DataConfig) -> Selection:
    """These samples by their subset, all of which are scored."""
    groups = {subset: list(chosen.get(subset, ())) for subset in ("train", "val", "test", "new")}
    samples = tuple(sample for group in groups.values() for sample in group)
    return Selection(Search(samples, "pairs"), data, groups, groups)
