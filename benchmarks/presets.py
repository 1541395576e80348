"""Every preset for two epochs on the built-in sample and on its fitting folder: `python -m benchmarks.presets DATA`.

DATA holds dsb2018/, isbi_em/ and camvid/. The loss must be finite and fall, and an image must get its mask.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import report
from unet_core.config.presets import PRESETS
from unet_core.data import discovery, synthetic
from unet_core.io import images
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.events import EpochFinished

FITTING = {"paper-2015": ("isbi_em", []), "multiclass": ("camvid", ["--ignore-index", "11"])}
ELSE = ("dsb2018", [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--presets", default=",".join(PRESETS))
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="presets-"))
    sample = synthetic.write(folder / "sample", images=16)
    rows = []
    for name in parsed.presets.split(","):
        fitting, options = FITTING.get(name, ELSE)
        for data, extra in ((sample, []), (parsed.data / fitting, options)):
            command = [sys.executable, "-m", "unet_core", "train", str(data), "--runs-dir", str(folder / "runs")]
            command += ["--preset", name, "--epochs", "2", *extra]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(done.stdout.splitlines()[-1])
            run = runs.Run(Path(result["run"]))
            first, second = (event for event, _ in read_events(run.events)[0] if isinstance(event, EpochFinished))
            picture = discovery.find(data)[0].image
            command = [sys.executable, "-m", "unet_core", "predict", result["run"], str(picture)]
            subprocess.run([*command, "--output", str(folder / "masks")], stdout=subprocess.PIPE, check=True)
            mask = images.read_mask(folder / "masks" / f"{picture.stem}.png")
            assert mask.shape == images.size(picture)
            assert second.train_loss < first.train_loss, (name, data)
            rows.append(
                {
                    "preset": name,
                    "data": data.name,
                    "loss 1": first.train_loss,
                    "loss 2": second.train_loss,
                    "val Dice": result["val_dice"],
                    "minutes": result["seconds"] / 60,
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
    report("presets", rows)


if __name__ == "__main__":
    main()
