"""An import that a training needs later, made in a thread while the images are read: the disk is busy then.

Building the first optimizer imports `torch._dynamo`, which takes 1.4 s.
"""

import contextlib
import importlib
import threading
from collections.abc import Iterator

MODULE = "torch._dynamo"


@contextlib.contextmanager
def import_meanwhile(module: str = MODULE) -> Iterator[None]:
    """Import `module` in a thread during the block, and wait for it at the end of the block.

    The block must not import what that module is made of: two threads in one circle of imports see half a module. An
    import that fails does so again, and aloud, where it is needed.

    >>> import sys
    >>> with import_meanwhile("unet_core.runs.stages"):
    ...     pass
    >>> "unet_core.runs.stages" in sys.modules
    True
    """
    thread = threading.Thread(target=_load, args=(module,), daemon=True, name="warm-up")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _load(module: str) -> None:
    with contextlib.suppress(Exception):
        importlib.import_module(module)
