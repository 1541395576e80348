"""The chosen model in numbers and as a diagram; both follow the settings."""

from dataclasses import replace

import streamlit as st

from pages.ui import widgets
from pages.ui.figures import architecture_diagram, chart_view
from pages.ui.formatting import plain
from unet_core.config.schema import ModelConfig
from unet_core.errors import UnetError
from unet_core.models import architecture


def show(config: ModelConfig) -> None:
    """Parameters, multiply-adds, receptive field, valid sizes and the diagram."""
    if config.in_channels == 0 or config.num_classes == 0:
        st.caption("Channels and classes are detected from the data. Shown here: 3 channels and 1 class unless set.")
        config = replace(config, in_channels=config.channels_or(3), num_classes=config.num_classes or 1)
    side = config.image_size
    try:
        architecture.check_size(config, side, side)
    except UnetError as error:
        widgets.show_error(f"{widgets.label_of('image_size')}: {error}")
        return
    output_side = architecture.output_size(config, side)
    receptive_field = architecture.receptive_field(config)
    widgets.tiles(
        {
            "Parameters": (
                f"{architecture.parameter_count(config):,}",
                "Trainable weights.",
            ),
            "Multiply-adds": (
                f"{architecture.multiply_adds(config, side) / 1e9:.2f} G",
                f"For one image of {side} x {side} pixels.",
            ),
            "Receptive field": (f"{receptive_field} px", "Side of the image area that can affect one output pixel."),
            "Convolutions": (str(architecture.convolution_count(config)), "Layers with a learned kernel."),
            "Input → output": (f"{side} → {output_side} px", "Side of a training crop and of its predicted mask."),
        }
    )
    chart_view.show_chart(
        architecture_diagram.draw(config, side),
        "diagram",
        f"unet-depth{config.depth}-channels{config.base_channels}",
        f"U-Net of depth {config.depth} with {config.base_channels} to "
        f"{config.base_channels * 2**config.depth} channels",
        has_toolbar=False,
        has_data=False,
    )
    if config.padding == "same":
        st.caption(f"Accepts images of any size; internally, sides are padded to multiples of {2**config.depth} px.")
    else:
        valid = [side]
        while len(valid) < 5:
            valid.append(architecture.fitting_size(config, valid[-1] + 1))
        st.caption(plain(f"Unpadded: the valid input sides from here on are {', '.join(map(str, valid))}, ... px."))
