"""The bounded cache: what was used least recently goes first, by number or by size, from many threads."""

import threading

import pytest

from pages.server.lru import LRU


def test_by_number_what_was_used_least_recently_goes_first() -> None:
    cache: LRU[str, int] = LRU(2)
    assert cache.put("a", 1) == cache.put("b", 2) == []
    assert cache.get("a") == 1
    assert cache.put("c", 3) == ["b"]
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    assert "b" not in cache and len(cache) == cache.total == 2


def test_by_size_the_newest_stays_whatever_it_takes() -> None:
    cache: LRU[str, bytes] = LRU(10, len)
    cache.put("a", b"12345")
    cache.put("b", b"1234")
    assert cache.put("c", b"123") == ["a"]
    assert cache.total == 7
    assert cache.put("large", b"x" * 50) == ["b", "c"]
    assert (len(cache), cache.total) == (1, 50)
    assert cache.put("d", b"1") == ["large"]


def test_an_entry_that_is_replaced_counts_once() -> None:
    cache: LRU[str, bytes] = LRU(10, len)
    cache.put("a", b"12345")
    cache.put("b", b"1")
    cache.put("a", b"12")
    assert (cache.total, cache.get("a")) == (3, b"12")
    cache.pop("a"), cache.pop("a")
    assert (cache.total, len(cache)) == (1, 1)
    cache.clear()
    assert (cache.total, len(cache)) == (0, 0)


def test_room_can_be_made_before_something_large_comes() -> None:
    cache: LRU[int, int] = LRU(3)
    for number in range(3):
        cache.put(number, number)
    assert cache.shrink(2) == [0]
    assert cache.put(3, 3) == []


def test_what_is_missing_is_made_once() -> None:
    cache: LRU[str, object] = LRU(2)
    first = cache.get_or_add("a", object)
    assert cache.get_or_add("a", lambda: pytest.fail("made again")) is first
    cache.get_or_add("b", object)
    cache.get_or_add("a", object)
    cache.get_or_add("c", object)
    assert "a" in cache and "b" not in cache


def test_many_threads_leave_it_in_order() -> None:
    cache: LRU[int, bytes] = LRU(64, len)

    def work(start: int) -> None:
        for number in range(500):
            key = (start * 7 + number) % 40
            cache.put(key, b"x" * (key % 5))
            cache.get(key - 1)
            if number % 50 == 0:
                cache.pop(key)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert cache.total <= 64
    cache.shrink(-1)
    assert len(cache) == 1
    cache.pop(next(key for key in range(40) if key in cache))
    assert cache.total == 0
