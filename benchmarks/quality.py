"""What the defaults reach on a dataset: `python -m benchmarks.quality DATA [setting=value ... / setting=value ...]`.

Lists of settings are separated by a slash; each is trained with every seed, as the command line does it. The runs are
kept in the folder of --runs-dir for looking at.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.report import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("settings", nargs="*", help="epochs=3 lr=0.01 / lr=0.003")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    parsed = parser.parse_args()
    rows = []
    for group in " ".join(parsed.settings).split("/"):
        options = [word for item in group.split() for word in ("--" + item.replace("=", " ").replace("_", "-")).split()]
        for seed in range(parsed.seeds):
            command = [sys.executable, "-m", "unet_core", "train", str(parsed.data), "--runs-dir", str(parsed.runs_dir)]
            command += [*options, "--seed", str(seed)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(done.stdout.splitlines()[-1])
            rows.append(
                {
                    "settings": group.strip() or "defaults",
                    "seed": seed,
                    "val Dice": result["val_dice"],
                    "val IoU": result["val_iou"],
                    "best epoch": result["best_epoch"],
                    "minutes": result["seconds"] / 60,
                }
            )
    report("quality", rows, data=str(parsed.data))


if __name__ == "__main__":
    main()
