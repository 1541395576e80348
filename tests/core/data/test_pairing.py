"""A mixed folder written apart: byte for byte, found again as the same pairs, and nothing overwritten."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.core.data.test_layouts import both, grow, mask, photo
from unet_core.cli.parser import main
from unet_core.data import discovery, pairing
from unet_core.data.masks import files
from unet_core.errors import DataError
from unet_core.io import images


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("image", "truth"),
    [
        ("{}.jpg", "{}_mask.png"),
        ("img_{}.png", "label_{}.png"),
        ("p{0}/s{0}.png", "p{0}/s{0}_seg.tif"),
        ("{}.bmp", "{}.png"),
    ],
)
def test_round_trip(tmp_path: Path, capsys: pytest.CaptureFixture[str], image: str, truth: str) -> None:
    source, output = grow(tmp_path / "mixed", both(image, truth)), tmp_path / "deep" / "apart"
    before = contents(source)
    assert main(["separate", str(source), "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"output": str(output), "images": 3, "merged": 0}
    assert err.count("mask: ") == 3
    assert contents(source) == before
    old, new = discovery.find(source), discovery.find(output, "paired")
    assert discovery.find(output) == new
    assert [sample.id.replace("/", "_") for sample in old] == [sample.id for sample in new]
    for one, other in zip(old, new, strict=True):
        assert one.image.read_bytes() == other.image.read_bytes()
        assert one.masks[0].read_bytes() == other.masks[0].read_bytes()
    assert sorted(path.name for path in output.iterdir()) == ["images", "masks"]
    assert len(contents(output)) == 6


def test_several_objects_become_one_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = grow(tmp_path / "mixed", both("{}.png", "{}_mask.png") | {"1_mask_1.png": mask()})
    assert main(["separate", str(source), "--output", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["merged"] == 1
    assert "1 images have several masks, merged" in err
    first = discovery.find(source)[0]
    assert len(first.masks) == 2
    merged = images.read_mask(tmp_path / "out" / "masks" / "1.png")
    joined = files.read(first, (12, 12, 3))
    np.testing.assert_array_equal(merged, files.foreground(joined.values) * 255)


@pytest.mark.parametrize("there", ["file", "folder"])
def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    source = grow(tmp_path / "mixed", both("{}.png", "{}_mask.png"))
    if there == "file":
        (tmp_path / "out").write_text("mine")
    else:
        grow(tmp_path / "out", {"images/1.png": b"mine"})
    before = contents(tmp_path)
    assert main(["separate", str(source), "--output", str(tmp_path / "out")]) == 2
    assert "holds other files and is left alone; choose a new folder" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_an_empty_folder_is_filled_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(FileNotFoundError):
        pairing.separate({"a": (tmp_path / "gone.png", (tmp_path / "gone2.png",))}, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    grow(tmp_path, {"a.png": photo(), "a_mask.png": mask()})
    same = (tmp_path / "a.png", (tmp_path / "a_mask.png",))
    with pytest.raises(DataError, match=r"another image would be written as a_b\.png too"):
        pairing.separate({"a/b": same, "a_b": same}, tmp_path / "out")
    assert pairing.separate({"a": same}, tmp_path / "out") == 0
    assert len(contents(tmp_path / "out")) == 2


@pytest.mark.parametrize("kind", ["no folder", "no pairs", "a doubt"])
def test_what_cannot_be_told_apart_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    source = tmp_path / "mixed"
    if kind != "no folder":
        grow(source, {f"{k}.png": photo() for k in "12"} | ({"1_mask.png": mask()} if kind == "a doubt" else {}))
    assert main(["separate", str(source), "--output", str(tmp_path / "out")]) == 2
    words = {
        "no folder": "no such folder",
        "no pairs": "images and masks could not be paired",
        "a doubt": "2.png has no",
    }
    assert words[kind] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_predicting_a_mixed_folder_leaves_its_masks_out(tmp_path: Path) -> None:
    grow(tmp_path, both("{}.png", "{}_mask.png") | both("b/{}.png", "b/{}_gt.png"))
    found = pairing.without_masks(tmp_path.rglob("*.png"))
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "1.png",
        "2.png",
        "3.png",
        "b/1.png",
        "b/2.png",
        "b/3.png",
    ]
