"""The report of the Evaluate page: that of the command line and of Python, to the last digit."""

import json
import re
import shutil
from functools import partial

import pytest

from pages.server import model_registry, paths
from pages.server.evaluation.report_job import ReportJob
from pages.server.scoring_job import ScoringJob
from tests.helpers.pages import finish_job, show
from unet_core import evaluate
from unet_core.cli.parser import main
from unet_core.data import synthetic
from unet_core.runs import run as runs

settled = partial(finish_job, key="scoring")


@pytest.fixture
def model(trained, place):
    shutil.copytree(trained.folder, place / trained.id)
    run = runs.Run(place / trained.id)
    return model_registry.Model(run.id, run.best, run)


@pytest.fixture
def others(place, tmp_path):
    """Five images that the model has never seen, named "others"."""
    root = synthetic.write(tmp_path / "others", images=5, seed=7)
    paths.library().link(root)
    return root


def undated(text: str) -> str:
    return re.sub(r"<td>\d{4}-\d\d-\d\d \d\d:\d\d UTC</td>", "", text)


def make_report(job: ScoringJob) -> str:
    assert job.scores.record is not None
    report = ReportJob(job.scores, job.scores.record)
    report.start()
    assert report.wait(60) and not report.error
    return report.content.decode()


@pytest.mark.parametrize("where", ["own", "other", "own, all"])
def test_page_command_line_and_python_give_the_same(where, model, others, sample_folder, tmp_path, capsys):
    split = "all" if where == "own, all" else "held-out"
    root = None if where.startswith("own") else others
    job = ScoringJob(model, split, root)
    job.start()
    assert job.wait(60) and not job.error
    data = sample_folder if root is None else root
    command = ["evaluate", str(model.folder), str(data), f"--split={split}", f"--report={tmp_path / 'report.html'}"]
    assert main([*command, f"--runs-dir={model.run.folder.parent}", f"--json={tmp_path / 'scores.json'}"]) == 0
    result = evaluate(model.run, data, split=split, runs_dir=model.run.folder.parent)
    stored = json.loads((tmp_path / "scores.json").read_text())
    page = json.loads(json.dumps(job.scores.record.to_dict()))
    python = json.loads(json.dumps(result.to_dict()))
    assert {**page, "date": ""} == {**stored, "date": ""} == {**python, "date": ""}
    assert undated(make_report(job)) == undated((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_the_button_makes_the_report_and_offers_it(model, others):
    app = settled(show("evaluate", split="other", dataset="others"))
    app.button(key="report_make").click().run()
    assert app.session_state["report_job"][2].wait(60)
    app.run()
    assert not app.exception and not app.error
    (download,) = [one for one in app.get("download_button") if "Download report" in one.proto.label]
    assert re.fullmatch(r"Download report \(0\.\d MB\)", download.proto.label)
    report = app.session_state["report_job"][2].content.decode()
    assert report.count("<article ") == 5
    expected = evaluate(model.run, others)
    assert f"<b>{expected.mean['dice']:.4f}</b>" in report


def test_other_scores_have_another_report(model, others):
    app = settled(show("evaluate", split="other", dataset="others"))
    app.button(key="report_make").click().run()
    assert app.session_state["report_job"][2].wait(60)
    app.run()
    app.selectbox(key="split").set_value("all").run()
    app = settled(app)
    assert [button.key for button in app.button if button.key == "report_make"] == ["report_make"]


def test_a_canceled_report_has_no_content(model, monkeypatch):
    job = ScoringJob(model, "all")
    job.start()
    assert job.wait(60)
    report = ReportJob(job.scores, job.scores.record)
    monkeypatch.setattr(job.scores, "mask", lambda name: report.cancel() or job.scores.truth(name))
    report.start()
    assert report.wait(60)
    assert report.state == "cancelled" and report.content == b""
