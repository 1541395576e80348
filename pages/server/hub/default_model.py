"""The model that this server offers first, downloaded by a thread of its own where the Hub has it."""

import logging
import threading
from pathlib import Path

from pages.server.paths import is_public, models_dir
from unet_core.errors import UnetError
from unet_core.hub import default_model

RETRY_SECONDS = 60.0  # between two tries to reach the Hub
HIDDEN = "The model of this server is not available at the moment."  # to strangers; the log has the reason
_STOPPED = threading.Event()
_STATE = {"problem": ""}


def start() -> threading.Thread | None:
    """Download it where that is needed, tried again until it is there; None where nothing is to be done."""
    try:
        if not default_model.is_missing(models_dir()):
            return None
    except UnetError as error:
        logging.getLogger(__name__).error("%s", error)
        return None
    thread = threading.Thread(target=_fetch, name="default model", daemon=True)
    thread.start()
    return thread


def find() -> Path | None:
    """Its folder, once it is there."""
    try:
        return default_model.find_folder(models_dir())
    except UnetError:
        return None


def problem() -> str:
    """Why it is not there, in a line; "" where it is, or none is named."""
    try:
        if not default_model.is_missing(models_dir()):
            return ""
    except UnetError as error:
        return HIDDEN if is_public() else str(error)
    if not _STATE["problem"]:
        return "The model of this server is being downloaded from the Hugging Face Hub."
    return HIDDEN if is_public() else _STATE["problem"]


def stop() -> None:
    """Try no more: the server ends."""
    _STOPPED.set()


def _fetch() -> None:
    _STOPPED.clear()
    while not _STOPPED.is_set():
        try:
            default_model.fetch(models_dir())
            _STATE["problem"] = ""
            return
        except UnetError as error:
            _STATE["problem"] = str(error)
            logging.getLogger(__name__).warning("%s", error)
        except Exception:  # the thread must live: the Hub or the disk may be back later
            _STATE["problem"] = "The model of this server could not be downloaded; see the server's log."
            logging.getLogger(__name__).exception("The default model could not be downloaded.")
        _STOPPED.wait(RETRY_SECONDS)
