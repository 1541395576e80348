"""The report on an evaluation: whole in one file, inert, private, bounded, and with the numbers of the summary."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unet_core.config.schema import ModelConfig
from unet_core.evaluation import recording
from unet_core.evaluation.intervals import Interval
from unet_core.evaluation.measures.registry import Settings
from unet_core.evaluation.record import Record
from unet_core.evaluation.recording import evaluate_selection, write_json
from unet_core.evaluation.report import images
from unet_core.evaluation.report.scores import explain_interval
from unet_core.evaluation.scores import Options
from unet_core.evaluation.selection import Source, select_folder
from unet_core.evaluation.summary import list_rows, summarize, to_csv
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import Array, encode_png
from unet_core.models.unet import UNet
from unet_core.runs.run import Run
from unet_core.sharing.privacy import find_leaks

EVIL = "<img src=x onerror=alert(1)>"
GOLDEN = Path(__file__).parents[3] / "golden" / "release_0_1" / "run"


class Bright(Predictor):
    """What is brighter than half is foreground, or class 1; above 200 class 2."""

    def mask(self, image: Array, threshold: float | None = None) -> Array:
        bright = (image[:, :, 0] > 127).astype(np.uint8)
        return bright + ((image[:, :, 0] > 200) & (self.model.config.num_classes > 1))


def make_predictor(classes: int = 1) -> Bright:
    config = ModelConfig(in_channels=1, num_classes=classes, base_channels=2, depth=1, image_size=16)
    return Bright(UNet(config).eval(), torch.device("cpu"), "fp32")


def write_images(root: Path, pairs: dict[str, tuple[Array, Array]]) -> Path:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for name, (image, mask) in pairs.items():
        (root / "images" / f"{name}.png").write_bytes(encode_png(image))
        (root / "masks" / f"{name}.png").write_bytes(encode_png(mask))
    return root


def square(size: int, value: int = 255) -> Array:
    image = np.zeros((24, 32), np.uint8)
    image[2 : 2 + size, 2 : 2 + size] = value
    return image


def make_pairs(number: int) -> dict[str, tuple[Array, Array]]:
    """Images of which each shows another part of its object, image_00 the least."""
    return {f"image_{index:02}": (square(3 + index % 18) + index // 18, square(20)) for index in range(number)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_images(tmp_path / "people" / "cells", make_pairs(17) | {f"a{EVIL}": (square(9), square(20))})


def evaluate(
    root: Path,
    report: Path | None = None,
    classes: int = 1,
    run: Run | None = None,
    folder: Path | None = None,
    **more: Any,
) -> Record:
    source = Source(folder or root.parent / "models" / "brightness", run)
    selection = select_folder(Source(source.folder), root)
    return evaluate_selection(make_predictor(classes), source, selection, "held-out", Options(), report=report, **more)


def make(root: Path, **more: Any) -> str:
    path = root.parent / "report.html"
    evaluate(root, path, **more)
    return path.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def headings(text: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", text)


def cells(text: str, first: str) -> list[str]:
    """The cells of the row that begins with this one."""
    row = next(row for row in re.findall("<tr>(.*?)</tr>", text, re.DOTALL) if row.startswith(f"<td>{first}</td>"))
    return re.findall("<td.*?>(.*?)</td>", row)


def test_the_parts_of_a_report(root: Path) -> None:
    text = make(root)
    assert headings(text) == [
        *("Scores", "Limits of these scores", "Where the missing Dice went", "Distribution", "Images"),
        *("All images", "Model", "Data", "How to compute this again"),
    ]
    assert "<title>Evaluation of brightness on cells</title>" in text
    assert text.endswith("</html>\n")


def test_its_numbers_are_those_of_the_summary(root: Path) -> None:
    path = root.parent / "report.html"
    record = evaluate(root, path)
    text, summary = path.read_text(), summarize(record.scores)
    expected = [f"{summary.mean['dice']:.4f}", f"{summary.pooled['dice']:.4f}", "0", ""]
    assert cells(text, "Dice") == ["Dice", *expected]
    assert f"between {summary.bound.low:.3f} and {summary.bound.high:.3f}" in text
    assert "is a forecast for another dataset" in text and "are not covered" in text
    for item in record.scores:
        if item.id != f"a{EVIL}":
            row = next(row for row in text.splitlines() if f">{item.id}</a></td>" in row)
            assert f"<td>{item.scores['dice']:.4f}</td><td>{item.scores['iou']:.4f}</td>" in row
    shares = [float(cells(text, name)[1]) for name in ("outlines", "parts of objects", "missed objects")]
    assert sum(shares) == pytest.approx(1 - summary.mean["dice"], abs=2e-4)


def test_names_and_messages_are_inert_and_nothing_comes_from_elsewhere(root: Path) -> None:
    text = make(root)
    tags = Reader(text).tags
    assert {tag for tag, _ in tags if tag in ("link", "iframe", "object", "base", "form")} == set()
    assert len([tag for tag, _ in tags if tag == "script"]) == 1
    for _, attributes in tags:
        assert not any(name.startswith("on") or name in ("style", "srcset") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    sources = [attributes["src"] or "" for tag, attributes in tags if tag == "img"]
    assert sources and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    (policy,) = [attributes["content"] for tag, attributes in tags if tag == "meta" and "http-equiv" in attributes]
    assert policy is not None and policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy and "script-src 'sha256-" in policy


def test_nothing_says_where_files_lie_or_who_made_it(root: Path) -> None:
    (root / "images" / "image_03.png").write_bytes(b"no image")
    path = root.parent / "report.html"
    record = evaluate(root, path, changes={"color_map": str(root / "classes.txt")})
    assert str(root) in record.skipped[0]
    write_json(record, root.parent / "scores.json")
    files = {name: (root.parent / name).read_bytes() for name in ("report.html", "scores.json")}
    assert find_leaks(files, [root, root.parent, record.source.folder or root]) == []
    text = files["report.html"].decode()
    assert "Not scored: images/image_03.png" in text
    assert "unet-studio evaluate brightness cells --color-map classes.txt" in text


def test_pictures_are_those_of_the_worst_and_a_few_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "WORST", 4)
    monkeypatch.setattr(images, "TYPICAL", 2)
    text = make(root)
    assert [tag for tag, _ in Reader(text).tags].count("article") == 8
    assert [tag for tag, _ in Reader(text).tags].count("img") == 8 * 4
    assert re.findall(r"<article id='image-\d+'><h3>(image_\d\d)", text) == [
        *("image_00", "image_01", "image_02", "image_03"),
        *("image_07", "image_08", "image_15", "image_16"),
    ]
    assert "Thumbnails of 8 of 18 images." in text
    assert text.count("</tr>\n") == 18


def test_an_image_that_is_gone_has_numbers_but_no_pictures(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = recording.write_report

    def lose(record: Record, masks: Any, path: Path) -> Path:
        (root / "images" / "image_00.png").unlink()
        return write(record, masks, path)

    monkeypatch.setattr(recording, "write_report", lose)
    text = make(root)
    assert "<h3>image_00 " in text and text.count("The image cannot be read any more.") == 1


def test_few_images_have_no_interval(tmp_path: Path) -> None:
    text = make(write_images(tmp_path / "few", make_pairs(3)))
    assert "3 images with a Dice are too few for an interval: at least 15 are needed." in text
    assert "With 95 % confidence" not in text
    assert "too few" not in explain_interval(Interval(0.5, 0.9, (0.6, 0.8), 15))


def test_undefined_scores_are_counted_and_shown(tmp_path: Path) -> None:
    nothing = np.zeros((24, 32), np.uint8)
    text = make(write_images(tmp_path / "some", make_pairs(3) | {"empty": (nothing, nothing)}))
    assert cells(text, "Dice")[3] == "1"
    assert "1 image is empty" in text
    assert "<td>empty</td><td>–</td>" in text  # no pictures, so no link to them


def test_several_classes_have_a_table_and_a_matrix(tmp_path: Path) -> None:
    target = square(20, 1)
    target[4:8, 24:30] = 2
    image = np.array([0, 150, 250], np.uint8)[target]
    wrong = image.copy()
    wrong[4:8, 24:30] = 150
    root = write_images(tmp_path / "classes", {"right": (image, target), "wrong": (wrong, target)})
    text = make(root, classes=3)
    assert headings(text)[4:6] == ["Classes", "Confusion matrix"]
    assert cells(text, "<b>class 2</b>")[1:] == ["0.0%", "50.0%", "50.0%", "48"]
    assert cells(text, "class 2") == ["class 2", "0.5000", "0.6667", "0.5000", "0.5000", "0", "2"]
    assert "wrong class" in text and "false negative" not in text


def test_all_measures_are_in_it_when_they_were_asked_for(root: Path) -> None:
    path = root.parent / "report.html"
    record = evaluate(root, path, measures=Settings(3.0, 0.5))
    text = path.read_text()
    assert record.summary.measures is not None
    assert cells(text, "HD95")[1] == f"{record.summary.measures.mean['hd95']:.4f}"
    assert "Lengths are micrometers; NSD is at a tolerance of 3." in text
    assert "<th class='more'><button>HD95</button></th>" in text
    assert "--metrics all --tolerance 3 --pixel-size 0.5" in text


def test_a_run_brings_its_settings_and_curves(root: Path) -> None:
    text = make(root, run=Run(GOLDEN))
    assert "Training curves" in headings(text)
    assert text.count("<polyline") == 4
    assert "Settings that differ from the defaults" in text
    assert "Seeds" in text and "(training)" in text


def test_weights_are_those_that_were_loaded(root: Path, tmp_path: Path) -> None:
    run = Run(shutil.copytree(GOLDEN, tmp_path / "people" / "runs" / "20261101-cells"))
    for name in ("last", "best.old"):
        shutil.copytree(run.best, run.checkpoints / name, dirs_exist_ok=True)
    record = evaluate(root, run=run, folder=run.best)
    line = next(line for line in (run.best / "sha256").read_text().splitlines() if line.endswith("model.safetensors"))
    assert (record.model_name, record.weights_digest) == ("20261101-cells", line[:16])
    assert not any("damaged" in sentence for sentence in record.explain())
    last = evaluate(root, run=run, folder=run.last)
    assert last.command() == "unet-studio evaluate 20261101-cells/checkpoints/last cells"
    (run.best / "model.safetensors").write_bytes(b"cut off")
    damaged = evaluate(root, run=run, folder=run.best)
    assert damaged.weights_digest == line[:16]
    (sentence,) = [sentence for sentence in damaged.explain() if "previous checkpoint was used" in sentence]
    assert str(tmp_path) not in sentence


def test_a_canceled_evaluation_says_so(root: Path) -> None:
    record = evaluate(root)
    assert not any("canceled" in sentence for sentence in record.explain())
    part = replace(record, scores=record.scores[:5])
    assert part.explain()[-1] == "The evaluation was canceled after 5 of 18 images."


def test_the_json_has_everything_and_no_nan(tmp_path: Path) -> None:
    nothing = np.zeros((24, 32), np.uint8)
    root = write_images(tmp_path / "some", make_pairs(3) | {"empty": (nothing, nothing)})
    record = evaluate(root, measures=Settings())
    write_json(record, tmp_path / "deep" / "scores.json")
    values = json.loads((tmp_path / "deep" / "scores.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    rows = list_rows(record.scores)
    assert [row["image"] for row in values["images"]] == ["empty", "image_00", "image_01", "image_02"]
    assert values["images"][0]["dice"] is None
    assert values["images"][1] == {key: None if value != value else value for key, value in rows[1].items()}
    assert values["summary"]["mean_dice"] == record.summary.mean["dice"]
    assert values["options"] == {
        "tta": "none",
        "tile": None,
        "threshold": None,
        "device": "cpu",
        "precision": "fp32",
        "metrics": "all",
        "tolerance": 2.0,
        "pixel_size": None,
    }
    assert values["selection"]["scored"] == {"new": ["empty", "image_00", "image_01", "image_02"]}
    assert values["data"]["images"] == record.images_digest and len(record.images_digest) == 16


def test_the_digest_of_the_images_knows_their_pixels_not_their_names(root: Path, tmp_path: Path) -> None:
    other = write_images(tmp_path / "other", {f"b_{name}": pair for name, pair in make_pairs(17).items()})
    same = write_images(tmp_path / "same", make_pairs(17))
    digests = [evaluate(folder).images_digest for folder in (root, other, same)]
    assert digests[1] == digests[2] != digests[0]


def test_rows_have_all_digits_of_which_the_csv_has_six(root: Path) -> None:
    scores = evaluate(root).scores
    header, first = (line.split(",") for line in to_csv(scores).splitlines()[:2])
    row = list_rows(scores)[0]
    assert header == list(row)
    assert first[1] == f"{row['dice']:.6f}" and row["dice"] == scores[0].scores["dice"]
