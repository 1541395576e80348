"""The README.md of a Space: the Hub's settings of it, and what a visitor and its owner have to know."""

from dataclasses import dataclass

import unet_core
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.hub.repo_id import parse
from unet_core.sharing.card_tables import inert
from unet_core.sharing.licenses import UNKNOWN, check_license
from unet_core.sharing.push import SDK

PORT = 7860  # of the Dockerfile
EMOJI, COLORS = "🔬", ("blue", "green")
LONGEST_TITLE, LONGEST_SHORT = 60, 60  # characters; the Hub cuts a longer short description


@dataclass(frozen=True)
class SpaceOptions:
    """What the owner of a Space decides.

    Args:
        title: what the Space and its model are called; "" = the name of the repository.
        description: what the model is for, in at most 60 characters; "" = by its classes.
        license: of the model, one of `licenses.LICENSES`.
        model: the repository of the Hub that the model was pushed to, as `org/name`; "" = none.

    Raises:
        ConfigError: the license is not known, title or description are too long.
        HubError: `model` is no name of a repository.
    """

    title: str = ""
    description: str = ""
    license: str = UNKNOWN
    model: str = ""

    def __post_init__(self) -> None:
        check_license(self.license)
        for what, text, most in (
            ("title", self.title, LONGEST_TITLE),
            ("description", self.description, LONGEST_SHORT),
        ):
            if len(text) > most:
                raise ConfigError(f"The {what} of the Space has {len(text)} characters, at most {most} are allowed.")
        if self.model:
            parse(self.model)


def write_readme(options: SpaceOptions, title: str, model: ModelConfig) -> str:
    """The README.md: settings for the Hub, then the text."""
    from huggingface_hub import SpaceCardData

    classes = [model.class_name(index) for index in range(1, max(2, model.num_classes))]
    segmented = ", ".join(classes[:3]) + " and more" * (len(classes) > 3)
    short = " ".join(options.description.split()) or f"Segment {segmented} in your images with a U-Net"
    pushed = parse(options.model).repo if options.model else ""
    data = SpaceCardData(
        title=title,
        sdk=SDK,
        app_port=PORT,
        license=options.license,
        models=[pushed] if pushed else None,
        tags=["unet-studio", "u-net", "image-segmentation"],
        emoji=EMOJI,
        colorFrom=COLORS[0],
        colorTo=COLORS[1],
        short_description=short if len(short) <= LONGEST_SHORT else f"{short[: LONGEST_SHORT - 1].rstrip()}…",
        pinned=False,
    )
    channels = {1: "grayscale", 3: "RGB"}.get(model.in_channels, f"{model.in_channels}-channel")
    source = f" Its model card: [{pushed}](https://huggingface.co/{pushed})." if pushed else ""
    text = f"""# {inert(title)}

A U-Net that segments {inert(segmented)} in {channels} images. Open **Predict**, upload images, download masks and \
measurements.{source}

The app is UNet Studio {unet_core.__version__} (MIT license) in public mode: visitors see only what they uploaded \
themselves, and uploaded images are removed after a day.

## For the owner

The disk of a Space is lost at each restart; the model of this Space is part of its files. To keep runs, set these in \
the settings of the Space:

| name | kind | what it is |
|---|---|---|
| `UNET_STUDIO_MIRROR` | variable | a private model repository, `owner/name`, that runs are copied to |
| `HF_TOKEN` | secret | a token that may write to it; it is never used for visitors |
| `STREAMLIT_SERVER_COOKIE_SECRET` | secret | any long text, so that visitors are recognized after a restart |
"""
    return f"---\n{data.to_yaml(line_break=chr(10)).rstrip()}\n---\n\n{text}"
