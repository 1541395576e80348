"""What is scored only on request, because it takes long, and how that is said."""

from contextlib import suppress
from dataclasses import dataclass

from unet_core.config.schema import ModelConfig
from unet_core.data.layouts import Sample
from unet_core.errors import ImageError
from unet_core.io import images

MOST_IMAGES, MOST_MEGAPIXELS, MOST_SECONDS = 200, 100, 60  # that are predicted without being asked for
TIMED = 20  # images from which on the seconds count: of few ones an estimate may be far off
MOST_TRIED = 4_000_000  # pixels of an image on which the time is measured


@dataclass(frozen=True)
class Offer:
    """What is scored when the user asks for it: `total` images, of which `images` are not predicted yet.

    `megapixels` are those of the latter. `seconds` is about how long they take, measured on one of them; None where
    all are too large for that.
    """

    total: int
    images: int
    megapixels: float
    seconds: float | None = None

    @property
    def reason(self) -> str:
        """The begin of a sentence on what is scored only on request; "" where this is scored at once."""
        if self.images > MOST_IMAGES:
            return f"More than {MOST_IMAGES} images are"
        if self.megapixels > MOST_MEGAPIXELS:
            return f"More than {MOST_MEGAPIXELS} megapixels are"
        if self.images > TIMED and self.seconds is not None and self.seconds > MOST_SECONDS:
            return f"What takes more than {MOST_SECONDS} s is"
        return ""


def explain_model(config: ModelConfig) -> str:
    """What images and masks have to fit.

    >>> explain_model(ModelConfig(in_channels=3, num_classes=1))
    'This model takes 3 channels and knows background and foreground; neither can be changed. Choose another model or \
dataset, or set on the Data page what the mask values mean.'
    """
    number = f"{config.in_channels} channel{'s' * (config.in_channels > 1)}"
    classes = "background and foreground" if config.num_classes == 1 else f"{config.num_classes} classes"
    return (
        f"This model takes {number} and knows {classes}; neither can be changed. Choose another model or dataset, or "
        "set on the Data page what the mask values mean."
    )


def count_pixels(sample: Sample) -> int:
    """Of its image, by the header alone; 0 where it cannot be read."""
    with suppress(ImageError):
        height, width = images.size(sample.image, sample.page)
        return height * width
    return 0
