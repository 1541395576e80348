"""The command `threshold`: which threshold a model should have, by its validation images."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_model
from unet_core.cli.output import echo, warn
from unet_core.config.choices import TUNED_METRICS
from unet_core.errors import ConfigError, RunError
from unet_core.hub import lineage, resolve

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.evaluation.tuning.study import Study


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "threshold", choose, "choose a model's threshold on its validation images")
    add_model(parser)
    text = "folder with images and masks to choose on (default: the dataset of the run, its validation images)"
    parser.add_argument("data", metavar="DATA", nargs="?", type=Path, help=text)
    text = "; ".join(f"{name}: {description}" for name, description in TUNED_METRICS.items())
    parser.add_argument("--metric", default="dice", choices=TUNED_METRICS, help=f"{text} (default: dice)")
    parser.add_argument("--pooled", action="store_true", help="all pixels counted together in place of the mean")
    text = "also look for the best minimum area, hole filling and test-time augmentation; --apply records them"
    parser.add_argument("--search", action="store_true", help=text)
    actions = parser.add_mutually_exclusive_group()
    text = "write the threshold into the checkpoint: prediction, evaluation and exports use it"
    actions.add_argument("--apply", action="store_true", help=text)
    actions.add_argument("--reset", action="store_true", help="give the checkpoint the threshold of its training back")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")


def choose(parsed: argparse.Namespace) -> dict[str, Any]:
    """Choose the threshold of a binary model on validation images and report what it gives on test images.

    Nothing is changed without --apply or --reset.
    """
    from unet_core.evaluation.selection import Source
    from unet_core.evaluation.tuning import frozen
    from unet_core.evaluation.tuning.measure import plan_study
    from unet_core.evaluation.tuning.search import Search, describe_candidate
    from unet_core.inference.predictor import load_predictor

    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    if parsed.reset:
        return {"threshold": frozen.unfreeze(folder, run), "applied": False, "reset": True}
    if run is None and parsed.data is None:
        raise RunError(
            f"{parsed.model} is not a run, so its validation images are not known. Name a folder of images and masks "
            "that it was not trained on: unet-studio threshold MODEL DATA"
        )
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    config = predictor.model.config
    if config.num_classes > 1 and parsed.apply:
        raise ConfigError(f"This model has {config.num_classes} classes: it has no threshold to apply.")
    source = Source(folder, run, lineage.find_training_images(folder, run, parsed.runs_dir))
    plan = plan_study(source, config, parsed.data)
    for message in plan.study.skipped:
        echo(f"skipped: {message}")
    for message in plan.study.warnings:
        warn(message)
    for number, name in enumerate(plan.count(predictor), 1):
        if not parsed.json:
            echo(f"{number}/{len(plan)} {name}")
    result = plan.study.describe(parsed.metric, parsed.pooled)
    if not parsed.json:
        print_study(plan.study, result)
    searched = None
    if parsed.search and plan.study.is_binary:
        search = Search(plan, predictor, parsed.metric)
        for done, total in search.run():
            if not parsed.json and done % 10 == 0:
                echo(f"search: {done}/{total}")
        searched, result["search"] = search.best, search.describe()
        if not parsed.json:
            for what, item in (("model", search.baseline), ("best", searched)):
                test = "" if item.test is None else f", test {item.test:.4f}"
                echo(f"{what}: {describe_candidate(item)}: validation {item.validation:.4f}{test}")
    applied = False
    if parsed.apply:
        limit = result["best_threshold"] if searched is None else searched.threshold
        record = frozen.freeze(folder, plan.study, limit, parsed.metric, run, searched)
        echo(record.sentence)
        applied = True
    record_now = frozen.read_record(folder)
    return result | {
        "threshold": record_now.threshold if applied and record_now is not None else config.threshold,
        "applied": applied,
        "record": None if record_now is None else record_now.sentence,
        "warnings": [*plan.study.warnings, *filter(None, [plan.study.caution])],
    }


def print_study(study: "Study", result: dict[str, Any]) -> None:
    """The curve at every twentieth, then what the best threshold gives."""
    from unet_core.evaluation.tuning.study import describe_loss

    if study.is_binary:
        curve = study.validation.curve
        echo("threshold   Dice    IoU  precision  recall   (means over the images that were chosen on)")
        for step in range(10, len(curve.thresholds), 10):
            values = [float(curve.mean[name][step]) for name in ("dice", "iou", "precision", "recall")]
            echo(f"{curve.thresholds[step]:9.2f}  " + "  ".join(f"{value:.4f}" for value in values))
        for part in (name for name in study.parts if name in result):
            for when, limit in (("at_model", study.current), ("at_best", result["best_threshold"])):
                scores = result[part][when]
                echo(f"{part} at {limit:g}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        if study.test is None:
            echo("There are no test images, so the gain is not checked on images that it was not chosen on.")
        if loss := describe_loss(study, result["metric"], result["best_threshold"]):
            warn(f"The best threshold is {result['best_threshold']:g}. {loss}")
    if study.caution:
        warn(study.caution)
    echo(result["reliability"])
