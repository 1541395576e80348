"""What the Hub answers when it does not take an upload, in words, each with what to do about it."""

import re
from typing import Any

from unet_core.errors import HubError, UnetError
from unet_core.hub.repo_id import Reference

TOKENS_PAGE = "settings/tokens"
VERBS = {"model": "Push", "space": "Publish", "mirror": "Try"}  # what is done again, by what the repository is
OF_XET = re.compile(r"HTTP status \w+ error \((\d{3})\b")  # its storage client knows no other error than this text
PAID_SPACE = (
    "a Space that runs this app (sdk: docker) needs a paid plan of {owner} (402), see {endpoint}/pricing. Free: run it "
    "on this machine (unet-studio), on Streamlit Community Cloud (docs/space.md), or as a page without a server "
    "(unet-studio publish RUN --static DIR)."
)


def silent(reference: Reference, endpoint: str, kind: str = "model") -> HubError:
    """The Hub does not answer."""
    return HubError(
        f"{reference}: {endpoint} does not answer. Check the connection and {VERBS[kind].lower()} again; what has "
        "arrived is not sent again."
    )


def explain(
    error: Exception, reference: Reference, endpoint: str, kind: str = "model", creating: bool = False
) -> Exception:
    """The error for a user; one that is already for users, or none of the Hub's, is given back as it is.

    `kind` is what the repository is, a key of VERBS; `creating` says that it was being made.
    """
    again = f"{VERBS[kind].lower()} again; what has arrived is not sent again"
    if isinstance(error, UnetError):
        return error
    from huggingface_hub import errors

    cause: BaseException | None = error
    while cause is not None:  # the library wraps what happened in a file's upload
        if isinstance(cause, errors.HfHubHTTPError):
            status = cause.response.status_code if cause.response is not None else 0
            if status == 402 and kind == "space" and creating:
                owner = reference.repo.partition("/")[0]
                return HubError(f"{reference}: {PAID_SPACE.format(owner=owner, endpoint=endpoint)}")
            return HubError(f"{reference}: {_by_status(status, cause, reference, endpoint, again)}")
        if isinstance(cause, errors.LocalTokenNotFoundError):
            return HubError(f"{reference}: {_no_token(endpoint)}")
        if isinstance(cause, errors.OfflineModeIsEnabled):
            return HubError(f"{reference}: offline mode is on. Unset HF_HUB_OFFLINE and {again}.")
        if isinstance(cause, ConnectionError) and (answer := OF_XET.search(str(cause))):
            return HubError(f"{reference}: {_by_status(int(answer[1]), cause, reference, endpoint, again)}")
        if type(cause).__module__.startswith("httpx") or isinstance(cause, ConnectionError):
            return HubError(f"{reference}: {endpoint} cannot be reached. Check the connection and {again}.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError):
        return HubError(f"{reference}: a file cannot be read ({error.strerror or error}).")
    return HubError(f"{reference}: unexpected answer of {endpoint} ({type(error).__name__}: {error}).")


def _no_token(endpoint: str) -> str:
    return (
        f"no access token. Make one with write access at {endpoint}/{TOKENS_PAGE}, then set HF_TOKEN or run "
        "`hf auth login`."
    )


def _by_status(status: int, error: Any, reference: Reference, endpoint: str, again: str) -> str:
    owner, verb = reference.repo.partition("/")[0], again.partition(" ")[0].capitalize()
    if status == 401:
        return (
            f"the access token is missing, wrong or expired (401). Make one with write access at "
            f"{endpoint}/{TOKENS_PAGE}, then set HF_TOKEN or run `hf auth login`."
        )
    if status == 402:
        public = "" if verb == VERBS["mirror"] else f"{verb} with --public. "
        return (
            f"{owner} needs a paid plan for this (402): its free private storage is used up. "
            f"{public}Remove old private repositories, or see {endpoint}/pricing."
        )
    if status == 403:
        return (
            f"the token may not write to {owner} (403). Make one with write access to it at {endpoint}/{TOKENS_PAGE}, "
            "or name a repository of your own account."
        )
    if status == 404:
        return (
            f"there is no user or organization {owner} that this token may see (404). Check the name; "
            "`hf auth whoami` lists yours."
        )
    if status == 409:
        return f"somebody else changed the repository at the same moment (409). {verb} again."
    if status == 429:
        return f"too many requests (429). Wait {_wait(error)} and {again}."
    if status >= 500:
        return f"{endpoint} has trouble (error {status}). Wait and {again}."
    text = str(getattr(error, "server_message", "") or "")[:200]
    return f"{endpoint} refused the upload (error {status}{': ' + text if text else ''})."


def _wait(error: Any) -> str:
    """How long the Hub asks to wait, where it says."""
    try:
        seconds = int(error.response.headers["Retry-After"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return "some minutes"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} minutes"
