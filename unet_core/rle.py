"""COCO's run lengths: columns one after the other, in numbers written with six bits a character.

The same bytes as pycocotools gives, which would want a mask of the whole picture for each of its objects.
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
MOST_CHARACTERS = 7  # 5 bits each: enough for differences of 32 bits


def encode(labels: Labels, number: int) -> list[bytes]:
    """The compressed counts of each object 1..number of (H, W)."""
    owners, starts, ends = _runs(labels)
    inside = (owners > 0) & (owners <= number)
    order = np.flatnonzero(inside)[np.argsort(owners[inside], kind="stable")]
    owners, starts, ends = owners[order], starts[order], ends[order]
    runs = np.bincount(owners, minlength=number + 1)[1:]  # the runs of each object
    size = labels.size
    last = np.cumsum(runs)
    bounds = np.stack([starts, ends], 1).ravel()  # where an object's pixels start and stop, in turn
    counts: list[NDArray[np.int64]] = []
    for run, stop in zip(runs.tolist(), last.tolist(), strict=True):
        own = np.diff(bounds[2 * (stop - run) : 2 * stop], prepend=0, append=size)
        counts.append(own[:-1] if run and own[-1] == 0 else own)
    return _compressed(counts)


def _runs(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The label of each run of pixels with one label, column by column, where it starts and where it ends."""
    flat = np.ascontiguousarray(labels.T).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes]).astype(np.int64)
    return flat[starts].astype(np.int64), starts, np.append(changes, flat.size).astype(np.int64)


def _compressed(counts: list[NDArray[np.int64]]) -> list[bytes]:
    """From the fourth on each count is written as its difference to the one two before it."""
    lengths = [len(own) for own in counts]
    if not lengths:
        return []
    values = np.concatenate([np.concatenate([own[:3], own[3:] - own[1:-2]]) for own in counts])
    characters = np.zeros((len(values), MOST_CHARACTERS), np.uint8)
    used = np.zeros((len(values), MOST_CHARACTERS), np.bool_)
    going = np.ones(len(values), np.bool_)
    for place in range(MOST_CHARACTERS):
        low = values & 31
        values = values >> 5
        more = np.where(low & 16, values != -1, values != 0)
        characters[:, place] = 48 + low + 32 * more
        used[:, place] = going
        going &= more
    ends = np.cumsum(np.add.reduceat(used.sum(1), np.cumsum([0, *lengths[:-1]])))
    text = characters[used].tobytes()
    return [text[start:end] for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
