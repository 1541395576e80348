"""Seconds and peak memory of predictions, by size, tile and views: `python -m benchmarks.inference`.

Each case is a process of its own: the memory is the most that it ever held (ru_maxrss) over what it held with the model
loaded and warm. "times one pass" compares tiles with one large forward pass of the same picture, in alternation.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

from benchmarks.report import report

CASES = [  # side, classes, tile (0 = chosen), tta
    (1024, 1, 0, "none"),
    (1024, 1, 512, "none"),
    (1024, 1, 256, "none"),
    (1024, 1, 0, "flips"),
    (1024, 1, 0, "d4"),
    (2048, 1, 0, "none"),
    (2048, 1, 512, "none"),
    (5000, 1, 0, "none"),
    (5000, 12, 0, "none"),
    (5000, 1, 512, "none"),
]
ONE_PASS = 2048  # pixels: the largest side at which one pass is tried too


def predictor(classes: int, base: int, precision: str):
    import torch

    from unet_core.config.schema import ModelConfig
    from unet_core.device import choose_device, choose_precision
    from unet_core.inference.predictor import Predictor
    from unet_core.models.unet import UNet

    torch.manual_seed(0)
    device = choose_device()
    net = UNet(ModelConfig(in_channels=3, num_classes=classes, base_channels=base)).eval()
    return Predictor(net.to(device, memory_format=torch.channels_last), device, choose_precision(precision, device))


def measure(side: int, classes: int, tile: int, tta: str, base: int, precision: str, threads: int) -> dict[str, object]:
    """One case, in this process."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    ready = predictor(classes, base, precision)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    ready.answer(image[:64, :64])  # what is loaded at the first pass is no memory of the picture
    cuda = ready.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    answer = ready.answer(image, tta, tile or None)
    seconds = time.perf_counter() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "seconds": seconds,
        "tile": answer.tile,
        "MB over the model": peak,
        "MB on the device": torch.cuda.max_memory_allocated() / 2**20 if cuda else 0.0,
        "device": str(ready.device),
        "precision": ready.precision,
    }


def ratio(side: int, tile: int, classes: int, base: int, precision: str, threads: int, rounds: int) -> float:
    """Seconds in tiles over seconds in one pass: the median of pairs taken one after the other."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    ready = predictor(classes, base, precision)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    pairs = []
    for _ in range(rounds + 1):
        pair = []
        for each in (tile, side):
            started = time.perf_counter()
            ready.answer(image, tile=each)
            pair.append(time.perf_counter() - started)
        pairs.append(pair)
    return statistics.median(tiled / whole for tiled, whole in pairs[1:])  # the first warms up


def apart(what: str, *arguments: object):
    """One case in a process of its own. This one stays small: a child begins with the ru_maxrss of its parent."""
    command = [sys.executable, "-m", "benchmarks.inference", "--case", json.dumps([what, *arguments])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-channels", type=int, default=16)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, default=5000, help="leave out larger sides")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.case:
        what, *arguments = json.loads(parsed.case)
        print(json.dumps({"measure": measure, "ratio": ratio}[what](*arguments)))
        return
    settings = parsed.base_channels, parsed.precision, parsed.threads
    rows, facts = [], {}
    for side, classes, tile, tta in CASES:
        if side > parsed.largest:
            continue
        found = apart("measure", side, classes, tile, tta, *settings)
        facts = {name: found.pop(name) for name in ("device", "precision")}
        chosen = found.pop("tile")
        slower = float("nan")
        if tta == "none" and chosen and side <= ONE_PASS:
            slower = apart("ratio", side, chosen, classes, *settings, parsed.rounds)
        case = {"side": side, "classes": classes, "tile": chosen or "one pass", "tta": tta}
        rows.append(case | found | {"times one pass": slower})
        print(rows[-1], file=sys.stderr)
    report("inference", rows, base_channels=parsed.base_channels, threads=parsed.threads, **facts)


if __name__ == "__main__":
    main()
