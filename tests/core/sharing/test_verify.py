"""A packed run is checked elsewhere: the same numbers are confirmed, and whatever differs is named with its amount."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unet_core.cli.parser import main
from unet_core.errors import CheckpointError, ConfigError, DataError, RunError, UnetError
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.runs.run import Run
from unet_core.sharing.proof import write_proof
from unet_core.sharing.verify import verify


@pytest.fixture(scope="module")
def packed(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "run.zip"
    assert write_proof(Run(next((trained_once / "runs").iterdir())), path, precision="fp32") == []
    return path


@pytest.fixture
def data(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of the dataset at another place, its images under other names."""
    for part in ("images", "masks"):
        (tmp_path / "other" / part).mkdir(parents=True)
        for path in (trained_once / "cells" / part).iterdir():
            shutil.copy(path, tmp_path / "other" / part / f"renamed_{path.name}")
    return tmp_path / "other"


def proof_of(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as archive:
        return dict(json.loads(archive.read(next(name for name in archive.namelist() if name.endswith("/proof.json")))))


def rewrite(path: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy with files changed, None = left out."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = change(name.partition("/")[2], before.read(name))
            if content is not None:
                after.writestr(name, content)
    return target


def scored(path: Path) -> list[str]:
    return [str(image["name"]) for image in proof_of(path)["images"]]  # type: ignore[attr-defined]


def test_the_numbers_are_reproduced_from_a_copy_with_other_names(packed: Path, data: Path) -> None:
    report = verify(packed, data)
    assert report.reproduced and report.counts == {"same": 5, "close": 0, "score": 0, "truth": 0, "missing": 0}
    assert report.probes == {"1": 0.0, "2": 0.0, "3": 0.0}
    assert report.mean_now == pytest.approx(report.mean_before, abs=1e-12)
    assert report.lines()[-1] == "Numbers reproduced."


def test_the_commands_pack_and_verify(run: Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.zip"
    assert main(["pack", str(run.folder), "--verifiable", "--output", str(path)]) == 0
    assert main(["verify", str(path), "--data", str(data)]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1] == "Numbers reproduced."
    assert json.loads(shown.out.splitlines()[-1])["reproduced"] is True


def test_a_changed_ground_truth_is_told_from_a_changed_prediction(packed: Path, data: Path) -> None:
    name = scored(packed)[0]
    path = next((data / "masks").glob(f"*{name}*"))
    mask = images.read(path)[:, :, 0].copy()
    mask[:40] = 0
    path.write_bytes(encode_png(mask))
    report = verify(packed, data)
    assert not report.reproduced and report.counts["truth"] == 1 and report.counts["same"] == 4
    assert any(line.startswith(f"{name}: its ground truth is another one") for line in report.lines())


def test_a_missing_image_is_named(packed: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = scored(packed)[0]
    for part in ("images", "masks"):
        next((data / part).glob(f"*{name}*")).unlink()
    assert main(["verify", str(packed), "--data", str(data)]) == 1
    shown = capsys.readouterr()
    assert f"{name}: not in the dataset" in shown.err.splitlines()
    assert shown.err.splitlines()[-1] == "NOT reproduced."
    assert json.loads(shown.out.splitlines()[-1])["missing"] == 1


def test_other_weights_are_found_out(packed: Path, data: Path, tmp_path: Path) -> None:
    """With sums that fit: a whole other checkpoint in place of the packed one."""
    import torch

    from unet_core.models.checkpoint import load_model, save_checkpoint

    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "in")
    folder = next((tmp_path / "in").iterdir()) / "checkpoint"
    model, _ = load_model(folder)
    with torch.no_grad():
        model.head.bias += 1.0
    save_checkpoint(tmp_path / "made", model)
    other = rewrite(
        packed,
        tmp_path / "o.zip",
        lambda name, content: (
            (tmp_path / "made" / Path(name).name).read_bytes()
            if name in ("checkpoint/model.safetensors", "checkpoint/sha256")
            else None
            if name in ("checkpoint/training.json", "checkpoint/images.json")
            else content
        ),
    )
    report = verify(other, data)
    assert not report.reproduced and report.counts["score"] == 5
    assert all(item.by > 0.001 for item in report.images)
    assert max(report.probes.values()) > 0.001


def test_scores_that_were_written_up_are_found_out(packed: Path, data: Path, tmp_path: Path) -> None:
    def lie(name: str, content: bytes) -> bytes:
        if name != "proof.json":
            return content
        proof = json.loads(content)
        proof["images"][0]["scores"]["dice"] = 0.999
        proof["images"][0]["counts"]["fp"] = [0.0]
        return json.dumps(proof).encode()

    report = verify(rewrite(packed, tmp_path / "l.zip", lie), data)
    assert not report.reproduced and report.counts["score"] == 1


def test_a_tolerance_lets_small_differences_pass(packed: Path, data: Path, tmp_path: Path) -> None:
    def shift(name: str, content: bytes) -> bytes:
        if name != "proof.json":
            return content
        proof = json.loads(content)
        proof["images"][0]["scores"]["dice"] += 0.004
        proof["images"][0]["mask"] = "0" * 64
        return json.dumps(proof).encode()

    path = rewrite(packed, tmp_path / "s.zip", shift)
    assert verify(path, data).counts["score"] == 1
    report = verify(path, data, tolerance=0.01)
    assert report.reproduced and report.counts["close"] == 1
    assert report.images[0].by == pytest.approx(0.004)


def test_without_data_the_packed_images_alone_are_checked(packed: Path) -> None:
    report = verify(packed)
    assert report.reproduced and not report.images
    assert report.lines()[-2:] == [
        "Without --data only the packed images were predicted; no score was checked.",
        "Masks reproduced.",
    ]


def test_without_images_and_data_nothing_is_claimed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    write_proof(run, path, precision="fp32", with_images=False)
    assert not any(name.endswith(".png") for name in zipfile.ZipFile(path).namelist())
    report = verify(path)
    assert report.lines()[-1].startswith("Nothing was checked")
    assert report.to_dict()["reproduced"] is False and report.to_dict()["skipped"] == 1


def test_no_path_of_the_machine_is_packed(packed: Path, trained_once: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert str(trained_once).encode() not in content


def test_a_dataset_without_the_images_is_refused(packed: Path, tmp_path: Path) -> None:
    from unet_core.data import synthetic

    synthetic.write(tmp_path / "blank", images=2)
    for path in (tmp_path / "blank" / "images").iterdir():
        path.write_bytes(encode_png(255 - images.read(path)[:, :, 0]))
    with pytest.raises(DataError, match="none of its images is one of the 5 that were scored"):
        verify(packed, tmp_path / "blank")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda name, content: None if name == "proof.json" else content, RunError, "no readable proof.json"),
        (lambda name, content: b"[" if name == "proof.json" else content, RunError, "no readable proof.json"),
        (
            lambda name, content: b'{"version": 1, "images": [1]}' if name == "proof.json" else content,
            RunError,
            "no read",
        ),
        (
            lambda name, content: (
                content.replace(b'"version": 1', b'"version": 9') if name == "proof.json" else content
            ),
            RunError,
            "version 9",
        ),
        (
            lambda name, content: content[:-9] if name.endswith("safetensors") else content,
            CheckpointError,
            "damaged",
        ),
    ],
)
def test_what_is_no_packed_run_is_refused(
    packed: Path,
    tmp_path: Path,
    change: Callable[[str, bytes], bytes | None],
    error: type[UnetError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        verify(rewrite(packed, tmp_path / "bad.zip", change))


def test_files_that_are_no_zip_and_bad_tolerances_are_refused(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("text")
    with pytest.raises(RunError, match="cannot be read"):
        verify(tmp_path / "a.zip")
    with pytest.raises(RunError, match="cannot be read"):
        verify(tmp_path / "gone.zip")
    with pytest.raises(ConfigError, match="tolerance"):
        verify(packed, tolerance=2)


def test_undefined_scores_are_compared_as_such() -> None:
    from unet_core.sharing.verify import _gap

    assert _gap(np.nan, np.nan) == 0.0
    assert np.isnan(_gap(np.nan, 0.5))
    assert _gap(0.5, 0.25) == 0.25


def test_two_kinds_of_pack_at_once_are_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", str(run.folder), "--model", "--verifiable"]) == 2
    assert "Choose one." in capsys.readouterr().err
