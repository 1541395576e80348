"""What the pages of a TIFF are: images, their channels, z slices and time points, or smaller copies of an image.

| in the file | is |
|---|---|
| OME-XML, ImageJ's or tifffile's description with axes | by its axes: C and S are channels, all others are pages |
| several pages and nothing that says what they are | a stack of images, one a page, which a note tells |
| reduced pages, SubIFDs, levels of a pyramid, transparency masks | left out |
| extra samples | channels, unless they are marked as alpha |
"""

import logging
import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from os import fstat
from typing import Any, BinaryIO
from xml.etree import ElementTree

import numpy as np
import tifffile

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_IMAGEJ = 7  # channels that ImageJ can show; more of them are a stack whose writer named no axes
MOST_PLANES = 1_000_000  # of one file, by its metadata
RACY = 2.0  # seconds within which a file may change again without another time stamp
GRAY = (tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK)
RGB = tifffile.PHOTOMETRIC.RGB
ALPHA = (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA)
REDUCED, MASK = 1, 4  # bits of NewSubfileType
SMALLER = 3  # a page of an area this many times smaller than that of a tiled first one of the same shape is a copy

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is raised as ImageError here

Plane = tuple[int, int]  # the page that has its header, and how many bytes after that page's pixels its own begin


@dataclass(frozen=True)
class Plan:
    """The images of a TIFF, each of the planes that are joined to its channels.

    `rows` is 0, or the number of planes that are the rows (W, C) of one image. With `all_samples` even a sample that is
    marked as alpha is a channel: tifffile marks the fourth channel of whatever it is given.
    """

    images: tuple[tuple[Plane, ...], ...]
    axes: str = "YX"
    channel_names: tuple[str, ...] = ()
    note: str = ""
    rows: int = 0
    all_samples: bool = False


def is_tiff(file: BinaryIO) -> bool:
    """Whether a file is a TIFF by its first bytes."""
    file.seek(0)
    return file.read(4).startswith(TIFF_SIGNATURES)


def read_plan(file: BinaryIO, tiff: tifffile.TiffFile) -> Plan:
    """The plan of an open TIFF; that of a file on disk is remembered, as every page of a stack asks for it.

    Raises what tifffile raises of a damaged file.
    """
    key = None
    with suppress(OSError, AttributeError, ValueError):  # bytes in memory have no descriptor
        status = fstat(file.fileno())
        if time.time() - status.st_mtime > RACY:
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if key is None:
        return _plan(tiff)
    plans = _remembered(key)
    if not plans:
        plans.append(_plan(tiff))
    return plans[0]


@lru_cache(maxsize=512)
def _remembered(key: tuple[int, ...]) -> list[Plan]:
    """An empty list for each file, to be filled with its plan."""
    return []


def _plan(tiff: tifffile.TiffFile) -> Plan:
    first = tiff.pages[0].aspage()
    if tiff.is_ome or tiff.is_imagej or first.is_shaped or tiff.is_stk:
        with suppress(Exception):  # metadata that contradict the pages: the pages count
            if plan := _by_metadata(tiff, first):
                return plan
    return _by_pages(tiff)


def _by_pages(tiff: tifffile.TiffFile) -> Plan:
    pages = [tiff.pages[number].aspage() for number in range(len(tiff.pages))]
    if len(pages) == 1 and not tiff.is_imagej:
        return Plan((((0, 0),),), "YX", _gdal_names(pages[0]))
    full = [page for page in pages if not int(page.subfiletype) & (REDUCED | MASK)] or pages[:1]
    large = [page for page in full if page is full[0] or not _is_preview(page, full[0])]
    notes = []
    if len(large) > 1:
        notes.append(f"its {len(large)} pages are taken for separate images, as nothing in it says what they are")
    if len(large) < len(full):
        notes.append(f"{len(full) - len(large)} smaller copies of the first page are left out")
    images: list[tuple[Plane, ...]] = [((page.index, 0),) for page in large]
    if tiff.is_imagej:  # it tells of more images than are there: those are refused when they are asked for
        declared = int((tiff.imagej_metadata or {}).get("images", 1))
        images += [((number, 0),) for number in range(len(pages), min(declared, MOST_PLANES))]
    return Plan(
        tuple(images),
        "QYX" if len(images) > 1 else "YX",
        _gdal_names(full[0]),
        "; ".join(notes),
    )


def _is_preview(page: tifffile.TiffPage, first: tifffile.TiffPage) -> bool:
    """Whether a page is a smaller copy of a tiled first one: slide scanners do not mark theirs."""
    if not first.is_tiled or page.imagewidth * page.imagelength * SMALLER > first.imagewidth * first.imagelength:
        return False
    shrunk = first.imagewidth / page.imagewidth
    return abs(first.imagelength / shrunk - page.imagelength) <= 1


def _by_metadata(tiff: tifffile.TiffFile, first: tifffile.TiffPage) -> Plan | None:
    """The plan by OME-XML, ImageJ's or tifffile's description; None where they do not fit the pages."""
    if tiff.is_ome:
        sizes = re.findall(r"Size[CZT]\s*=\s*[\"'](\d+)", tiff.ome_metadata or "")
        if math.prod(int(size) for size in sizes) > MOST_PLANES:
            return None
    images: list[tuple[Plane, ...]] = []
    guessed, copies, all_axes, channels, all_samples = 0, 0, "", 0, False
    if {series.kind for series in tiff.series} & {"generic", "uniform"}:
        return None  # tifffile could make nothing of the metadata
    for series in tiff.series:
        if re.search(r"(?i)\b(label|macro|thumbnail|overview)( image)?$", series.name or ""):
            continue  # of a slide scanner: what lies beside the tissue
        if images and (int(series.keyframe.subfiletype) & (REDUCED | MASK) or _is_preview(series.keyframe, first)):
            copies += 1
            continue
        if rows := _as_rows(series):
            return rows if len(tiff.series) == 1 else None
        planes, axes, outer = _planes(tiff, series)
        if series.kind == "imagej" and outer == "C" and len(planes[0]) > MOST_IMAGEJ:
            planes = [(plane,) for plane in planes[0]]
            outer, axes = "Q", axes.replace("C", "Q")  # written by tifffile without axes
        if not planes or (channels and len(planes[0]) != channels):
            return None
        channels = len(planes[0])
        images += planes
        all_samples |= _samples_are_channels(series)
        all_axes = all_axes or axes
        guessed += sum(letter in "QI" for letter in outer) and len(planes)
    if not images or len(images) > MOST_PLANES:
        return None
    notes = []
    if guessed > 1:
        notes.append(f"its {guessed} pages are taken for separate images, as its metadata do not name its axes")
    if copies:
        notes.append(f"{copies} smaller copies of the first page are left out")
    names = _ome_names(tiff.ome_metadata) if tiff.is_ome else _gdal_names(first)
    if all_samples and set(first.extrasamples or ()) & set(ALPHA):
        notes.append("its last channel is marked as alpha and read as a channel")
    return Plan(tuple(images), all_axes, names, "; ".join(notes), all_samples=all_samples)


def _samples_are_channels(series: tifffile.TiffPageSeries) -> bool:
    """Whether the samples of a page are channels by the axes of the series, or lie in planes as channels do."""
    if series.kind != "shaped":
        return False
    page = series.keyframe
    named = "axes" in (page.shaped_description or "")
    planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    return "C" in series.axes[-len(page.shape) :] if named else planar


def _planes(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> tuple[list[tuple[Plane, ...]], str, str]:
    """The images of a series, each of its channels; its axes; those of them that count pages of the file."""
    page = series.keyframe
    sizes = [(axis, size) for axis, size in zip(series.axes, series.shape, strict=True) if size > 1 or axis in "YX"]
    axes, lengths = "".join(axis for axis, _ in sizes), tuple(size for _, size in sizes)
    outer, shape = axes[: len(axes) - len(page.shape)], lengths[: len(axes) - len(page.shape)]
    fits = lengths[len(shape) :] == page.shape and set(axes[len(shape) :]) <= set("YXSC")
    count = math.prod(shape)
    if not fits or not 0 < count <= MOST_PLANES or page.imagedepth != 1:
        return [], "", ""
    numbers = np.arange(count).reshape(shape or (1,))
    letters = outer or "Q"
    channel_axes = [position for position, letter in enumerate(letters) if letter in "CS"]
    if channel_axes:
        numbers = np.moveaxis(numbers, channel_axes, range(numbers.ndim - len(channel_axes), numbers.ndim))
    size = math.prod(shape[position] for position in channel_axes)
    virtual = len(tiff.pages) < page.index + count  # one header, and the pixels of all planes behind it
    if virtual and series.dataoffset is None and not tiff.is_ome:
        return [], "", ""
    images = []
    for row in numbers.reshape(-1, size).tolist():
        if virtual and series.dataoffset is not None:
            images.append(tuple((page.index, number * page.nbytes) for number in row))
            continue
        there = [series.pages[number] for number in row]  # None: in another file of the same OME data set
        if present := tuple((plane.index, 0) for plane in there if plane is not None):
            images.append(present)
    return images if len({len(planes) for planes in images}) == 1 else [], axes, outer


def _as_rows(series: tifffile.TiffPageSeries) -> Plan | None:
    """The plan of (..., H, W, C) that tifffile wrote as pages of (W, C): by its axes, or as C can be nothing else.

    That is what becomes of `imwrite(path, array)` with 2 or over 4 channels last.
    """
    shape, axes, page = series.shape, series.axes, series.keyframe
    if series.kind != "shaped" or len(shape) < 3 or page.shape != shape[-2:]:
        return None
    height, width, channels = shape[-3:]
    if "axes" in (page.shaped_description or ""):
        note = ""
        if axes[-3:] not in ("YXC", "YXS"):
            return None
    elif channels <= 32 < min(height, width):
        note = f"its shape {' x '.join(map(str, shape))} is taken for {channels} channels, stored last"
    else:
        return None
    count = math.prod(shape[:-2])
    virtual = len(page.parent.pages) < page.index + count
    if count > MOST_PLANES or (virtual and series.dataoffset is None):
        return None
    rows = [(page.index, row * page.nbytes) if virtual else (page.index + row, 0) for row in range(count)]
    images = tuple(tuple(rows[start : start + height]) for start in range(0, count, height))
    return Plan(images, "Q" * (len(shape) > 3) + "YXC", (), note, rows=height)


def _ome_names(xml: str | None) -> tuple[str, ...]:
    """The names of the channels of the first image; () where none has one."""
    with suppress(ElementTree.ParseError):
        root = ElementTree.fromstring(xml or "")
        pixels = next((element for element in root.iter() if element.tag.endswith("}Pixels")), None)
        names = [element.get("Name", "") for element in pixels or () if element.tag.endswith("}Channel")]
        return _complete(names)
    return ()


def _gdal_names(page: tifffile.TiffPage) -> tuple[str, ...]:
    """The descriptions of the bands in the metadata of a GeoTIFF; () where none has one."""
    tag = page.tags.get("GDAL_METADATA")
    with suppress(ElementTree.ParseError, ValueError, TypeError):
        items = ElementTree.fromstring(str(tag.value)).iter("Item") if tag is not None else ()
        names = {int(item.get("sample", 0)): item.text or "" for item in items if item.get("role") == "description"}
        return _complete([names.get(band, "") for band in range(max(names, default=-1) + 1)])
    return ()


def _complete(names: list[str]) -> tuple[str, ...]:
    return tuple(name or f"channel {number}" for number, name in enumerate(names, 1)) if any(names) else ()


def nodata_of(page: tifffile.TiffPage) -> float | None:
    """The value of GDAL's tag for "no data"; None without one."""
    tag: Any = page.tags.get("GDAL_NODATA")
    with suppress(ValueError, TypeError):
        return None if tag is None else float(str(tag.value).strip(" \0"))
    return None
