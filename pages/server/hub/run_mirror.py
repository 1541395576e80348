"""The mirror of this server's runs on the Hugging Face Hub, where $UNET_STUDIO_MIRROR names a repository."""

import logging
import os
from typing import TYPE_CHECKING

from pages.server.paths import is_public, runs_dir
from unet_core.errors import UnetError

if TYPE_CHECKING:
    from unet_core.sharing.mirror.keeper import Keeper

VARIABLE, TOKEN = "UNET_STUDIO_MIRROR", "HF_TOKEN"
STOP_SECONDS = 8.0  # of the ten that Docker gives a container to end
_STATE: dict[str, "Keeper"] = {}
_WRONG: dict[str, str] = {}  # why there is none though one is named


def start() -> None:
    """Begin to fetch and to copy, in a thread; nothing where no repository is named."""
    _WRONG.clear()
    repo, token = os.environ.get(VARIABLE, "").strip(), os.environ.get(TOKEN, "").strip()
    if not repo:
        return
    from unet_core.sharing.mirror.keeper import Keeper
    from unet_core.sharing.mirror.mirror import Mirror

    try:
        if not token:
            raise UnetError(f"{VARIABLE} is set, but not {TOKEN}. Set it to a token that may write to {repo}.")
        keeper = _STATE["keeper"] = Keeper(Mirror(runs_dir(), repo, token))
        keeper.start()
    except UnetError as error:
        _WRONG["problem"] = str(error)
        logging.getLogger(__name__).error("%s", error)


def stop() -> None:
    """Copy what has changed once more, and end."""
    keeper = _STATE.pop("keeper", None)
    if keeper is not None and not keeper.stop(STOP_SECONDS):
        logging.getLogger(__name__).warning("The mirror of the runs was not complete when the server ended.")


def describe() -> tuple[str, bool]:
    """What there is to say of it in a line ("" where nothing), and whether that is a problem."""
    keeper = _STATE.get("keeper")
    problem = _WRONG.get("problem", "") or (keeper.problem if keeper else "")
    if problem:
        return (
            "Runs are not copied to the Hub at the moment." if is_public() else f"Runs are not copied: {problem}",
            True,
        )
    if keeper is not None and keeper.fetching:
        return "Earlier runs are being fetched from the Hub…", False
    return "", False
