"""Coroutines in tests: in a thread of their own, since Playwright's loop may run in that of the tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run_async(coroutine: Coroutine[Any, Any, Any], seconds: float = 60) -> Any:
    """What the coroutine gives."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result(seconds)
