"""The command that publishes a model so that others can use it without installing anything."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, find_run
from unet_core.cli.output import echo, warn
from unet_core.config.choices import DEVICES, PRECISIONS
from unet_core.errors import ConfigError, RunError, listing
from unet_core.sharing.licenses import LICENSES, UNKNOWN

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    summary = "make a page on which others use a run's model in their own browser"
    parser = add_command(commands, "publish", publish, summary)
    add_run(parser)
    text = "write the page as plain files into this folder, for any web server"
    parser.add_argument("--static", metavar="DIR", type=Path, help=text)
    parser.add_argument("--title", metavar="TEXT", default="", help="title of the page (default: name of the run)")
    parser.add_argument("--description", metavar="TEXT", default="", help="what the model is for")
    text = "what the dataset is called (default: its folder)"
    parser.add_argument("--dataset", metavar="NAME", default="", help=text)
    text = f"license of the model: {', '.join(LICENSES)} (default: {UNKNOWN})"
    parser.add_argument("--license", metavar="NAME", choices=LICENSES, default=UNKNOWN, help=text)
    parser.add_argument(
        "--no-scores", action="store_true", help="do not score images first; the page then has no scores"
    )
    text = "a name of yours or of this machine that may be seen; may be given several times"
    parser.add_argument("--allow", metavar="NAME", action="append", default=[], help=text)
    text = "the file onnxruntime-web-*.tgz of npm, for machines without network (default: downloaded once)"
    parser.add_argument("--runtime", metavar="FILE", type=Path, help=text)
    parser.add_argument(
        "--device", default="auto", choices=DEVICES, help="compute device of the scoring (default: auto)"
    )
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="numerical precision (default: auto)")


def publish(parsed: argparse.Namespace) -> dict[str, Any]:
    """Publish the best checkpoint of a run.

    With --static a folder is written that holds a whole page: the model, the program and the runtime. It runs in the
    visitor's browser, so any web server will do, and no image leaves the visitor's machine.
    """
    if parsed.static is None:
        raise ConfigError("Name a folder for the page: --static DIR.")
    return publish_static(parsed)


def publish_static(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the page of plain files."""
    from unet_core.runs import manage
    from unet_core.sharing.evidence import collect, gather
    from unet_core.sharing.model_card import CardOptions
    from unet_core.static_page import build, runtime

    run = find_run(parsed)
    title = parsed.title.strip() or manage.notes(run).name or f"{Path(run.config.data.root).name} U-Net"
    options = CardOptions(title, parsed.dataset, parsed.description, parsed.license, per_image=False)
    build.check_folder(parsed.static)
    files = runtime.load(parsed.runtime, _show_download)
    if parsed.no_scores:
        evidence = gather(run)
    else:
        evidence = collect(run, parsed.device, parsed.precision, progress=lambda name: echo(f"scoring {name}"))
    if evidence.problem:
        warn(f"Images cannot be scored, so the page has no scores of them: {evidence.problem}")
    items = build.make_page(evidence, options, files, echo)
    if leaks := build.private_content(items, evidence, parsed.allow):
        remedy = "allow them (--allow NAME)" if all(leak.can_be_allowed for leak in leaks) else "change the texts"
        private = listing([str(leak) for leak in leaks], 5, "; ")
        raise RunError(f"Nothing was written. Private: {private}. If this is meant to be seen, {remedy}.")
    build.write_page(items, parsed.static)
    if parsed.license == UNKNOWN:
        warn("No license was chosen, so nobody else may use the model. Choose one with --license.")
    size = sum(item.size for item in items)
    echo(f"Try it: python -m http.server --directory {parsed.static}")
    return {"folder": str(parsed.static), "files": len(items), "bytes": size, "title": title}


def _show_download(done: int, total: int) -> None:
    if done == total:
        echo(f"Downloaded ONNX Runtime Web ({total:,} bytes)")
