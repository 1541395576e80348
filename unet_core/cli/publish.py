"""The command that publishes a model so that others use it: as plain files, or as an app on the Hugging Face Hub."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, find_run
from unet_core.cli.output import echo, warn
from unet_core.cli.share import confirm, upload
from unet_core.config.choices import DEVICES, PRECISIONS
from unet_core.errors import ConfigError, RunError, listing
from unet_core.sharing.licenses import LICENSES, UNKNOWN

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    summary = "publish a run's model: a page of plain files, or an app on the Hugging Face Hub"
    parser = add_command(commands, "publish", publish, summary)
    add_run(parser)
    text = "the Space; it is made where there is none"
    parser.add_argument("target", metavar="OWNER/SPACE", nargs="?", default="", help=text)
    text = "write a page that runs the model in the visitor's browser into this folder"
    parser.add_argument("--static", metavar="DIR", type=Path, help=text)
    parser.add_argument("--public", action="store_true", help="everybody may open the Space (default: private)")
    text = "what Space and model, or the page, are called (default: SPACE, name of the run)"
    parser.add_argument("--title", metavar="TEXT", default="", help=text)
    text = "what the model is for; for a Space in at most 60 characters"
    parser.add_argument("--description", metavar="TEXT", default="", help=text)
    text = f"license of the model: {', '.join(LICENSES)} (default: {UNKNOWN})"
    parser.add_argument("--license", metavar="NAME", choices=LICENSES, default=UNKNOWN, help=text)
    text = "the repository that the model was pushed to, as a link (Space)"
    parser.add_argument("--model", metavar="OWNER/NAME", default="", help=text)
    text = "a name of yours or of this machine that may be seen; may be given several times"
    parser.add_argument("--allow", metavar="NAME", action="append", default=[], help=text)
    parser.add_argument("--dry-run", action="store_true", help="print every file and write or upload nothing")
    parser.add_argument("--yes", action="store_true", help="upload without asking")
    page = parser.add_argument_group("page of plain files")
    text = "what the dataset is called (default: its folder)"
    page.add_argument("--dataset", metavar="NAME", default="", help=text)
    page.add_argument("--no-scores", action="store_true", help="do not score images first; the page then has no scores")
    text = "the file onnxruntime-web-*.tgz of npm, for machines without network (default: downloaded once)"
    page.add_argument("--runtime", metavar="FILE", type=Path, help=text)
    page.add_argument("--device", default="auto", choices=DEVICES, help="compute device of the scoring (default: auto)")
    page.add_argument("--precision", default="auto", choices=PRECISIONS, help="numerical precision (default: auto)")


def publish(parsed: argparse.Namespace) -> dict[str, Any]:
    """Publish the best checkpoint of a run.

    With --static a folder is written that holds a page: model, program and runtime. It runs in the visitor's own
    browser, so any web server will do, it costs nothing, and no image leaves the visitor's machine.

    With OWNER/SPACE a Space is made: this app, in public mode, with the model offered first. It is built from this
    version of UNet Studio and holds the model itself. Every file is shown before anything leaves. A Space that runs an
    app needs a paid plan.

    Files with paths, user names, host names or tokens in them are refused. No image is published.
    """
    if parsed.static is not None and parsed.target:
        raise ConfigError("Name a folder (--static DIR) or a Space (OWNER/SPACE), not both.")
    if parsed.static is not None:
        return publish_static(parsed)
    if not parsed.target:
        raise ConfigError("Name a folder for a page of plain files, --static DIR, or a Space, OWNER/SPACE.")
    return publish_space(parsed)


def publish_static(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the page of plain files."""
    from unet_core.sharing.evidence import collect, gather
    from unet_core.sharing.model_card import CardOptions
    from unet_core.static_page import build, runtime

    run = find_run(parsed)
    title = parsed.title.strip() or build.title_of(run)
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
    leaks = build.private_content(items, evidence, parsed.allow)
    size = sum(item.size for item in items)
    result: dict[str, Any] = {"folder": str(parsed.static), "files": len(items), "bytes": size, "title": title}
    if parsed.dry_run:
        for item in items:
            echo(f"{item.size:>12,}  {item.name}")
        return result | {"published": False, "private_content": [str(leak) for leak in leaks]}
    if leaks:
        remedy = "Change the title, the description or the names that hold it."
        if all(leak.can_be_allowed for leak in leaks):
            remedy = "If it may be seen, allow it (--allow NAME)."
        private = listing([str(leak) for leak in leaks], 5, "; ")
        raise RunError(f"Nothing was written. Private: {private}. {remedy}")
    build.write_page(items, parsed.static)
    if parsed.license == UNKNOWN:
        warn("No license was chosen, so nobody else may use the model. Choose one with --license.")
    echo(f"Try it: python -m http.server --directory {parsed.static}")
    return result | {"published": True}


def _show_download(done: int, total: int) -> None:
    if done == total:
        echo(f"Downloaded ONNX Runtime Web ({total:,} bytes)")


def publish_space(parsed: argparse.Namespace) -> dict[str, Any]:
    """The same for a Space of the Hub."""
    from unet_core.sharing import push as pushing
    from unet_core.sharing.space.publish import plan_space
    from unet_core.sharing.space.readme import SpaceOptions

    options = SpaceOptions(parsed.title, parsed.description, parsed.license, parsed.model)
    plan = plan_space(find_run(parsed), parsed.target, options, parsed.allow)
    echo(pushing.describe(plan))
    files = {item.name: item.size for item in plan.items}
    result: dict[str, Any] = {"space": plan.reference.repo, "public": parsed.public, "files": files}
    if parsed.dry_run:
        for leak in plan.leaks:
            warn(f"private: {leak}")
        return result | {"published": False, "private_content": [str(leak) for leak in plan.leaks]}
    pushing.refuse_leaks(plan.leaks)
    confirm(plan, parsed)
    pushed = upload(plan, parsed)
    echo(f"The Hub builds the Space now, which takes some minutes: {pushed.address}")
    return result | {
        "published": True,
        "address": pushed.address,
        "commit": pushed.commit,
        "private": pushed.private,
        "changed": pushed.changed,
    }
