"""How well the check before the start foretells an epoch: its seconds against those of a real run.

    python -m benchmarks.preflight_accuracy [--data DIR] [--clock cpu|wall]

An epoch is counted from the end of the one before to its own end: steps, validation, film and checkpoints. By default
in seconds of processor time, which other work on the machine does not change; one thread, so that an idle machine's
wall clock says the same.
"""

import argparse
import os
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.report import report
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.planning import preflight
from unet_core.planning.report import Report
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, Event
from unet_core.training import runner

EPOCHS = 3  # of the real run; the first is not counted
CASES = {
    "dsb2018": {},
    "camvid": {"ignore_index": 11, "image_size": 64, "base_channels": 8},
    "isbi_em": {"batch_size": 4, "norm": "group"},
}


class Ends:
    """Stands for an event log: takes the time at the end of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def append(self, event: Event) -> None:
        if isinstance(event, EpochFinished):
            self.seconds.append(time.perf_counter())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("UNET_DATA", "../shared/data")))
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    parsed = parser.parse_args()
    if parsed.clock == "cpu":
        time.perf_counter = time.process_time  # which all that measures here goes by
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cases = {"sample": (synthetic.write(folder / "sample"), {})}
        cases |= {name: (parsed.data / name, changes) for name, changes in CASES.items()}
        for name, (root, changes) in cases.items():
            if not root.is_dir():
                print(f"{root} is not there; left out")
                continue
            config = RunConfig().replace(root=str(root.resolve()), epochs=EPOCHS, threads=1, **changes)
            told = next(told for told in preflight.run(config, folder / "runs") if isinstance(told, Report))
            ends = Ends()
            runner.run_to_end(runs.create(folder / "runs", config), ends)
            real = statistics.median(after - before for before, after in pairwise(ends.seconds))
            rows.append(
                {
                    "data": name,
                    "foretold s": told.epoch_seconds,
                    "real s": real,
                    "ratio": told.epoch_seconds / real,
                    "check took s (wall)": told.seconds,
                    "largest batch": told.largest_batch,
                    "by": told.largest_by,
                }
            )
            print(rows[-1], flush=True)
    report("preflight_accuracy", rows, epochs=EPOCHS, clock=parsed.clock)


if __name__ == "__main__":
    main()
