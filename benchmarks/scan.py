"""How long a scan of a large dataset takes, and how long a second visit does.

    python -m benchmarks.scan ../shared/data/dsb2018 --copies 4

The folder is copied several times under other names by hard links, where the disk has them.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from unet_core.config.schema import DataConfig
from unet_core.data.checks import cache
from unet_core.data.checks.scan import load_cached, scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a dataset; its folders are copied")
    parser.add_argument("--copies", type=int, default=4, help="how often (default: 4)")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_CACHE_HOME"] = str(Path(home, "cache"))
        root = Path(home, "data")
        files = copy(parsed.folder, root, parsed.copies)
        data = DataConfig(root=str(root))
        first, result = measure(lambda: scan(data))
        again, second = measure(lambda: scan(data))
        cached, third = measure(lambda: load_cached(data))
        assert third is not None and result.facts == second.facts == third.facts and result.findings == third.findings
        size = sum(path.stat().st_size for path in cache.folder_of(root).iterdir())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{files:,} files, {len(result.facts):,} samples, {len(result.findings)} findings")
        print(f"first scan   {first:8.2f} s   ({1000 * first / len(result.facts):.0f} ms a sample)")
        print(f"scan again   {again:8.2f} s   (1/{first / again:.0f})")
        print(f"second visit {cached:8.2f} s   (1/{first / cached:.0f})")
        print(f"cache {size / 1e6:.1f} MB, peak memory {memory:.0f} MB")


def measure(work):
    """(seconds, result)"""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def copy(source: Path, target: Path, copies: int) -> int:
    """Copy a folder under other names: those of its files and of the folders above them end in the copy's number.

    Gives the number of files.
    """
    files = [path for path in source.rglob("*") if path.is_file()]
    for number in range(copies):
        for path in files:
            parts = path.relative_to(source).parts
            fixed = parts[0] if len(parts) > 3 else None  # stage1_train
            renamed = [part if part in (fixed, "images", "masks") else f"{part}_{number}" for part in parts[:-1]]
            goal = target.joinpath(*renamed, f"{path.stem}_{number}{path.suffix}")
            goal.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, goal)
            except OSError:
                shutil.copyfile(path, goal)
    return len(files) * copies


if __name__ == "__main__":
    main()
