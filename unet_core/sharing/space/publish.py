"""A Space of the Hugging Face Hub that runs this app with one model: all of its files, before any leaves.

    plan = plan_space(run, "org/space", SpaceOptions(license="mit"))
    pushed = push(plan)               # `sharing.push`: preview, private by default, resumed after a cut

The model lies in the Space itself: it starts without network, and a private model needs no token there.
"""

import re
from collections.abc import Collection, Sequence

from unet_core.errors import HubError
from unet_core.hub.repo_id import parse
from unet_core.runs.run import Run
from unet_core.sharing.evidence import Evidence, gather
from unet_core.sharing.privacy import find_leaks
from unet_core.sharing.push import SPACE, Plan
from unet_core.sharing.repository import CARD, Item, read_checkpoint
from unet_core.sharing.space.app_files import read_app
from unet_core.sharing.space.readme import SpaceOptions, write_readme

APP, MODEL, DOCKERFILE = "/app", "model", "Dockerfile"  # in the container; the folder of the model in the repository
DEFAULT_MODEL = "UNET_STUDIO_MODEL"  # the variable that names the model which the app offers first


def plan_space(
    run: Run, repo: str, options: SpaceOptions, allowed: Collection[str] = (), tokens: Collection[str] = ()
) -> Plan:
    """What publishing the best checkpoint of a run as the Space `org/name` would do; nothing is sent.

    `allowed` are names of user or host that are no secret, `tokens` secrets to look for. Raises HubError where `repo`
    is no name of a Space, RunError, CheckpointError.
    """
    return plan_files(gather(run), repo, options, allowed, tokens)


def plan_files(
    evidence: Evidence, repo: str, options: SpaceOptions, allowed: Collection[str] = (), tokens: Collection[str] = ()
) -> Plan:
    """The same of what is known already of the model."""
    from huggingface_hub import get_token

    reference = parse(repo, kind=SPACE)
    if reference.revision:
        raise HubError(f"{repo}: a Space has one branch. Leave out @{reference.revision}.")
    name = reference.repo.partition("/")[2]
    title = " ".join(options.title.split()) or name
    app = read_app()
    items = [
        Item(CARD, write_readme(options, title, evidence.model).encode("utf-8", "replace")),
        *read_model(evidence, slug(title) or name),
        *(_with_model(item, slug(title) or name) for item in app),
    ]
    stock = frozenset(item.name for item in app)
    # The name of the Space was chosen to be seen, and often holds the user's.
    leaks = find_leaks(
        {item.name: item.data for item in items},
        evidence.private,
        [*tokens, get_token() or ""],
        {reference.repo, *allowed},
        stock,
    )
    return Plan(reference, tuple(items), tuple(leaks), SPACE, stock - {DOCKERFILE})


def read_model(evidence: Evidence, name: str) -> Sequence[Item]:
    """The files of the checkpoint below `model/name`, by which the app calls it."""
    return [Item(f"{MODEL}/{name}/{item.name}", item.source, item.digest) for item in read_checkpoint(evidence.folder)]


def slug(title: str) -> str:
    """A name for a folder.

    >>> slug("Nuclei, HeLa (2026)")
    'Nuclei-HeLa-2026'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", title).strip("-._")[:60]


def _with_model(item: Item, name: str) -> Item:
    """The Dockerfile with the model as the one that is offered first; other files as they are."""
    if item.name != DOCKERFILE:
        return item
    text = item.data.decode("utf-8").rstrip("\n")
    return Item(item.name, f"{text}\nENV {DEFAULT_MODEL}={APP}/{MODEL}/{name}\n".encode())
