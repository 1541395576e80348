"""A finding: one thing that is wrong, or may be, with a dataset, and what mends it."""

from dataclasses import dataclass

from unet_core.data.recipe.recipe import Remedy

ERROR, WARNING, INFO = "error", "warning", "info"  # training cannot start; scores or masks suffer; good to know
SEVERITIES = (ERROR, WARNING, INFO)


@dataclass(frozen=True)
class Finding:
    """What a check found.

    `check` is a key of `CHECKS`, `severity` one of `SEVERITIES`, `message` what, where, which value and the remedy in
    one to three sentences. `samples` are the ids of the samples concerned (or names of files that are in no sample),
    worst first; () = the whole dataset. `remedies` are what one click can do, the suggested one first; () where only
    the user can mend it.
    """

    check: str
    severity: str
    message: str
    samples: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def count(self) -> int:
        """Samples concerned."""
        return len(self.samples)
