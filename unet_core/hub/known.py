"""Trained models of others that this program reads, for whoever has none of their own: a short list, with evidence.

The Hub is not asked, and nothing is downloaded before a link is followed. What stands here was read in the repositories
themselves (README, LICENSE and `hubconf.py`, which names the file of the weights).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownModel:
    """A trained model: what it segments, under which license, its page, and the file to download and add."""

    name: str
    segments: str
    images: str
    license: str
    page: str
    file: str


KNOWN = (
    KnownModel(
        "Brain MRI (mateuszbuda/brain-segmentation-pytorch)",
        "abnormal regions around lower-grade gliomas",
        "slices of brain MRI with 3 channels: before contrast, FLAIR, after contrast",
        "MIT",
        "https://github.com/mateuszbuda/brain-segmentation-pytorch",
        "https://github.com/mateuszbuda/brain-segmentation-pytorch/releases/download/v1.0/unet-e012d006.pt",
    ),
    KnownModel(
        "Carvana (milesial/Pytorch-UNet)",
        "the car in a photo",
        "RGB photos of single cars, as in the Carvana Image Masking Challenge",
        "GPL-3.0",
        "https://github.com/milesial/Pytorch-UNet",
        "https://github.com/milesial/Pytorch-UNet/releases/download/v1.0/unet_carvana_scale1_epoch5.pth",
    ),
)
