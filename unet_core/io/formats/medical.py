"""Medical volumes: NIfTI by nibabel and DICOM by pydicom, whose slices are pages. Both libraries are extras."""

import io
import zlib
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io.formats.headers import MOST_CHANNELS, Header, damaged

NIFTI = ((348, b"n+1\0", 344), (540, b"n+2\0", 4))  # size of the header, its magic and where that lies
GZIP = b"\x1f\x8b"
MOST_BYTES = 2**31  # of a volume, inflated
MOST_REMEMBERED = 2**28  # bytes of the volume that is kept for its other slices
DEFLATED = b"1.2.840.10008.1.2.1.99"  # DICOM that is compressed whole, which pydicom inflates without a limit


def read_header(file: BinaryIO, page: int, name: str) -> Header | None:
    """The header of one slice of a NIfTI or DICOM file; None where it is neither. Raises ImageError."""
    file.seek(0)
    start = file.read(4096)
    try:
        if start[:2] == GZIP:
            inflated = zlib.decompressobj(wbits=31).decompress(start, 540)
            return _nifti(file, inflated, page, name) if _is_nifti(inflated) else None
        if _is_nifti(start):
            return _nifti(file, start, page, name)
        if start[128:132] == b"DICM":
            return _dicom(file, start, page, name)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(name, error) from error
    return None


def _is_nifti(start: bytes) -> bool:
    return any(
        start[at : at + 4] == magic and size in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))
        for size, magic, at in NIFTI
    )


def _nifti(file: BinaryIO, start: bytes, page: int, name: str) -> Header:
    try:
        import nibabel
    except ImportError as error:
        raise ImageError(f"{name}: NIfTI files need nibabel; run pip install nibabel.") from error
    kind: Any = nibabel.Nifti1Header if start[344:348] == b"n+1\0" else nibabel.Nifti2Header
    header = kind.from_fileobj(io.BytesIO(start))
    shape = tuple(int(size) for size in header.get_data_shape())
    dtype = header.get_data_dtype()
    colors = dtype.names is not None and len(dtype.names) in (3, 4)
    if not (2 <= len(shape) <= 5) or 0 in shape or not (colors or (dtype.kind in "uif" and dtype.itemsize <= 8)):
        raise ImageError(f"{name}: a NIfTI file of shape {shape} and type {dtype} is no stack of images; convert it.")
    size = int(header.get_data_offset()) + int(np.prod(shape)) * dtype.itemsize
    if size > MOST_BYTES:
        raise ImageError(f"{name}: its volume takes {size:,} bytes, over the limit of {MOST_BYTES:,}; split it.")
    width, height, depth, time, vectors = (*shape, 1, 1, 1)[:5]
    channels, note = vectors, ""
    if 1 < time <= MOST_CHANNELS and vectors == 1:  # as the Medical Segmentation Decathlon stores its modalities
        channels, time = time, 1
        note = f"its fourth axis of {channels} is taken for channels"
    slope, intercept = header.get_slope_inter()
    scaled = slope not in (None, 1.0) or intercept not in (None, 0.0)
    return Header(
        pages=depth * time,
        height=height,
        width=width,
        channels=3 if colors else channels,
        dtype=np.dtype(np.uint8) if colors else np.dtype(np.float64) if scaled else dtype,
        load=partial(_nifti_slice, file, size, (page % depth, page // depth if time > 1 else None), name),
        axes=("T" if time > 1 else "") + ("Z" if depth > 1 else "") + "YX" + ("C" if channels > 1 or colors else ""),
        note=note,
    )


def _nifti_slice(file: BinaryIO, size: int, index: tuple[int, int | None], name: str) -> NDArray[Any]:
    """(H, W, C) at `index` = (slice, time or None for channels).

    Rows are the second axis of the volume and columns the first, as SimpleITK has it.
    """
    import nibabel

    file.seek(0)
    zipped = file.read(2) == GZIP
    file.seek(0)
    stream: Any = file
    if zipped:
        data = file.read()
        try:
            volume = _inflate(data, size) if size <= MOST_REMEMBERED else _inflate.__wrapped__(data, size)
        except zlib.error as error:
            raise damaged(name, error) from error
        if len(volume) < size:
            raise damaged(name, "the file ends before its pixels do")
        stream = io.BytesIO(volume)
    try:
        magic = stream.read(348)
        stream.seek(0)
        kind = nibabel.Nifti1Image if magic[344:348] == b"n+1\0" else nibabel.Nifti2Image
        image = kind.from_stream(stream)
        chosen = (index[0], slice(None) if index[1] is None else index[1])
        pixels = np.asarray(image.dataobj[(slice(None), slice(None), *chosen)[: len(image.shape)]])
    except Exception as error:
        raise damaged(name, error) from error
    if pixels.dtype.names is not None:
        pixels = np.stack([pixels[channel] for channel in pixels.dtype.names[:3]], axis=-1)
    pixels = pixels.reshape(*pixels.shape[:2], -1).transpose(1, 0, 2)
    return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("="), copy=False))


@lru_cache(maxsize=1)
def _inflate(data: bytes, size: int) -> bytes:
    """The first `size` bytes of gzipped data, and no more, whatever it would unpack to."""
    parts, missing = [], size
    while data and missing > 0:  # some writers gzip a file in parts, one behind another
        stream = zlib.decompressobj(wbits=31)
        parts.append(stream.decompress(data, missing))
        missing -= len(parts[-1])
        data = stream.unused_data
    return b"".join(parts)


def _dicom(file: BinaryIO, start: bytes, page: int, name: str) -> Header:
    try:
        import pydicom
    except ImportError as error:
        raise ImageError(f"{name}: DICOM files need pydicom; run pip install pydicom.") from error
    if DEFLATED in start:
        raise ImageError(f"{name}: deflated DICOM is not supported; save it uncompressed, as with dcmconv +te.")
    file.seek(0)
    data = pydicom.dcmread(file, stop_before_pixels=True)
    if "Rows" not in data or "BitsAllocated" not in data:
        kind = getattr(getattr(data, "SOPClassUID", ""), "name", "")
        raise ImageError(f"{name}: a DICOM file without pixels{f' ({kind})' if kind else ''}; leave it out.")
    bits, signed = int(data.BitsAllocated), int(data.get("PixelRepresentation", 0)) == 1
    slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
    rescaled = (slope, intercept) != (1.0, 0.0)
    padding = data.get("PixelPaddingValue")
    nodata = None
    with suppress(TypeError, ValueError):
        # 0 is also what surrounds a mammogram that was never padded
        nodata = float(padding) * slope + intercept if padding else None
    frames, channels = int(data.get("NumberOfFrames", 1) or 1), int(data.get("SamplesPerPixel", 1))
    inverted = data.get("PhotometricInterpretation") == "MONOCHROME1"
    integer = np.dtype(f"{'i' if signed else 'u'}{max(bits, 8) // 8}")
    load = partial(_dicom_frame, file, page if frames > 1 else 0, (slope, intercept), name)
    return Header(
        pages=frames,
        height=int(data.Rows),
        width=int(data.Columns),
        channels=channels,
        dtype=np.dtype(np.float64) if rescaled else integer,
        load=partial(load, inverted=inverted),
        axes=("Z" if frames > 1 else "") + "YX" + ("C" if channels > 1 else ""),
        note="black and white are exchanged, as its MONOCHROME1 asks for" if inverted else "",
        nodata=None if inverted else nodata,
        stored=partial(load, inverted=False) if inverted else None,
    )


def _dicom_frame(file: BinaryIO, page: int, scale: tuple[float, float], name: str, inverted: bool) -> NDArray[Any]:
    """(H, W, C) of one frame, rescaled as the header says; `inverted` exchanges black and white before."""
    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array

    file.seek(0)
    data = dcmread(file)
    try:
        pixels = np.asarray(pixel_array(data, index=page))
    except Exception as error:
        kind = getattr(data.file_meta.get("TransferSyntaxUID"), "name", "of an unknown kind")
        raise ImageError(
            f"{name}: its pixels ({kind}) cannot be decoded ({error}); save it uncompressed, as with dcmdjpeg."
        ) from error
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if inverted:
        low, most = int(data.get("PixelRepresentation", 0)), 2 ** int(data.get("BitsStored", data.BitsAllocated)) - 1
        pixels = (-1 - pixels) if low else (most - pixels).astype(pixels.dtype)
    if scale != (1.0, 0.0):
        pixels = pixels.astype(np.float64) * scale[0] + scale[1]
    return np.ascontiguousarray(pixels)
