"""The command that publishes a model as an app of its own: publish."""

import argparse
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_run, find_run
from unet_core.cli.output import echo, warn
from unet_core.cli.share import confirm, upload
from unet_core.sharing.licenses import LICENSES, UNKNOWN

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "publish", publish, "publish a run's model as an app on the Hugging Face Hub")
    add_run(parser)
    parser.add_argument("target", metavar="OWNER/SPACE", help="the Space; it is made where there is none")
    parser.add_argument("--public", action="store_true", help="everybody may open it (default: private)")
    parser.add_argument("--title", metavar="TEXT", default="", help="what Space and model are called (default: SPACE)")
    text = "what the model is for, in at most 60 characters"
    parser.add_argument("--description", metavar="TEXT", default="", help=text)
    text = f"license of the model: {', '.join(LICENSES)} (default: {UNKNOWN})"
    parser.add_argument("--license", metavar="NAME", choices=LICENSES, default=UNKNOWN, help=text)
    text = "the repository that the model was pushed to, as a link"
    parser.add_argument("--model", metavar="OWNER/NAME", default="", help=text)
    text = "a name of yours or of this machine that may be seen; may be given several times"
    parser.add_argument("--allow", metavar="NAME", action="append", default=[], help=text)
    parser.add_argument("--dry-run", action="store_true", help="print every file and upload nothing")
    parser.add_argument("--yes", action="store_true", help="upload without asking")


def publish(parsed: argparse.Namespace) -> dict[str, Any]:
    """Publish the best checkpoint of a run as a Space: this app, in public mode, with the model offered first.

    The Space is built from this version of UNet Studio and holds the model itself. Every file is shown before anything
    leaves; files with paths, user names, host names or tokens in them are refused. No image is uploaded. A Space that
    runs an app needs a paid plan.
    """
    return publish_space(parsed)


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
