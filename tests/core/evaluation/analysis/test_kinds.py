"""Home is what was trained on, abroad what was held out: by folder, and by what names say."""

import shutil

import numpy as np
import pytest

from tests.helpers.known_faults import LARGE, NO, SURE, echo_images, make_run, paint
from unet_core import compare_kinds
from unet_core.errors import ConfigError, DataError
from unet_core.evaluation.analysis.kinds import describe_sides, to_csv
from unet_core.io.pixels import encode_png


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Of two mice that it was trained on, and of a third, in which the model finds two of four objects."""
    echo_images(monkeypatch)
    for kind in ("images", "masks"):
        for mouse in (1, 2, 3):
            (tmp_path / "data" / kind / f"mouse{mouse}").mkdir(parents=True)
    for mouse in (1, 2, 3):
        for number in range(4):
            image = paint(*LARGE[: 4 if mouse < 3 else 2], value=SURE, on=np.full((100, 100), NO + number, np.uint8))
            name = f"mouse{mouse}/m{mouse}_{number}.png"
            (tmp_path / "data" / "images" / name).write_bytes(encode_png(image + np.uint8(mouse)))
            (tmp_path / "data" / "masks" / name).write_bytes(encode_png(paint(*LARGE) * 255))
    return make_run(tmp_path / "runs", tmp_path / "data", train=("mouse1/m1_0", "mouse1/m1_1", "mouse2/m2_0"))


@pytest.mark.parametrize(
    ("group_by", "names"),
    [("folder", ("mouse1", "mouse2", "mouse3")), ("/(m[0-9])_", ("m1", "m2", "m3"))],
)
def test_a_kind_that_was_held_out_is_abroad(run, group_by, names):
    shift = compare_kinds(run, group_by=group_by)
    assert tuple(kind.name for kind in shift.kinds) == names
    assert [(kind.trained, len(kind.dice)) for kind in shift.kinds] == [(2, 2), (1, 3), (0, 4)]
    assert shift.home.kinds == names[:2] and shift.abroad.kinds == names[2:]
    assert shift.home.dice.tolist() == [1.0] * 5
    assert shift.abroad.dice.tolist() == [pytest.approx(2 * 800 / (800 + 1600))] * 4
    assert shift.sentence == (
        f"Mean Dice at home 1.000 (5 images: {names[0]}, {names[1]}), abroad 0.667 (4 images: {names[2]})."
    )
    assert shift.home.interval.too_few
    assert describe_sides(shift)["abroad_images"] == 4 and describe_sides(shift)["home_kinds"] == 2
    assert to_csv(shift).splitlines()[1:] == [
        f"{names[0]},home,2,2,1.000000",
        f"{names[1]},home,1,3,1.000000",
        f"{names[2]},abroad,0,4,0.666667",
    ]


def test_images_without_a_kind_count_nowhere(run):
    shift = compare_kinds(run, group_by="/(m[13])_")
    assert (shift.unnamed, len(shift.home.dice), len(shift.abroad.dice)) == (3, 2, 4)


def test_where_every_kind_was_trained_on_there_is_no_abroad(run):
    shift = compare_kinds(run, group_by="/(m[12])_")
    assert len(shift.abroad.dice) == 0 and np.isnan(shift.abroad.mean)
    assert shift.sentence.startswith("Every kind among these images was trained on (mean Dice at home: 1.000).")


def test_what_names_no_kinds_is_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="names no kinds"):
        compare_kinds(run, group_by="none")
    with pytest.raises(ConfigError, match="no group"):
        compare_kinds(run, group_by="m1")
    with pytest.raises(DataError, match=r"None of the 9 held-out images such as 'mouse1/m1_2' has a kind by '\(rat\)'"):
        compare_kinds(run, group_by="(rat)")
    shutil.copytree(tmp_path / "data" / "images" / "mouse3", tmp_path / "other" / "images")
    shutil.copytree(tmp_path / "data" / "masks" / "mouse3", tmp_path / "other" / "masks")
    with pytest.raises(DataError, match="it is not known which kinds were"):
        compare_kinds(run, tmp_path / "other", group_by="(m3)")
