"""Fabricated runs, and the pages over them by Streamlit's AppTest."""

import json
import os
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from pages import PAGES
from unet_core.config.schema import RunConfig
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunStarted

ROOT = Path(__file__).parents[2]
STARTED = RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3)
EPOCH = EpochFinished(1, 3, 0.9, 0.8, 0.71, 0.55, 0.01, 12.5, 4.0, best=True)


def make_run(runs_dir: Path, sample_folder: Path, *events) -> runs.Run:
    run = runs.create(runs_dir, RunConfig().replace(root=str(sample_folder)))
    log = EventLog(run.events)
    for event in events:
        log.append(event)
    log.close()
    run.beat()  # it has lived
    return run


def show(page: str = "home", **query: str) -> AppTest:
    """A page as it is opened by its address with these parameters."""
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.query_params.update(query)
    if page != "home":
        app.switch_page(str(ROOT / "pages" / PAGES[page].file)).run()
    return app


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def shoot(run: runs.Run, epoch: int, dices: list[float | None]) -> None:
    """As `film.shoot` writes it."""
    run.snapshots.mkdir(exist_ok=True)
    for number in range(len(dices)):
        for name in (f"{number}-image", f"{number}-truth", f"{epoch:04}-{number}"):
            (run.snapshots / f"{name}.png").write_bytes(encode_png(np.full((4, 5), number + epoch, np.uint8)))
    (run.snapshots / "probes.json").write_text(json.dumps({"ids": [f"cell {n}" for n in range(len(dices))]}))
    (run.snapshots / f"{epoch:04}.json").write_text(json.dumps({"dice": dices}))
    os.utime(
        run.snapshots, ns=(epoch, epoch * 1_000_000)
    )  # a clock too coarse to tell two shots apart would hide the second


def finish_job(app: AppTest, key: str) -> AppTest:
    """After the job that the page keeps in its session is over."""
    assert not app.exception
    if key in app.session_state:
        assert app.session_state[key].wait(60)
        app.run()
    assert not app.exception
    return app
