"""One file among the inputs of a prediction: uploaded, on the disk, or in an archive."""

import hashlib
import io
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.pixels import Pixels

Source = bytes | Path


class File:
    """One file of an upload: its name with `/`, where it comes from, and its bytes when they are asked for."""

    def __init__(
        self, name: str, label: str, content: Callable[[], Source], within: "tuple[File, int] | None" = None
    ) -> None:
        self.name, self.label, self._content, self._within = name, label, content, within

    def content(self) -> Source:
        """The bytes, or the path of a file on the disk. Raises ImageError."""
        try:
            return self._content()
        except DataError as error:
            raise ImageError(str(error)) from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, or that of the archive and the position in it. Raises ImageError."""
        if self._within is not None:  # not unpacked for it
            return f"{self._within[0].digest} {self._within[1]}"
        source = self.content()
        if isinstance(source, bytes):
            return hashlib.sha256(source).hexdigest()
        try:
            with source.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ImageError(f"{self.label}: cannot be read ({error.strerror or error}).") from error

    def pages(self) -> int:
        """How many images it has, by its headers: z slices and time points, not channels. Raises ImageError."""
        with self._open() as file:
            return images.count(file, self.label)

    def read(self, page: int | None) -> Pixels:
        """The image (H, W, C) in it, or one of its pages. Raises ImageError."""
        with self._open() as file:
            return images.read_open(file, self.label, page)[0]

    def remarks(self, page: int | None) -> tuple[str, ...]:
        """What a user should know of that image. Raises ImageError."""
        with self._open() as file:
            return images.read_open(file, self.label, page)[2]

    def describe(self) -> images.ImageInfo:
        """What its header says. Raises ImageError."""
        with self._open() as file:
            return images.inspect(file, self.label)

    def _open(self) -> BinaryIO:
        """Its content, open to be read. A file on the disk is called by its label, not by where it lies."""
        source = self.content()
        if isinstance(source, bytes):
            return io.BytesIO(source)
        try:
            return source.open("rb")
        except OSError as error:
            raise ImageError(f"{self.label}: cannot be read ({error.strerror or error}).") from error
