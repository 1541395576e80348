"""The files of this version of UNet Studio, laid out as in its repository: what a server is built from.

They come from the package that is running, installed or in a clone: a Space then runs the very version that its model
was looked at with, whether that is on a package index or not.
"""

from pathlib import Path

import unet_core
from unet_core.errors import RunError
from unet_core.sharing.repository import Item

PACKAGE, PAGES = "unet_core", "pages"
SINGLE = ("Dockerfile", ".dockerignore", ".streamlit/config.toml", "LICENSE", "app.py", "requirements.txt")
KINDS = (".py", ".js", ".css", ".html", ".json", ".md", ".svg", ".txt", ".typed", ".woff2")
INSTALLED = "_app"  # the folder in the installed package that holds what lies beside it in a clone


def read_app() -> list[Item]:
    """Every file, by name. Raises RunError where the installation is not complete."""
    package = Path(unet_core.__file__).parent
    beside = package / INSTALLED if (package / INSTALLED).is_dir() else package.parent
    files = {name: beside / name for name in SINGLE}
    files |= {f"{PACKAGE}/{name}": path for name, path in _source(package).items()}
    files |= {f"{PAGES}/{name}": path for name, path in _source(beside / PAGES).items()}
    missing = [name for name in (*SINGLE, f"{PAGES}/main.py") if name not in files or not files[name].is_file()]
    if missing:
        raise RunError(
            f"{beside}: {', '.join(missing)} of UNet Studio is not there. Install it again: "
            "pip install --force-reinstall unet-studio."
        )
    try:
        return [Item(name, path.read_bytes()) for name, path in sorted(files.items())]
    except OSError as error:
        raise RunError(f"{error.filename}: cannot be read ({error.strerror or error}).") from error


def _source(folder: Path) -> dict[str, Path]:
    """The source files of a package by their names in it; hidden ones and those of other kinds stay behind."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.suffix in KINDS and path.is_file() and not path.is_symlink() and not _is_left_out(name):
            found[name.as_posix()] = path
    return found


def _is_left_out(name: Path) -> bool:
    return name.parts[0] == INSTALLED or any(part.startswith((".", "__pycache__")) for part in name.parts)
