"""What the views of the Evaluate page are given."""

from dataclasses import dataclass

from pages.server import model_registry
from pages.server.scoring_job import ScoringJob
from unet_core.runs import run as runs


@dataclass(frozen=True)
class Evaluation:
    """The model, its run, what was scored, and the name of another dataset than the run's."""

    model: model_registry.Model
    run: runs.Run
    scoring: ScoringJob
    dataset: str = ""
