"""Random crops of the user's own pairs as training would augment them."""

import streamlit as st

from pages.ui import widgets
from pages.views.data.state import Dataset
from pages.views.train import augmentation
from unet_core.config.choices import AUGMENTATIONS
from unet_core.config.labels import fields_by_name
from unet_core.errors import UnetError

SIZES = (64, 96, 128, 192, 256, 384, 512)


def show(dataset: Dataset) -> None:
    """Strength, crop size and seed, then a row of crops for each of a few images."""
    coding = dataset.scan.coding
    if coding is None:
        st.info("Crops are shown once the masks have a clear meaning; see Mask Doctor.", icon=":material/help:")
        return
    config = dataset.config
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names, option = list(AUGMENTATIONS), fields_by_name()["augment"]
        strength = st.selectbox(
            "Augmentation",
            names,
            index=names.index(config.train.augment),
            key="data_augment",
            width=260,
            format_func=option.words,
            help="\n".join(f"- **{option.words(name)}**: {sentence}" for name, sentence in AUGMENTATIONS.items()),
            persist_state="session",
        )
        size = st.selectbox(
            "Crop size (px)", SIZES, index=SIZES.index(128), key="data_crop", width=150, persist_state="session"
        )
    try:
        config = config.replace(augment=strength, image_size=int(size or 128))
        readable_ids = {item.id for item in dataset.scan.facts if not item.problem}
        samples = [sample for name, sample in dataset.samples.items() if name in readable_ids]
        augmentation.show_crops(config, samples, coding)
    except UnetError as error:
        widgets.show_error(error)
        return
    st.caption("Nothing is saved here: choose the augmentation of a run on the Train page.")
