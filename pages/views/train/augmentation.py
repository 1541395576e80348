"""What the net will see: random crops of the user's own images, changed as in training, their masks outlined."""

import numpy as np
import streamlit as st

from pages.ui import widgets
from pages.views.train import form
from unet_core import overlay
from unet_core.config.schema import RunConfig
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.models import architecture

IMAGES, CROPS = 3, 5


def show(config: RunConfig) -> None:
    """A row for each of a few images: a crop as it is, then changed ones; another seed gives others."""
    if not config.data.root:
        return
    number = st.number_input("Draw", 0, 1000, 0, key="draw", help="Another number gives other crops.")
    try:
        found, _ = form.look(config.data.root, config.data.layout)
        chosen = found[:: max(1, len(found) // IMAGES)][:IMAGES]
        with st.spinner("Cutting crops…"):
            rows = [crops(config, sample, int(number)) for sample in chosen]
    except UnetError as error:
        widgets.show_error(error)
        return
    for sample, row in zip(chosen, rows, strict=True):
        for index, (place, picture) in enumerate(zip(st.columns(CROPS), row, strict=True)):
            place.image(picture, width="stretch", alt=f"Crop {index + 1} of {sample.id}, its mask outlined")
    st.caption(
        f"Each row is one crop, first as it is, then changed with `{config.train.augment}`. "
        f"It is {config.model.image_size} pixels wide, its mask outlined."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def crops(config: RunConfig, sample: Sample, number: int) -> list[np.ndarray]:
    """Crops of one image with their masks outlined. Imports torch and Albumentations, here and not with the page."""
    from unet_core.data import dataset, sampling
    from unet_core.data.augmentation import Augment

    pictures = dataset.load_dataset([sample], config.data, config.model)
    side, margin = pictures.model.image_size, architecture.margin(pictures.model)
    augment = Augment(config.train.augment)
    result = []
    crop = sampling.crop(pictures[0], side, margin, np.random.default_rng(number))
    for index in range(CROPS):
        image, mask = augment(*crop, seed=1000 * number + index) if index else crop
        result.append(overlay.draw(image, (mask > 0).astype(np.uint8), 1, 1.0, outline=True))
    return result
