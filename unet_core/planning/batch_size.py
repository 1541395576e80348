"""How much memory a step takes and how much there is; the largest batch, without filling the machine."""

from collections.abc import Callable

SAFE = 0.8  # share of the free main memory that may be planned with: beyond it a machine begins to swap
CLOSE = 16  # the search ends where it is known to a sixteenth


def largest(
    fits: Callable[[int], bool], good: int, most: int, goes_on: Callable[[int], bool], bad: int | None = None
) -> tuple[int, int | None]:
    """(the largest batch that fitted, the smallest that did not or None), by doubling, then halving the gap.

    `good` is known to fit (0: none is), `bad` not to. No batch over `most` is tried, and none for which `goes_on` says
    that time is short.
    """
    while good < most and (bad is None or bad - good > max(1, good // CLOSE)):
        size = min(most, max(1, 2 * good)) if bad is None else (good + bad) // 2
        if not goes_on(size):
            break
        if fits(size):
            good = size
        else:
            bad = size
    return good, bad


def batch_that_fits(per_sample_mb: float, others_mb: float, free: float) -> int:
    """The batch for which `SAFE` of the free memory (MiB, that beside `others_mb`) is enough; 0 where unknown."""
    if per_sample_mb <= 0 or free <= 0:
        return 0
    return max(1, int((SAFE * free - others_mb) / per_sample_mb))
