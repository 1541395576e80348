"""How many planted label errors lead the list of suspects: `python -m benchmarks.label_errors RUN DATA`.

In the validation images of a run half of the errors are true objects whose label is removed, half are labels of the
shape of a true object where there is none. Counted are those that the first 60 suspects hold most of.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import report
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation import scores
from unet_core.evaluation.label_errors import find_suspects, rank
from unet_core.evaluation.selection import Source, select_folder
from unet_core.hub import resolve
from unet_core.hub.lineage import find_training_images
from unet_core.inference.predictor import load_predictor
from unet_core.postprocessing import objects

LEAST_AREA = 30


def plant(truth: NDArray[np.uint8], rng: np.random.Generator, remove: bool) -> NDArray[np.bool_] | None:
    """(H, W) the pixels of one error, which is written into `truth`; None where there is no place for it."""
    labels = objects.label(truth)
    areas = np.bincount(labels.ravel())
    choice = np.flatnonzero(areas >= LEAST_AREA)[1:]
    if not len(choice):
        return None
    shape = labels == rng.choice(choice)
    if remove:
        truth[shape] = 0
        return shape
    for _ in range(50):
        moved = np.roll(shape, tuple(rng.integers(0, shape.shape)), (0, 1))
        if not truth[moved].any():
            truth[moved] = 1
            return moved
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("data", type=Path)
    parser.add_argument("--errors", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parsed = parser.parse_args()
    folder, run = resolve.find_checkpoint(parsed.run, Path("runs"))
    assert run is not None
    predictor, _ = load_predictor(folder)
    source = Source(folder, run, find_training_images(folder, run, run.folder.parent))
    dataset = scores.load(select_folder(source, parsed.data, "val"), predictor.model.config)
    examples = [dataset[index] for index in range(len(dataset))]
    rows: list[dict[str, Any]] = []
    for tta in ("none", "flips"):
        predictions = [predictor.predict(example.image, tta=tta) for example in examples]
        for seed in range(parsed.seeds):
            rng = np.random.default_rng(seed)
            truths = [example.mask.copy() for example in examples]
            errors: list[tuple[int, NDArray[np.bool_]]] = []
            while len(errors) < parsed.errors:
                index = int(rng.integers(len(truths)))
                pixels = plant(truths[index], rng, remove=len(errors) % 2 == 0)
                if pixels is not None and not (truths[index][pixels] == IGNORE).any():
                    errors.append((index, pixels))
            suspects = [
                (index, item)
                for index, (prediction, truth) in enumerate(zip(predictions, truths, strict=True))
                for item in find_suspects(prediction, truth)
            ]
            place = {id(item): index for index, item in suspects}
            first = rank((item for _, item in suspects), 60)
            hits = sum(
                any(
                    place[id(item)] == index
                    and pixels[item.top : item.top + item.height, item.left : item.left + item.width].sum()
                    > 0.5 * pixels.sum()
                    for item in first
                )
                for index, pixels in errors
            )
            rows.append({"tta": tta, "seed": seed, "suspects": len(suspects), "found of planted": hits})
    report("label_errors", rows, images=len(examples), errors=parsed.errors)


if __name__ == "__main__":
    main()
