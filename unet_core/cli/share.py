"""The commands that share a model: push, verify."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, find_run
from unet_core.cli.output import echo, warn
from unet_core.config.choices import DEVICES, PRECISIONS
from unet_core.errors import RunError
from unet_core.hub.repo_id import parse
from unet_core.sharing.licenses import LICENSES, UNKNOWN

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.sharing.push import Plan, Pushed


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "push", push, "upload a run's model with its model card to the Hugging Face Hub")
    add_run(parser)
    parser.add_argument("repo", metavar="OWNER/NAME", help="repository on the Hub; it is made where there is none")
    parser.add_argument("--public", action="store_true", help="everybody may see it (default: private)")
    text = f"license of the model: {', '.join(LICENSES)} (default: {UNKNOWN})"
    parser.add_argument("--license", metavar="NAME", choices=LICENSES, default=UNKNOWN, help=text)
    parser.add_argument(
        "--dataset", metavar="NAME", default="", help="what the dataset is called (default: its folder)"
    )
    parser.add_argument("--description", metavar="TEXT", default="", help="what the model is for")
    text = "leave out the scores of single images"
    parser.add_argument("--no-images", action="store_true", help=text)
    text = "call images by their file names, which may tell of persons (default: by a digest)"
    parser.add_argument("--image-names", action="store_true", help=text)
    text = "a name of yours or of this machine that may be seen; may be given several times"
    parser.add_argument("--allow", metavar="NAME", action="append", default=[], help=text)
    parser.add_argument("--dry-run", action="store_true", help="print every file and upload nothing")
    parser.add_argument("--yes", action="store_true", help="upload without asking")
    _add_compute(parser)

    parser = add_command(commands, "verify", verify, "check that a packed model gives its scores here, too")
    parser.add_argument("file", metavar="FILE.zip", type=Path, help="what `pack --verifiable` wrote")
    parser.add_argument("--data", metavar="DATA", type=Path, help="dataset folder (default: the packed images alone)")
    text = "largest difference of a Dice or IoU that counts as the same (default: 0.001)"
    parser.add_argument("--tolerance", type=float, default=0.001, help=text)
    _add_compute(parser)


def _add_compute(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", choices=DEVICES, help="compute device (default: auto)")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="numerical precision (default: auto)")


def push(parsed: argparse.Namespace) -> dict[str, Any]:
    """Upload the best checkpoint of a run to the Hugging Face Hub, with a model card written from its measurements.

    The images that the model was not trained on are scored first. Every file is shown before anything leaves; files
    with paths, user names, host names or tokens in them are refused. Images are never uploaded.
    """
    from unet_core.sharing import push as pushing
    from unet_core.sharing.evidence import collect
    from unet_core.sharing.model_card import CardOptions
    from unet_core.sharing.repository import make_items

    run, reference = find_run(parsed), parse(parsed.repo)
    options = CardOptions(
        title=reference.repo.partition("/")[2],
        dataset=parsed.dataset,
        description=parsed.description,
        license=parsed.license,
        per_image=not parsed.no_images,
        named=parsed.image_names,
    )
    evidence = collect(run, parsed.device, parsed.precision, progress=lambda name: echo(f"scoring {name}"))
    if evidence.problem:
        warn(f"Images cannot be scored, so the card has no scores of them: {evidence.problem}")
    for note in evidence.notes:
        warn(note)
    plan = pushing.make_plan(make_items(evidence, options, reference.repo), parsed.repo, evidence, parsed.allow)
    echo(pushing.describe(plan))
    files = {item.name: item.size for item in plan.items}
    result: dict[str, Any] = {"repo": reference.repo, "public": parsed.public, "files": files}
    if parsed.dry_run:
        for leak in plan.leaks:
            warn(f"private: {leak}")
        return result | {"pushed": False, "private_content": [str(leak) for leak in plan.leaks]}
    pushing.refuse_leaks(plan.leaks)
    if parsed.license == UNKNOWN:
        warn("No license was chosen, so nobody else may use the model. Choose one with --license.")
    confirm(plan, parsed)
    pushed = upload(plan, parsed)
    return result | {
        "pushed": True,
        "address": pushed.address,
        "commit": pushed.commit,
        "private": pushed.private,
        "changed": pushed.changed,
    }


def upload(plan: "Plan", parsed: argparse.Namespace) -> "Pushed":
    """Upload what was confirmed, each stage on a line. Raises HubError."""
    from unet_core.sharing.push import push as push_files

    last = ""

    def show(done: int, total: int, stage: str) -> None:
        nonlocal last
        if stage != last:
            last = stage
            echo(stage)

    pushed = push_files(plan, public=parsed.public, token=True, progress=show)
    if not pushed.changed:
        echo("The repository had all of it already.")
    if parsed.public and pushed.private:
        warn(f"{plan.reference.repo} exists and stays private. Make it public on its settings page.")
    return pushed


def confirm(plan: "Plan", parsed: argparse.Namespace) -> None:
    """Ask before anything leaves. Raises RunError where nobody says yes."""
    if parsed.yes:
        return
    kind = "public" if parsed.public else "private"
    what = f"Upload {len(plan.items)} files ({plan.size:,} bytes) to {plan.reference} ({kind})"
    if not sys.stdin.isatty():
        raise RunError(f"{what}? Confirm with --yes.")
    echo(f"{what}? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RunError("Nothing was uploaded.")


def verify(parsed: argparse.Namespace) -> dict[str, Any]:
    """Predict the images of a packed model again and compare with the scores in it.

    With --data every scored image is looked up in the dataset by its content and scored anew; without it the images in
    the file are predicted alone. The exit status is 1 where a number differs.
    """
    from unet_core.sharing.verify import verify as check

    report = check(
        parsed.file,
        parsed.data,
        parsed.tolerance,
        parsed.device,
        parsed.precision,
        lambda name: echo(f"scoring {name}"),
    )
    for line in report.lines():
        echo(line)
    return report.to_dict()
