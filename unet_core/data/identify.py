"""The record (`groups.identity`) of an image, computed once in a process while its files stay the same."""

import threading
from collections import OrderedDict
from pathlib import Path

from unet_core.data import reading
from unet_core.data.discovery import content_hash
from unet_core.data.groups import identity
from unet_core.data.layouts import Sample

MOST = 50_000  # records that are kept, of some 300 bytes
_RECORDS: "OrderedDict[tuple[object, ...], str]" = OrderedDict()
_LOCK = threading.Lock()


def identify(sample: Sample) -> str:
    """The keys `px` and `look` of the image of a sample, which is decoded where they are not known.

    Raises ImageError where it cannot be read.
    """
    stamp = (sample.page, *map(_stamp, (sample.image, *sample.channel_files)))
    with _LOCK:
        if stamp in _RECORDS:
            _RECORDS.move_to_end(stamp)
            return _RECORDS[stamp]
    record = identity.describe_pixels(reading.read_stored(sample))
    with _LOCK:
        _RECORDS[stamp] = record
        while len(_RECORDS) > MOST:
            _RECORDS.popitem(last=False)
    return record


def hash_file(sample: Sample) -> str:
    """The key `file` of a record: by the bytes of the image file, or by the pixels of a page. Raises ImageError."""
    return f"file:{content_hash(sample.image, sample.page)}"


def _stamp(path: Path) -> tuple[str, int, int]:
    """Changes where a file is written."""
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_size, status.st_mtime_ns
