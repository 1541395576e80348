"""The command that looks for what is wrong with a dataset: check."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_settings, read_settings
from unet_core.cli.output import echo, print_error
from unet_core.config.schema import RunConfig
from unet_core.data.checks import process
from unet_core.data.checks.finding import ERROR, INFO, WARNING
from unet_core.data.checks.registry import CHECKS
from unet_core.data.checks.result import Scan, finding_to_values
from unet_core.data.checks.scan import scan
from unet_core.errors import DataError

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

STEPS = 10  # lines of progress
WORDS = {ERROR: "ERROR  ", WARNING: "warning", INFO: "info   "}


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "check", check, "look for what is wrong with a dataset, and how to repair it")
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON only, without progress")
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write a report with charts and examples")
    parser.add_argument("--scan-folder", type=Path, help=argparse.SUPPRESS)  # of a page: see data.checks.process


def check(parsed: argparse.Namespace) -> dict[str, Any]:
    """Look for what is wrong with a dataset, in its files, masks, images and split, and how each can be repaired.

    Exits with 1 if anything blocks training. What was read is kept, so that another check reads only what is new.
    """
    data = RunConfig().replace(**read_settings(parsed)).data
    quiet = parsed.json or parsed.scan_folder
    told = 0

    def tell(done: int, total: int, name: str) -> None:
        nonlocal told
        if not quiet and total and done * STEPS // total > told:
            told = done * STEPS // total
            echo(f"{done / total:4.0%}  {done} of {total} samples")

    reporting = process.report_to(parsed.scan_folder) if parsed.scan_folder else nullcontext((tell, lambda: False))
    try:
        with reporting as (progress, cancelled):
            result = scan(data, progress, cancelled)
    except DataError as error:
        if not Path(data.root).is_dir() or parsed.scan_folder:
            raise
        print_error(error)
        return {"dataset": data.root, "blocks_training": True, "problem": str(error), "findings": []}
    if not quiet:
        _print(result)
    if parsed.html and result.complete:
        from unet_core.data.report.page import write_report

        write_report(data, result, parsed.html)
        echo(f"report written to {parsed.html}")
    return {
        "dataset": data.root,
        "samples": len(result.facts),
        "layout": result.layout,
        "masks": result.coding.describe() if result.coding else "",
        "blocks_training": bool(result.refused),
        "problem": result.refused,
        "findings": [finding_to_values(finding) | {"count": finding.count} for finding in result.findings],
        **({"report": str(parsed.html)} if parsed.html else {}),
    }


def _print(result: Scan) -> None:
    echo(f"{len(result.facts)} samples, layout {result.layout}{': ' * bool(result.reason)}{result.reason}")
    if result.coding:
        echo(f"masks are {result.coding.describe()}")
    for finding in result.findings:
        count = f" ({finding.count})" if finding.samples else ""
        echo(f"{WORDS[finding.severity]}  {CHECKS[finding.check].title}{count}: {finding.message}")
        if finding.remedies:
            echo(f"         repairs: {'; '.join(remedy.label for remedy in finding.remedies)}")
    echo("nothing is wrong" if not result.findings else "" if result.refused else "nothing blocks training")
