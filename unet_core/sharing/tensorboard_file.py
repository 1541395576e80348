"""The curves of a run as one TensorBoard event file that says nothing of the machine; the Hub draws it.

The trainer's own files (`training.tensorboard`) carry the host's name in theirs and warnings with paths inside, and
each writing gives other bytes. This one is made from the event log, holds numbers alone, and is the same every time.
"""

import io
import math
from collections.abc import Iterable, Iterator

from unet_core.runs.events import EpochFinished, Event, RunStarted, StepFinished

NAME = "runs/events.out.tfevents.{seconds}.unet-studio"  # by this pattern the Hub and TensorBoard find it
INSTALL = "pip install tensorboardX"


def write_events(events: Iterable[tuple[Event, float]]) -> tuple[str, bytes] | None:
    """(name, content) of the event file of a log, (event, seconds since 1970) each.

    None where tensorboardX is not installed or no step was made.
    """
    points = list(_points(events))
    if not points:
        return None
    try:
        from tensorboardX.proto.event_pb2 import Event as Record  # type: ignore[import-untyped]
        from tensorboardX.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
        from tensorboardX.record_writer import masked_crc32c  # type: ignore[import-untyped]
    except ImportError:
        return None

    def write(record: Record) -> None:
        data: bytes = record.SerializeToString(deterministic=True)
        for part in (len(data).to_bytes(8, "little"), data):  # a TFRecord: length and content, a check sum behind each
            out.write(part)
            out.write(int(masked_crc32c(part)).to_bytes(4, "little"))

    out, start = io.BytesIO(), min(at for *_, at in points)
    write(Record(wall_time=start, file_version="brain.Event:2"))
    for step, tag, value, at in points:
        write(Record(wall_time=at, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
    return NAME.format(seconds=int(start)), out.getvalue()


def _points(events: Iterable[tuple[Event, float]]) -> Iterator[tuple[int, str, float, float]]:
    """(step, tag, value, time) of all numbers, by step; what a resumed run repeated is there once."""
    from unet_core.training.tensorboard import SCALARS

    points: dict[tuple[int, str], tuple[float | None, float]] = {}
    for event, at in events:
        if isinstance(event, RunStarted):
            first = event.first_step or (event.first_epoch - 1) * event.steps_per_epoch + 1
            points = {key: value for key, value in points.items() if key[0] < first}
        elif isinstance(event, StepFinished):
            points[event.step, "loss/batch"] = event.loss, at
            points[event.step, "learning_rate"] = event.lr, at
        elif isinstance(event, EpochFinished):
            points |= {(event.step, tag): (getattr(event, name), at) for name, tag in SCALARS.items()}
    for (step, tag), (value, at) in sorted(points.items(), key=lambda point: point[0]):
        if value is not None and math.isfinite(value):
            yield step, tag, value, at
