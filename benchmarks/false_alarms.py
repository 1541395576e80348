"""False alarms of "Why is it black?": `python -m benchmarks.false_alarms DATA ...`.

For each folder a model is trained with the defaults, on the images that are not held back; then the held-back ones are
predicted, and each that gets the panel of the Predict page counts as a false alarm. Runs are kept in --runs-dir: a
folder whose run has finished there is not trained again. Folders of links make parts of a dataset.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import report
from pages.views.predict.troubleshooting import read_facts
from unet_core.api.models import load
from unet_core.api.runs import train
from unet_core.data import discovery
from unet_core.data.layouts import Sample
from unet_core.inference import troubleshooting
from unet_core.inference.adjustments import Adjust
from unet_core.inference.predictor import Predictor
from unet_core.io import channels
from unet_core.models.channels import choose
from unet_core.runs import run as runs


def find_run(folder: Path, runs_dir: Path, held_back: int, settings: dict[str, Any]) -> runs.Run:
    """The finished run of a folder, trained now where there is none."""
    for run in runs.find(runs_dir):
        if run.config.data.root == str(folder.resolve()) and run.state() is runs.RunState.FINISHED:
            return run
    fraction = min(0.5, held_back / len(discovery.find(folder)))
    more = {"val_fraction": 0.1, "test_fraction": fraction} | settings
    return train(folder, runs_dir=runs_dir, progress=lambda text: print(text, file=sys.stderr), **more)


def find_alarms(run: runs.Run, samples: list[Sample]) -> Iterator[tuple[str, str, troubleshooting.Cause]]:
    """(name, symptom, first cause) of each image whose prediction gets the panel."""
    predictor = load(run, precision="fp32")
    assert isinstance(predictor, Predictor)
    config = predictor.model.config
    facts = read_facts(str(run.best), "", config)
    for sample in samples:
        image = channels.read((sample.image, *sample.channel_files), sample.page)
        fitted = choose(config, image.shape[2]).apply(image)
        prediction = predictor.predict(image)
        seen = troubleshooting.Observation(
            image,
            prediction.mask(),
            None if prediction.probability16 is None else prediction.probability,
            config.threshold,
            known_look=troubleshooting.measure(fitted, Adjust()),
        )
        causes = troubleshooting.find_causes(seen, facts)
        if troubleshooting.is_suspicious(seen, causes):
            yield sample.id, troubleshooting.symptom(seen), causes[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=50, help="held back for each folder, at most half of it")
    parser.add_argument("--epochs", type=int, help="other than the default")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    parsed = parser.parse_args()
    rows = []
    for folder in parsed.data:
        settings = {"epochs": parsed.epochs} if parsed.epochs else {}
        run = find_run(folder, parsed.runs_dir, parsed.images, settings)
        held_back = set(run.split()["test"])
        samples = [sample for sample in discovery.search_data(run.data).samples if sample.id in held_back]
        alarms = list(find_alarms(run, samples))
        for name, symptom, cause in alarms:
            print(f"{folder.name}: {name[:24]} {symptom or 'mask looks right'}: {cause.name}: {cause.sentence}")
        causes = Counter(cause.name for _, _, cause in alarms)
        rows.append(
            {
                "folder": folder.name,
                "images": len(samples),
                "warnings": len(alarms),
                "causes": ", ".join(f"{name} {number}" for name, number in causes.items()) or "-",
            }
        )
    report("false_alarms", rows, images=sum(row["images"] for row in rows), warnings=sum(r["warnings"] for r in rows))


if __name__ == "__main__":
    main()
