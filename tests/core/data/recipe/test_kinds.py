"""Every kind of repair says what it does in a sentence, and refuses what it cannot do."""

import pytest

from unet_core.data.recipe.kinds import REPAIRS, check, describe, tell
from unet_core.data.recipe.recipe import Recipe, Repair, make_repair
from unet_core.errors import DataError

SENTENCES = {
    "leave_out": (make_repair("leave_out", ["a", "b"]), "Left out: a, b"),
    "pair": (make_repair("pair", ["a"], masks=["m/x.png"]), "Image of a paired with m/x.png"),
    "together": (make_repair("together", ["a", "b"]), "Kept together: a, b"),
    "subset": (make_repair("subset", ["a", "b"], part="val"), "Images of a, b put into val"),
    "fit": (
        make_repair("fit", ["a"], how="pad"),
        "Mask of a padded to the size of the image around the center; the new pixels do not count",
    ),
    "turn": (make_repair("turn", ["a"], orientation=6), "Mask of a turned by 90 degrees clockwise"),
    "shift": (make_repair("shift", ["a.png"], down=3, right=-2), "Mask of a.png moved 3 px down and 2 px left"),
    "recode": (make_repair("recode", values=["1:255"]), "All masks recoded: 1 to 255"),
    "threshold": (make_repair("threshold", list("abcde"), level=127), "Masks of a, b, c and 2 more cut at 127"),
    "snap": (make_repair("snap"), "All masks set to the nearest of their frequent values"),
    "invert": (make_repair("invert", ["a"]), "Mask of a inverted: background and foreground swapped"),
    "remove_specks": (make_repair("remove_specks", area=9), "All masks without pieces smaller than 9 px"),
    "fill_holes": (make_repair("fill_holes", area=9), "All masks with holes smaller than 9 px filled"),
    "scale_intensity": (
        make_repair("scale_intensity", ["a"], factor=256.0, dtype="uint16"),
        "Image of a multiplied by 256 and read as uint16",
    ),
}


@pytest.mark.parametrize("kind", REPAIRS)
def test_every_kind_is_described(kind: str) -> None:
    repair, sentence = SENTENCES[kind]
    assert repair.kind == kind
    assert describe(repair).startswith(sentence)
    assert not describe(repair).endswith(".")
    check(Recipe((repair,)))


@pytest.mark.parametrize(
    ("repair", "sentence"),
    [
        (make_repair("fit", how="scale"), "All masks scaled to the size of the image (nearest pixel)"),
        (
            make_repair("fit", how="crop", at="top_left"),
            "All masks cropped to the size of the image from the top left corner",
        ),
        (make_repair("shift", down=-1), "All masks moved 1 px up"),
        (make_repair("shift", ["\udcff"]), "Mask of � left where they are"),
        (make_repair("scale_intensity", factor=0.5), "All images multiplied by 0.5"),
    ],
)
def test_how_it_is_done_is_said(repair: Repair, sentence: str) -> None:
    assert describe(repair).replace("?", "�") == sentence


@pytest.mark.parametrize(
    ("repair", "problem"),
    [
        (make_repair("blur"), "the repair 'blur' is unknown; known are leave_out, pair,"),
        (make_repair("invert", strong=1), "the repair 'invert' has no option 'strong'; its options: none."),
        (make_repair("turn"), "the repair 'turn' lacks the option 'orientation': one of 2, 3, 4, 5, 6, 7, 8."),
        (make_repair("turn", orientation=1), "orientation of the repair 'turn' is 1; expected one of 2, 3"),
        (make_repair("shift", down=1.5), "down of the repair 'shift' is 1.5; expected a whole number from -100000 to"),
        (make_repair("shift", down=True), "down of the repair 'shift' is True; expected a whole number"),
        (make_repair("remove_specks", area=0), "area of the repair 'remove_specks' is 0; expected a whole number from"),
        (
            make_repair("threshold", level=float("nan")),
            "level of the repair 'threshold' is nan; expected a number from",
        ),
        (make_repair("recode", values="1:2"), "values of the repair 'recode' is '1:2'; expected a list of texts."),
        (make_repair("recode", values=["1"]), "values of the repair 'recode' hold '1'; expected OLD:NEW"),
        (make_repair("recode", values=["1:256,0,0"]), "values of the repair 'recode' hold '1:256,0,0'; expected"),
        (make_repair("recode", values=["1:0,0,0"]), "which turns a number into a color or back."),
        (make_repair("subset", part="new"), "part of the repair 'subset' is 'new'; expected one of train, val, test."),
        (make_repair("pair", masks=["a.png"]), "the repair 'pair' names 0 samples; expected one sample."),
        (make_repair("together", ["a"]), "the repair 'together' names 1 samples; expected 2 or more samples."),
        (make_repair("leave_out"), "the repair 'leave_out' names 0 samples; expected 1 or more samples."),
    ],
)
def test_what_cannot_be_is_refused_by_name(repair: Repair, problem: str) -> None:
    with pytest.raises(DataError) as refusal:
        check(Recipe((make_repair("invert"), repair)))
    assert str(refusal.value).startswith("studio.json: ")
    assert problem in str(refusal.value)


def test_what_is_applied_is_told_once() -> None:
    assert tell(Recipe()) == []
    assert tell(Recipe((make_repair("invert", ["a"]), make_repair("snap", ["b"])))) == [
        "2 repairs of studio.json are applied: Mask of a inverted: background and foreground swapped; "
        "Mask of b set to the nearest of their frequent values."
    ]
    many = [make_repair("turn", [name], orientation=6) for name in "abcd"]
    groups = [make_repair("together", names) for names in ("ab", "cd")]
    assert tell(Recipe((*many, make_repair("turn", ["e"], orientation=3), *groups))) == [
        "7 repairs of studio.json are applied: Masks of a, b, c and 1 more turned by 90 degrees clockwise; "
        "Mask of e turned by 180 degrees; Kept together: a, b; Kept together: c, d."
    ]
