"""The pixels of a TIFF that Pillow cannot read without a loss: over 8 bits, signed, float, any number of channels.

tifffile reads every header and what is not compressed. Compressed pixels go to libtiff by Pillow: it stops at the size
that the header names, while tifffile would inflate whatever a strip expands to, so that a few kilobytes could fill the
memory. libtiff is given the bytes of the strips or tiles as a gray image of 8 bits, whatever they hold.
"""

import io
import struct
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from unet_core.errors import ImageError
from unet_core.io.formats.headers import Header, damaged
from unet_core.io.formats.tiff import ALPHA, GRAY, RGB, Plan, is_tiff, nodata_of, read_plan

LOSSLESS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits", 34925: "LZMA", 50000: "Zstandard"}
MOST_OFFSET = 2**32 - 2**20  # of a TIFF with addresses of 32 bits
MOST_FREE = 2**20  # pixels of a tile that any image may have
COLOR_NAMES = ("red", "green", "blue")


def read_header(file: BinaryIO, page: int, name: str) -> tuple[Header, int | None] | None:
    """The header of one image of a TIFF, and the page that Pillow reads it from, None where `load` must.

    None where this is no TIFF, or one that tifffile cannot make out.
    """
    if not is_tiff(file):
        return None
    file.seek(0)
    with suppress(Exception), tifffile.TiffFile(file, _multifile=False) as tiff:
        plan = read_plan(file, tiff)
        planes = plan.images[min(max(page, 0), len(plan.images) - 1)]
        first = tiff.pages[planes[0][0]].aspage()
        selected = channels_of(first, plan)
        tag = first.tags.get("Orientation")
        simple = len(planes) == 1 and not planes[0][1] and not plan.rows and _is_simple(first, selected)
        stored_differs = first.photometric == tifffile.PHOTOMETRIC.MINISWHITE and (
            _bits(first) >= 8 or "tifffile" in str(first.software)
        )
        load = partial(_load, file, plan, planes, name)
        channels = len(selected) * (1 if plan.rows else len(planes))
        if plan.rows:
            channels = int(first.shape[1])
        header = Header(
            pages=len(plan.images),
            height=plan.rows or int(first.imagelength),
            width=int(first.imagelength if plan.rows else first.imagewidth),
            channels=channels,
            dtype=np.dtype(first.dtype),
            load=load,
            orientation=int(tag.value) if tag is not None and 1 <= int(tag.value) <= 8 else 1,
            channel_names=_names(first, plan, selected, channels),
            axes=_axes(plan.axes, len(selected) > 1),
            note="; ".join(filter(None, [plan.note, _alpha_note(int(first.samplesperpixel), selected)])),
            nodata=nodata_of(first),
            stored=partial(load, stored=True) if stored_differs else None,
        )
        return header, planes[0][0] if simple else None
    return None


def channels_of(page: tifffile.TiffPage, plan: Plan) -> list[int]:
    """Which samples of a page are channels: all that are not marked as alpha."""
    samples = int(page.samplesperpixel)
    if plan.all_samples:
        return list(range(samples))
    extras = tuple(page.extrasamples or ())
    first_extra = samples - len(extras)
    return [number for number in range(samples) if number < first_extra or extras[number - first_extra] not in ALPHA]


def _alpha_note(samples: int, selected: list[int]) -> str:
    dropped = [str(number + 1) for number in range(samples) if number not in selected]
    return f"channel {' and '.join(dropped)} is marked as alpha and left out" if dropped else ""


def _bits(page: tifffile.TiffPage) -> int:
    bits = page.bitspersample
    return int(bits if isinstance(bits, int) else max(bits))


def _is_simple(page: tifffile.TiffPage, selected: list[int]) -> bool:
    """Whether Pillow reads a page as it is: up to 8 bits without sign, gray or colors, no band beside them."""
    if _bits(page) > 8 or page.dtype not in (np.uint8, np.bool_) or page.imagedepth != 1:
        return False
    if page.photometric in GRAY:
        return len(selected) == 1 and page.samplesperpixel <= 2
    return page.photometric != RGB or (len(selected) == 3 and page.samplesperpixel <= 4)


def _axes(axes: str, colors: bool) -> str:
    """With C for channels, which TIFF calls samples."""
    axes = axes if "C" in axes else axes.replace("S", "C")
    return axes if "C" in axes or not colors else axes + "C"


def _names(page: tifffile.TiffPage, plan: Plan, selected: list[int], channels: int) -> tuple[str, ...]:
    if len(plan.channel_names) == channels:
        return plan.channel_names
    if len(selected) == channels and len(plan.channel_names) == page.samplesperpixel:  # those of the alpha bands go
        return tuple(plan.channel_names[number] for number in selected)
    if page.photometric == RGB and channels == len(selected) and channels >= 3:
        return (*COLOR_NAMES, *(f"band {number}" for number in range(4, channels + 1)))
    return ()


def _load(file: BinaryIO, plan: Plan, planes: tuple[tuple[int, int], ...], name: str, stored: bool = False) -> Any:
    """(H, W, C) of the planes, as they lie in the file; `stored` leaves "0 is white" as it is. Raises ImageError."""
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            if plan.rows:
                rows = [_raw(file, tiff.pages[page].aspage(), shift, name) for page, shift in planes]
                joined = np.stack([row[:, :, 0] for row in rows])
            else:
                parts = [_plane(file, tiff.pages[page].aspage(), shift, name, plan, stored) for page, shift in planes]
                if len({(part.shape[:2], part.dtype) for part in parts}) > 1:
                    raise ImageError(f"{name}: its channels differ in size or pixel type; save each as its own file.")
                joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(name, error) from error
    return np.ascontiguousarray(joined.astype(joined.dtype.newbyteorder("="), copy=False))


def _plane(file: BinaryIO, page: tifffile.TiffPage, shift: int, name: str, plan: Plan, stored: bool) -> NDArray[Any]:
    """(H, W, C) of one page without alpha."""
    pixels = _raw(file, page, shift, name)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and not stored:
        if pixels.dtype == np.bool_:
            pixels = ~pixels
        elif np.issubdtype(pixels.dtype, np.unsignedinteger):
            pixels = np.iinfo(pixels.dtype).max - pixels
    return pixels[:, :, channels_of(page, plan)]


def _raw(file: BinaryIO, page: tifffile.TiffPage, shift: int, name: str) -> NDArray[Any]:
    """(H, W, S) of one page with all its samples; `shift` bytes on, where other planes follow it without a header."""
    _check(page, shift, name)
    shape = tuple(page.shape)
    if shift:
        file.seek(page.dataoffsets[0] + shift)
        dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        pixels = np.frombuffer(file.read(int(page.nbytes)), dtype).reshape(shape)
    elif page.compression == tifffile.COMPRESSION.NONE:
        pixels = np.asarray(page.asarray(squeeze=False)).reshape(shape)
    else:
        pixels = _inflate(file, page, name)
    planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3
    if planar and pixels.shape[0] == page.samplesperpixel:
        pixels = pixels.transpose(1, 2, 0)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    # The header was checked before; what the decoders made of it is checked again, as they disagree on odd files.
    if pixels.shape != (page.imagelength, page.imagewidth, page.samplesperpixel):
        raise damaged(name, "its pixels do not match its header")
    return pixels


def _check(page: tifffile.TiffPage, shift: int, name: str) -> None:
    """Refuse what would be read wrongly, or whose header asks for more memory than its size in pixels suggests."""
    samples, colors = int(page.samplesperpixel), 1 if page.photometric in GRAY else 3
    if page.photometric not in (*GRAY, RGB) or samples < colors or page.imagedepth != 1 or page.dtype is None:
        color_space = getattr(page.photometric, "name", page.photometric)
        raise ImageError(
            f"{name}: a TIFF of {_bits(page)} bits, {samples} channels and color space {color_space} is not supported; "
            "convert the image to gray or RGB."
        )
    if _bits(page) not in (1, 8, 16, 32, 64):
        raise ImageError(f"{name}: a TIFF of {_bits(page)} bits a sample is not supported; save it with 8 or 16 bits.")
    # A tile is allocated whole: one of 100,000 x 100,000 pixels in a tiny image would need 20 GB. Edge tiles reach over
    # the image, so some excess is normal.
    tiled = int(page.tilelength or 0) * int(page.tilewidth or 0)
    if page.is_tiled and tiled > max(MOST_FREE, 4 * page.imagelength * page.imagewidth):
        raise damaged(name, "its tiles are larger than the image")
    end = page.parent.filehandle.size
    strips = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    last = page.dataoffsets[0] + shift + page.nbytes if shift and page.dataoffsets else 0
    if not strips or last > end or any(offset + count > end for offset, count in strips):
        raise damaged(name, "the file ends before its pixels do")


def _inflate(file: BinaryIO, page: tifffile.TiffPage, name: str) -> NDArray[Any]:
    """The pixels of a compressed page in the order of its shape, of its strips or tiles."""
    kind = getattr(page.compression, "name", page.compression)
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    bits = dtype == np.bool_ and page.samplesperpixel == 1 and not page.is_tiled
    whole_bytes = bits or _bits(page) == 8 * dtype.itemsize
    if int(page.compression) not in LOSSLESS or not whole_bytes or int(page.predictor) not in (1, 2, 3):
        raise ImageError(
            f"{name}: compression {kind} with {_bits(page)} bits is not supported; save it without compression."
        )
    separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    planes, samples = (int(page.samplesperpixel), 1) if separate else (1, int(page.samplesperpixel))
    height, width = int(page.imagelength), int(page.imagewidth)
    rows, columns = (int(page.tilelength), int(page.tilewidth)) if page.is_tiled else (int(page.rowsperstrip), width)
    rows = rows if page.is_tiled else min(rows, height)
    down, across = -(-height // rows), -(-width // columns)
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(segments) != planes * down * across or sum(count for _, count in segments) > 2 * page.parent.filehandle.size:
        raise damaged(name, "its strips or tiles do not add up to the image")
    decoded = []
    for plane in range(planes):
        data = []
        for offset, count in segments[plane * down * across : (plane + 1) * down * across]:
            file.seek(offset)
            data.append(file.read(count))
        line = -(-columns // 8) if bits else columns * samples * dtype.itemsize
        tall = down * rows if page.is_tiled else height
        try:
            flat = _by_libtiff(data, tall, line, (rows, across) if page.is_tiled else (rows, 0), page)
        except Exception as error:
            raise ImageError(
                f"{name}: the image is damaged, or its compression {kind} is not supported; save it uncompressed."
            ) from error
        lines = flat.reshape(tall * across, line)
        lines = np.unpackbits(lines, axis=1)[:, :columns] if bits else lines
        values = _unpredict(lines, dtype, samples, int(page.predictor))
        decoded.append(values.reshape(tall, across * columns, samples)[:height, :width])
    stack = decoded[0] if planes == 1 else np.stack([plane[:, :, 0] for plane in decoded])
    return stack.reshape(tuple(page.shape))


def _by_libtiff(
    data: list[bytes], height: int, line: int, cut: tuple[int, int], page: tifffile.TiffPage
) -> NDArray[np.uint8]:
    """The bytes of strips or tiles, `cut` = (their rows, tiles across or 0), a row is `line` bytes a tile."""
    rows, across = cut
    tags: list[tuple[int, list[int]]] = [
        (256, [line * max(across, 1)]),
        (257, [height]),
        (258, [8]),
        (259, [int(page.compression)]),
        (262, [1]),
        (266, [int(page.fillorder or 1)]),
        (277, [1]),
    ]
    offsets, start = [], 8
    for part in data:
        offsets.append(start)
        start += len(part)
    counts = [len(part) for part in data]
    tags += [(322, [line]), (323, [rows]), (324, offsets), (325, counts)] if across else []
    tags += [] if across else [(273, offsets), (278, [rows]), (279, counts)]
    if start + 8 * len(data) > MOST_OFFSET:
        raise ValueError("it is larger than 4 GB")
    directory, behind = start + start % 2, b""
    after = directory + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, values in sorted(tags):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            packed, behind = struct.pack("<I", after + len(behind)), behind + packed
        entries += struct.pack("<HHI", tag, 4, len(values)) + packed
    head = struct.pack("<2sHI", b"II", 42, directory)
    content = b"".join([head, *data, b"\0" * (start % 2), struct.pack("<H", len(tags)), entries, bytes(4), behind])
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(content))  # not Image.open: its limit counts pixels
    image.load()
    return np.asarray(image, np.uint8)


def _unpredict(lines: NDArray[np.uint8], dtype: np.dtype[Any], samples: int, predictor: int) -> NDArray[Any]:
    """The values of rows of bytes (N, bytes), as (N, columns, samples): sums of the stored differences."""
    if predictor == 1:
        return lines.view(dtype).reshape(len(lines), -1, samples)
    if predictor == 2:  # differences to the pixel on the left, whose sums wrap, of floats those of their bits
        unsigned = np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")
        stored = lines.view(unsigned).reshape(len(lines), -1, samples).astype(unsigned.newbyteorder("="))
        sums = np.cumsum(stored, axis=1, dtype=stored.dtype)
        return sums.view(dtype.newbyteorder("="))
    # Of floats: differences of bytes, the most significant bytes of a row first, then the next ones (Adobe Technical
    # Note 3), whatever the byte order of the file.
    sums = np.cumsum(lines.reshape(len(lines), -1, samples), axis=1, dtype=np.uint8)
    by_value = sums.reshape(len(lines), dtype.itemsize, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(by_value).view(dtype.newbyteorder(">")).reshape(len(lines), -1, samples)
