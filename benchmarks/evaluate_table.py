"""How long the list of scored images takes on the server, and what it keeps: `python -m benchmarks.evaluate_table`.

10,000 images are made up: counts, masks of 256x256 and, behind them, real image files. Each step is what a rerun of the
page does after one change (another sort, a filter, a page); `page` runs the whole script of the Evaluate page.
"""

import argparse
import gc
import itertools
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from streamlit.testing.v1 import AppTest

from benchmarks.report import report
from pages.server import model_registry
from pages.server.background_job import DONE
from pages.server.evaluation import score_tables, thumbnails
from pages.server.scoring_job import ScoringJob
from pages.views.evaluate import job as jobs
from pages.views.evaluate.listing import filters
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.layouts import Sample
from unet_core.evaluation.measures.confusion import measure_confusion
from unet_core.evaluation.measures.image_facts import ImageFacts
from unet_core.evaluation.summary import ImageScore
from unet_core.evaluation.tables.distribution import describe_values
from unet_core.evaluation.tables.rows import Filter, Range, select
from unet_core.io.pixels import encode_png
from unet_core.metrics import count
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs

SIDE, FILES = 256, 50


def make_run(folder: Path) -> runs.Run:
    """A run whose model has learned nothing, over image files and masks."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        for kind, most in (("images", 256), ("masks", 2)):
            path = folder / "data" / kind / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(rng.integers(0, most, (SIDE, SIDE)).astype(np.uint8)))
    run = runs.create(folder / "runs", RunConfig().replace(root=str(folder / "data")))
    (run.folder / "split.json").write_text("{}")
    save_checkpoint(run.best, UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=32)))
    return run


def make_scoring(run: runs.Run, images: int) -> ScoringJob:
    """A job that is over, with made-up scores."""
    rng = np.random.default_rng(1)
    scoring = ScoringJob(model_registry.Model(run.id, run.best, run), "all")
    scores = scoring.scores
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[40:200, 60:180] = 1
    kinds = []
    for shift in range(0, 120, 2):
        pred = np.roll(truth, shift, 1)
        kinds.append((encode_png(pred), count(pred, truth, 1), measure_confusion(pred, truth, 1)))
    root, packed = Path(run.config.data.root), encode_png(truth)
    for number in range(images):
        name = f"plate_{number % 40:02}/field_{number:05}"
        mask, counts, confusion = kinds[int(rng.integers(len(kinds)))]
        facts = ImageFacts(SIDE, SIDE, *(float(value) for value in rng.random(2)))
        score = ImageScore(name, "val" if number % 3 else "test", counts, facts=facts)
        _ = score.scores  # as the job does
        scores.images.append(score)
        path = root / "images" / f"{number % FILES:03}.png"
        scores.samples[name] = Sample(name, path, (root / "masks" / path.name,))
        scores.digests[name] = f"{number}"  # all pictures are drawn: none is taken for another
        scores.masks[name], scores.truths[name], scores.confusions[name] = mask, packed, confusion
    scoring.state = DONE
    scoring._over.set()
    return scoring


def clock(step: str, work: Callable[[], Any], times: int, prepare: Callable[[], Any] = lambda: None) -> dict[str, Any]:
    """Milliseconds of the slowest of some times: of the CPU, of all threads together, and by the clock."""
    slowest, longest = 0.0, 0.0
    for _ in range(times):
        prepare()
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        slowest, longest = max(slowest, time.process_time() - cpu), max(longest, time.perf_counter() - wall)
    return {"step": step, "CPU ms": 1000 * slowest, "wall ms": 1000 * longest}


def measure_core(scoring: ScoringJob, times: int) -> list[dict[str, Any]]:
    """Each step by itself."""
    ids = [item.id for item in scoring.scores.images]
    rows = [
        clock("first: columns", lambda: score_tables.prepare(scoring).table, 1),
        clock("first: means, intervals", lambda: score_tables.prepare(scoring).summary, 1),
    ]
    table = score_tables.prepare(scoring).table
    few = frozenset(ids[::7])
    steps: dict[str, Callable[[], Any]] = {
        "sort by Dice": lambda: select(table, Filter(), "dice"),
        "sort by name": lambda: select(table, Filter(), "image"),
        "search": lambda: select(table, Filter(text="FIELD_0123")),
        "all filters": lambda: select(
            table, Filter("plate", "val", 0.9, within=Range("iou", 0.2, 0.8), ids=few), "recall", True
        ),
        "histogram and box": lambda: describe_values("dice", table.values["dice"]),
        "20 new pictures": lambda: draw(scoring, ids),
    }
    rows += [clock(name, work, times) for name, work in steps.items()]
    rows.append(clock("view Slices, first", lambda: score_tables.prepare(scoring).slices, 1))
    return rows


def draw(scoring: ScoringJob, ids: list[str]) -> None:
    """The pictures of a page that nobody has seen."""
    draw.start += 20  # type: ignore[attr-defined]
    start = draw.start % (len(ids) - 20)  # type: ignore[attr-defined]
    thumbnails.make_all(scoring.scores, ids[start : start + 20], 1)


draw.start = 0  # type: ignore[attr-defined]


def turn_page(app: AppTest) -> None:
    """The next page of the table."""
    app.session_state[filters.PAGE] = next(turn_page.numbers)  # type: ignore[attr-defined]


turn_page.numbers = itertools.cycle(range(1, 11))  # type: ignore[attr-defined]


def measure_page(scoring: ScoringJob, times: int) -> tuple[list[dict[str, Any]], float]:
    """The whole script after each change, and by how many MiB the process grows while all are made once more."""
    changes: dict[str, Callable[[AppTest], Any]] = {
        "nothing": lambda app: app,
        "another sort": lambda app: app.selectbox(key=filters.SORT).set_value(
            "Sort by IoU" if app.selectbox(key=filters.SORT).value == "Sort by Dice" else "Sort by Dice"
        ),
        "best first": lambda app: app.toggle(key=filters.REVERSE).set_value(not app.toggle(key=filters.REVERSE).value),
        "search": lambda app: app.text_input(key=filters.TEXT).set_value(
            "" if app.text_input(key=filters.TEXT).value else "plate_07"
        ),
        "Dice below": lambda app: app.number_input(key=filters.BELOW).set_value(
            None if app.number_input(key=filters.BELOW).value else 0.5
        ),
        "next page": turn_page,
    }
    with mock.patch.object(jobs, "find_job", lambda *rest: scoring):
        app = AppTest.from_file(str(Path(__file__).parents[1] / "pages" / "main.py"), default_timeout=600).run()
        rows = [clock("page, first", lambda: app.switch_page("evaluate.py").run(), 1)]
        assert not app.exception, app.exception
        for name, change in changes.items():
            rows.append(clock(f"page, {name}", app.run, times, partial(change, app)))
            assert not app.exception, app.exception
        app.session_state[filters.PAGE] = 1
        start = peak()
        for change in changes.values():  # the same once more: what is cached is there, and nothing else may grow
            clock("", app.run, times, partial(change, app))
        sent = next(element.value for element in app.dataframe if "image" in element.value)
        assert len(sent) <= 20, "a page of rows is sent, never all"
    return rows, peak() - start


def peak() -> float:
    """MiB of memory that the process has held at most."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=20, help="how often each change is made; the slowest counts")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"UNET_RUNS": f"{folder}/runs"}):
        run = make_run(Path(folder))
        scoring = make_scoring(run, parsed.images)
        rows = measure_core(scoring, parsed.times)
        more, grown = measure_page(scoring, parsed.times)
    report("evaluate_table", rows + more, images=parsed.images, grown_mib=grown)


if __name__ == "__main__":
    main()
