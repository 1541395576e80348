"""Who may use which access token of the Hugging Face Hub. A token is never stored, logged or shown."""

import os
import re

from unet_core.errors import HubError
from unet_core.io.owners import is_public as is_public


def has_own_token() -> bool:
    """Whether $HF_TOKEN of this machine may be used: never for visitors of a public server."""
    return not is_public() and bool(os.environ.get("HF_TOKEN", "").strip())


def token_for(given: str = "") -> str | bool:
    """The token to send: the one that a user gives, else that of the environment; False where there is none.

    Raises HubError, without the text in it, where it cannot be a token.

    >>> token_for(" hf_abc ")
    'hf_abc'
    """
    token = given.strip() or (os.environ["HF_TOKEN"].strip() if has_own_token() else "")
    if token and not re.fullmatch(r"[!-~]{1,400}", token):
        raise HubError("The access token has characters that no token has. Copy it again; it begins with hf_.")
    return token or False
