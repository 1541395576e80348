"""Objects, measures and files of one large picture: `python -m benchmarks.objects`.

Discs on a grid, some overlapping, with holes; the seconds of each step and the size of what it writes.
"""

import argparse
import io
import resource
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import report
from unet_core.export.formats import FORMATS
from unet_core.export.result import Result
from unet_core.inference.prediction import above
from unet_core.postprocessing import cleanup, objects


def discs(side: int, across: int, seed: int = 0) -> NDArray[np.uint8]:
    """(side, side) with across * across discs, every third with a hole."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    step = side / across
    for number in range(across**2):
        x, y = (int(step * (place + 0.5)) for place in divmod(number, across))
        radius = int(rng.integers(max(2, int(step / 8)), max(3, int(step * 0.58))))
        cv2.circle(mask, (x, y), radius, 1, -1)
        if number % 3 == 0:
            cv2.circle(mask, (x, y), radius // 3, 0, -1)
    return mask


def collected(name: str, result: Result) -> bytes:
    """The bytes of one picture in one format."""
    each = FORMATS[name]
    if each.encode is not None:
        return each.encode(result)
    assert each.gather is not None
    collector, file = each.gather(), io.BytesIO()
    collector.add(result)
    collector.write(file)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=5000)
    parser.add_argument("--across", type=int, default=71, help="discs in a row and in a column")
    parsed = parser.parse_args()
    cv2.setNumThreads(1)
    mask = discs(parsed.side, parsed.across)
    image = np.random.default_rng(1).integers(0, 255, (*mask.shape, 3), np.uint8)
    probability = np.where(mask, 60000, 3000).astype(np.uint16)
    rows: list[dict[str, Any]] = []

    def timed(name: str, act: Callable[[], Any]) -> Any:
        start, cpu = time.perf_counter(), time.process_time()
        done = act()
        size = len(done) / 1e6 if isinstance(done, bytes) else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = {"seconds": time.perf_counter() - start, "CPU seconds": time.process_time() - cpu}
        rows.append({"step": name} | seconds | {"MB written": size, "peak MB so far": peak})
        return done

    objects.find(mask[:100, :100], image[:100, :100], split=True)  # imports
    timed("threshold", lambda: above(probability, 0.5))
    timed("fill holes, drop small", lambda: cleanup.clean(mask, 20, True))
    found = timed("objects and measures", lambda: objects.find(mask, image, probability=probability))
    parted = timed("the same, touching ones parted", lambda: objects.find(mask, image, split=True))
    result = Result("large.png", image, mask, 1, probability, found=found)
    timed("outlines", lambda: result.polygons)
    for name in FORMATS:
        timed(f"format {name}", lambda name=name: collected(name, result))
    report("objects", rows, side=parsed.side, objects=len(found), parted=len(parted))


if __name__ == "__main__":
    main()
