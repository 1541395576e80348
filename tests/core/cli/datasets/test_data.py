"""The commands about datasets that are no page's business: convert."""

import json
from pathlib import Path

import pytest

from unet_core import open_dataset
from unet_core.cli.parser import main


def test_convert_says_what_it_wrote(tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    words = [
        "convert",
        str(sample_folder),
        "--output",
        str(output),
        "--images",
        "tiff",
        "--class-names",
        "none,nucleus",
    ]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["output"], result["images"]) == (str(output), 8)
    assert (output / "classes.txt").read_text() == "none\nnucleus\n"
    assert sorted(path.suffix for path in (output / "images").iterdir()) == [".tif"] * 8
    before, after = open_dataset(sample_folder), open_dataset(output)
    for one, other in zip(before, after, strict=True):
        assert (one.id, one.image.tolist(), one.mask.tolist()) == (other.id, other.image.tolist(), other.mask.tolist())


def test_convert_refuses_what_it_cannot_do(tmp_path: Path, sample_folder: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert main(["convert", str(sample_folder), "--output", str(tmp_path)]) != 0
    assert main(["convert", str(tmp_path / "none"), "--output", str(tmp_path / "out")]) != 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
