"""Downloaded models on the disk: stored whole or not at all, with own checksums and where they came from."""

import hashlib
import json
import shutil
import time
from contextlib import suppress
from pathlib import Path

from unet_core.hub.repo_id import Reference
from unet_core.io.files import flush_to_disk

NEEDED = ("config.json", "model.safetensors")
SOURCE = "source.json"  # beside the weights: the repository and commit they came from
ABANDONED = 86_400.0  # seconds after which an unfinished download belongs to no process


def store(downloads: Path, names: list[str], reference: Reference, commit: str, staging: Path, folder: Path) -> None:
    """Move the files `names` from `downloads` to `folder`, with checksums and their source, whole or not at all.

    `staging` is a folder on the same disk, where the new content is completed. Raises OSError.
    """
    fresh = staging / "checkpoint"
    fresh.mkdir()
    sums = ""
    for name in sorted(names):
        (downloads / name).replace(fresh / name)
        sums += f"{hashlib.sha256((fresh / name).read_bytes()).hexdigest()}  {name}\n"
    (fresh / "sha256").write_text(sums, encoding="ascii")
    source = {"repo": reference.repo, "revision": reference.revision, "commit": commit}
    (fresh / SOURCE).write_text(json.dumps(source) + "\n", encoding="ascii")
    for path in fresh.iterdir():
        flush_to_disk(path)
    if folder.exists():
        folder.rename(staging / "before")
    fresh.rename(folder)


def remove_stale(models_dir: Path) -> None:
    """Remove the remains of downloads that were killed with their process."""
    for folder in models_dir.glob("*--*.new"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)


def cached_commit(folder: Path) -> str | None:
    """The commit that a folder was downloaded from; None where it was not, or that cannot be read."""
    try:
        return str(json.loads((folder / SOURCE).read_text(encoding="ascii"))["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_complete(folder: Path) -> bool:
    """Whether a downloaded folder is there and undamaged."""
    try:
        sums = dict(line.split("  ")[::-1] for line in (folder / "sha256").read_text(encoding="ascii").splitlines())
        return set(NEEDED) <= sums.keys() and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in sums.items()
        )
    except (OSError, ValueError):
        return False
