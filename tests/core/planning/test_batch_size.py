"""The search for the largest batch, and what counts as memory that ran out."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from unet_core.device import out_of_memory
from unet_core.planning import batch_size

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 16, 100, 1000, 4096])
def test_the_largest_batch_is_found_to_a_sixteenth(limit):
    tried = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= limit

    good, bad = batch_size.largest(fits, 0, 4096, lambda size: True)
    assert good <= limit and limit - good <= good / batch_size.CLOSE
    assert (bad is None) == (limit == 4096)
    assert len(tried) < 20 and max(tried) <= 4096


def test_it_begins_with_what_is_known():
    assert batch_size.largest(lambda size: size < 13, 8, 100, lambda size: True, bad=16) == (12, 13)


def test_it_ends_when_time_is_short():
    assert batch_size.largest(lambda size: True, 4, 1000, lambda size: size <= 32) == (32, None)


def test_out_of_memory_is_told_from_other_errors():
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not out_of_memory(RuntimeError("shapes do not match"))


def test_what_memory_would_hold():
    assert batch_size.batch_that_fits(10.0, 200.0, 1000.0) == 60  # 800 of 1000, less 200
    assert batch_size.batch_that_fits(10.0, 2000.0, 1000.0) == 1
    assert batch_size.batch_that_fits(0.0, 0.0, 1000.0) == batch_size.batch_that_fits(10.0, 0.0, 0.0) == 0


def test_the_peak_grows_with_what_is_held_and_is_forgotten():
    """In a process of its own: one that has held much before takes what is asked for from what it kept."""
    script = """
import torch
from unet_core import device as probes
device = torch.device("cpu")
probes.reset_peak(device)
before = probes.peak_mb(device)
held = torch.ones(64 * 2**18)  # 64 MiB
grown = probes.peak_mb(device) - before
del held
probes.reset_peak(device)
assert grown > 48, grown
assert probes.peak_mb(device) - before < 48
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
