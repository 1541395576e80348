"""Names of models and datasets on the Hugging Face Hub: org/name, org/name@revision, hf:org/name, a page's address."""

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from unet_core.errors import HubError

ENDPOINT = "https://huggingface.co"
HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")


@dataclass(frozen=True)
class Reference:
    """A repository, `org/name`, and a branch, tag or commit of it ("" = the newest)."""

    repo: str
    revision: str = ""

    def __str__(self) -> str:
        return self.repo + f"@{self.revision}" * bool(self.revision)

    @property
    def folder_name(self) -> str:
        """A safe name for the disk; `--` is not allowed in a repository's name, so that no two get the same."""
        return str(self).replace("/", "--", 1).replace("/", "~")


def parse(name: str, endpoint: str | None = None, kind: str = "model") -> Reference:
    """`org/name`, `hf:org/name`, either with `@revision`, or the address of its page.

    `kind` is model, dataset or space; the name of a dataset may begin with `datasets/`, that of a space with `spaces/`.
    Raises HubError for anything else.
    """
    text, revision = name.strip(), ""
    for start in (
        *(f"{scheme}{host}/" for scheme in ("https://", "http://", "") for host in HOSTS),
        f"{address_of_hub(endpoint)}/",
    ):
        if text.startswith(start):
            words = unquote(re.split(r"[?#]", text.removeprefix(start))[0]).strip("/").split("/")
            words = _words_of(words, kind, name)
            if len(words) > 3 and words[2] in ("tree", "blob", "resolve", "commit", "viewer"):
                revision = words[3] if words[2] != "viewer" else ""
            text = "/".join(words[:2])
            break
    else:
        text, _, revision = re.sub(r"^hf:(//)?", "", text).partition("@")
        text = text if kind == "model" else text.removeprefix(f"{kind}s/")
    part = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
    good = re.fullmatch(f"{part}/{part}", text) and len(text) <= 96 and not re.search(r"--|\.\.|\.git$", text)
    if not good or not re.fullmatch(r"(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,99})?", revision) or ".." in revision:
        raise HubError(
            f"{name[:200]!r}: not the name of a {kind} on the Hub. Enter org/name, org/name@revision or the address of "
            "its page."
        )
    return Reference(text, revision)


def _words_of(words: list[str], kind: str, name: str) -> list[str]:
    """The parts of an address from the organization on. Raises HubError where it is a page of another kind."""
    other = words[0].removesuffix("s") if words[0] in ("datasets", "spaces") else "model"
    if other != kind:
        raise HubError(f"{name[:200]}: a {other} of the Hub, not a {kind}.")
    return words if kind == "model" else words[1:]


def is_address(name: str) -> bool:
    """Whether a name can only mean a model on the Hub."""
    return name.strip().startswith(("hf:", "http:", "https:", *(f"{host}/" for host in HOSTS)))


def address_of_hub(endpoint: str | None) -> str:
    """The address of the Hub; $HF_ENDPOINT is read at each call, while the library reads it once when imported."""
    return (endpoint or os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
