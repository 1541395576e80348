"""What the views of the Evaluate page are given."""

from dataclasses import dataclass

from pages.server import model_registry
from pages.server.scoring_job import ScoringJob
from unet_core.runs import run as runs


@dataclass(frozen=True)
class Evaluation:
    """The model, what was scored, and the name of another dataset than that of its run."""

    model: model_registry.Model
    scoring: ScoringJob
    dataset: str = ""

    @property
    def run(self) -> runs.Run | None:
        """The run of the model; None for one of the Hub or an uploaded one, of which no settings or split are here."""
        return self.model.run
