"""What several commands share."""

import argparse
from pathlib import Path

from unet_core.runs import run as runs


def named_run(parsed: argparse.Namespace) -> runs.Run:
    folder = Path(parsed.run)
    return runs.get(folder.parent if len(folder.parts) > 1 else parsed.runs_dir, folder.name)
