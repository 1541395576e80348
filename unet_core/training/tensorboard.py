"""The events of a run as TensorBoard's own files, for `tensorboard --logdir runs`; written beside ours where wished.

They lie in `<run>/tensorboard/`. The writer is tensorboardX, which needs no TensorFlow; it comes with this module, so
import this late.
"""

import contextlib
import logging
from pathlib import Path
from time import time_ns

from tensorboardX import SummaryWriter  # type: ignore[import-untyped]

from unet_core.runs.events import EpochFinished, Event, LrChanged, RunStarted, StepFinished, Warned

FOLDER = "tensorboard"
FLUSH_SECONDS = 2
SCALARS = {  # field of EpochFinished: tag
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "val_dice": "score/dice",
    "val_iou": "score/iou",
    "images_per_second": "speed/images_per_second",
}


class Writer:
    """Takes every event as it is appended to the log. A disk that is full stops the writing, never the training."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._writer: SummaryWriter | None = None
        self._broken = False

    def add(self, event: Event, time: float) -> None:
        """`time` in seconds since 1970. A start tells TensorBoard to drop the steps that are about to be repeated."""
        if self._broken:
            return
        try:
            self._add(event, time)
        except Exception as error:  # noqa: BLE001 - the library hands on whatever its thread met
            self._broken = True
            logging.getLogger(__name__).warning("No more TensorBoard files are written to %s: %r", self._folder, error)

    def _add(self, event: Event, time: float) -> None:
        if isinstance(event, RunStarted):
            self.close()
            self._writer = SummaryWriter(
                str(self._folder),
                purge_step=event.first_step if event.first_epoch > 1 else None,
                flush_secs=FLUSH_SECONDS,
                filename_suffix=f".{time_ns():020d}",  # two starts in one second would share a file
            )
        elif self._writer is None:
            return
        elif isinstance(event, StepFinished):
            self._scalar("loss/batch", event.loss, event.step, time)
            self._scalar("learning_rate", event.lr, event.step, time)
        elif isinstance(event, EpochFinished):
            for field, tag in SCALARS.items():
                self._scalar(tag, getattr(event, field), event.step, time)
        elif isinstance(event, LrChanged):
            self._writer.add_text("events", f"learning rate {event.before:g} -> {event.lr:g}", event.step, time)
        elif isinstance(event, Warned):
            self._writer.add_text("events", event.message, walltime=time)

    def _scalar(self, tag: str, value: float | None, step: int, time: float) -> None:
        if value is not None and self._writer is not None:
            self._writer.add_scalar(tag, value, step, time)

    def close(self) -> None:
        """Write what is waiting to the disk."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.close()
