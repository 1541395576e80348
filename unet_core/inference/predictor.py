"""A picture to a mask: normalized as in training, in one piece or in overlapping tiles, back in its own size."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core.data.normalization import normalize, statistics
from unet_core.device import autocast, choose_device, choose_precision, out_of_memory
from unet_core.errors import Cancelled, PredictionError
from unet_core.inference import prediction, sliding_window
from unet_core.inference.prediction import FULL, Prediction
from unet_core.inference.sliding_window import Grid
from unet_core.inference.tta import View, views
from unet_core.io.pixels import Pixels, with_channels
from unet_core.models.checkpoint import load_model
from unet_core.models.unet import UNet

MOST_TILES = 16  # in one forward pass
PIXELS_AT_ONCE = 2**18  # on the processor, where larger batches of tiles are slower: they leave its cache
VALUES_AT_ONCE = 1_000_000  # probabilities that are turned into an answer together

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass
class Predictor:
    """A model ready to predict. `precision` is fp32, bf16 or fp16 (`device.choose_precision`).

    `tile` is the side of the tiles for pictures that are larger, None for what fits the memory (`tiling.chosen_tile`).
    `tiles_at_once` bounds a batch of them; both are made smaller where the device runs out of memory.
    """

    model: UNet
    device: torch.device
    precision: str
    tile: int | None = None
    tiles_at_once: int = MOST_TILES

    def answer(
        self,
        image: Pixels,
        tta: str = "none",
        tile: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Prediction:
        """(H, W, 1 or 3) to all that a threshold, measures and exports need; memory does not grow with K x H x W.

        `tta` is a name of `tta.TTA`; the probabilities of the views are averaged. `progress(done, total)` is told after
        each forward pass, in tiles times views; `cancelled()` is asked before each, and where it says yes Cancelled is
        raised. ConfigError for an odd `tta` or `tile`, PredictionError where no tile fits the memory.
        """
        several = views(tta)
        height, width = image.shape[:2]
        classes = self.model.config.num_classes
        first = np.empty((height, width), np.uint16 if classes == 1 else np.uint8)
        confidence = np.empty((height, width), np.uint8) if classes > 1 else None
        uncertainty = np.empty((height, width), np.uint8)

        def keep(window: sliding_window.Window, values: Floats) -> None:
            step = max(1, VALUES_AT_ONCE // values[:, :1].size)
            for top in range(0, values.shape[1], step):
                some = values[:, top : top + step]
                rows = slice(window[0].start + top, window[0].start + top + some.shape[1])
                place = rows, window[1]
                if len(several) > 1:
                    found, unsure = some[:-1], some[-1]
                else:
                    found = prediction.to_probabilities(torch.from_numpy(np.ascontiguousarray(some))[None])[0].numpy()
                    unsure = entropy(found)
                uncertainty[place] = _in_steps(unsure, 255)
                if confidence is None:
                    first[place] = _in_steps(found[0], FULL)
                else:
                    first[place] = found.argmax(0)
                    confidence[place] = _in_steps(found.max(0), 255)

        side, note = self._each(image, several, tile, keep, progress, cancelled)
        if confidence is None:
            return Prediction(classes, uncertainty, probability16=first, tta=tta, tile=side, note=note)
        return Prediction(classes, uncertainty, classes=first, confidence=confidence, tta=tta, tile=side, note=note)

    def logits(self, image: Pixels) -> Floats:
        """(H, W, 1 or 3) to (K, H, W) float32 logits; tiles are blended with a weight that falls to their edges.

        The channels are changed to those of the model: gray is repeated, color becomes luminance.
        """
        total = np.empty((self.model.config.num_classes, *image.shape[:2]), np.float32)

        def keep(window: sliding_window.Window, values: Floats) -> None:
            total[:, *window] = values

        self._each(image, views("none"), None, keep)
        return total

    def probabilities(self, image: Pixels) -> Floats:
        """(H, W, 1 or 3) to (K, H, W) float32 in 0..1; K = 1 is the foreground."""
        return prediction.to_probabilities(torch.from_numpy(self.logits(image))[None])[0].numpy()

    def mask(self, image: Pixels, threshold: float | None = None) -> NDArray[np.uint8]:
        """(H, W, 1 or 3) to class indices (H, W); the threshold is the model's unless given."""
        return prediction.to_mask(
            self.probabilities(image), self.model.config.threshold if threshold is None else threshold
        )

    def _each(
        self,
        image: Pixels,
        several: tuple[View, ...],
        tile: int | None,
        keep: Callable[[sliding_window.Window, Floats], None],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[int, str]:
        """Give finished windows to `keep`; the side of the tiles, 0 for none, and a note or "".

        Where the memory does not hold a single tile it begins again with tiles of half the side, and the predictor
        remembers it.
        """
        config = self.model.config
        image = with_channels(image, config.in_channels)
        wanted, note, at_once = sliding_window.chosen_tile(config, tile or self.tile), "", self.tiles_at_once
        while True:
            grid = sliding_window.grid(config, image.shape[0], image.shape[1], wanted)
            try:
                for window, values in sliding_window.blend(
                    grid, self._pieces(image, grid, several, progress, cancelled)
                ):
                    keep(window, values)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                told = _memory_ran_out(error)
            else:
                if self.tiles_at_once < at_once and not note:
                    note = f"The memory of {self.device} holds {self.tiles_at_once} tiles of {wanted} pixels at once."
                return (wanted if grid.count > 1 else 0), note
            self._free()
            height, width = grid.rows.side, grid.columns.side
            smaller = sliding_window.halved(config, min(wanted, math.isqrt(height * width)))
            if smaller is None:
                raise PredictionError(
                    f"The memory of {self.device} does not hold a tile of {height} x {width} pixels, and smaller ones "
                    f"make no sense; end what else uses it, or predict on the processor. ({told})"
                )
            note = (
                f"The memory of {self.device} does not hold a tile of {height} x {width} pixels; tile {smaller} fits."
            )
            wanted = self.tile = smaller

    def _pieces(
        self,
        image: Pixels,
        grid: Grid,
        several: tuple[View, ...],
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> Iterator[Floats]:
        """What each tile gives, in the order of `grid.places`: see `_see`. A batch that is too large is halved."""
        mean, std = statistics(image, self.model.config.normalization)
        places = list(grid.places())
        total = len(places) * len(several)

        done = start = 0

        def passed(tiles: int) -> None:
            nonlocal done
            done += tiles
            if progress is not None:
                progress(done, total)
            if cancelled is not None and done < total and cancelled():
                raise Cancelled("The prediction was cancelled.")

        if cancelled is not None and cancelled():
            raise Cancelled("The prediction was cancelled.")
        fitting = self._fitting(grid)
        while start < len(places):
            before, at_once = done, min(fitting, self.tiles_at_once)
            some = places[start : start + at_once]
            x = torch.stack([normalize(grid.cut(image, place), mean, std) for place in some])
            try:
                pieces = self._see(x, several, at_once, passed)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                _memory_ran_out(error)
                if at_once == 1:
                    raise
                pieces = None
            if pieces is None:
                self._free()
                done, self.tiles_at_once = before, at_once // 2
                continue
            start += len(some)
            yield from pieces

    @torch.inference_mode()
    def _see(self, x: Tensor, several: tuple[View, ...], at_once: int, passed: Callable[[int], None]) -> Floats:
        """(N, C, h, w) tiles to (N, K, h', w') logits; with several views to (N, K + 1, h', w').

        Those are the mean probabilities over the views and twice their standard deviation, of the class where it is
        largest (Welford's running variance, so that the views need not be kept).
        """
        if len(several) == 1:
            y = self._forward(x)
            passed(len(x))
            return y.cpu().numpy()
        mean = square = torch.zeros(())
        seen = 0
        for lying in (False, True):
            alike = [view for view in several if view.lies == lying]
            size = max(1, at_once // len(x))
            for together in (alike[first : first + size] for first in range(0, len(alike), size)):
                turned = self._forward(torch.cat([view.turn(x) for view in together]))
                for view, part in zip(together, torch.split(turned, len(x)), strict=True):
                    found = prediction.to_probabilities(view.back(part))
                    seen += 1
                    change = found - mean
                    mean = mean + change / seen
                    square = square + change * (found - mean)
                passed(len(x) * len(together))
        spread = 2 * (square / seen).sqrt().amax(1, keepdim=True)
        return torch.cat([mean, spread], 1).cpu().numpy()

    def _forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to float32 logits (N, K, h', w'), on the device."""
        training = self.model.training
        self.model.eval()
        x = x.to(self.device).contiguous(memory_format=torch.channels_last)
        try:
            with autocast(self.device, self.precision):
                y = self.model(x)
        finally:
            self.model.train(training)
        result: Tensor = y.float().contiguous()
        return result

    def _fitting(self, grid: Grid) -> int:
        """How many tiles a forward pass takes, by what the settings of the net let expect."""
        tile = grid.rows.side * grid.columns.side
        if self.device.type == "cpu":
            return max(1, min(MOST_TILES, PIXELS_AT_ONCE // tile))
        room = sliding_window.WORKING_BYTES
        if self.device.type == "cuda":
            room = max(room, torch.cuda.mem_get_info(self.device)[0] // 2)
        return max(1, min(MOST_TILES, room // (tile * sliding_window.bytes_per_pixel(self.model.config))))

    def _free(self) -> None:
        """Give back what the device keeps for later."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def load_predictor(folder: Path, device: str = "auto", precision: str = "auto") -> tuple[Predictor, str]:
    """The predictor of a checkpoint folder and a warning or "". Raises CheckpointError, ConfigError."""
    model, warning = load_model(folder)
    where = choose_device(device)
    model.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(model.eval(), where, choose_precision(precision, where)), warning


def entropy(probabilities: Floats) -> Floats:
    """(K, ...) to (...): 0 where the net is sure, 1 where it knows nothing. K = 1 is the foreground of two classes.

    Shannon's entropy over its largest value, the logarithm of the number of classes.
    """
    each = np.clip(probabilities, 1e-7, 1)
    total = (each * np.log(each)).sum(0)
    if len(each) == 1:
        rest = np.clip(1 - probabilities[0], 1e-7, 1)
        total += rest * np.log(rest)
    return np.asarray(total / -math.log(max(2, len(each))), np.float32)


def _in_steps(values: Floats, steps: int) -> NDArray[np.float32]:
    """0..1 to whole numbers 0..steps; a half goes down, so that a probability of 0.5 is not above that threshold."""
    return np.asarray(np.ceil(np.clip(values, 0, 1) * np.float32(steps) - np.float32(0.5)), np.float32)


def _memory_ran_out(error: BaseException) -> str:
    """Its text where this is one of the ways in which memory runs out; else the error is raised."""
    if not out_of_memory(error):
        raise error
    return str(error)
