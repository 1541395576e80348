"""The command line: `python -m unet_core train | resume | stop | runs | predict | evaluate | sample`.

Progress goes to stderr, the last line on stdout is one JSON object. Exit status 0, or 2 with one line for a mistake
that the user can mend. The options of `train` are the fields of the config dataclasses.
"""

import argparse
import dataclasses
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unet_core import images, runs, samples, synthetic, worker
from unet_core.config import DEVICES, LAYOUTS, PRECISIONS, SPLITS, RunConfig, options
from unet_core.errors import DataError, ImageError, TrainingError, UnetError
from unet_core.eventlog import read_events
from unet_core.history import History

POLL_SECONDS = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        result = parsed.command(parsed)
    except (UnetError, OSError) as error:  # OSError: a disk that is full, a folder that may not be written
        tell("error: " + " ".join(str(error).split()))
        return 2
    print(json.dumps({key: _number(value) for key, value in result.items()}))
    return 0


def train(parsed: argparse.Namespace) -> dict[str, Any]:
    """Start a run in a process of its own and follow it; Ctrl-C stops it and keeps the best epoch."""
    changes = {option.name: getattr(parsed, option.name) for option in options() if option.name != "root"}
    given = {name: value for name, value in changes.items() if value is not None}
    config = RunConfig().replace(root=str(Path(parsed.data).resolve()), **given)
    run = worker.launch(config, parsed.runs_dir)
    tell(f"run {run.folder}")
    return follow(run)


def resume(parsed: argparse.Namespace) -> dict[str, Any]:
    """Take up an interrupted or failed run after its last finished epoch."""
    run = _named_run(parsed)
    worker.start(run)
    return follow(run)


def follow(run: runs.Run) -> dict[str, Any]:
    """Print the progress of a run until it ends; its result, or TrainingError with the reason."""
    history, offset, told = History(), 0, 0
    while True:
        try:
            alive = run.alive()  # asked before reading: what is written until its end is then read
            events, offset = read_events(run.events, offset)
            for event, at in events:
                history.add(event, at)
            while told < len(history.epochs):
                tell(_epoch_line(history, told))
                told += 1
            if not alive:
                break
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            tell("stopping after this step; the best epoch is kept")
            run.request_stop()
    for message in history.warnings:
        tell(f"warning: {message}")
    if history.failed is not None:
        raise TrainingError(history.failed.message)
    if history.finished is None:
        raise TrainingError(f"Run {run.id} was interrupted; go on with: python -m unet_core resume {run.folder}")
    end = history.finished
    return {
        "run": str(run.folder),
        "best_epoch": end.best_epoch,
        "val_dice": end.val_dice,
        "val_iou": end.val_iou,
        "images_per_second": end.images_per_second,
        "epochs": len(history.epochs),
        "reason": end.reason,
        "seconds": end.seconds,
    }


def _epoch_line(history: History, index: int) -> str:
    epoch = history.epochs[index]
    scores = {"train loss": epoch.train_loss, "val loss": epoch.val_loss, "Dice": epoch.val_dice, "IoU": epoch.val_iou}
    words = [f"{name} {'-' if value is None else f'{value:.4f}'}" for name, value in scores.items()]
    total = history.started.epochs if history.started else 0
    return (
        f"epoch {epoch.epoch}/{total}  {'  '.join(words)}  {epoch.images_per_second:.1f} images/s" + " *" * epoch.best
    )


def stop(parsed: argparse.Namespace) -> dict[str, Any]:
    """Ask a running run to end after its step."""
    run = _named_run(parsed)
    run.request_stop()
    return {"run": str(run.folder), "state": run.state()}


def _named_run(parsed: argparse.Namespace) -> runs.Run:
    folder = Path(parsed.run)
    return runs.get(folder.parent if folder.name != parsed.run else parsed.runs_dir, folder.name)


def list_runs(parsed: argparse.Namespace) -> dict[str, Any]:
    """The runs of a folder and where they stand."""
    return {"runs": [{"run": run.id, "state": run.state()} for run in runs.find(parsed.runs_dir)]}


def predict(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write a mask for each image; one that cannot be read is named and the others are done."""
    from unet_core.inference import load_predictor

    folder, _ = runs.checkpoint_of(parsed.model, parsed.runs_dir)
    paths = _pictures(parsed.images)
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    if parsed.threshold is not None:
        dataclasses.replace(predictor.model.config, threshold=parsed.threshold)  # refuses what is out of range
    parsed.output.mkdir(parents=True, exist_ok=True)
    problems = []
    for number, path in enumerate(paths, 1):
        try:
            mask = predictor.mask(images.read(path), parsed.threshold)
        except ImageError as error:
            problems.append(str(error))
            tell(f"skipped: {error}")
            continue
        grey = mask * 255 if predictor.model.config.num_classes == 1 else mask
        (parsed.output / f"{path.stem}.png").write_bytes(images.encode_png(grey))
        tell(f"{number}/{len(paths)} {path.name}")
    if len(problems) == len(paths):
        raise DataError(problems[0] if len(problems) == 1 else f"None of {len(paths)} files is a readable picture.")
    return {"images": len(paths) - len(problems), "output": str(parsed.output), "skipped": len(problems)}


def _pictures(names: Sequence[Path]) -> list[Path]:
    """The files meant: each by itself, and of a folder the pictures in it, or below it where there are none in it."""
    paths: list[Path] = []
    for name in names:
        if not name.is_dir():
            paths.append(name)
            continue
        inside = sorted(path for path in name.iterdir() if images.is_image_name(path))
        below = (path for path in name.rglob("*") if images.is_image_name(path))
        found = inside or sorted(path for path in below if path.parent.name.lower() not in samples.MASK_FOLDERS)
        if not found:
            raise DataError(f"{name}: no picture in this folder ({', '.join(images.EXTENSIONS)}).")
        paths += found
    by_output: dict[str, Path] = {}
    for path in paths:
        if (other := by_output.setdefault(path.stem, path)) != path:
            raise DataError(f"{other} and {path} would give the same {path.stem}.png; predict them into two folders.")
    return paths


def evaluate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Score a model on a data set, image by image."""
    from unet_core import evaluation
    from unet_core.inference import load_predictor

    folder, run = runs.checkpoint_of(parsed.model, parsed.runs_dir)
    config = RunConfig() if run is None else run.config
    given = {"layout": parsed.layout, "ignore_index": parsed.ignore_index}
    config = config.replace(**{key: value for key, value in given.items() if value is not None})
    found = samples.find(parsed.data, parsed.layout or "auto")
    chosen = evaluation.select(found, run.split() if run is not None and run.has_split else {}, parsed.split)
    left_out = len(found) - sum(map(len, chosen.values()))
    if left_out:
        tell(f"{left_out} of {len(found)} images are left out (split {parsed.split!r}); --split all scores them too")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    results = []
    for item in evaluation.evaluate(predictor, chosen, config.data):
        if isinstance(item, str):
            tell(f"skipped: {item}")
        else:
            results.append(item)
            tell(f"{item.id}  Dice {item.scores['dice']:.4f}  IoU {item.scores['iou']:.4f}")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(evaluation.to_csv(results), encoding="utf-8", errors="surrogateescape")
    return dataclasses.asdict(evaluation.summarise(results)) | {"output": parsed.output and str(parsed.output)}


def sample(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the built-in data set as a folder."""
    folder = synthetic.write(parsed.output, parsed.images, parsed.seed)
    return {"output": str(folder), "images": parsed.images}


def tell(line: str) -> None:
    """One line of progress for a person."""
    print(line, file=sys.stderr, flush=True)


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m unet_core", description="Train, use and judge U-Nets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=command.__doc__)
        sub.set_defaults(command=command)
        return sub

    def add_runs_dir(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--runs-dir", type=Path, default=Path("runs"), help="folder of all runs (runs)")

    def add_model(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("model", metavar="CHECKPOINT_OR_RUN", help="checkpoint folder, run folder or run id")
        add_runs_dir(sub)
        sub.add_argument("--device", default="auto", choices=DEVICES)
        sub.add_argument("--precision", default="auto", choices=PRECISIONS)

    sub = add("train", train, "train a U-Net on a folder of images and masks")
    sub.add_argument("data", metavar="DATA", help="folder with images and masks")
    add_runs_dir(sub)
    for option in options():
        if option.name != "root":
            flag = "--" + option.name.replace("_", "-")
            text = f"{option.sentence} ({'none' if option.default is None else option.default})"
            sub.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)
    for name, command, summary in (
        ("resume", resume, "take up an interrupted run"),
        ("stop", stop, "stop a run and keep its best epoch"),
    ):
        sub = add(name, command, summary)
        sub.add_argument("run", metavar="RUN", help="run id or folder")
        add_runs_dir(sub)
    add_runs_dir(add("runs", list_runs, "list the runs"))
    sub = add("predict", predict, "write masks for images")
    add_model(sub)
    sub.add_argument("images", metavar="IMAGE_OR_FOLDER", nargs="+", type=Path)
    sub.add_argument("--output", type=Path, default=Path("masks"), help="folder for the masks (masks)")
    sub.add_argument("--threshold", type=float, help="probability above which a pixel is foreground (the model's)")
    sub = add("evaluate", evaluate, "score a model on a data set")
    add_model(sub)
    sub.add_argument("data", metavar="DATA", type=Path, help="folder with images and masks")
    sub.add_argument("--output", type=Path, help="CSV file with a line an image")
    sub.add_argument("--layout", choices=LAYOUTS)
    sub.add_argument("--ignore-index", type=int)
    sub.add_argument(
        "--split",
        default="held-out",
        choices=SPLITS,
        help="which images: by default those that the model was not trained on",
    )
    sub = add("sample", sample, "write the built-in data set as a folder")
    sub.add_argument("--output", type=Path, required=True, help="folder to write")
    sub.add_argument("--images", type=int, default=48)
    sub.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
