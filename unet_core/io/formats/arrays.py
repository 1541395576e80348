"""Arrays of numpy (.npy, and .npz with one array) as images: the header is read without the pixels, never a pickle."""

import zipfile
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io.formats.headers import MOST_CHANNELS, Header, damaged

NPY, NPZ = b"\x93NUMPY", b"PK\x03\x04"
MOST_ENTRIES = 1000


def read_header(file: BinaryIO, name: str) -> Header | None:
    """The header of an array file; None where it is none. Raises ImageError."""
    file.seek(0)
    start = file.read(6)
    try:
        if start == NPY:
            file.seek(0)
            return _header(file, name, file, None)
        if start[:4] == NPZ:
            return _of_npz(file, name)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(name, error) from error
    return None


def _of_npz(file: BinaryIO, name: str) -> Header | None:
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.namelist()[:MOST_ENTRIES] if member.endswith(".npy")]
        if not members:
            return None
        if len(members) > 1:
            arrays = ", ".join(member.removesuffix(".npy") for member in members[:5])
            raise ImageError(f"{name}: contains {len(members)} arrays ({arrays}), but one is expected.")
        with archive.open(members[0]) as stream:
            return _header(stream, name, file, members[0])


def _header(stream: Any, name: str, file: BinaryIO, member: str | None) -> Header:
    shape, order, dtype = _start(stream)
    if dtype.hasobject or dtype.kind not in "buif" or dtype.itemsize > 8:
        raise ImageError(
            f"{name}: an array of {dtype} is not an image; save numbers, as in array.astype(numpy.float32)."
        )
    axes, note = axes_of(shape, name)
    sizes = dict(zip(axes, shape, strict=True))
    return Header(
        pages=1,
        height=sizes["Y"],
        width=sizes["X"],
        channels=sizes.get("C", 1),
        dtype=dtype,
        load=partial(_load, file, member, shape, order, dtype, axes, name),
        axes=axes,
        note=note,
    )


def axes_of(shape: tuple[int, ...], name: str) -> tuple[str, str]:
    """What the axes of an array are, YX, YXC or CYX, and a note on what was guessed. Raises ImageError.

    >>> axes_of((64, 80), "a.npy"), axes_of((64, 80, 3), "a.npy")[0], axes_of((2, 64, 80), "a.npy")[0]
    (('YX', ''), 'YXC', 'CYX')
    """
    if len(shape) == 2 and 0 not in shape:
        return "YX", ""
    if len(shape) == 3 and 0 not in shape:
        first, middle, last = shape
        if last <= MOST_CHANNELS and (last == 1 or last < min(first, middle)):
            axes, count, where = "YXC", last, "last"
        elif first <= MOST_CHANNELS and (first == 1 or first < min(middle, last)):
            axes, count, where = "CYX", first, "first"
        else:
            raise ImageError(
                f"{name}: of the shape {shape} no axis is clearly the channels; save arrays (H, W) or (H, W, C) with C "
                f"up to {MOST_CHANNELS}."
            )
        named = f"its shape {shape} is taken for {count} channels, the {where} axis" if count > 1 else ""
        return axes, named
    raise ImageError(
        f"{name}: an array of shape {shape} is not an image; save arrays (H, W) or (H, W, C), one image a file."
    )


def _start(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type, with the stream behind the header."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, order, dtype = read(stream)
    return tuple(shape), bool(order), dtype


def _load(
    file: BinaryIO,
    member: str | None,
    shape: tuple[int, ...],
    order: bool,
    dtype: np.dtype[Any],
    axes: str,
    name: str,
) -> NDArray[Any]:
    size = int(np.prod(shape)) * dtype.itemsize
    try:
        file.seek(0)
        if member is None:
            _start(file)
            data = file.read(size)
        else:
            with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
                _start(stream)
                data = stream.read(size)  # no more than the header names, whatever it would unpack to
    except Exception as error:
        raise damaged(name, error) from error
    if len(data) != size:
        raise damaged(name, "the file ends before its pixels do")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if order else "C")
    array = array.transpose(1, 2, 0) if axes == "CYX" else array[:, :, None] if axes == "YX" else array
    return np.ascontiguousarray(array.astype(dtype.newbyteorder("="), copy=False))
