"""Who sends a request, as far as limits must tell visitors apart: an address, never stored."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from pages.server.security.hosts import header

INNER_IPV4 = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
INNER_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
INNER = [ip_network(text) for text in (*INNER_IPV4, *INNER_IPV6)]  # of proxies; no visitor of a public server has one
FORWARDED = "UNET_STUDIO_FORWARDED"  # 1: a proxy stands before the server and writes X-Forwarded-For


def trusts_forwarded() -> bool:
    """Whether `X-Forwarded-For` is believed: on a Space, and where $UNET_STUDIO_FORWARDED is set and not 0."""
    default = "1" if os.environ.get("SPACE_ID") else "0"
    return (os.environ.get(FORWARDED) or default) != "0"


def client_of(scope: Scope) -> str | None:
    """The address that limits count by, an IPv6 network of 64 bits in place of an address of it.

    None where visitors cannot be told apart: this machine itself, which is a proxy or who runs the server.
    """
    peer = scope.get("client")
    # uvicorn puts what a proxy of this machine says in place of its address, with a port of 0.
    direct = _parse(peer[0]) if peer and peer[1] != 0 else None
    if trusts_forwarded():
        named = [_parse(part) for value in header(scope["headers"], "x-forwarded-for") for part in value.split(",")]
        # From the right: what a visitor sends along stands left of what the proxies have added.
        outer = [address for address in named if address and not any(address in network for network in INNER)]
        if outer:
            return _key(outer[-1])
        if direct is not None and any(direct in network for network in INNER):
            return None  # a proxy that tells of nobody
    return None if direct is None or direct.is_loopback else _key(direct)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """
    >>> _parse(" 203.0.113.7:5123 "), _parse("[2001:db8::1]:80"), _parse("::ffff:10.0.0.1"), _parse("me")
    (IPv4Address('203.0.113.7'), IPv6Address('2001:db8::1'), IPv4Address('10.0.0.1'), None)
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _key(address: IPv4Address | IPv6Address) -> str:
    return str(address) if address.version == 4 else str(ip_network((int(address), 64), strict=False))
