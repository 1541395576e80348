"""By which address limits count."""

from typing import Any

import pytest

from pages.server.security.clients import client_of


def scope(peer: tuple[str, int] | None, *forwarded: str) -> dict[str, Any]:
    return {"client": peer, "headers": [(b"x-forwarded-for", text.encode()) for text in forwarded]}


def test_a_header_is_not_believed_unless_a_proxy_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scope(("198.51.100.4", 5123), "203.0.113.7")
    assert client_of(asked) == "198.51.100.4"
    monkeypatch.setenv("UNET_STUDIO_FORWARDED", "1")
    assert client_of(asked) == "203.0.113.7"
    monkeypatch.setenv("UNET_STUDIO_FORWARDED", "0")
    monkeypatch.setenv("SPACE_ID", "me/cells")
    assert client_of(asked) == "198.51.100.4"
    monkeypatch.delenv("UNET_STUDIO_FORWARDED")
    assert client_of(asked) == "203.0.113.7"


def test_what_a_visitor_sends_along_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_STUDIO_FORWARDED", "1")
    for invented in ("1.2.3.4", "1.2.3.4, 5.6.7.8", "me", "", "10.0.0.1"):
        assert client_of(scope(("10.0.0.9", 80), invented, "203.0.113.7, 10.3.4.5")) == "203.0.113.7"
    assert client_of(scope(("10.0.0.9", 80), "10.1.1.1")) is None, "no proxy has told an address"
    assert client_of(scope(("10.0.0.9", 80))) is None
    monkeypatch.delenv("UNET_STUDIO_FORWARDED")
    assert client_of(scope(("10.0.0.9", 80))) == "10.0.0.9", "a visitor of the same network"


def test_this_machine_cannot_be_told_apart() -> None:
    assert client_of(scope(("127.0.0.1", 5123))) is None
    assert client_of(scope(("::1", 5123))) is None
    assert client_of(scope(None)) is None
    assert client_of(scope(("9.9.9.9", 0))) is None, "uvicorn read it from the header of a local proxy"


def test_a_network_of_ipv6_counts_as_one() -> None:
    first, second = (client_of(scope((address, 1))) for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"))
    assert first == second == "2001:db8:1:2::/64"
    assert client_of(scope(("::ffff:198.51.100.4", 1))) == "198.51.100.4"
