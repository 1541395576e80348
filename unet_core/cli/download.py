"""The command that gets a dataset: download-dataset."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command
from unet_core.cli.output import echo, warn
from unet_core.hub import datasets

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    text = "download a dataset of the Hugging Face Hub"
    parser = add_command(commands, "download-dataset", download_dataset, text)
    text = "owner/name, owner/name@revision or the address of the dataset's page"
    parser.add_argument("dataset", metavar="DATASET", help=text)
    parser.add_argument("--output", type=Path, required=True, help="new folder to write")


def download_dataset(parsed: argparse.Namespace) -> dict[str, Any]:
    """Download a dataset of the Hugging Face Hub to a new folder: images, annotations, ZIP files, Parquet files."""
    last = [-1]

    def show(done: int, total: int, name: str) -> None:
        tenth = 10 * done // total if total else 10
        if tenth != last[0]:
            last[0] = tenth
            echo(f"{name}: {tenth * 10} %")

    folder = datasets.download(parsed.dataset, parsed.output, progress=show)
    notes = datasets.notes_of(folder)
    for note in notes:
        warn(note)
    return {"output": str(folder), "notes": list(notes)}
