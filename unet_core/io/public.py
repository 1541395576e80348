"""Whether those who use this process are strangers to it and to each other."""

import os


def is_public() -> bool:
    """Whether visitors do not know each other and are strangers: $UNET_STUDIO_PUBLIC is set, and not 0.

    Where it is not set, a Space of the Hugging Face Hub is public, nothing else is.
    """
    return (os.environ.get("UNET_STUDIO_PUBLIC") or os.environ.get("SPACE_ID") or "0") != "0"
