"""The threshold of a checkpoint: written into its ModelConfig, with a record of how it was chosen, and taken back.

The threshold stands in `config.json` (and in the metadata of the weight file), where every reader looks; the record
stands in `training.json` under "threshold", which older releases pass over. Weights keep every byte.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.config.model import ModelConfig
from unet_core.errors import CheckpointError, RunError
from unet_core.io import owners

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.search import Candidate
    from unet_core.evaluation.tuning.study import Study
    from unet_core.runs.run import Run

KEY = "threshold"  # in training.json


@dataclass(frozen=True)
class Record:
    """How the threshold of a checkpoint was chosen.

    `date` is UTC in ISO 8601; `trained` the threshold of the training, which `unfreeze` gives back; `before` and
    `after` the scores on the images it was chosen on, at `trained` and at `threshold`, None where they are undefined.
    `min_area`, `fill_holes` and `tta` are what `after` was reached with, None
    where they were not looked for (`search`): a model does not apply them by itself.
    """

    threshold: float
    trained: float
    date: str
    chosen_on: str
    images: int
    metric: str
    before: float | None
    after: float | None
    min_area: int | None = None
    fill_holes: bool | None = None
    tta: str | None = None

    @property
    def sentence(self) -> str:
        """What a user should know of it."""
        score = {"dice": "mean Dice", "iou": "mean IoU", "v_rand": "V-Rand"}[self.metric]
        before, after = ("undefined" if value is None else f"{value:.3f}" for value in (self.before, self.after))
        extras = self.extras
        return (
            f"The threshold {self.threshold:g} was chosen on {self.images:d} {self.chosen_on} on {self.date[:10]}: "
            f"{score} {after}, and {before} at {self.trained:g}."
            + (f" That is with {extras}, which have to be set at each prediction." if extras else "")
        )

    @property
    def extras(self) -> str:
        """What the score was reached with beside the threshold, in words; "" for nothing."""
        parts = []
        if self.tta not in (None, "none"):
            parts.append(f"test-time augmentation {self.tta}")
        if self.min_area:
            parts.append(f"objects under {self.min_area:d} pixels removed")
        if self.fill_holes:
            parts.append("holes filled")
        return ", ".join(parts)


def read_record(folder: Path) -> Record | None:
    """How the threshold of a checkpoint folder was chosen; None where it is that of the training."""
    from unet_core.models.checkpoint import load_about

    return _parse(load_about(folder))


def freeze(
    folder: Path,
    study: "Study",
    threshold: float,
    metric: str = "dice",
    run: "Run | None" = None,
    searched: "Candidate | None" = None,
) -> Record:
    """Give a checkpoint folder this threshold and record how it was chosen: all of it, or nothing.

    `searched` is what a search gave this threshold with, and goes into the record. Raises RunError where the run trains
    or belongs to others, CheckpointError where the folder is damaged or cannot be written, ConfigError for a threshold
    out of range.
    """
    with _change(folder, run) as (config, about):
        changed = dataclasses.replace(config, threshold=threshold)
        earlier = _parse(about)
        trained = config.threshold if earlier is None else earlier.trained
        record = Record(
            changed.threshold,
            trained,
            datetime.now(UTC).isoformat(timespec="seconds"),
            study.chosen_on.partition(" of ")[0],  # a shared model does not name folders
            len(study.validation.names),
            metric,
            _number(study.validation.score(trained, metric)),
            _number(study.validation.score(threshold, metric) if searched is None else searched.validation),
            **(
                {}
                if searched is None
                else {name: getattr(searched, name) for name in ("min_area", "fill_holes", "tta")}
            ),
        )
        _rewrite(folder, changed, about | {KEY: dataclasses.asdict(record)})
    return record


def unfreeze(folder: Path, run: "Run | None" = None) -> float:
    """Give a checkpoint folder the threshold of its training back; that threshold. Raises as `freeze` does.

    CheckpointError too where nothing was chosen.
    """
    with _change(folder, run) as (config, about):
        record = _parse(about)
        if record is None:
            raise CheckpointError(
                f"{folder}: its threshold {config.threshold:g} is that of the training; there is nothing to take back."
            )
        _rewrite(
            folder,
            dataclasses.replace(config, threshold=record.trained),
            {key: value for key, value in about.items() if key != KEY},
        )
        return record.trained


@contextmanager
def _change(folder: Path, run: "Run | None") -> Iterator[tuple[ModelConfig, dict[str, Any]]]:
    """The settings and facts of a checkpoint that nobody else changes meanwhile: no trainer, no other page."""
    from filelock import FileLock, Timeout

    from unet_core.models.checkpoint import load_about, load_config

    if run is not None:
        owners.check_run(run.folder)
        lock = run.folder / "lock"  # the trainer's
    else:
        # The owner of an added model is in the folder above, as of a dataset.
        if not (owners.current() is None or owners.is_own(folder.parent)):
            raise RunError(f"The model {folder.name} belongs to this server and cannot be changed here.")
        lock = folder.with_name(f".{folder.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            if run is not None and run.queued:
                raise RunError(f"Run {run.id} is queued. Choose its threshold when it has trained.")
            yield load_config(folder), load_about(folder)
    except Timeout as error:
        what = f"Run {run.id} is training" if run is not None else f"{folder.name} is being changed"
        raise RunError(f"{what}. Choose its threshold afterwards.") from error
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be written ({error.strerror or error}). Free some space.") from error


def _rewrite(folder: Path, config: ModelConfig, about: Mapping[str, Any]) -> None:
    from unet_core.models.checkpoint import rewrite_config

    rewrite_config(folder, config, about)


def _parse(about: Mapping[str, Any]) -> Record | None:
    """The record in the content of training.json; what does not look like one is none: it may come with an upload."""
    stored = about.get(KEY)
    names = {item.name: item for item in dataclasses.fields(Record)}
    if not isinstance(stored, dict) or not stored.keys() <= names.keys():
        return None
    try:
        record = Record(**stored)
        ModelConfig(threshold=record.threshold)
        ModelConfig(threshold=record.trained)
        record.sentence  # noqa: B018 - refuses what is no number
    except Exception:  # noqa: BLE001
        return None
    return record


def _number(value: float) -> float | None:
    """JSON has no NaN: an undefined score is null."""
    return value if value == value else None
