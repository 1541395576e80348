"""Uploads that go to the disk in chunks, can be resumed, and become a dataset of the library when they are complete.

    uploads = Uploads(library)
    upload = uploads.begin(Manifest("cells", [("a.png", 1000), ...]))
    with upload.receive(offset) as write: write(data) ...        # in order; `upload.arrived` says where to go on
    entry, notes = upload.finish("cells")                        # ZIP files are unpacked, junk is left out

All of an upload lies in a hidden folder of the library with an unguessable name, so that moving it in is a renaming:

    .uploads/<id>/manifest.json     what was announced
    .uploads/<id>/arrived           how many bytes of the stream are there
    .uploads/<id>/files/            the files, below the paths of the manifest
    .uploads/<id>/unpacked/<n>/     the content of the ZIP file number n
"""

import re
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakValueDictionary

from unet_core.data.library.library import Entry, Library
from unet_core.data.library.manifest import Manifest, check_disk
from unet_core.data.library.unpack import Progress, check_space, content_of, unpack
from unet_core.errors import Cancelled, DataError, listing
from unet_core.io.filenames import EXTENSIONS, fold_case, is_image_name, is_junk, unique
from unet_core.io.files import write_atomically
from unet_core.io.zip_reader import readable

FOLDER = ".uploads"
ABANDONED = 86_400.0  # seconds without a byte after which an upload is removed
MOST_UPLOADS = 200  # unfinished ones
CACHED = 8  # manifests in memory


class UploadError(DataError):
    """A request that does not fit the upload; the upload is as it was. `arrived` says where to go on."""

    def __init__(self, text: str, arrived: int) -> None:
        super().__init__(text)
        self.arrived = arrived


class UploadGoneError(DataError):
    """There is no such upload (any more)."""


class StorageError(DataError):
    """The disk refuses; the upload can go on once there is room."""


class Upload:
    """One upload; `arrived` of `manifest.total` bytes are on the disk."""

    def __init__(self, folder: Path, manifest: Manifest, arrived: int, library: Library) -> None:
        self.folder, self.manifest, self.arrived, self.library = folder, manifest, arrived, library
        self.id = folder.name
        self.is_cancelled = False
        self._busy = threading.Lock()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other request is at work on the upload. Raises UploadError."""
        if not self._busy.acquire(blocking=False):
            raise UploadError("Another request is at work on this upload. Wait for it to end.", self.arrived)
        try:
            yield
        finally:
            if self.is_cancelled:
                shutil.rmtree(self.folder, ignore_errors=True)
            self._busy.release()

    @contextmanager
    def receive(self, offset: int, size: int) -> Iterator[Callable[[bytes], None]]:
        """Gives a function that writes the next bytes of the stream, at most `size` in all.

        What is written counts also where the block ends with an error, as when the connection is lost. Bytes that have
        arrived may come again. Raises UploadError where the offset leaves a gap, more comes than was announced, or
        another request is writing; DataError where the disk refuses.
        """
        with self._alone():
            if not 0 <= offset <= self.arrived:
                raise UploadError(f"Byte {offset:,} is not the next one, {self.arrived:,} have arrived.", self.arrived)
            if offset + size > self.manifest.total:
                raise UploadError(
                    f"More bytes are sent than the {self.manifest.total:,} that were announced. A file has changed "
                    "since it was chosen; choose the files again.",
                    self.arrived,
                )
            state = [offset, offset + size]

            def write(data: bytes) -> None:
                if state[0] + len(data) > state[1]:
                    raise UploadError("More bytes are sent than the request announced.", self.arrived)
                if self.is_cancelled:
                    raise Cancelled("The upload was canceled.")
                self._write(state[0], data)
                state[0] += len(data)

            try:
                yield write
            finally:
                if state[0] > self.arrived:
                    self.arrived = state[0]
                    with _errors(self.folder):
                        write_atomically(self.folder / "arrived", str(self.arrived))

    def _write(self, offset: int, data: bytes) -> None:
        at = 0
        with _errors(self.folder):
            for piece in self.manifest.pieces(offset, len(data)):
                if self.manifest.is_wanted(piece.file):
                    path = self._path(piece.file)
                    if piece.start == 0:
                        path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("r+b" if piece.start else "wb") as file:
                        file.seek(piece.start)
                        file.write(memoryview(data)[at : at + piece.size])
                at += piece.size

    def _path(self, number: int) -> Path:
        return self.folder / "files" / self.manifest.paths[number]

    def finish(
        self,
        name: str = "",
        progress: Progress = lambda done, total, name: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[Entry, tuple[str, ...]]:
        """Make it a dataset of the library; gives it and sentences on what was left out. Then the upload is gone.

        ZIP files are unpacked, each into a folder of its name; wrappers around all files are taken away.

        Raises:
            UploadError: not all bytes have arrived, or another request is at work.
            DataError: a ZIP file cannot be unpacked, there is no image, or the disk refuses; the upload stays.
            Cancelled: `cancelled` gave True; the upload stays.
        """
        with self._alone():
            missing = self.manifest.total - self.arrived
            if missing:
                raise UploadError(f"{missing:,} bytes have not arrived yet.", self.arrived)
            files = self.folder / "files"
            with _errors(self.folder):
                files.mkdir(exist_ok=True)
                for number, size in enumerate(self.manifest.sizes):
                    if not size and self.manifest.is_wanted(number):
                        self._path(number).parent.mkdir(parents=True, exist_ok=True)
                        self._path(number).touch()
                notes = [*self._note_junk(), *self._unpack(progress, lambda: self.is_cancelled or cancelled())]
                if not any(is_image_name(path) for path in files.rglob("*")):
                    names = listing([readable(path) for path in self.manifest.paths], 5)
                    raise DataError(f"There is no image in it ({', '.join(EXTENSIONS)}). It contains {names}.")
                if self.is_cancelled or cancelled():
                    raise Cancelled("The upload was canceled.")
                entry = self.library.add(content_of(files), name or self.manifest.name)
            shutil.rmtree(self.folder, ignore_errors=True)
            return entry, tuple(notes)

    def _note_junk(self) -> list[str]:
        count = sum(map(is_junk, self.manifest.paths))
        return [f"Skipped {count} hidden or system files, such as .DS_Store."] if count else []

    def _unpack(self, progress: Progress, cancelled: Callable[[], bool]) -> list[str]:
        """Replace each ZIP file by a folder with its content. Begun again after a kill, it goes on where it was."""
        notes: list[str] = []
        archives = [
            number
            for number, path in enumerate(self.manifest.paths)
            if path.lower().endswith(".zip") and self.manifest.is_wanted(number)
        ]
        for number in archives:
            target = self.folder / "unpacked" / str(number)
            if self._path(number).exists() and not target.exists():
                notes += unpack(self._path(number), target, progress, cancelled, self.manifest.paths[number]).notes
        for number in archives:
            path, target = self._path(number), self.folder / "unpacked" / str(number)
            path.unlink(missing_ok=True)
            if target.exists():
                taken = {fold_case(other.name) for other in path.parent.iterdir()}
                target.rename(path.with_name(unique(path.name[: -len(".zip")] or "files", taken, before_suffix=False)))
        return notes

    def cancel(self) -> None:
        """Remove all of it; a request that is at work ends with an error and removes it then."""
        self.is_cancelled = True
        with suppress(UploadError), self._alone():
            pass


class Uploads:
    """The unfinished uploads of a library. Several threads of one process may use it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.folder = library.folder / FOLDER
        self._live: WeakValueDictionary[str, Upload] = WeakValueDictionary()  # one object, one lock for each
        self._recent: deque[Upload] = deque(maxlen=CACHED)  # so that not every chunk reads the manifest again
        self._lock = threading.Lock()

    def begin(self, manifest: Manifest) -> Upload:
        """A new upload. Raises DataError where the disk has no room for it, or too many are unfinished."""
        with self._lock:
            self.remove_abandoned()
            others = list(self.folder.iterdir()) if self.folder.is_dir() else []
            if len(others) >= MOST_UPLOADS:
                raise DataError(f"{MOST_UPLOADS} uploads are unfinished on this server. Try again later.")
            check_space(self.folder, manifest.total + sum(map(_outstanding, others)), "The upload")
            folder = self.folder / secrets.token_urlsafe(24).replace("-", "x").replace("_", "y")
            with _errors(self.folder):
                (folder / "files").mkdir(parents=True)
                check_disk(folder, manifest.paths)
                (folder / "announced").write_text(str(manifest.total), encoding="ascii")
                (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
            return self._keep(Upload(folder, manifest, 0, self.library))

    def find(self, upload_id: str) -> Upload:
        """The upload of an id. Raises UploadGoneError where there is none."""
        with self._lock:
            folder = self.folder / upload_id
            upload = self._live.get(upload_id)
            is_there = re.fullmatch(r"[A-Za-z0-9]{32}", upload_id) and (folder / "manifest.json").is_file()
            if is_there and not (upload and upload.is_cancelled):
                if upload is None:
                    with _errors(folder):
                        manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
                        upload = Upload(folder, manifest, _arrived(folder), self.library)
                return self._keep(upload)
        raise UploadGoneError("This upload no longer exists: it was canceled, finished, or abandoned for a day.")

    def remove_abandoned(self) -> None:
        """Remove uploads that got no byte for a day."""
        folders = []
        with suppress(OSError):
            folders = list(self.folder.iterdir())
        for folder in folders:
            with suppress(OSError):
                newest = max((folder / name).stat().st_mtime for name in ("", "arrived") if (folder / name).exists())
                if folder.is_dir() and time.time() - newest > ABANDONED:
                    shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, upload: Upload) -> Upload:
        self._live[upload.id] = upload
        if upload in self._recent:
            self._recent.remove(upload)
        self._recent.append(upload)
        return upload


def _arrived(folder: Path) -> int:
    path = folder / "arrived"
    return int(path.read_text(encoding="ascii")) if path.is_file() else 0


def _outstanding(folder: Path) -> int:
    """The bytes of an unfinished upload that have still to come."""
    try:
        return max(0, int((folder / "announced").read_text(encoding="ascii")) - _arrived(folder))
    except (OSError, ValueError):
        return 0


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The server cannot store the upload ({error.strerror or error}). Free some space on its disk in "
            f"{folder.parent}, then try again."
        ) from error
