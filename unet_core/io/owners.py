"""Who owns a folder on a server whose visitors are strangers to each other: a run, a dataset, a model.

Locally nobody asks: there `current` is None, the operator, who sees and changes everything, and so it is for trainers
and for the command line. A public server says with `identify_by` who acts. An owner is a digest, never the token that a
visitor's browser has. What belongs to nobody is the operator's: visitors see it and cannot change it.

    runs/<id>/owner                     the owner of a run, one line
    datasets/.visitors/<owner>/owner    that of all datasets in this folder

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> with acting_as("a" * 32):
...     record(folder)
...     is_own(folder)
True
>>> with acting_as("b" * 32):
...     is_visible(folder)
False
>>> is_own(folder)  # for the operator
True
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from unet_core.errors import DataError, RunError
from unet_core.io.filenames import readable
from unet_core.io.files import write_atomically

FILE = "owner"  # in the folder
OWNER = re.compile(r"[0-9a-f]{32}")
STRANGER = "stranger"  # a visitor who is not known: owns nothing

_ACTING: ContextVar[tuple[str | None] | None] = ContextVar("owner", default=None)
_identify: Callable[[], str | None] | None = None


def is_public() -> bool:
    """Whether visitors do not know each other and are strangers: $UNET_STUDIO_PUBLIC is set, and not 0.

    Where it is not set, a Space of the Hugging Face Hub is public, nothing else is.
    """
    return (os.environ.get("UNET_STUDIO_PUBLIC") or os.environ.get("SPACE_ID") or "0") != "0"


def identify_by(function: Callable[[], str | None]) -> None:
    """For a server: who acts where no `acting_as` says it."""
    global _identify
    _identify = function


def current() -> str | None:
    """The owner who acts now; None for the operator."""
    acting = _ACTING.get()
    if acting is not None:
        return acting[0]
    return None if _identify is None else _identify()


@contextmanager
def acting_as(owner: str | None) -> Iterator[None]:
    """What is done in the block is done by `owner`, also in tasks that it starts; threads must say it themselves."""
    token = _ACTING.set((owner,))
    try:
        yield
    finally:
        _ACTING.reset(token)


def record(folder: Path) -> None:
    """Make a folder that of who acts; nothing for the operator. Raises OSError."""
    owner = current()
    if owner is not None:
        write_atomically(folder / FILE, f"{owner}\n")


def owner_of(folder: Path) -> str | None:
    """The owner of a folder; None where it is the operator's. A record that cannot be read is nobody's."""
    try:
        return (folder / FILE).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ""


def is_own(folder: Path) -> bool:
    """Whether who acts may change it."""
    owner = current()
    return owner is None or (owner != STRANGER and owner_of(folder) == owner)


def is_visible(folder: Path) -> bool:
    """Whether who acts may look at it and use it."""
    owner = current()
    return owner is None or owner_of(folder) in (None, owner)


def check_run(folder: Path) -> None:
    """Raises RunError where who acts may not change a run. One of others is answered as one that is not there."""
    if is_own(folder):
        return
    if is_visible(folder):
        raise RunError(f"Run {folder.name} belongs to this server and cannot be changed here. Start a run of your own.")
    raise RunError(f"There is no run {folder.name!r} here.")


def check_dataset(root: Path) -> None:
    """Raises DataError where who acts may not change a dataset or its repairs; the folder above has the owner."""
    if not is_own(root.parent):
        raise DataError(
            f"The dataset {readable(root.name)} belongs to this server and cannot be changed here. Upload a copy of "
            "your own."
        )
