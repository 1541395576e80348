"""The licenses that a model can be shared under, by the Hub's identifiers, with what each means in a line."""

from unet_core.errors import ConfigError

UNKNOWN = "unknown"
LICENSES = {
    UNKNOWN: "not chosen: nobody but you may use the model",
    "mit": "MIT: any use, your name stays",
    "apache-2.0": "Apache 2.0: any use, your name stays, patents granted",
    "bsd-3-clause": "BSD 3-clause: any use, your name stays",
    "cc0-1.0": "CC0: public domain",
    "cc-by-4.0": "CC BY: any use, you are credited",
    "cc-by-sa-4.0": "CC BY-SA: any use, shared alike",
    "cc-by-nc-4.0": "CC BY-NC: no commercial use",
    "cc-by-nc-sa-4.0": "CC BY-NC-SA: no commercial use, shared alike",
    "openrail": "OpenRAIL: use with restrictions on harm",
    "gpl-3.0": "GPL 3: derived software stays free",
    "agpl-3.0": "AGPL 3: as GPL, services included",
}


def check_license(name: str) -> str:
    """The identifier itself. Raises ConfigError where the Hub does not know it.

    >>> check_license("mit")
    'mit'
    """
    if name not in LICENSES:
        raise ConfigError(f"License {name!r} is not one of {', '.join(LICENSES)}. Choose one of these.")
    return name
