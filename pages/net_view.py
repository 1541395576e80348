"""What the chosen net is: figures and a drawing that follow the settings."""

from dataclasses import replace

import streamlit as st

from pages import diagram, widgets
from pages.text import plain
from unet_core import anatomy
from unet_core.config import ModelConfig
from unet_core.errors import UnetError


def show(config: ModelConfig) -> None:
    """Parameters, multiply-adds, receptive field, valid sizes and the drawing."""
    if config.in_channels == 0 or config.num_classes == 0:
        st.caption("Channels and classes are found from the data; here the net is drawn for 3 channels and 1 class.")
        config = replace(config, in_channels=config.in_channels or 3, num_classes=config.num_classes or 1)
    side = config.image_size
    try:
        anatomy.check_size(config, side, side)
    except UnetError as error:
        widgets.show_error(f"image_size: {error}")
        return
    out = anatomy.output_size(config, side)
    sees = anatomy.receptive_field(config)
    widgets.tiles(
        {
            "Parameters": (f"{anatomy.parameter_count(config):,}", "Learnt values, norms included."),
            "Multiply-adds": (
                f"{anatomy.multiply_adds(config, side) / 1e9:.2f} G",
                f"For one image of {side} x {side} pixels.",
            ),
            "Receptive field": (f"{sees} px", "The square of the image that one pixel of the mask can depend on."),
            "Convolutions": (str(anatomy.convolution_count(config)), "Layers with a learnt kernel."),
            "In → out": (f"{side} → {out} px", "Side of a training crop and of the mask that it gives."),
        }
    )
    st.plotly_chart(
        diagram.draw(config, side),
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
            fitting.append(anatomy.fitting_size(config, fitting[-1] + 1))
        st.caption(plain(f"Unpadded: valid input sides from here on are {', '.join(map(str, fitting))}, ... pixels."))
