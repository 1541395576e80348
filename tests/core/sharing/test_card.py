"""What a model card says is what was measured; names stay with their owner; curves are drawn; events are read."""

import csv
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from unet_core.errors import ConfigError
from unet_core.evaluation.summary import ImageScore
from unet_core.io.zip_reader import Archive
from unet_core.metrics import count
from unet_core.runs.event_log import read_events
from unet_core.runs.events import EpochFinished, RunStarted, StepFinished
from unet_core.runs.history import History
from unet_core.runs.run import Run
from unet_core.sharing import curves, repository, tensorboard_file
from unet_core.sharing.card_tables import describe_error, inert, summary_table
from unet_core.sharing.evidence import Evidence, ScoredImage, collect
from unet_core.sharing.licenses import LICENSES
from unet_core.sharing.model_card import CardOptions, strip_metadata, write_card


@pytest.fixture(scope="module")
def evidence(trained_once: Path) -> Evidence:
    return collect(Run(next((trained_once / "runs").iterdir())), precision="fp32")


def card(evidence: Evidence, **options: object) -> str:
    return write_card(evidence, CardOptions("net", **options), "anna/net")  # type: ignore[arg-type]


def test_the_scores_in_the_card_are_those_of_evaluate(evidence: Evidence, trained_once: Path) -> None:
    from unet_core import evaluate

    run = Run(next((trained_once / "runs").iterdir()))
    measured = evaluate(run, run.config.data.root, split="test", precision="fp32")
    text = card(evidence)
    low, high = measured.summary.dice_interval
    assert f"| Images | Test ({measured.summary.images}) |" in text
    assert f"| Mean Dice | **{measured.mean['dice']:.3f}** |" in text
    assert f"| 95 % interval | {low:.3f} to {high:.3f} |" in text
    assert "never used in training" in text


def test_a_card_without_a_test_part_says_so(evidence: Evidence) -> None:
    images = tuple(image for image in evidence.images if image.score.subset != "test")
    text = card(dataclasses.replace(evidence, images=images))
    assert "No image was held out for testing." in text
    assert "No image was held out" not in card(evidence)


def test_images_are_called_by_their_digest_unless_names_are_wanted(evidence: Evidence) -> None:
    text, named = card(evidence), card(evidence, named=True)
    worst = evidence.part("test")[0]
    assert "cells_0" not in text and worst.digest[:8] in text
    assert inert(worst.score.id) in named
    assert worst.digest[:8] not in card(evidence, per_image=False)


def test_remarks_with_names_of_images_stay_with_the_owner(evidence: Evidence) -> None:
    name = evidence.images[0].score.id
    notes = (f"3 images look like training images: {name}.", f"{name} is odd", "Masks were read as classes.")
    told = dataclasses.replace(evidence, notes=notes)
    assert "3 images look like training images." in card(told) and name not in card(told)
    assert "Masks were read as classes." in card(told)
    assert inert(notes[1]) in card(told, named=True)


def test_markup_of_names_is_inert(evidence: Evidence) -> None:
    text = card(
        evidence, dataset='<img src="http://evil.example/a">', description="![x](https://evil.example/b) [a](b)"
    )
    body = strip_metadata(text)
    assert "<img" not in body.replace("\\<img", "")
    assert not re.search(r"(?<!\\)!\[x\](?!\\)\(", body) and "https://evil" not in body


def test_the_dataset_is_called_as_wished_else_by_its_folder(evidence: Evidence) -> None:
    assert "It was trained on cells with" in card(evidence)
    assert "It was trained on Nuclei 2026 with" in card(evidence, dataset="Nuclei 2026")
    assert evidence.config.data.root not in card(evidence)


@pytest.mark.parametrize("name", LICENSES)
def test_every_license_stands_in_metadata_and_text(evidence: Evidence, name: str) -> None:
    text = card(evidence, license=name)
    assert f"\nlicense: {name}\n" in text
    assert ("has not chosen a license" in text) == (name == "unknown")


def test_a_long_description_is_refused() -> None:
    with pytest.raises(ConfigError, match="has 2001 characters"):
        CardOptions("net", description="a" * 2001)


def test_errors_in_words() -> None:
    truth, pred = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    truth[:, :4], pred[:, 2:6] = 1, 1
    image = ScoredImage(ImageScore("a", "test", count(pred, truth, 1)), "ab" * 8)
    assert (
        describe_error(image)
        == "Dice 0.500, 50% of the true pixels were missed, 50% of the predicted pixels are wrong."
    )
    classes = ScoredImage(ImageScore("a", "test", count(pred, truth, 2)), "ab" * 8)
    assert "precision" in describe_error(classes) and "%" not in describe_error(classes)


def test_an_empty_image_is_counted_and_shown_without_a_score(evidence: Evidence) -> None:
    empty = ImageScore("e", "test", count(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), 1))
    more = dataclasses.replace(evidence, images=(*evidence.images, ScoredImage(empty, "0" * 16)))
    assert ", 1 empty)" in summary_table(more.summaries())
    assert "| 00000000 | Test | – | – | – | – |" in card(more)
    assert "00000000: Dice" not in card(more)


def test_the_scores_file_has_a_row_for_each_image(evidence: Evidence) -> None:
    items = {item.name: item for item in repository.make_items(evidence, CardOptions("net"))}
    rows = list(csv.DictReader(io.StringIO(items["scores.csv"].text or "")))
    assert [row["image"] for row in rows] == [image.label(named=False) for image in evidence.images]
    assert {row["subset"] for row in rows} == {"test", "val"}
    named = repository.make_items(evidence, CardOptions("net", named=True))
    assert evidence.images[0].score.id in (next(item.text for item in named if item.name == "scores.csv") or "")
    assert "scores.csv" not in {
        item.name for item in repository.make_items(evidence, CardOptions("net", per_image=False))
    }


def test_the_same_model_gives_the_same_bytes(evidence: Evidence, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        repository.write_zip(repository.make_items(evidence, CardOptions("net")), tmp_path / name, "net")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    names = {member.name for member in Archive(tmp_path / "a.zip", "a.zip").members}
    assert {"net/README.md", "net/config.json", "net/model.safetensors", "net/sha256"} < names


def test_a_written_folder_is_a_checkpoint(evidence: Evidence, tmp_path: Path) -> None:
    from unet_core.models.checkpoint import load_model, verify

    repository.write_folder(repository.make_items(evidence, CardOptions("net")), tmp_path / "net")
    verify(tmp_path / "net")
    assert load_model(tmp_path / "net")[1] == ""


def test_curves_are_drawn_with_the_best_epoch() -> None:
    history = History()
    history.add(RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=3, steps_per_epoch=3), 0.0)
    for epoch, dice in enumerate((0.2, 0.6, 0.5), 1):
        history.add(EpochFinished(epoch, 3 * epoch, 1.0 / epoch, 1.2 / epoch, dice, None, 0.1, 1, 1, epoch == 2), 1.0)
    picture = Image.open(io.BytesIO(curves.draw(history) or b""))
    assert picture.size == (1200, 400)
    pixels = np.asarray(picture.convert("RGBA")).astype(int)
    assert pixels[0, 0, 3] == 0 and pixels[200, 300, 3] > 250  # round corners on a card that is not see-through
    colors = [tuple(int(color[at : at + 2], 16) for at in (1, 3, 5)) for color in (curves.TRAIN, curves.VALIDATION)]
    for color in colors:
        near = np.abs(pixels[60:345, 70:580, :3] - color).sum(-1) < 40
        assert near.any(0).sum() > 400  # a line over the whole width of the left chart
    dice = tuple(int(curves.DICE[at : at + 2], 16) for at in (1, 3, 5))
    assert (np.abs(pixels[60:345, 660:1170, :3] - dice).sum(-1) < 40).any(0).sum() > 400
    iou = tuple(int(curves.IOU[at : at + 2], 16) for at in (1, 3, 5))
    assert not (np.abs(pixels[60:345, 660:1170, :3] - iou).sum(-1) < 40).any()  # no value, no line


def test_a_single_epoch_is_a_dot_and_none_is_no_picture() -> None:
    history = History()
    assert curves.draw(history) is None
    history.add(EpochFinished(1, 3, 1.0, None, None, None, 0.1, 1, 1, best=False), 1.0)
    assert Image.open(io.BytesIO(curves.draw(history) or b"")).size == (1200, 400)


def test_the_event_file_is_read_by_tensorboard_and_says_nothing_of_the_machine(run: Run, tmp_path: Path) -> None:
    name, data = tensorboard_file.write_events(read_events(run.events)[0]) or ("", b"")
    assert re.fullmatch(r"runs/events\.out\.tfevents\.\d+\.unet-studio", name)
    (tmp_path / "events.out.tfevents.1").write_bytes(data)
    values: dict[str, list[float]] = {}
    for event in EventFileLoader(str(tmp_path / "events.out.tfevents.1")).Load():
        for value in event.summary.value:
            values.setdefault(value.tag, []).append(float(value.tensor.float_val[0]))
    history = History()
    for event, at in read_events(run.events)[0]:
        history.add(event, at)
    assert values["score/dice"] == pytest.approx([epoch.val_dice for epoch in history.epochs])
    assert values["loss/batch"] == pytest.approx([step.loss for step in history.steps])
    assert set(values) >= {"learning_rate", "loss/train", "loss/validation", "score/iou"}


def test_what_a_resumed_run_repeated_is_there_once() -> None:
    start = RunStarted("cpu", "fp32", 1, 1, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=2)
    again = dataclasses.replace(start, first_epoch=2, first_step=3)
    events = [start, *(StepFinished(1 + step // 3, step, 0.5, 0.1) for step in (1, 2, 3))]
    events += [again, StepFinished(2, 3, 0.25, 0.1)]
    points = list(tensorboard_file._points([(event, float(at)) for at, event in enumerate(events)]))
    assert [(step, value) for step, tag, value, _ in points if tag == "loss/batch"] == [(1, 0.5), (2, 0.5), (3, 0.25)]


def test_the_onnx_file_is_listed_and_its_use_told(evidence: Evidence) -> None:
    items = {item.name: item for item in repository.make_items(evidence, CardOptions("net"), onnx=b"onnx")}
    assert items["model.onnx"].data == b"onnx"
    assert 'onnxruntime.InferenceSession("model.onnx")' in (items["README.md"].text or "")
    without = repository.make_items(evidence, CardOptions("net"))
    assert "model.onnx" not in [item.name for item in without]
    assert "onnxruntime" not in (without[0].text or "")
