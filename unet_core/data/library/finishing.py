"""Finishing uploads in threads: unpacking may take minutes, and the browser asks how far they are."""

import logging
import threading
from collections import OrderedDict
from typing import Any

from unet_core.data.library.library import Entry
from unet_core.data.library.uploads import StorageError, Upload, UploadError
from unet_core.errors import Cancelled, UnetError

AT_ONCE = 2  # archives that are unpacked at the same time
REMEMBERED = 500  # ends of uploads

UNPACKING, DONE, FAILED = "unpacking", "done", "failed"


class FinishJob:
    """One upload on its way into the library."""

    def __init__(self, upload: Upload, name: str, slots: threading.Semaphore) -> None:
        self.state = UNPACKING
        self.error = ""
        self.entry: Entry | None = None
        self.notes: tuple[str, ...] = ()
        self.can_be_repeated = False
        self.library_folder = upload.library.folder
        self._total = upload.manifest.total
        self._step = (0, 0, "")  # bytes so far, in all, name of the file
        self._thread = threading.Thread(target=self._run, args=(upload, name, slots), name="finish upload", daemon=True)
        self._thread.start()

    def status(self) -> dict[str, Any]:
        """For the browser; `arrived` is what it knows from before."""
        done, total, file = self._step
        return {
            "state": self.state,
            "arrived": self._total,
            "total": self._total,
            "done": done,
            "of": total,
            "file": file,
            "name": self.entry.name if self.entry else "",
            "notes": list(self.notes),
            "error": self.error,
            "again": self.can_be_repeated,
        }

    def wait(self) -> None:
        self._thread.join()

    def _run(self, upload: Upload, name: str, slots: threading.Semaphore) -> None:
        try:
            with slots:
                self.entry, self.notes = upload.finish(name, self._note)
            self.state = DONE
        except (UploadError, StorageError) as error:
            self._fail(str(error), again=True)
        except Cancelled as error:
            self._fail(str(error))
        except UnetError as error:
            upload.cancel()  # what was refused leaves nothing
            self._fail(str(error))
        except Exception as error:  # the browser must not wait for ever; the log has the traceback
            logging.getLogger(__name__).exception("An upload could not be finished.")
            self._fail(f"Unexpected error ({type(error).__name__}); see the server's log.", again=True)

    def _note(self, done: int, total: int, name: str) -> None:
        self._step = (done, total, name)

    def _fail(self, text: str, again: bool = False) -> None:
        self.error, self.can_be_repeated, self.state = text, again, FAILED


class FinishJobs:
    """The jobs of a server by the ids of their uploads, the last ones also when they are over."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, FinishJob] = OrderedDict()
        self._slots, self._lock = threading.Semaphore(AT_ONCE), threading.Lock()

    def start(self, upload: Upload, name: str) -> FinishJob:
        """The job of an upload, begun unless it is at work or has succeeded."""
        with self._lock:
            job = self._jobs.get(upload.id)
            if job is None or job.can_be_repeated:
                job = self._jobs[upload.id] = FinishJob(upload, name, self._slots)
            while len(self._jobs) > REMEMBERED:
                self._jobs.popitem(last=False)
        return job

    def find(self, upload_id: str) -> FinishJob | None:
        return self._jobs.get(upload_id)
