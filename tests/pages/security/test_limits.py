"""Buckets, the limits of the environment, and what is granted to uploads."""

import logging

import pytest

from pages.server.security import limits
from pages.server.security.limits import MB, Bucket, Buckets, Limits
from pages.server.security.uploads import RefusedError, UploadBudget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_up_again_and_never_over() -> None:
    clock = Clock()
    bucket = Bucket(10, 2, clock)
    assert bucket.take(10) == 0
    assert bucket.take(4) == 2
    clock.now = 2
    assert bucket.take(4) == 0
    clock.now = 1000
    assert [bucket.take(10), bucket.take(1)] == [0, 0.5]
    bucket.give_back(1000)
    assert [bucket.take(10), bucket.take(1)] == [0, 0.5]


def test_clients_have_their_own_and_old_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 2)
    buckets = Buckets(1, 1, Clock())
    assert buckets.of("a").take() == 0
    assert buckets.of("a").take() > 0
    assert buckets.of("b").take() == 0
    buckets.of("a")
    buckets.of("c")
    assert buckets.of("a").take() > 0
    assert buckets.of("b").take() == 0, "it was forgotten"


def test_limits_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert limits.read_limits() == Limits()
    monkeypatch.setenv("UNET_STUDIO_MAX_SOCKETS", " 5 ")
    for name, text in (("FILE", "many"), ("MEMORY", "0"), ("UPLOAD", "-3"), ("MESSAGE", "1e3")):
        monkeypatch.setenv(f"UNET_STUDIO_MAX_{name}_MB", text)
    with caplog.at_level(logging.WARNING):
        assert limits.read_limits() == Limits(max_sockets=5)
    assert "UNET_STUDIO_MAX_FILE_MB is 'many': not a whole number from 1. The limit stays 50." in caplog.messages
    assert len(caplog.messages) == 4


SMALL = Limits(
    max_file_mb=5, max_memory_mb=10, max_memory_per_client_mb=6, max_upload_mb=100, max_upload_per_client_mb=20
)


def refused(budget: UploadBudget, client: str | None, session: str, size: int) -> int:
    """The status of the refusal; 0 where it is granted."""
    try:
        with budget.in_memory(client, session, size):
            return 0
    except RefusedError as error:
        return error.status


def test_memory_is_granted_in_all_and_for_each_address() -> None:
    held: dict[str, int] = {}
    budget = UploadBudget(SMALL, lambda: held)
    assert refused(budget, "a", "s1", 6 * MB) == 413
    with budget.in_memory("a", "s1", 4 * MB):
        assert refused(budget, "a", "s2", 3 * MB) == 429, "another page of the same address"
        assert refused(budget, "b", "s3", 3 * MB) == 0
        with budget.in_memory("b", "s3", 5 * MB):
            assert refused(budget, "c", "s4", 2 * MB) == 503
            assert refused(budget, None, "s5", 2 * MB) == 503
    held["s1"] = 4 * MB  # it lies there until the page has run
    assert refused(budget, "a", "s2", 3 * MB) == 429
    held.clear()
    assert refused(budget, "a", "s2", 3 * MB) == 0


def test_an_hour_grants_so_many_bytes() -> None:
    budget = UploadBudget(SMALL, dict)
    for _ in range(4):
        budget.count("a", 5 * MB)
    with pytest.raises(RefusedError, match="You have uploaded 20 MB in the last hour") as refusal:
        budget.count("a", 5 * MB)
    assert refusal.value.status == 429
    assert 890 <= refusal.value.seconds <= 900, "a quarter of an hour later"
    for number in range(16):
        budget.count(f"b{number}", 5 * MB)
    with pytest.raises(RefusedError, match="all uploads that it can for now") as refusal:
        budget.count("c", 5 * MB)
    assert refusal.value.status == 503
    with pytest.raises(RefusedError, match="all uploads"):
        budget.count(None, 5 * MB)


def test_a_file_of_the_largest_size_comes_in_with_its_form() -> None:
    budget = UploadBudget(Limits(), dict)
    assert refused(budget, "a", "s", 50 * 2**20 + 500) == 0
    assert refused(budget, "a", "s", 50 * 2**20 + 200_000) == 413
