"""The largest batch size that fits in memory: estimated, and by trying."""

from collections.abc import Callable

SAFE_SHARE = 0.8  # of the free main memory that may be used: beyond it a machine begins to swap
RESOLUTION = 16  # the search ends once the result is known to 1/16


def find_largest(
    fits: Callable[[int], bool], good: int, upper: int, has_time: Callable[[int], bool], bad: int | None = None
) -> tuple[int, int | None]:
    """(the largest batch size that fits, the smallest that does not or None), by doubling, then by bisection.

    `good` is known to fit (0: none is), `bad` not to. No size above `upper` is tried, and none for which `has_time` is
    False.
    """
    while good < upper and (bad is None or bad - good > max(1, good // RESOLUTION)):
        size = min(upper, max(1, 2 * good)) if bad is None else (good + bad) // 2
        if not has_time(size):
            break
        if fits(size):
            good = size
        else:
            bad = size
    return good, bad


def estimate_batch_size(mb_per_sample: float, fixed_mb: float, free_mb: float) -> int:
    """The batch size for which `SAFE_SHARE` of the free memory suffices, in MiB; 0 where unknown.

    `fixed_mb` is needed whatever the batch size (weights, optimizer state).
    """
    if mb_per_sample <= 0 or free_mb <= 0:
        return 0
    return max(1, int((SAFE_SHARE * free_mb - fixed_mb) / mb_per_sample))
