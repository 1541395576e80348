"""Under which names the app answers, and which web pages may command it: `Host` and `Origin` of a request.

A page of another site can make a browser send requests to this server, and by DNS rebinding even under a name of that
site, so that the browser takes it for one server. An IP address cannot be rebound; a name must be one of ours.

    names = own_names(["studio.example.org"])
    refuse("studio.example.org:8501", "https://evil.example", "", names)   # a sentence: why not
    refuse("192.168.1.7:8501", "http://192.168.1.7:8501", "", names)       # None: answered
"""

import os
import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

HOSTS = "UNET_STUDIO_HOSTS"  # names, by comma
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 100  # characters of a refused value that are repeated


def split_host(text: str) -> tuple[str, int | None] | None:
    """(name or address in lower case, port) of a `Host`; None where it is none.

    >>> split_host("Studio.example.org.:8501"), split_host("[::1]"), split_host("a@b"), split_host("a:x")
    (('studio.example.org', 8501), ('::1', None), None, None)
    """
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.netloc != text or parts.username is not None or any(sign <= " " for sign in text):
        return None
    return name.rstrip(".").lower(), port


def is_address(name: str) -> bool:
    """Whether a name is an IP address.

    >>> is_address("10.0.0.2"), is_address("::1"), is_address("10.0.0.2.example.org")
    (True, True, False)
    """
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def own_names(configured: Iterable[str] = ()) -> frozenset[str]:
    """The names of this server: localhost, the machine's, those of a Space, `configured` ones and $UNET_STUDIO_HOSTS.

    `*.example.org` stands for every name below example.org, `*` for every name. Addresses need not be named.
    """
    return _own_names(tuple(configured), os.environ.get(HOSTS, ""), os.environ.get("SPACE_HOST", ""))


@lru_cache(maxsize=8)
def _own_names(configured: tuple[str, ...], listed: str, space: str) -> frozenset[str]:
    machine = socket.gethostname().lower().rstrip(".")
    words = [
        "localhost",
        machine,
        f"{machine.partition('.')[0]}.local",
        *configured,
        *listed.split(","),
        *space.split(","),
    ]
    names = set()
    for word in map(str.strip, words):
        host = urlsplit(word).netloc if "://" in word else word  # an address of the browser is understood too
        parts = split_host(host)
        if parts is not None:
            names.add(parts[0])
    return frozenset(names)


def is_own(name: str, names: frozenset[str]) -> bool:
    """Whether the server answers under a name.

    >>> names = frozenset({"localhost", "*.example.org"})
    >>> [is_own(name, names) for name in ("localhost", "10.1.2.3", "a.b.example.org", "example.org", "evil.example")]
    [True, True, True, False, False]
    """
    if is_address(name) or name in names or "*" in names:
        return True
    return any(pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in names)


def refuse(
    host: str, origin: str | None, forwarded: str, names: frozenset[str], checks_origin: bool = True
) -> str | None:
    """Why a request is not answered, as a sentence for whoever runs the server; None where it is.

    `forwarded` is the `X-Forwarded-Host` of a proxy: a page of another site cannot send it, since that takes a
    permission which the server never gives.
    """
    parts = split_host(host)
    if parts is None or not is_own(parts[0], names):
        name = parts[0] if parts else host
        return (
            f"This server does not answer as {_quote(name)}: open it by its IP address or as localhost, or start it "
            f"with that name in {HOSTS}."
        )
    if not checks_origin or origin is None:
        return None
    page = _origin_host(origin)
    if page is not None and (
        page in _with_ports(host, origin) | _with_ports(forwarded, origin) or _is_listed(page, names)
    ):
        return None
    return (
        f"Requests from pages of {_quote(origin)} are refused here: open the app itself as {_quote(host)}, or start "
        f"the server with that name in {HOSTS}."
    )


def _origin_host(origin: str) -> tuple[str, int | None] | None:
    """(name, port) of a page's origin; None for "null" and what is no web address."""
    scheme, _, rest = origin.partition("://")
    parts = split_host(rest) if scheme in DEFAULT_PORTS else None
    return None if parts is None else (parts[0], parts[1] or DEFAULT_PORTS[scheme])


def _with_ports(host: str, origin: str) -> set[tuple[str, int | None]]:
    """(name, port) of a host as the page's scheme has it."""
    parts = split_host(host.partition(",")[0].strip())
    return {(parts[0], parts[1] or DEFAULT_PORTS[origin.partition("://")[0]])} if parts else set()


def _is_listed(page: tuple[str, int | None], names: frozenset[str]) -> bool:
    """A name that was listed for this server is trusted on every port: proxies drop it from `Host`.

    Localhost and addresses are not: other programs of the same machine answer there too.
    """
    usual = _own_names((), "", "")
    return not is_address(page[0]) and page[0] not in usual and "*" not in names and is_own(page[0], names)


def _quote(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])
    return f'"{shown}"' + "…" * (len(text) > LONGEST)


def header(headers: Sequence[tuple[bytes, bytes]], name: str) -> list[str]:
    """All values of a header of an ASGI scope."""
    key = name.encode()
    return [value.decode("latin-1") for found, value in headers if found == key]
