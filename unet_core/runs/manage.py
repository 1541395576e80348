"""Managing runs: a name and a note, size on the disk, download as a ZIP, deletion and its undoing."""

import contextlib
import json
import os
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.io import owners, trash
from unet_core.io.files import replacement, write_atomically
from unet_core.io.trash import Removed
from unet_core.runs.run import Run, get

NOTES = "notes.json"
LONGEST_NAME, LONGEST_NOTE = 80, 4000  # letters
TRASH = ".trash"
KEPT = "24 hours"  # in words: `trash.KEEP_SECONDS`
NOT_PACKED = ("lock", "heartbeat", "queue", "control", owners.FILE)  # of this machine and this moment


@dataclass(frozen=True)
class Notes:
    """What a user wrote of a run."""

    name: str = ""
    note: str = ""


def notes(run: Run) -> Notes:
    """Empty ones where nothing was written, or it cannot be read."""
    try:
        values = json.loads((run.folder / NOTES).read_text(encoding="utf-8"))
        return Notes(str(values.get("name", "")), str(values.get("note", "")))
    except (OSError, ValueError, AttributeError):
        return Notes()


def find_named(name: str, runs_dir: Path) -> Run:
    """The run of an id in `runs_dir`, or of a run folder. Raises RunError where there is none."""
    folder = Path(name)
    return get(folder.parent if len(folder.parts) > 1 else runs_dir, folder.name)


def label(run: Run) -> str:
    """What a run is called on the screen: its name, else its id."""
    return notes(run).name or run.id


def write_notes(run: Run, notes: Notes) -> None:
    """Save a name and a note; the id of the run and its folder stay. Raises RunError, also where it is another's."""
    owners.check_run(run.folder)
    name, note = " ".join(notes.name.split()), notes.note.strip()
    for what, text, most in (("name", name, LONGEST_NAME), ("note", note, LONGEST_NOTE)):
        if len(text) > most:
            raise RunError(f"The {what} has {len(text)} characters, at most {most} are allowed.")
    try:
        write_atomically(run.folder / NOTES, json.dumps(asdict(Notes(name, note)), indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{run.folder / NOTES}: cannot be written ({error.strerror or error}).") from error


def size(run: Run) -> int:
    """Bytes on the disk."""
    return sum(_bytes(path) for path in _files(run.folder))


def pack(run: Run, path: Path) -> None:
    """Write all of a run as one ZIP that unpacks into a folder of its id; what belongs to this machine is left out.

    Its settings name dataset and files without their folders. It holds a few validation images (`Run.snapshots`) and
    the log. The file appears when it is complete. Raises RunError where it cannot be written, or the run is gone.
    """
    files = [(file, file.relative_to(run.folder)) for file in _files(run.folder)]
    _write_zip(run, path, [(file, inside) for file, inside in files if inside.parts[0] not in NOT_PACKED])


def pack_model(run: Run, path: Path) -> None:
    """Write the best checkpoint alone as one ZIP, all that predicts: settings of the model, weights, their check sum.

    It unpacks into a checkpoint folder named like the run. Raises RunError as `pack`, and where no epoch was saved.
    """
    folder = run.best if run.best.is_dir() else run.best.with_name("best.old")
    if run.folder.is_dir() and not folder.is_dir():
        raise RunError(f"Run {run.id} has saved no epoch yet. Export its model after the first one.")
    _write_zip(run, path, [(file, file.relative_to(folder)) for file in _files(folder)])


def _write_zip(run: Run, path: Path, files: list[tuple[Path, Path]]) -> None:
    """Write `files`, with their paths in the folder that the ZIP unpacks into."""
    if not run.folder.is_dir():
        raise RunError(f"Run {run.id} was deleted meanwhile.")
    try:
        with (
            replacement(path) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        ):
            for file, inside in files:
                name = str(Path(run.id) / inside)
                with contextlib.suppress(FileNotFoundError):  # a checkpoint that was just replaced
                    if file == run.folder / "config.json":
                        packed.writestr(name, without_folders(run.config).to_json())
                    else:
                        packed.write(file, name)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}); free some space.") from error


def without_folders(config: RunConfig) -> RunConfig:
    """Settings in which no path says where it lies on this machine."""
    paths = {"root": config.data.root, "color_map": config.data.color_map, "init": config.train.init}
    return config.replace(**{name: Path(value).name for name, value in paths.items() if Path(value).is_absolute()})


def delete(run: Run, permanently: bool = False) -> Removed | None:
    """Move a run to the trash of its runs folder, from where `restore` brings it back within a day; or delete it.

    It leaves the list in one step, and who has its files open keeps them. None where it was deleted permanently, or
    somebody else was faster. Raises RunError while it is active, where it is another's or the disk refuses.
    """
    owners.check_run(run.folder)
    if run.alive():
        raise RunError(f"Run {run.id} is {run.state().value}. Stop it before you delete it.")
    folder = run.folder.parent / TRASH
    name = notes(run).name
    try:
        removed = trash.put(folder, run.id, run.folder, {"label": name} if name else {})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"{run.folder}: cannot be deleted ({error.strerror or error}).") from error
    (folder / removed.key / "queue").unlink(missing_ok=True)  # restored, it does not start by itself
    if permanently:
        trash.discard(folder, removed.key)
        return None
    return removed


def deleted(runs_dir: Path) -> list[Removed]:
    """The runs that who acts can restore, the latest first: `name` is the id, the note `label` the user's name."""
    folder = runs_dir / TRASH
    return [item for item in trash.find(folder) if owners.is_own(folder / item.key)]


def deleted_size(runs_dir: Path, key: str = "") -> int:
    """Bytes of a deleted run by its key, or of all that who acts can restore."""
    return sum(trash.size(runs_dir / TRASH, item.key) for item in deleted(runs_dir) if key in ("", item.key))


def restore(runs_dir: Path, key: str) -> Run:
    """Bring back a deleted run by its key (`deleted`); where its id is taken meanwhile, with a number added.

    Raises RunError where it is not in the trash any more, or the disk refuses.
    """
    item = next((item for item in deleted(runs_dir) if item.key == key), None)
    if item is None or "/" in item.name or item.name in ("", ".", ".."):
        raise RunError(f"The run is no longer in the trash. Deleted runs are kept for {KEPT}.")
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        target = runs_dir / f"{item.name}{suffix}"
        try:
            trash.take_back(runs_dir / TRASH, key, target)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"Run {item.name} cannot be restored ({error.strerror or error}).") from error
        return Run(target)
    raise RunError(f"Run {item.name} cannot be restored: its name is taken. Rename or delete the others.")


def empty_trash(runs_dir: Path, keep_seconds: float = trash.KEEP_SECONDS) -> None:
    """Remove for good what who acts has deleted longer ago than that; all of it with 0."""
    if owners.current() is None:
        trash.empty(runs_dir / TRASH, keep_seconds)
        return
    for item in deleted(runs_dir):
        if time.time() - item.removed_at >= keep_seconds:
            trash.discard(runs_dir / TRASH, item.key)


def _files(folder: Path) -> list[Path]:
    """Files only, no link is followed."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sorted(path for path in paths if not path.is_symlink())


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
