"""ONNX against the app on real images: `python -m benchmarks.onnx_parity DATA [--model MODEL]`.

20 images of a dataset folder at three sizes (whole, the middle half, 131 x 97 px, which is no whole number of cells)
through the exported file in ONNX Runtime and through `Predictor` in fp32; the largest difference of a probability and
the share of pixels whose class is the same. Without --model one is trained for --epochs first.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from unet_core.api.export import export_model
from unet_core.api.models import load
from unet_core.api.runs import train
from unet_core.data import discovery, reading
from unet_core.export.model.onnx import runner
from unet_core.inference import prediction
from unet_core.io.pixels import Pixels

IMAGES = 20
SMALL = (131, 97)


def cut(image: Pixels, height: int, width: int) -> Pixels:
    """The middle of an image."""
    top, left = max(0, (image.shape[0] - height) // 2), max(0, (image.shape[1] - width) // 2)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", help="run or checkpoint folder")
    parser.add_argument("--epochs", type=int, default=2)
    parsed = parser.parse_args()
    result: dict[str, Any] = {"data": parsed.data.name}
    with tempfile.TemporaryDirectory() as folder:
        model = parsed.model or train(parsed.data, runs_dir=folder, epochs=parsed.epochs, crops_per_image=1)
        file = export_model(model, Path(folder, "model.onnx"))
        run = runner(file.path.read_bytes())
        predictor = load(model, device="cpu", precision="fp32")
        predictor.tile = 8192  # in one piece, as the file computes
        result |= {"bytes": file.bytes, "at_export": file.difference}
        samples = discovery.search(parsed.data).samples
        chosen = samples[:: max(1, len(samples) // IMAGES)][:IMAGES]
        by_size: dict[str, list[tuple[float, float]]] = {"whole": [], "half": [], "131 x 97": []}
        for sample in chosen:
            image, _ = predictor.fit(reading.read_image(sample))
            height, width = image.shape[:2]
            cuts = (image, cut(image, height // 2, width // 2), cut(image, *SMALL))
            for name, part in zip(by_size, cuts, strict=True):
                expected = predictor.probabilities(part)
                answer = run(part.transpose(2, 0, 1)[None].astype(np.float32))[0]
                threshold = predictor.model.config.threshold
                same = prediction.to_mask(answer, threshold) == prediction.to_mask(expected, threshold)
                by_size[name].append((float(np.abs(answer - expected).max()), float(same.mean())))
    for name, values in by_size.items():
        differences, shares = zip(*values, strict=True)
        print(f"{name}: {len(values)} images, largest difference {max(differences):.2e}, same class {min(shares):.6f}")
        result[name] = {"difference": max(differences), "same_class": min(shares)}
    return result


if __name__ == "__main__":
    result = main()
    print(result)
    sys.exit(any(value["difference"] > 1e-4 for value in result.values() if isinstance(value, dict)))
