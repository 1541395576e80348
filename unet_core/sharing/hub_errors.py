"""What the Hub answers when it does not take an upload, in words, each with what to do about it."""

from typing import Any

from unet_core.errors import HubError, UnetError
from unet_core.hub.repo_id import Reference

TOKENS_PAGE = "settings/tokens"


def silent(reference: Reference, endpoint: str) -> HubError:
    """The Hub does not answer."""
    return HubError(
        f"{reference}: {endpoint} does not answer. Check the connection and push again; what has arrived is not sent "
        "again."
    )


def explain(error: Exception, reference: Reference, endpoint: str, token: str | bool) -> Exception:
    """The error for a user; one that is already for users, or none of the Hub's, is given back as it is."""
    if isinstance(error, UnetError):
        return error
    from huggingface_hub import errors

    cause: BaseException | None = error
    while cause is not None:  # the library wraps what happened in a file's upload
        if isinstance(cause, errors.HfHubHTTPError):
            status = cause.response.status_code if cause.response is not None else 0
            return HubError(f"{reference}: {_by_status(status, cause, reference, endpoint, token)}")
        if isinstance(cause, errors.LocalTokenNotFoundError):
            return HubError(f"{reference}: {_no_token(endpoint)}")
        if isinstance(cause, errors.OfflineModeIsEnabled):
            return HubError(f"{reference}: offline mode is on. Unset HF_HUB_OFFLINE and push again.")
        if type(cause).__module__.startswith("httpx") or isinstance(cause, ConnectionError):
            return HubError(
                f"{reference}: {endpoint} cannot be reached. Check the connection and push again; what has arrived is "
                "not sent again."
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError):
        return HubError(f"{reference}: a file cannot be read ({error.strerror or error}).")
    return HubError(f"{reference}: unexpected answer of {endpoint} ({type(error).__name__}: {error}).")


def _no_token(endpoint: str) -> str:
    return (
        f"no access token. Make one with write access at {endpoint}/{TOKENS_PAGE}, then set HF_TOKEN or run "
        "`hf auth login`."
    )


def _by_status(status: int, error: Any, reference: Reference, endpoint: str, token: str | bool) -> str:
    owner = reference.repo.partition("/")[0]
    if status == 401:
        return (
            f"the access token is missing, wrong or expired (401). Make one with write access at "
            f"{endpoint}/{TOKENS_PAGE}, then set HF_TOKEN or run `hf auth login`."
        )
    if status == 402:
        return (
            f"{owner} needs a paid plan for this (402): its free private storage is used up. Push with --public, "
            f"remove old private repositories, or see {endpoint}/pricing."
        )
    if status == 403:
        return (
            f"the token may not write to {owner} (403). Make one with write access to it at {endpoint}/{TOKENS_PAGE}, "
            "or push to your own account."
        )
    if status == 404:
        return (
            f"there is no user or organization {owner} that this token may see (404). Check the name; "
            "`hf auth whoami` lists yours."
        )
    if status == 409:
        return "somebody else changed the repository at the same moment (409). Push again."
    if status == 429:
        return f"too many requests (429). Wait {_wait(error)} and push again; what has arrived is not sent again."
    if status >= 500:
        return f"{endpoint} has trouble (error {status}). Push again later; what has arrived is not sent again."
    text = str(getattr(error, "server_message", "") or "")[:200]
    return f"{endpoint} refused the upload (error {status}{': ' + text if text else ''})."


def _wait(error: Any) -> str:
    """How long the Hub asks to wait, where it says."""
    try:
        seconds = int(error.response.headers["Retry-After"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return "some minutes"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} minutes"
