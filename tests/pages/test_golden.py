"""The run of release 0.1 on the pages: shown, scored and predicted with as it was there."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.pages import show, texts
from unet_core import device
from unet_core.runs.run import Run

COLORS = Path(__file__).parents[1] / "golden" / "colors_0_1"


@pytest.fixture
def run(place: Path) -> Run:
    run = Run(shutil.copytree(COLORS / "run", place / "20261125-121341-data-focal_dice"))
    settings = json.loads((run.folder / "config.json").read_text())
    settings["data"]["root"] = str(COLORS / "data")
    (run.folder / "config.json").write_text(json.dumps(settings))
    return run


def test_home_and_train_show_it(run: Run) -> None:
    home = show("home")
    assert not home.exception
    assert "the old name" in home.dataframe[0].value.to_csv()
    app = show("train")
    assert not app.exception
    assert "finished" in " ".join(markdown.value for markdown in app.markdown)
    everything = texts(app) + " ".join(str(metric.value) for metric in app.metric)
    assert "the old name" in everything
    assert "0.572" in everything
    assert len(app.get("bidi_component")) == 3  # the header, the curves, and the predictions over epochs


def test_evaluate_gives_the_scores_of_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cpu_has_bf16", lambda: False)  # it gives other digits
    app = show("evaluate")
    app.selectbox(key="split").set_value("all").run()
    assert app.session_state["scoring"].wait(120)
    app.run()
    assert not app.exception
    rows = next(element.value for element in app.dataframe if "image" in element.value)
    with (COLORS / "scores.csv").open() as file:
        before = {row["image"]: float(row["dice"]) for row in csv.DictReader(file)}
    assert dict(zip(rows["image"], rows["dice"], strict=True)) == pytest.approx(before, abs=1e-6)


def test_predict_offers_it_and_gives_a_mask(run: Run) -> None:
    app = show("predict")
    assert app.selectbox(key="run").value == run.id
    image = COLORS / "data" / "images" / "tile5.png"
    app.file_uploader(key="uploads-0").set_value([(image.name, image.read_bytes(), "image/png")]).run()
    assert app.session_state["job"].wait(120)
    app.run()
    assert not app.exception
    assert app.get("bidi_component")
