"""`publish RUN --static DIR`: a folder with the page, one line of JSON, and refusals before any work."""

import json
from pathlib import Path

import pytest

from tests.helpers.static_page import craft
from unet_core.cli.parser import main
from unet_core.config.schema import ModelConfig
from unet_core.runs.run import Run
from unet_core.sharing import privacy
from unet_core.static_page import runtime


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(runtime, "load", lambda file, progress: {"ort.wasm.mjs": b"1", "ort.wasm.wasm.gz": b"2"})
    monkeypatch.setattr(privacy, "_names", list)  # whoever runs the tests
    return craft(tmp_path / "runs", ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))


def result(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    return next(line for line in lines if line.startswith("error: "))


def test_it_writes_the_page(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    arguments = ["publish", str(run.folder), "--static", str(site), "--title", "My cells", "--license", "mit"]
    assert main([*arguments, "--no-scores"]) == 0
    told = result(capsys)
    files = [path for path in site.rglob("*") if path.is_file()]
    assert told == {
        "folder": str(site),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "title": "My cells",
        "published": True,
    }
    assert "<h1>My cells</h1>" in (site / "index.html").read_text()
    assert main([*arguments, "--no-scores"]) == 0  # again, over the old one


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert main(["publish", str(run.folder), "--static", str(site), "--no-scores", "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert "model.onnx" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["published"] is False
    assert not site.exists()


def test_a_private_text_stops_it(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    arguments = [
        "publish",
        str(run.folder),
        "--static",
        str(site),
        "--no-scores",
        "--description",
        "in /home/anna/data",
    ]
    assert main(arguments) == 2
    text = error(capsys)
    assert "Nothing was written. Private: " in text and "README.md: a path of this machine (/home/anna/data)" in text
    assert text.endswith("Change the title, the description or the names that hold it.")
    assert not site.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name a folder for a page of plain files, --static DIR, or a Space"),
        (["anna/space", "--static", "site"], "not both"),
    ],
)
def test_where_to_must_be_said(run: Run, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(run.folder), *arguments]) == 2
    assert words in error(capsys)


def test_a_used_folder_is_refused_before_anything_is_loaded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runtime, "load", lambda *_: pytest.fail("the folder comes first"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.txt").write_text("mine")
    assert main(["publish", str(run.folder), "--static", str(tmp_path / "site")]) == 2
    assert "is not empty (it holds a.txt)" in error(capsys)


def test_a_dataset_that_was_moved_is_said_and_the_page_is_made(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(run.folder), "--static", str(tmp_path / "site")]) == 0
    assert "Images cannot be scored, so the page has no scores of them" in capsys.readouterr().err
    assert "were not scored one by one" in (tmp_path / "site" / "index.html").read_text()
