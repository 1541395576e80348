"""Random crops of the user's own images as the model gets them in training, with their masks outlined."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.server.datasets.thumbnails import Look, key_of
from pages.ui import widgets
from pages.views.train import dataset
from unet_core import overlay
from unet_core.config.labels import fields_by_name
from unet_core.config.schema import RunConfig
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import UnetError
from unet_core.io.filenames import readable
from unet_core.io.pixels import Array
from unet_core.models import architecture

IMAGES, CROPS = 3, 5


def show(config: RunConfig) -> None:
    """The crops of the dataset in the form."""
    if not config.data.root:
        st.info("Choose a dataset first.", icon=":material/database:")
        return
    try:
        reading = dataset.read(config.data, config.model.num_classes)
        if reading.coding is None:
            st.info("The crops appear once the dataset is read.", icon=":material/hourglass_top:")
        else:
            show_crops(config, reading.readable, reading.coding)
    except UnetError as error:
        widgets.show_error(error)


def show_crops(config: RunConfig, samples: Sequence[Sample], coding: MaskCoding) -> None:
    """A row for each of a few images: a crop without, then with augmentation; another seed gives others.

    Raises DataError.
    """
    seed = st.number_input("Preview seed", 0, 1000, 0, key="draw", help="Change it to see other crops.", width=220)
    chosen = samples[:: max(1, len(samples) // IMAGES)][:IMAGES]
    placeless = config.replace(root="")  # the cache cannot hash a folder whose name is not UTF-8
    with st.spinner("Creating crops…"):
        rows = [augmented_crops(placeless, sample, int(seed), coding, key_of(sample, Look())) for sample in chosen]
    for sample, row in zip(chosen, rows, strict=True):
        for number, (column, crop) in enumerate(zip(st.columns(CROPS), row, strict=True), 1):
            column.image(crop, width="stretch", alt=f"Crop {number} of {readable(sample.id)}, its mask outlined")
    words = fields_by_name()["augment"].words(config.train.augment)
    st.caption(
        f"Each row shows one crop, first as it is, then with **{words}**. "
        f"Crops are {config.model.image_size} px wide; masks are outlined."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def augmented_crops(config: RunConfig, _sample: Sample, seed: int, coding: MaskCoding, key: str) -> list[Array]:
    """A crop of one image, then the same augmented, with masks outlined: (side, side, 3) uint8 each.

    `key` stands for the sample, whose name the cache cannot hash where it is not UTF-8.

    Torch and Albumentations are imported here and not with the page, which must open at once.
    """
    from unet_core.data import sampling
    from unet_core.data.augmentation import Augment
    from unet_core.data.dataset import load_dataset

    examples = load_dataset([_sample], config.data, config.model, coding)
    model = examples.model
    margin = architecture.margin(model)
    augment = Augment(config.train.augment, model.normalization)
    crop = sampling.crop(examples[0], model.image_size, margin, np.random.default_rng(seed))
    result = []
    for index in range(CROPS):
        image, mask = augment(*crop, seed=1000 * seed + index) if index else crop
        result.append(overlay.draw(image, (mask > 0).astype(np.uint8), 1, 1.0, outline=True))
    return result
