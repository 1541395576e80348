"""The meaning of the masks of a dataset, from all that is known of it: files, annotations, tables beside them."""

from collections.abc import Sequence
from dataclasses import replace

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import MaskCoding, code_drawn
from unet_core.data.masks.detect import choose_coding
from unet_core.data.masks.evidence import Evidence
from unet_core.data.recipe.recipes import configure_parts
from unet_core.errors import DataError
from unet_core.io import images


def decide(
    evidence: Evidence,
    data: DataConfig,
    model: ModelConfig,
    search: Search | None = None,
    stored: MaskCoding | None = None,
) -> tuple[MaskCoding, list[str]]:
    """The coding of the masks, and sentences on what was guessed; `stored` is the one that a model was trained with.

    Raises DataError where the values fit no rule.
    """
    names = search.name_values() if search is not None else {}
    if evidence.drawn:
        if stored is not None and not names:
            return stored, []  # of drawings whose classes somebody else has numbered
        return code_drawn(list(names.values()), model.names), []
    if search is not None and search.labels and data.labels == "auto":
        data = replace(data, labels=search.labels)
    return choose_coding(evidence, data, model.num_classes, stored, names)


def look(
    search: Search, data: DataConfig, model: ModelConfig, samples: Sequence[Sample]
) -> tuple[MaskCoding, list[str]]:
    """The same from some of the samples, as a first look; files that cannot be read are left to whoever reads all."""
    data, model = configure_parts(data, model, search.recipe)
    evidence = Evidence()
    for sample in samples:
        try:
            evidence.add(files.read(sample, images.size(sample.image, sample.page)), sample.id)
        except DataError:
            continue
    return decide(evidence, data, model, search)
