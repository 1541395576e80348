"""Which Host and Origin are answered, and what the others are told."""

import pytest

from pages.server.security import hosts


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    hosts._own_names.cache_clear()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501", "192.168.1.7", "0.0.0.0:80", "[fe80::1]",
     "10.0.0.2.", "lab-7.example.net", "lab-7.local:8501"],
)  # fmt: skip
def test_this_machine_and_every_address_are_answered(host: str) -> None:
    assert hosts.refuse(host, None, "", hosts.own_names()) is None
    assert hosts.refuse(host, f"http://{host}", "", hosts.own_names()) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "0x7f000001", "lab-7", "", "a b",
     "user@localhost", "localhost/x", "localhost:x", "localhost:99999", "localhost#", "localhost\t", "é.example"],
)  # fmt: skip
def test_other_names_are_refused(host: str) -> None:
    reason = hosts.refuse(host, None, "", hosts.own_names())
    assert reason is not None
    assert "UNET_STUDIO_HOSTS" in reason


def test_a_refusal_says_the_value_and_the_remedy() -> None:
    assert hosts.refuse("Evil.example:8501", None, "", hosts.own_names()) == (
        'This server does not answer as "evil.example": open it by its IP address or as localhost, or start it with '
        "that name in UNET_STUDIO_HOSTS."
    )
    assert hosts.refuse("localhost:8501", "https://evil.example", "", hosts.own_names()) == (
        'Requests from pages of "https://evil.example" are refused here: open the app itself as "localhost:8501", or '
        "start the server with that name in UNET_STUDIO_HOSTS."
    )
    long = hosts.refuse("x" * 5000 + ".example", None, "", hosts.own_names())
    assert long is not None
    assert len(long) < 300


@pytest.mark.parametrize(
    ("origin", "answered"),
    [
        ("http://localhost:8501", True),
        ("https://localhost:8501", True),  # a proxy that ends TLS
        ("http://localhost", False),
        ("http://localhost:3000", False),  # another program of this machine
        ("http://127.0.0.1:8501", False),
        ("http://evil.example", False),
        ("http://localhost:8501.evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("chrome-extension://abc", False),
        ("http://localhost:8501, http://evil.example", False),
    ],
)
def test_a_page_must_be_the_apps_own(origin: str, answered: bool) -> None:
    names = hosts.own_names()
    assert (hosts.refuse("localhost:8501", origin, "", names) is None) is answered
    assert hosts.refuse("localhost:8501", origin, "", names, checks_origin=False) is None


def test_the_default_port_may_be_left_out() -> None:
    names = hosts.own_names()
    assert hosts.refuse("10.1.2.3:443", "https://10.1.2.3", "", names) is None
    assert hosts.refuse("10.1.2.3", "http://10.1.2.3:80", "", names) is None
    assert hosts.refuse("10.1.2.3:443", "http://10.1.2.3", "", names) is not None


def test_listed_names_are_answered_and_trusted_on_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_STUDIO_HOSTS", "studio.example.org, https://hub.example.org:8000/ ,*.cloud.example")
    names = hosts.own_names(["configured.example.org"])
    for name in ("studio.example.org", "hub.example.org:1", "a.b.cloud.example", "configured.example.org"):
        assert hosts.refuse(name, None, "", names) is None
        assert hosts.refuse("127.0.0.1:8501", f"https://{name}", "", names) is None, "a proxy that renames the host"
    assert hosts.refuse("studio.example.org", "https://studio.example.org:8443", "", names) is None
    for name in ("cloud.example", "evilcloud.example", "example.org"):
        assert hosts.refuse(name, None, "", names) is not None
    assert hosts.refuse("127.0.0.1:8501", "http://localhost:3000", "", names) is not None


def test_a_star_answers_every_name_and_trusts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_STUDIO_HOSTS", "*")
    names = hosts.own_names()
    assert hosts.refuse("any.example", "https://any.example", "", names) is None
    assert hosts.refuse("any.example", "https://evil.example", "", names) is not None


def test_a_space_answers_under_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hosts.refuse("me-cells.hf.space", None, "", hosts.own_names()) is not None
    monkeypatch.setenv("SPACE_HOST", "me-cells.hf.space,cells.example.org")
    for name in ("me-cells.hf.space", "cells.example.org"):
        assert hosts.refuse(name, f"https://{name}", "", hosts.own_names()) is None
    assert hosts.refuse("other.hf.space", None, "", hosts.own_names()) is not None


def test_a_proxy_may_say_the_name_that_the_browser_used() -> None:
    names = hosts.own_names()
    assert hosts.refuse("localhost:8501", "https://x.app.example", "x.app.example", names) is None
    assert hosts.refuse("localhost:8501", "https://x.app.example", "x.app.example:443, inner", names) is None
    assert hosts.refuse("localhost:8501", "https://y.app.example", "x.app.example", names) is not None
    assert hosts.refuse("evil.example", None, "localhost", names) is not None, "the host itself is checked"
