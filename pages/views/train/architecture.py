"""What the chosen net is: figures and a drawing that follow the settings."""

from dataclasses import replace

import streamlit as st

from pages.ui import architecture_diagram, widgets
from pages.ui.formatting import plain
from unet_core.config.schema import ModelConfig
from unet_core.errors import UnetError
from unet_core.models import architecture


def show(config: ModelConfig) -> None:
    """Parameters, multiply-adds, receptive field, valid sizes and the drawing."""
    if config.in_channels == 0 or config.num_classes == 0:
        st.caption("Channels and classes are found from the data; here the net is drawn for 3 channels and 1 class.")
        config = replace(config, in_channels=config.in_channels or 3, num_classes=config.num_classes or 1)
    side = config.image_size
    try:
        architecture.check_size(config, side, side)
    except UnetError as error:
        widgets.show_error(f"image_size: {error}")
        return
    out = architecture.output_size(config, side)
    sees = architecture.receptive_field(config)
    widgets.tiles(
        {
            "Parameters": (f"{architecture.parameter_count(config):,}", "Learned values, norms included."),
            "Multiply-adds": (
                f"{architecture.multiply_adds(config, side) / 1e9:.2f} G",
                f"For one image of {side} x {side} pixels.",
            ),
            "Receptive field": (f"{sees} px", "The square of the image that one pixel of the mask can depend on."),
            "Convolutions": (str(architecture.convolution_count(config)), "Layers with a learned kernel."),
            "In → out": (f"{side} → {out} px", "Side of a training crop and of the mask that it gives."),
        }
    )
    st.plotly_chart(
        architecture_diagram.draw(config, side),
        key="diagram",
        config={"displayModeBar": False},
        alt=f"U-Net of depth {config.depth} with {config.base_channels} to "
        f"{config.base_channels * 2**config.depth} channels",
    )
    if config.padding == "same":
        st.caption(f"Any image size goes in; inside, sides are padded to multiples of {2**config.depth}.")
    else:
        fitting = [side]
        while len(fitting) < 5:
            fitting.append(architecture.fitting_size(config, fitting[-1] + 1))
        st.caption(plain(f"Unpadded: valid input sides from here on are {', '.join(map(str, fitting))}, ... pixels."))
