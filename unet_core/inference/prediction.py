"""What a model predicts of one image, kept compactly: enough for any threshold, for measurements and exports.

The one rule that turns probabilities into a mask is here (`above`), so that Python, the command line, the pages and
the evaluation agree in every pixel. Importing this module loads no torch.
"""

import dataclasses
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import PredictionError
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from unet_core.export.result import Result

Array = NDArray[np.uint8]
FULL = 65535  # what stands for a probability of 1 in 16 bits


@dataclass(frozen=True)
class Prediction:
    """What a model predicts of one image (H, W), as `Predictor.predict` gives it.

    Binary models fill `probability16`, models of several classes `classes` and `confidence`.

    Args:
        num_classes: Output classes of the model; 1 is binary.
        uncertainty: (H, W) uint8 in 1/255. With test-time augmentation twice the standard deviation of the probability
            over the views (of the class where it is largest): 0 where all agree, 1 where half of them say 0 and half 1.
            Without it the entropy of the probabilities, as a share of its largest value.
        probability16: (H, W) uint16, the probability of the foreground in 1/65535; None for several classes.
        classes: (H, W) uint8, the most probable class; None for binary.
        confidence: (H, W) uint8, the probability of that class in 1/255; None for binary.
        tta: Name of the test-time augmentation, a key of `tta.TTA`.
        tile: Side of the tiles in pixels, 0 where the image was predicted in one piece.
        note: What a user should know ("" for nothing), such as tiles made smaller to fit into memory.
        name: Name of the image; names the files that `save` writes.
        image: (H, W, C) the image itself, which overlays and measurements need; None where it was not kept.
        threshold: The model's threshold, 0..1: what `mask` uses unless told otherwise. Binary only.
        class_names: Names by class index, the background's first; () where none are known.
        channel_names: Names of the channels of `image`; () where it has none.

    Example:
        >>> levels = np.array([[0, 40_000]], np.uint16)
        >>> prediction = Prediction(1, np.zeros((1, 2), np.uint8), probability16=levels)
        >>> prediction.mask().tolist(), prediction.mask(0.9).tolist()
        ([[0, 1]], [[0, 0]])
    """

    num_classes: int
    uncertainty: Array
    probability16: NDArray[np.uint16] | None = None
    classes: Array | None = None
    confidence: Array | None = None
    tta: str = "none"
    tile: int = 0
    note: str = ""
    name: str = ""
    image: Pixels | None = None
    threshold: float = 0.5
    class_names: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self.uncertainty.shape
        return height, width

    @property
    def nbytes(self) -> int:
        """Bytes of memory that its arrays take."""
        return sum(array.nbytes for array in self._arrays().values())

    @property
    def probability(self) -> Array:
        """(H, W) uint8 in 1/255, computed at each access: of the foreground, or of the most probable class."""
        if self.probability16 is None:
            return _filled(self.confidence)
        return ((self.probability16.astype(np.uint32) * 255 + FULL // 2) // FULL).astype(np.uint8)

    def mask(self, threshold: float | None = None) -> Array:
        """The predicted mask.

        Args:
            threshold: Probability above which a pixel is foreground, 0..1; None for the model's own. It means nothing
                for several classes.

        Returns:
            (H, W) uint8 class indices: 0 and 1 for binary, else the most probable class of each pixel.

        Example:
            >>> unsure = np.zeros((1, 2), np.uint8)
            >>> Prediction(1, unsure, probability16=np.array([[0, 65535]], np.uint16)).mask(0.5).tolist()
            [[0, 1]]
        """
        if self.probability16 is None:
            return _filled(self.classes)
        return above(self.probability16, self.threshold if threshold is None else threshold)

    def to_result(
        self,
        *,
        threshold: float | None = None,
        min_area: int = 0,
        fill_holes: bool = False,
        split: bool = False,
        pixel_size: float | None = None,
        opacity: float = 0.5,
        outline: bool = False,
    ) -> "Result":
        """The mask and all that exports are made of; its `objects` are found when first asked for.

        Args:
            threshold: Probability above which a pixel is foreground, 0..1; None for the model's own.
            min_area: Objects of fewer pixels are removed.
            fill_holes: Whether holes in objects are filled.
            split: Whether touching objects are separated (`watershed.split`).
            pixel_size: Micrometers per pixel, for measurements in micrometers.
            opacity: Of the mask in the overlay, 0..1.
            outline: Whether the overlay shows outlines in place of areas.

        Raises:
            PredictionError: The image was not kept, which overlays and measurements need.
        """
        from unet_core.export.result import Result
        from unet_core.postprocessing import cleanup

        if self.image is None:
            raise PredictionError(
                f"{self.name or 'This prediction'}: its image was not kept. Predict with Predictor.predict, or give it "
                "back with dataclasses.replace(prediction, image=image)."
            )
        threshold = self.threshold if threshold is None else threshold
        return Result(
            self.name or "image",
            self.image,
            cleanup.clean(self.mask(threshold), min_area, fill_holes),
            self.num_classes,
            probability=self.confidence if self.probability16 is None else self.probability16,
            class_names=self.class_names,
            channel_names=self.channel_names,
            pixel_size=pixel_size,
            threshold=None if self.probability16 is None else threshold,
            split=split,
            opacity=opacity,
            outline=outline,
        )

    def save(self, path: str | Path, formats: str | Sequence[str] = "mask", **options: Any) -> Path:
        """Write the prediction to disk.

        Args:
            path: A file such as `cell.png` for one format that is one file; a file `.zip` for any formats in one ZIP;
                else a folder, in which the files are named after the image.
            formats: Names in `export.formats.FORMATS`: "mask", "overlay", "csv", ...; one or several.
            **options: What `to_result` takes: threshold, min_area, fill_holes, split, pixel_size, opacity, outline.

        Returns:
            The path that was written.

        Raises:
            PredictionError: The image was not kept.
            ConfigError: A format is unknown, or the ending of the file is not that of its format.
            RunError: The file cannot be written.

        Example:
            >>> import tempfile
            >>> image, levels = np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4), np.uint16)
            >>> prediction = Prediction(1, image[:, :, 0], probability16=levels, name="cell", image=image)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     prediction.save(Path(folder) / "cell_mask.png").name
            'cell_mask.png'
        """
        from unet_core.export import writer

        names = (formats,) if isinstance(formats, str) else tuple(formats)
        return writer.save(self.to_result(**options), names, Path(path))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True)
class CompressedPrediction:
    """A prediction without its image, compressed losslessly (zlib), for a cache."""

    answer: dict[str, Any]
    arrays: dict[str, tuple[str, tuple[int, ...], bytes]]

    @classmethod
    def of(cls, answer: Prediction) -> Self:
        """Compress a prediction; the image is dropped, since who keeps predictions can read it again."""
        answer = dataclasses.replace(answer, image=None)
        arrays = answer._arrays()
        rest = {f.name: getattr(answer, f.name) for f in dataclasses.fields(answer) if f.name not in arrays}
        return cls(rest, {n: (a.dtype.str, a.shape, zlib.compress(a.tobytes(), 1)) for n, a in arrays.items()})

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the compressed arrays take."""
        return sum(len(data) for _, _, data in self.arrays.values())

    def unpacked(self) -> Prediction:
        """The prediction as it was, without its image."""
        arrays = {
            name: np.frombuffer(zlib.decompress(data), dtype).reshape(shape)
            for name, (dtype, shape, data) in self.arrays.items()
        }
        return Prediction(**(self.answer | arrays))


def to_probabilities(logits: "Tensor") -> "Tensor":
    """(N, K, H, W) logits to probabilities of the same shape: sigmoid for K = 1, else softmax over the classes."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def to_mask(probabilities: NDArray[np.floating], threshold: float = 0.5) -> Array:
    """(K, H, W) probabilities to the mask (H, W) of class indices that `Prediction.mask` gives.

    K = 1: 1 where the probability is above `threshold`, else 0. K > 1: the most probable class; no threshold.
    """
    if probabilities.shape[0] == 1:
        return above(to_levels(probabilities[0], FULL), threshold)
    return np.asarray(probabilities.argmax(0), np.uint8)


def above(levels: NDArray[Any], threshold: float) -> Array:
    """(H, W) probabilities in whole 1/65535 to 1 where they are above a threshold of 0..1, else 0 (NaN too).

    Whole numbers are above 65535 t exactly if they are above its floor, which needs no rounding. At the threshold 0.5
    this gives what comparing the float32 probabilities themselves does, since `to_levels` rounds a half down: 0.5 is
    the level 32767, not above 32767.5, and the next float32 is the level 32768.
    """
    return np.asarray(levels > math.floor(threshold * FULL), np.uint8)


def to_levels(values: NDArray[np.floating], most: int) -> NDArray[np.float32]:
    """0..1 to the nearest whole number of 0..most, as float32; a half goes down (see `above`)."""
    return np.asarray(np.ceil(np.clip(values, 0, 1) * np.float32(most) - np.float32(0.5)), np.float32)


def _filled(plane: Array | None) -> Array:
    if plane is None:
        raise ValueError("a Prediction of several classes needs classes and confidence")
    return plane
