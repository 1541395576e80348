"""Models of the Hub that are known to load, for people who have no name at hand.

An entry is what its page said when it was read; license, files and size are looked up again before a download.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownModel:
    """A model of the Hub and what its page says of it."""

    repo: str
    segments: str
    architecture: str
    license: str
    megabytes: int  # of its weights


KNOWN = (
    KnownModel(
        "jiabing24/oxford-pet-segmentation",
        "cats and dogs in photos, from the background (Oxford-IIIT Pet)",
        "segmentation_models.pytorch Unet with ResNet-34",
        "as its page states",
        98,
    ),
)
