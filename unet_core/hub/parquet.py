"""Parquet files with images and masks, as datasets of the Hub have them, written as folders of paired files.

An image is a struct of bytes and path there (the Image feature of the library `datasets`). Nothing is decoded: the
bytes of a PNG become a PNG file. A file named after a split (train-00000-of-00002.parquet) fills the folder of it:

    train/images/NAME.png   train/masks/NAME.png
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from unet_core.data.library.unpack import check_space
from unet_core.data.name_words import subset_of
from unet_core.errors import Cancelled, HubError, listing
from unet_core.io.filenames import safe_stem, stem_of, unique
from unet_core.io.zip_reader import readable

MASK_WORDS = re.compile(r"(?i)(mask|label|annotation|segmentation|seg|gt|ground_?truth|target|semantic)s?")
IMAGE_WORDS = re.compile(r"(?i)(image|img|input|pixel_values|picture|photo)s?")
ROWS = 8  # that are in memory at a time
MOST_UNPACKED = 2**36  # bytes of all columns of all files, as the files declare them
MAGIC = (  # first bytes of image files, and their ending
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"II+\0", ".tif"),
    (b"BM", ".bmp"),
    (b"GIF8", ".gif"),
)


@dataclass
class Written:
    """What was written: images, those with a mask, and rows that could not be used; the columns they came from."""

    images: int = 0
    masks: int = 0
    skipped: int = 0
    columns: set[str] = field(default_factory=set)


def write_images(
    files: dict[str, Path],
    target: Path,
    progress: Callable[[int, int, str], None],
    cancelled: Callable[[], bool],
    label: str,
) -> tuple[str, ...]:
    """Write the images and masks of Parquet files (by their names in the repository) below `target`.

    Gives sentences on what was taken for image and mask, and what was left out.

    Raises:
        HubError: pyarrow is missing, a file is damaged, or there is no column of images.
        Cancelled: `cancelled` gave True.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise HubError(
            f"{label}: its images are in Parquet files. Install what reads them: pip install pyarrow"
        ) from error
    written, taken = Written(), set[str]()
    try:
        opened = {name: parquet.ParquetFile(path) for name, path in sorted(files.items())}
        rows = sum(file.metadata.num_rows for file in opened.values())
        size = sum(
            file.metadata.row_group(group).total_byte_size
            for file in opened.values()
            for group in range(file.metadata.num_row_groups)
        )
        if size > MOST_UNPACKED:
            raise HubError(f"{label}: its Parquet files unpack to {size:,} bytes, over the limit of {MOST_UNPACKED:,}.")
        check_space(target, size, label)
        done = 0
        for name, file in opened.items():
            image, mask = _columns(file.schema_arrow, f"{label}, {readable(name)}")
            written.columns.add(f"column {image!r} as image" + (f", {mask!r} as mask" if mask else ""))
            folder = target / folder_of(name)
            for batch in file.iter_batches(batch_size=ROWS, columns=[image, *([mask] if mask else [])]):
                for row in batch.to_pylist():
                    if cancelled():
                        raise Cancelled(f"{label}: the download was canceled.")
                    _write_row(row[image], row[mask] if mask else None, folder, f"{done:06d}", taken, written)
                    done += 1
                    progress(done, rows, name)
    except pa.ArrowException as error:
        raise HubError(f"{label}: a Parquet file is damaged or of an unknown kind ({error}).") from error
    if not written.images:
        raise HubError(f"{label}: no row of its Parquet files has the bytes of an image.")
    notes = [f"{label}: {written.images:,} images read from Parquet, {listing(sorted(written.columns), 3, '; ')}."]
    if written.masks < written.images:
        notes.append(f"{label}: {written.images - written.masks:,} of {written.images:,} images have no mask.")
    if written.skipped:
        notes.append(f"{label}: {written.skipped:,} rows without the bytes of an image were skipped.")
    return tuple(notes)


def folder_of(name: str) -> str:
    """The folder for the images of a Parquet file: the folders it lies in, and the subset that its name says.

    >>> folder_of("data/train-00000-of-00002.parquet"), folder_of("small/validation.parquet"), folder_of("a.parquet")
    ('train', 'small/val', '')
    """
    path = PurePosixPath(name)
    parts = [part for part in path.parent.parts if part.lower() not in ("data", "default")]
    subset = subset_of(re.split(r"-\d{5}", path.stem)[0])
    if subset and subset_of(parts[-1] if parts else "") != subset:
        parts.append(subset)
    return "/".join(parts)


def _columns(schema: Any, label: str) -> tuple[str, str]:
    """The names of the columns of images and of masks ("" where there is none)."""
    import pyarrow as pa

    def is_image(kind: Any) -> bool:
        is_struct = pa.types.is_struct(kind) and {"bytes"} <= {kind.field(i).name for i in range(kind.num_fields)}
        return bool(is_struct or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    columns = [column.name for column in schema if is_image(column.type)]
    masks = [name for name in columns if _says(name, MASK_WORDS)]
    images = [name for name in columns if name not in masks]
    called = [name for name in images if _says(name, IMAGE_WORDS)]
    image = called or images
    if not image:
        names = listing([readable(column.name) for column in schema], 8)
        raise HubError(f"{label}: no column of images in it, only {names}.")
    if len(image) > 1 or len(masks) > 1:
        names = listing(image if len(image) > 1 else masks, 8)
        kind = "images" if len(image) > 1 else "masks"
        raise HubError(f"{label}: several columns may be the {kind} ({names}). Download it and add a folder of one.")
    return image[0], masks[0] if masks else ""


def _says(name: str, words: re.Pattern[str]) -> bool:
    """Whether a part of a column's name is one of the words.

    >>> _says("semantic_mask", MASK_WORDS), _says("image", MASK_WORDS)
    (True, False)
    """
    return any(words.fullmatch(part) for part in [name, *re.split(r"[_\W]+", name)])


def _write_row(image: Any, mask: Any, folder: Path, number: str, taken: set[str], written: Written) -> None:
    data, path = _content(image)
    ending = _ending(data)
    if not ending:
        written.skipped += 1
        return
    name = unique(f"{folder}/{stem_of(safe_stem(path)) if path else number}", taken, before_suffix=False)
    stem = PurePosixPath(name).name
    _write(folder / "images" / f"{stem}{ending}", data)
    written.images += 1
    data, _ = _content(mask)
    if ending := _ending(data):
        _write(folder / "masks" / f"{stem}{ending}", data)
        written.masks += 1


def _content(value: Any) -> tuple[bytes, str]:
    """The bytes of an image and its name, as far as there are such."""
    if isinstance(value, dict):
        data, path = value.get("bytes"), value.get("path")
    else:
        data, path = value, None
    return data if isinstance(data, bytes) else b"", path if isinstance(path, str) else ""


def _ending(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((ending for start, ending in MAGIC if data.startswith(start)), "")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
