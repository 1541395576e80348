"""The commands that get something of the Hugging Face Hub: pull (a model), download-dataset."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_runs_dir
from unet_core.cli.output import echo, program, warn
from unet_core.config.choices import NORMALIZATIONS
from unet_core.errors import ConfigError
from unet_core.hub import datasets, pull, resolve
from unet_core.hub.access import token_for
from unet_core.hub.known import KNOWN
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "pull", pull_model, "download a model of the Hugging Face Hub")
    text = "owner/name, owner/name@revision or the address of the model's page"
    parser.add_argument("model", metavar="MODEL", nargs="?", help=text)
    add_runs_dir(parser)
    parser.add_argument("--list", action="store_true", help="show files, size and license, and download nothing")
    parser.add_argument("--known", action="store_true", help="list trained models of others that can be added")
    text = "intensity normalization of the images, where the weights of another program do not say it"
    parser.add_argument("--normalization", choices=NORMALIZATIONS, default="", help=text)
    text = "download a dataset of the Hugging Face Hub"
    parser = add_command(commands, "download-dataset", download_dataset, text)
    text = "owner/name, owner/name@revision or the address of the dataset's page"
    parser.add_argument("dataset", metavar="DATASET", help=text)
    parser.add_argument("--output", type=Path, required=True, help="new folder to write")


def pull_model(parsed: argparse.Namespace) -> dict[str, Any]:
    """Download a model of the Hugging Face Hub, which other commands then know by its name, owner/name.

    Models of UNet Studio, and U-Nets of segmentation_models.pytorch, milesial and mateuszbuda as safetensors. For a
    private or gated model the access token is read from the environment (HF_TOKEN).
    """
    if parsed.known:
        for model in KNOWN:
            echo(f"{model.name}: {model.segments}. Images: {model.images}. License: {model.license}. {model.page}")
            echo(f"  download {model.file}, then: {program()} import FILE --output CHECKPOINT")
        return {"known": [asdict(model) for model in KNOWN]}
    if parsed.model is None:
        raise ConfigError("Name a model of the Hub, as owner/name. --known lists trained models of others.")
    token = token_for()
    offer = pull.look(parsed.model, token=token)
    kind, license_ = offer.recognized.kind.title, offer.license or "not stated"
    echo(f"{offer.reference}: {kind}, license {license_}, {offer.size / 1e6:.1f} MB")
    for name, size in offer.files.items():
        echo(f"  {readable(name)}: {size:,} bytes")
    result = {"kind": kind, "license": offer.license, "bytes": offer.size, "commit": offer.commit}
    if parsed.list:
        return result | {"notes": list(offer.recognized.notes)}
    folder = pull.download(
        offer.reference,
        parsed.runs_dir / resolve.MODELS,
        token=token,
        progress=show_tenths(str(offer.reference)),
        tell=warn,
        normalization=parsed.normalization,
    )
    return {"output": str(folder)} | result


def show_tenths(name: str) -> Callable[[int, int], None]:
    """A callback that prints how much of a download is there, once per tenth."""
    last = [-1]

    def show(done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if tenth != last[0]:
            last[0] = tenth
            echo(f"{name}: {tenth * 10} %")

    return show


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
