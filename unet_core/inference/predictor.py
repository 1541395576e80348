"""From an image to its prediction: normalized as in training, in one piece or in overlapping tiles."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core.data.groups.training_images import TrainingImages
from unet_core.data.normalization import normalize, statistics
from unet_core.device import choose_device, choose_precision, free_memory
from unet_core.errors import Cancelled, PredictionError
from unet_core.inference import forward, prediction, sliding_window
from unet_core.inference.inputs import read_source
from unet_core.inference.prediction import FULL, Prediction, to_levels
from unet_core.inference.sliding_window import Grid
from unet_core.inference.tta import View, views
from unet_core.io.pixels import Pixels
from unet_core.models.channels import choose
from unet_core.models.checkpoint import load_model
from unet_core.models.unet import UNet

VALUES_AT_ONCE = 1_000_000  # probabilities that are converted together

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass
class Predictor:
    """A trained model, ready to predict images of any size.

    Args:
        model: The network; its `config` says how images are normalized and how many classes there are.
        device: Where it computes; the model must be there already.
        precision: "fp32", "bf16" or "fp16" (`device.choose_precision`).
        tile: Side in pixels of the tiles of larger images; None for what fits (`sliding_window.chosen_tile`).
        tiles_at_once: Most tiles in one forward pass; lowered, as `tile` is, where the device runs out of memory.
        checkpoint: The folder that the model was loaded from, None where it was not.
        training_images: The images that it has seen, where no folder says so: of a file that was loaded.

    Example:
        >>> from unet_core.config.schema import ModelConfig
        >>> model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16)).eval()
        >>> predictor = Predictor(model, torch.device("cpu"), "fp32")
        >>> predictor.predict(np.zeros((20, 30), np.uint8)).mask().shape
        (20, 30)
    """

    model: UNet
    device: torch.device
    precision: str
    tile: int | None = None
    tiles_at_once: int = forward.MOST_TILES
    checkpoint: Path | None = None
    training_images: TrainingImages | None = None

    def predict(
        self, source: str | Path | Pixels, tta: str = "none", tile: int | None = None, threshold: float | None = None
    ) -> Prediction:
        """Predict one image.

        Args:
            source: A file (`io.images.read`), or an array (H, W) or (H, W, C) of uint8, uint16 or float32, C up to 32.
                The model gets the channels that it was trained with (`fit`).
            tta: Test-time augmentation, a key of `tta.TTA`: the probabilities of several views are averaged.
            tile: Side of the tiles in pixels, 32 to 8192; None for the predictor's own.
            threshold: Probability above which a pixel is foreground, above 0 to 1; None for the model's. Binary only.

        Returns:
            The prediction (H, W) with its name, image and threshold: `.mask()` gives class indices, `.save(path)`
            writes files.

        Raises:
            ImageError: The file is not a readable image.
            ConfigError: `tta` is unknown, `tile` or `threshold` out of range.
            PredictionError: The array is not an image, has other channels, or even the smallest tile does not fit.

        Example:
            >>> from unet_core.config.schema import ModelConfig
            >>> model = UNet(ModelConfig(in_channels=3, num_classes=4, base_channels=2, depth=1, image_size=16)).eval()
            >>> predictor = Predictor(model, torch.device("cpu"), "fp32")
            >>> prediction = predictor.predict(np.zeros((20, 30, 3), np.uint8), tta="flips")
            >>> prediction.shape, prediction.num_classes
            ((20, 30), 4)
        """
        config = self.model.config
        if threshold is not None:
            config = dataclasses.replace(config, threshold=threshold)  # refuses what is out of range
        image, name, channel_names = read_source(source)
        fitted, note = self.fit(image, channel_names, name)
        answer = self.answer(fitted, tta, tile)
        answer = dataclasses.replace(answer, name=name, image=image, channel_names=channel_names)
        return dataclasses.replace(answer, note=f"{note} {answer.note}".strip(), threshold=config.threshold)

    def fit(self, image: Pixels, channel_names: Sequence[str] = (), name: str = "") -> tuple[Pixels, str]:
        """The channels of an image that the model takes, as in training, and a note or "".

        See `models.channels`. `image` is (H, W, C), `channel_names` are its own, `name` is for the message. Gives
        (H, W, in_channels). Raises PredictionError where the channels do not fit.

        >>> from unet_core.config.schema import ModelConfig
        >>> gray = Predictor(UNet(ModelConfig(in_channels=1, num_classes=1)), torch.device("cpu"), "fp32")
        >>> gray.fit(np.zeros((20, 30, 3), np.uint8))[1]
        'The image is in color; the model gets its luminance.'
        """
        choice = choose(self.model.config, image.shape[2], channel_names, name)
        return choice.apply(image), choice.note

    def answer(
        self,
        image: Pixels,
        tta: str = "none",
        tile: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Prediction:
        """What `predict` does, with progress and a way to cancel, for an image that is an array already.

        Memory does not grow with K x H x W: finished strips of tiles are reduced to 16 or 8 bits at once.

        Args:
            image: (H, W, C) uint8, uint16 or float32: the channels that the model takes, as `fit` gives them.
            tta: Test-time augmentation, a key of `tta.TTA`.
            tile: Side of the tiles in pixels; None for the predictor's own.
            progress: Called as `progress(done, total)` after each forward pass, in tiles times views.
            cancelled: Asked before each forward pass; where it says yes, Cancelled is raised.

        Returns:
            The prediction (H, W), without name and image.

        Raises:
            ConfigError: `tta` is unknown or `tile` out of range.
            Cancelled: `cancelled` said so.
            PredictionError: The image has other channels, or not even the smallest tile fits into memory.
        """
        tta_views = views(tta)
        height, width = image.shape[:2]
        classes = self.model.config.num_classes
        first = np.empty((height, width), np.uint16 if classes == 1 else np.uint8)
        confidence = np.empty((height, width), np.uint8) if classes > 1 else None
        uncertainty = np.empty((height, width), np.uint8)

        def store(window: sliding_window.Window, values: Floats) -> None:
            # A window may be a strip as wide as the image with many classes: its copies are made a few rows at a time.
            step = max(1, VALUES_AT_ONCE // values[:, :1].size)
            for top in range(0, values.shape[1], step):
                chunk = values[:, top : top + step]
                rows = slice(window[0].start + top, window[0].start + top + chunk.shape[1])
                target = rows, window[1]
                if len(tta_views) > 1:  # averaged probabilities already, and their spread comes last
                    probabilities, unsure = chunk[:-1], chunk[-1]
                else:
                    logits = torch.from_numpy(np.ascontiguousarray(chunk))[None]
                    probabilities = prediction.to_probabilities(logits)[0].numpy()
                    unsure = forward.entropy(probabilities)
                uncertainty[target] = to_levels(unsure, 255)
                if confidence is None:
                    first[target] = to_levels(probabilities[0], FULL)
                else:
                    first[target] = probabilities.argmax(0)
                    confidence[target] = to_levels(probabilities.max(0), 255)

        side, note = self._run(image, tta_views, tile, store, progress, cancelled)
        answer = Prediction(classes, uncertainty, probability16=first)
        if confidence is not None:
            answer = Prediction(classes, uncertainty, classes=first, confidence=confidence)
        limit, names = self.model.config.threshold, self.model.config.names
        return dataclasses.replace(answer, tta=tta, tile=side, note=note, threshold=limit, class_names=names)

    def logits(self, image: Pixels) -> Floats:
        """(H, W, C) to (K, H, W) float32 logits; tiles are blended with a weight that falls to their edges.

        The image is as for `answer`. Raises PredictionError where not even the smallest tile fits into memory.
        """
        total = np.empty((self.model.config.num_classes, *image.shape[:2]), np.float32)

        def store(window: sliding_window.Window, values: Floats) -> None:
            total[:, *window] = values

        self._run(image, views("none"), None, store)
        return total

    def probabilities(self, image: Pixels) -> Floats:
        """(H, W, C) to (K, H, W) float32 in 0..1; K = 1 is the foreground. Raises PredictionError."""
        return prediction.to_probabilities(torch.from_numpy(self.logits(image))[None])[0].numpy()

    def mask(self, image: Pixels, threshold: float | None = None) -> NDArray[np.uint8]:
        """(H, W, C) to the mask (H, W) of class indices, the same as `answer(image).mask(threshold)`.

        It is faster than that, since no uncertainty is computed. Raises PredictionError.
        """
        limit = self.model.config.threshold if threshold is None else threshold
        return prediction.to_mask(self.probabilities(image), limit)

    def _run(
        self,
        image: Pixels,
        tta_views: tuple[View, ...],
        tile: int | None,
        store: Callable[[sliding_window.Window, Floats], None],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[int, str]:
        """Give finished windows to `store`; the side of the tiles, 0 for none, and a note or "".

        Where memory does not hold a single tile, all begins again with tiles of half the side, since tiles of two sizes
        cannot be blended; the predictor remembers it for the next image.
        """
        config = self.model.config
        if image.shape[2] != config.in_channels:
            image, _ = self.fit(image)
        side, note, at_once = sliding_window.chosen_tile(config, tile or self.tile), "", self.tiles_at_once
        while True:
            grid = sliding_window.grid(config, image.shape[0], image.shape[1], side)
            try:
                pieces = self._pieces(image, grid, tta_views, progress, cancelled)
                for window, values in sliding_window.blend(grid, pieces):
                    store(window, values)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                reason = forward.memory_ran_out(error)
            else:
                if self.tiles_at_once < at_once and not note:
                    note = f"The memory of {self.device} holds {self.tiles_at_once} tiles of {side} pixels at once."
                return (side if grid.count > 1 else 0), note
            # Outside of `except`, so that the traceback does not keep the tensors of the failed pass alive.
            free_memory(self.device)
            height, width = grid.rows.side, grid.columns.side
            smaller = sliding_window.halved(config, min(side, math.isqrt(height * width)))
            if smaller is None:
                raise PredictionError(
                    f"The memory of {self.device} does not hold a tile of {height} x {width} pixels, and smaller tiles "
                    f"make no sense. Free memory, or predict on the CPU (device 'cpu'). ({reason})"
                )
            note = (
                f"The memory of {self.device} does not hold a tile of {height} x {width} pixels; tile {smaller} fits."
            )
            side = self.tile = smaller

    def _pieces(
        self,
        image: Pixels,
        grid: Grid,
        tta_views: tuple[View, ...],
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> Iterator[Floats]:
        """What each tile gives, in the order of `grid.places`: see `forward.predict_views`.

        A batch that is too large for the memory is halved.
        """
        # Mean and deviation of the whole image: each tile by its own would show seams, and training saw whole images.
        mean, std = statistics(image, self.model.config.normalization)
        places = list(grid.places())
        total = len(places) * len(tta_views)

        done = start = 0

        def passed(tiles: int) -> None:
            nonlocal done
            done += tiles
            if progress is not None:
                progress(done, total)
            if cancelled is not None and done < total and cancelled():
                raise Cancelled("The prediction was canceled.")

        if cancelled is not None and cancelled():
            raise Cancelled("The prediction was canceled.")
        fitting = forward.tiles_fitting(self.model, self.device, grid)
        run_model = partial(forward.forward_pass, self.model, self.device, self.precision)
        while start < len(places):
            before, at_once = done, min(fitting, self.tiles_at_once)
            batch = places[start : start + at_once]
            x = torch.stack([normalize(grid.cut(image, place), mean, std) for place in batch])
            try:
                pieces = forward.predict_views(run_model, x, tta_views, at_once, passed)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                forward.memory_ran_out(error)
                if at_once == 1:
                    raise
                pieces = None
            if pieces is None:  # again outside of `except`, for the traceback's sake
                free_memory(self.device)
                done, self.tiles_at_once = before, at_once // 2
                continue
            start += len(batch)
            yield from pieces


def load_predictor(folder: Path, device: str = "auto", precision: str = "auto") -> tuple[Predictor, str]:
    """The predictor of a checkpoint folder and a warning or "". Raises CheckpointError, ConfigError."""
    model, warning = load_model(folder)
    where = choose_device(device)
    model.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(model.eval(), where, choose_precision(precision, where), checkpoint=folder), warning
