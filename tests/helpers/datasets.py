"""A small dataset with or without faults, scans without a process, and the views of the Data page by AppTest."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from unet_core.config.schema import DataConfig
from unet_core.data.checks import scan
from unet_core.data.checks.process import ScanProgress, ScanState
from unet_core.errors import UnetError
from unet_core.io import images
from unet_core.io.pixels import encode_png


def write_mask(root: Path, name: str, pixels: NDArray[np.uint8]) -> None:
    """Overwrite a mask by its name without suffix."""
    (root / "masks" / f"{name}.png").write_bytes(encode_png(pixels))


def read_mask(root: Path, name: str) -> NDArray[np.uint8]:
    """(H, W)"""
    return np.asarray(images.read(root / "masks" / f"{name}.png")[:, :, 0], np.uint8)


def copy_faulty(source: Path, root: Path) -> Path:
    """A copy in which one mask is inverted and another lacks three rows."""
    shutil.copytree(source, root)
    write_mask(root, "cells_001", 255 - read_mask(root, "cells_001"))
    write_mask(root, "cells_003", read_mask(root, "cells_003")[:-3])
    return root


@dataclass
class DoneScan:
    """In place of a scan in a process: what was done is told by `progress`."""

    progress: ScanProgress
    cancelled: list[bool] = field(default_factory=list)

    def poll(self) -> ScanProgress:
        return self.progress

    def cancel(self) -> None:
        self.cancelled.append(True)


def scan_at_once(data: DataConfig) -> DoneScan:
    """In place of `process.start`: returns when the scan is in the cache."""
    try:
        result = scan.scan(data)
    except UnetError as error:
        return DoneScan(ScanProgress(0, 0, "", ScanState.FAILED, str(error)))
    return DoneScan(ScanProgress(len(result.facts), len(result.facts), "", ScanState.DONE, ""))


def script(root: str) -> None:
    """A page that holds nothing but the views."""
    from pathlib import Path

    from pages.views.data import sections

    sections.show(Path(root))


def show_views(root: Path, view: str = "", **session: Any) -> AppTest:
    """The views of a dataset; `session` is put into the session before the first run."""
    app = AppTest.from_function(script, kwargs={"root": str(root)}, default_timeout=120)
    for name, value in session.items():
        app.session_state[name] = value
    if view:
        app.session_state["data_view"] = view
    app.run()
    assert not app.exception
    return app


def widget(elements: Any, key: str) -> Any:
    """The widget of a kind whose key begins so."""
    return next(element for element in elements if str(element.key).startswith(key))


def labels(app: AppTest) -> list[str]:
    """Of all buttons."""
    return [button.label for button in app.button]
