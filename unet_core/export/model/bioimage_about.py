"""What a package of the BioImage Model Zoo says of a model; no torch, for pages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """What a package says of a model beside its settings. `license` is one of the Hub's identifiers or ""."""

    name: str = "U-Net"
    description: str = ""
    author: str = ""
    license: str = ""
