"""Tokens of visitors: signed, not guessable, and of no use to who reads the disk."""

import pytest

from pages.server.visitors import identity, secret
from unet_core.io import owners


@pytest.fixture(autouse=True)
def public(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    monkeypatch.delenv("UNET_STUDIO_SECRET", raising=False)
    monkeypatch.setattr(identity, "_READERS", [])
    monkeypatch.setattr(identity, "_SESSIONS", identity.LRU(10))


def test_a_signed_token_is_read_back_and_a_changed_one_is_not():
    token = identity.make_token()
    signed = identity.sign(token)
    assert identity.read(signed) == token and identity.find_owner(signed) == identity.owner_of(token)
    for forged in (signed[:-1] + ("a" if signed[-1] != "a" else "b"), "x" + signed, token, "", "ä.b.c", signed + "x"):
        assert identity.read(forged) is None and identity.find_owner(forged) is None


def test_a_token_of_another_server_is_none(monkeypatch):
    signed = identity.sign("a")
    monkeypatch.setenv("UNET_STUDIO_SECRET", "another")
    assert identity.find_owner(signed) is None
    assert identity.find_owner(identity.sign("a")) == identity.owner_of("a"), "and it has its own"


def test_an_old_token_is_none_and_one_of_yesterday_is_renewed(monkeypatch):
    signed = identity.sign("a")
    now = identity._signer().get_timestamp()
    for seconds, valid, fresh in ((10, True, True), (86_500, True, False), (91 * 86_400, False, False)):
        monkeypatch.setattr("itsdangerous.TimestampSigner.get_timestamp", lambda self, s=seconds: now + s)
        assert (identity.read(signed) is not None, identity.is_fresh(signed)) == (valid, fresh)


def test_the_secret_is_made_once_and_read_by_its_owner_alone(tmp_path):
    path = tmp_path / "runs" / identity.SECRET_FILE
    identity.sign("a")
    first = path.read_bytes()
    assert len(first) == 32 and oct(path.stat().st_mode & 0o777) == "0o600"
    secret.read_secret.cache_clear()  # as after a restart
    identity.sign("a")
    assert path.read_bytes() == first and list(path.parent.iterdir()) == [path]


def test_the_secret_of_the_environment_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_SECRET", "something long")
    identity.sign("a")
    assert not (tmp_path / "runs").exists()


def test_who_acts(monkeypatch):
    assert identity.current() == owners.STRANGER, "a thread without a session"
    identity.read_session_by(lambda: identity.Session("session 1", ""))
    first = identity.current()
    assert owners.OWNER.fullmatch(first) and first == identity.current()
    assert identity.find_owner(identity.session_header()) == first, "the routes know the session by its header"
    identity.read_session_by(lambda: identity.Session("session 2", ""))
    assert identity.current() != first
    identity.read_session_by(lambda: identity.Session("session 3", identity.sign("token")))
    assert identity.current() == identity.owner_of("token") and identity.session_header() == ""
    identity.read_session_by(lambda: identity.Session("session 4", "forged"))
    assert identity.current() == identity.owner_of(identity.session_token("session 4"))
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "0")
    assert identity.current() is None and identity.session_header() == "", "locally nobody is asked"


def test_a_session_stays_whose_it_was(monkeypatch):
    signed = identity.sign("token")
    for cookie, owner in (
        (None, owners.STRANGER),  # not known yet
        (signed, identity.owner_of("token")),
        (None, identity.owner_of("token")),  # its browser is away for a moment
        ("", identity.owner_of("token")),
        (identity.sign("another"), owners.STRANGER),  # a browser that has taken its id
        (signed, identity.owner_of("token")),
    ):
        identity.read_session_by(lambda cookie=cookie: identity.Session("session", cookie))
        assert identity.current() == owner
        assert identity.session_header() == ""
