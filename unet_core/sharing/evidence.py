"""What is known of a run's model, gathered for whoever shares it: settings, curves, split, scores of single images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import Cancelled, RunError, UnetError
from unet_core.evaluation.summary import ImageScore, Summary, summarize
from unet_core.models import weight_file
from unet_core.runs.event_log import read_events
from unet_core.runs.events import Event
from unet_core.runs.history import History
from unet_core.runs.run import Run

PARTS = {  # of the split that are scored, in the order of the card: what their scores are worth
    "test": "never used in training",
    "val": "used to choose the best epoch, so their scores are slightly too good",
    "new": "not part of the split, added to the dataset later",
}


@dataclass(frozen=True)
class ScoredImage:
    """The score of one image; `digest` is the start of its file's SHA-256 in hexadecimal, which names no one."""

    score: ImageScore
    digest: str

    def label(self, named: bool) -> str:
        """What the image is called: by its file name, else by its digest."""
        return self.score.id if named else self.digest[:8]


@dataclass(frozen=True)
class Evidence:
    """Everything that a model card is written from. `folder` is the checkpoint with the weights.

    `images` are the scored ones, {} where they could not be scored; `problem` says why then. `notes` are remarks on
    the data that belong to the scores.
    """

    run_id: str
    folder: Path
    config: RunConfig
    model: ModelConfig
    history: History
    events: tuple[tuple[Event, float], ...]
    about: Mapping[str, Any]
    split: Mapping[str, Mapping[str, str]]
    groups: int
    images: tuple[ScoredImage, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    private: tuple[str, ...] = field(default=(), repr=False)  # folders that may appear in no file

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What the training images are like; None of a model of an older release."""
        values = self.about.get("fingerprint")
        return Fingerprint.from_dict(values) if isinstance(values, dict) else None

    def part(self, name: str) -> list[ScoredImage]:
        """The scored images of a part of the split, the lowest Dice first, those without a Dice last."""
        chosen = [image for image in self.images if image.score.subset == name]
        return sorted(
            chosen,
            key=lambda image: (
                image.score.scores["dice"] != image.score.scores["dice"],
                image.score.scores["dice"],
                image.digest,
            ),
        )

    def summaries(self) -> dict[str, Summary]:
        """The summary of each part that has images, in the order of PARTS."""
        return {name: summarize([image.score for image in self.part(name)]) for name in PARTS if self.part(name)}


def gather(run: Run, images: Sequence[ScoredImage] = (), problem: str = "", notes: Sequence[str] = ()) -> Evidence:
    """The evidence of a run whose images were scored elsewhere. Raises RunError, CheckpointError, ConfigError."""
    from unet_core.models.checkpoint import load_about, usable

    if not run.has_best:
        raise RunError(f"Run {run.id} has no checkpoint yet. Share it after its first epoch.")
    folder, _ = usable(run.best)
    config, history = run.config, History()
    events = tuple(read_events(run.events)[0])
    for event, at in events:
        history.add(event, at)
    roots = {str(path) for path in (run.folder, run.folder.absolute(), run.folder.resolve()) if path.is_absolute()}
    if Path(config.data.root).is_absolute():
        roots.add(config.data.root)
    return Evidence(
        run_id=run.id,
        folder=folder,
        config=config,
        model=weight_file.config_from((folder / "config.json").read_bytes(), str(folder / "config.json")),
        history=history,
        events=events,
        about=load_about(run.best),
        split=run.split() if run.has_split else {},
        groups=len(run.groups()),
        images=tuple(images),
        problem=problem,
        notes=tuple(notes),
        private=tuple(sorted(roots)),
    )


def collect(
    run: Run,
    device: str = "auto",
    precision: str = "auto",
    progress: Callable[[str], None] = lambda name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Evidence:
    """The evidence of a run with the scores of all its images that the training did not use.

    The run's own dataset is read as in training. Where it cannot be, for example because its folder was moved, the
    evidence has no images and a `problem`. `progress` gets the name of each image.

    Raises:
        RunError: the run has no checkpoint.
        CheckpointError: its weights are damaged.
        Cancelled: `cancelled` gave True.
    """
    from unet_core.inference.predictor import load_predictor
    from unet_core.sharing.scoring import score_run

    if not run.has_best:
        return gather(run)  # says so
    predictor, _ = load_predictor(run.best, device, precision)
    try:
        images, notes = score_run(run, predictor, progress=progress, cancelled=cancelled)
    except UnetError as error:
        if isinstance(error, Cancelled):
            raise
        return gather(run, problem=str(error))
    return gather(run, [ScoredImage(image.score, image.digest) for image in images], notes=notes)
