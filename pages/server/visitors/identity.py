"""Who a visitor of a public server is: a random token in a signed cookie, and the owner that it stands for.

    cookie -> token -> owner        the owner is a digest: what lies on the disk gives no token back

Where a browser refuses the cookie, the session is the visitor: its token is made of the session's id, which nobody can
guess, and goes to the routes in a header. All of it is lost with the session. A server of one's own asks nobody.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from itsdangerous import BadSignature, TimestampSigner

from pages.server.lru import LRU
from pages.server.paths import is_public, runs_dir
from pages.server.visitors.secret import read_secret
from unet_core.io import owners

COOKIE, HEADER = "unet_visitor", "x-unet-visitor"
SECRET_FILE = ".visitor_secret"  # in the folder of runs, where $UNET_STUDIO_SECRET is not set
VALID_SECONDS = 90 * 86_400
RENEW_SECONDS = 86_400  # a cookie that is older is made anew with the next page

MOST_SESSIONS = 10_000


class Session(NamedTuple):
    """A page in a browser: its id, and the cookie, "" without one, None while the browser is away."""

    id: str
    cookie: str | None


_READERS: list[Callable[[], Session | None]] = []
_SESSIONS: LRU[str, str] = LRU(MOST_SESSIONS)  # owners by the ids of sessions


def _secret() -> bytes:
    text = os.environ.get("UNET_STUDIO_SECRET", "")
    return hashlib.sha256(text.encode()).digest() if text else read_secret(runs_dir() / SECRET_FILE)


def _signer() -> TimestampSigner:
    return TimestampSigner(_secret(), salt="unet-studio visitor", digest_method=hashlib.sha256)


def make_token() -> str:
    """A new visitor."""
    return secrets.token_urlsafe(24)


def session_token(session_id: str) -> str:
    """The token of a session whose browser refuses cookies."""
    return hmac.new(_secret(), f"session {session_id}".encode(), hashlib.sha256).hexdigest()


def sign(token: str) -> str:
    """What a browser keeps of a token."""
    return _signer().sign(token).decode("ascii")


def read(signed: str, seconds: float = VALID_SECONDS) -> str | None:
    """The token in what a browser sends; None where this server has not signed it in the last `seconds`."""
    try:
        return _signer().unsign(signed, max_age=int(seconds)).decode("ascii")
    except (BadSignature, ValueError):
        return None


def is_fresh(signed: str) -> bool:
    """Whether a cookie need not be made anew."""
    return read(signed, RENEW_SECONDS) is not None


def owner_of(token: str) -> str:
    """The owner that a token stands for: 32 letters of its digest.

    >>> owner_of("a") == owner_of("a") != owner_of("b"), len(owner_of("a"))
    (True, 32)
    """
    return hashlib.sha256(f"unet-studio owner {token}".encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def _owner_of_signed(signed: str, secret: bytes) -> str | None:
    token = read(signed)
    return None if token is None else owner_of(token)


def find_owner(signed: str) -> str | None:
    """The owner behind what a browser sends; None where it was not signed here."""
    return _owner_of_signed(signed, _secret()) if signed else None


def read_session_by(reader: Callable[[], Session | None]) -> None:
    """For the pages: gives the session whose page runs in this thread."""
    _READERS[:] = [reader]


def _find_session() -> Session | None:
    return next((session for reader in _READERS if (session := reader()) is not None), None)


def _owner_of_session(session: Session) -> str:
    """As it was when the session began: a page goes on while its browser is away, and no other browser takes it."""
    known = _SESSIONS.get(session.id)
    if session.cookie is None:
        return known or owners.STRANGER
    owner = find_owner(session.cookie)
    if known is None:
        known = owner or owner_of(session_token(session.id))
        _SESSIONS.put(session.id, known)
    return known if owner in (None, known) else owners.STRANGER


def current() -> str | None:
    """Who acts in this thread: the visitor of the page that runs in it; None, the operator, where nobody is asked."""
    if not is_public():
        return None
    session = _find_session()
    return owners.STRANGER if session is None else _owner_of_session(session)


def session_header() -> str:
    """What a browser without the cookie sends to the routes instead; "" where it has one, and locally."""
    session = _find_session() if is_public() else None
    if session is None:
        return ""
    token = session_token(session.id)
    return sign(token) if _owner_of_session(session) == owner_of(token) else ""
