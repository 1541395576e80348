"""What mask values mean: every coding is read to the classes that were planted, told where guessed, or refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.detect import detect_coding
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import encode_pixels, encode_value, parse_color_map
from unet_core.errors import DataError

Pixels = NDArray[Any]
COLORS = np.array([[0, 0, 0], [250, 50, 83], [51, 221, 255], [90, 0, 160]], np.uint8)


def spots(*values: int, side: int = 48, size: int = 6) -> NDArray[np.int64]:
    """A mask with a square for each value, row by row, each apart from the others."""
    mask = np.zeros((side, side), np.int64)
    for index, value in enumerate(values):
        row, column = divmod(index, side // (size + 2))
        mask[row * (size + 2) :, column * (size + 2) :][1 : size + 1, 1 : size + 1] = value
    return mask


def scene(seed: int, classes: int = 2) -> NDArray[np.int64]:
    """A class mask in which every class has several pieces."""
    rng = np.random.default_rng(seed)
    return spots(*(1 + n % (classes - 1) for n in range(int(rng.integers(6, 12)))))


def gather(*raws: RawMask | Pixels) -> Evidence:
    evidence = Evidence()
    for number, raw in enumerate(raws):
        if isinstance(raw, RawMask):
            evidence.add(raw, f"m{number}.png")
        else:
            codes = frozenset(np.unique(encode_pixels(raw)).tolist())
            evidence.add(RawMask(raw, parts=(codes,)), f"m{number}.png")
    return evidence


def read(*masks: Pixels, **settings: Any) -> tuple[MaskCoding, list[NDArray[np.uint8]], list[str]]:
    coding, told = detect_coding(gather(*masks), **settings)
    return coding, [coding.apply(RawMask(mask)) for mask in masks], told


def as_u8(mask: Pixels) -> Pixels:
    return mask.astype(np.uint8)


def counted(counts: dict[int, int]) -> Evidence:
    """The evidence of one mask that has so many pixels of each gray level."""
    return gather(np.repeat(np.array(list(counts), np.uint8), list(counts.values()))[None])


@pytest.mark.parametrize(
    ("values", "num_classes", "ignore_index", "expected", "classes"),
    [
        ({0, 1}, 0, None, {0: 0, 1: 1}, 1),
        ({0, 255}, 0, None, {0: 0, 255: 1}, 1),
        ({0, 7}, 0, None, {0: 0, 7: 1}, 1),
        ({0, 255}, 1, None, {0: 0, 255: 1}, 1),
        ({0}, 0, None, {0: 0}, 1),
        ({255}, 0, None, {255: 1}, 1),
        ({0, 1, 255}, 0, 255, {0: 0, 1: 1, 255: IGNORE}, 1),
        ({0, 255}, 0, 0, {0: IGNORE, 255: 1}, 1),
        ({0, 128, 255}, 0, 128, {0: 0, 128: IGNORE, 255: 1}, 1),
        ({0, 1, 2}, 0, None, {0: 0, 1: 1, 2: 2}, 3),
        ({0, 1, 2, 63}, 0, None, {0: 0, 1: 1, 2: 2, 63: 63}, 64),
        ({1, 2}, 0, None, {1: 0, 2: 1}, 1),
        ({1, 2, 3}, 0, None, {1: 0, 2: 1, 3: 2}, 3),
        ({1, 2, 3}, 4, None, {1: 1, 2: 2, 3: 3}, 4),
        ({0, 1, 2, 255}, 0, 255, {0: 0, 1: 1, 2: 2, 255: IGNORE}, 3),
        ({0, 1, 2, 255}, 0, None, {0: 0, 1: 1, 2: 2, 255: IGNORE}, 3),
        ({0, 1, 255}, 0, None, {0: 0, 1: 1, 255: IGNORE}, 1),
        ({0, 1, 2, 3}, 0, 1, {0: 0, 1: IGNORE, 2: 2, 3: 3}, 4),
        ({0, 1}, 2, None, {0: 0, 1: 1}, 1),
        ({0, 255}, 2, None, {0: 0, 255: 1}, 1),
        ({0, 7, 255}, 2, 255, {0: 0, 7: 1, 255: IGNORE}, 1),
        ({0, 3}, 5, None, {0: 0, 3: 3}, 5),
        ({0, 200}, 254, None, {0: 0, 200: 200}, 254),
        ({0, 1, 11}, 11, 11, {0: 0, 1: 1, 11: IGNORE}, 11),
        ({0, 200, 255}, 1, 255, {0: 0, 200: 1, 255: IGNORE}, 1),
    ],
)
def test_gray_values(
    values: set[int], num_classes: int, ignore_index: int | None, expected: dict[int, int], classes: int
) -> None:
    mask = np.array([sorted(values)], np.uint8)
    coding, (target,), _ = read(mask, num_classes=num_classes, ignore_index=ignore_index)
    assert {int(value): int(index) for value, index in zip(mask[0], target[0], strict=True)} == expected
    assert coding.num_classes == classes


@pytest.mark.parametrize(
    ("values", "num_classes", "ignore_index", "message"),
    [
        ({0, 1, 64}, 0, None, "The masks hold 3 values (0, 1, 64), 0 for example in m0.png, which are neither"),
        ({0, 1, 2}, 1, None, "one class asks for background and one other value. Set num_classes to 0"),
        ({0, 1, 5, 7}, 3, None, "with 3 classes they must be 0 to 2. Raise num_classes to 8."),
        ({0, 1, 5, 255}, 3, 255, "with 3 classes they must be 0 to 2. Raise num_classes to 6, or ignore_index to 5"),
        ({0, 1, 2}, 2, None, "with 2 classes they must be 0 to 1. Raise num_classes to 3, or ignore_index to 2"),
    ],
)
def test_values_that_fit_nothing_are_asked_about(
    values: set[int], num_classes: int, ignore_index: int | None, message: str
) -> None:
    with pytest.raises(DataError) as refusal:
        read(np.array([sorted(values)], np.uint8), num_classes=num_classes, ignore_index=ignore_index)
    assert message in str(refusal.value)


SOFT = {0: 6000, 3: 500, 80: 100, 128: 100, 200: 100, 250: 200, 255: 3000}


@pytest.mark.parametrize("num_classes", [0, 1, 2])
def test_soft_edges_are_cut_at_half_and_told(num_classes: int) -> None:
    coding, told = detect_coding(counted(SOFT), num_classes)
    target = coding.apply(RawMask(np.arange(256, dtype=np.uint8)[None]))
    assert target.tolist() == [[int(value > 127) for value in range(256)]]
    assert told == [
        "The masks hold 7 gray levels, 10.0% of the pixels between 0 and 255 (blurred or compressed edges). They were "
        "thresholded: above 127 is foreground."
    ]


@pytest.mark.parametrize("values", [(0, 254, 255), (0, 1, 254, 255), (0, 2, 3, 252, 253)])
def test_two_levels_near_white_are_one(values: tuple[int, ...]) -> None:
    coding, remarks = detect_coding(counted(dict.fromkeys(values, 500)))
    assert coding.threshold == 127
    assert "thresholded" in remarks[0]


@pytest.mark.parametrize(
    "counts",
    [
        {**SOFT, 128: 1000},  # more than a twentieth between
        {0: 9000, 70: 100, 149: 100, 150: 1, 151: 1},  # many classes, nothing near 255
        {0: 9000, 128: 100, 255: 3000},  # a map of three levels
    ],
    ids=["too soft", "no white", "three levels"],
)
def test_what_may_be_classes_is_asked_about(counts: dict[int, int]) -> None:
    with pytest.raises(DataError, match="neither 0 and one other value nor class numbers below 64"):
        detect_coding(counted(counts))


def test_two_ways_to_write_the_foreground_are_one_class() -> None:
    truths = [scene(n) for n in range(4)]
    coding, targets, told = read(*(as_u8(truth * (255 if n % 2 else 1)) for n, truth in enumerate(truths)))
    assert [target.tolist() for target in targets] == [truth.tolist() for truth in truths]
    assert coding.kind == "binary"
    assert "Some masks mark the foreground with 1 and others with 255 (1 (" in told[0]


def test_classes_that_never_meet_stay_two() -> None:
    truths = [spots(1, 1, 1), spots(2, 2, 2), spots(1, 1)]
    coding, targets, _ = read(*map(as_u8, truths))
    assert coding.num_classes == 3
    assert [target.tolist() for target in targets] == [truth.tolist() for truth in truths]


def test_void_beside_one_class_is_not_its_other_spelling() -> None:
    masks = [as_u8(spots(1, 255, 1)), as_u8(spots(1, 1)), as_u8(spots(255, 1))]
    _, targets, told = read(*masks)
    assert [target.tolist() for target in targets] == [mask.tolist() for mask in masks]
    assert told[0].startswith("The value 255 stands beside small class numbers (255 (")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("counts", [(6, 9, 3), (12, 20, 15), (1, 7, 5)])
def test_object_numbers_are_foreground_and_told(kind: type, counts: tuple[int, ...]) -> None:
    masks = [spots(*range(1, count + 1)) for count in counts]
    coding, targets, told = read(*(mask.astype(kind) for mask in masks))
    assert coding.kind == "instances"
    assert [target.tolist() for target in targets] == [(mask > 0).astype(int).tolist() for mask in masks]
    assert told[0].startswith("The values of the masks number objects (")
    objects = coding.objects(RawMask(masks[0].astype(kind)))
    assert objects is not None
    assert len(np.unique(objects)) - 1 == counts[0]


def test_more_object_numbers_than_a_byte_holds() -> None:
    masks = [spots(*range(200 * n + 1, 200 * n + 31)).astype(np.uint16) for n in range(12)]
    coding, targets, _ = read(*masks)
    assert coding.kind == "instances"
    assert all(target.max() == 1 for target in targets)


def test_object_numbers_with_void_rim() -> None:
    masks = [spots(*range(1, count), 255) for count in (9, 15, 12)]
    coding, targets, _ = read(*map(as_u8, masks))
    assert coding.kind == "instances"
    assert all(((target == IGNORE) == (mask == 255)).all() for target, mask in zip(targets, masks, strict=True))


@pytest.mark.parametrize("classes", [3, 5, 12])
def test_classes_in_several_pieces_are_no_object_numbers(classes: int) -> None:
    rng = np.random.default_rng(classes)
    masks = [as_u8(spots(*rng.integers(1, classes, 30))) for _ in range(6)]
    coding, targets, _ = read(*masks)
    assert coding.kind == "classes"
    assert all((target == mask).all() for target, mask in zip(targets, masks, strict=True))


def test_organs_one_piece_each_are_no_object_numbers() -> None:
    masks = [as_u8(spots(*values)) for values in ((1, 2, 3, 4), (1, 2, 4), (2, 3, 4), (1, 2, 3, 4), (1, 3))]
    coding, targets, _ = read(*masks)
    assert coding.num_classes == 5
    assert all((target == mask).all() for target, mask in zip(targets, masks, strict=True))


@pytest.mark.parametrize(("labels", "kind"), [("classes", "classes"), ("instances", "instances")])
def test_the_setting_decides(labels: str, kind: str) -> None:
    masks = [as_u8(spots(*range(1, count + 1))) for count in (6, 9, 12)]
    coding, targets, _ = read(*masks, labels=labels)
    assert coding.kind == kind
    expected = masks if labels == "classes" else [as_u8(mask > 0) for mask in masks]
    assert all((target == mask).all() for target, mask in zip(targets, expected, strict=True))


def test_touching_objects_are_parted_where_they_are_numbered() -> None:
    numbers = np.zeros((12, 20), np.uint8)
    numbers[2:10, 1:7], numbers[2:10, 7:13], numbers[3:6, 15:18] = 1, 2, 3
    coding, (mask,), _ = read(numbers, labels="instances")
    apart = coding.apply_apart(RawMask(numbers))
    expected = mask.copy()
    expected[2:10, 6:8] = 0
    assert apart.tolist() == expected.tolist()
    binary, (whole,), _ = read(as_u8(numbers > 0))
    assert binary.apply_apart(RawMask(as_u8(numbers > 0))).tolist() == whole.tolist()


def test_class_times_1000_plus_object() -> None:
    truths = [spots(1, 2, 1, 2, 2), spots(2, 1, 1)]
    numbered = []
    for truth in truths:
        mask = truth * 1000
        for index, (row, column) in enumerate(np.argwhere((truth > 0) & (np.roll(truth, 1, 0) == 0))[::6]):
            mask[row : row + 6, column : column + 6] += index * (truth[row : row + 6, column : column + 6] > 0)
        numbered.append(mask.astype(np.uint16))
    coding, targets, told = read(*numbered)
    assert coding.divisor == 1000
    assert [target.tolist() for target in targets] == [truth.tolist() for truth in truths]
    assert told[0].startswith("The values of the masks are class * 1000 + object number")


def test_colors_are_classes_in_sorted_order_behind_black() -> None:
    truths = [scene(n, 4) for n in range(3)]
    coding, targets, told = read(*(COLORS[truth] for truth in truths))
    order = [0, *sorted(encode_value(tuple(color)) for color in COLORS[1:].tolist())]
    assert [code for code, _ in coding.classes] == order
    lookup = np.array([order.index(encode_value(tuple(color))) for color in COLORS.tolist()])
    assert [target.tolist() for target in targets] == [lookup[truth].tolist() for truth in truths]
    assert told[0].startswith("The masks are in color; 4 colors were found and used as classes: 0 = (0), 1 = (")
    remedy = told[0].partition('for example to "')[2].removesuffix('".')
    again, _ = detect_coding(gather(*(COLORS[truth] for truth in truths)), color_map=parse_color_map(remedy, None))  # type: ignore[arg-type]
    assert dict(again.classes) == dict(coding.classes)


def test_without_black_the_most_frequent_color_is_the_background() -> None:
    colors = COLORS.copy()
    colors[0] = 10, 20, 30
    coding, _, _ = read(*(colors[scene(n, 3)] for n in range(2)))
    assert coding.classes[0] == (encode_value((10, 20, 30)), 0)


def smooth(mask: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.blur(mask, (3, 3)))


def test_smoothed_colors_go_to_the_nearest_and_are_told() -> None:
    truths = [scene(n, 3) for n in range(4)]
    coding, targets, told = read(*(smooth(COLORS[truth]) for truth in truths))
    assert coding.num_classes == 3
    assert coding.nearest
    inner = [as_u8(truth) for truth in truths]
    lookup = np.array([0, 2, 1])  # (51, 221, 255) has the smaller code
    same = [(target == lookup[truth]).mean() for target, truth in zip(targets, inner, strict=True)]
    assert min(same) > 0.93
    assert "The edges in the masks are smoothed" in told[0]


def test_photos_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="colors, more than 64, so they are not classes"):
        read(rng.integers(0, 256, (48, 48, 3)).astype(np.uint8))


def test_a_color_map_says_the_order_and_what_is_ignored() -> None:
    truth = scene(0, 4)
    order = [encode_value(tuple(color)) for color in COLORS[[3, 0, 1, 2]].tolist()]
    coding, (target,), told = read(COLORS[truth], color_map=order, ignore_index=3)
    assert target.tolist() == np.array([1, 2, IGNORE, 0])[truth].tolist()
    assert coding.num_classes == 3, "an ignored last class needs no output"
    assert told == []


def test_a_color_that_the_map_does_not_name_is_refused_by_file() -> None:
    with pytest.raises(DataError, match=r"hold 1 values that color_map does not list: 250,50,83 \(\d+ pixels, m0.png"):
        read(COLORS[scene(0)], color_map=[0, 0x0000FF])


@pytest.mark.parametrize("num_classes", [2, 5])
def test_detected_colors_must_be_as_many_as_the_model_has_classes(num_classes: int) -> None:
    with pytest.raises(DataError, match=f"but the model has {num_classes}"):
        read(COLORS[scene(0, 4)], num_classes=num_classes)


def test_a_map_of_gray_levels() -> None:
    mask = np.array([[0, 128, 255]], np.uint8)
    _, (target,), _ = read(mask, color_map=parse_color_map("255;0;128", None))  # type: ignore[arg-type]
    assert target.tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("white", [256, 1000, 65535])
def test_one_large_label_is_foreground(white: int) -> None:
    truth = scene(1)
    _, (target,), _ = read((truth * white).astype(np.uint16))
    assert target.tolist() == truth.tolist()


def palette(*colors: tuple[int, int, int]) -> NDArray[np.uint8]:
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table


def test_palettes_that_differ_are_read_by_color() -> None:
    truths, raws = [scene(n, 3) for n in range(4)], []
    for number, truth in enumerate(truths):
        swapped = number % 2
        table = palette((0, 0, 0), *(((0, 255, 0), (255, 0, 0)) if swapped else ((255, 0, 0), (0, 255, 0))))
        raws.append(RawMask(as_u8(np.array([0, 2, 1])[truth] if swapped else truth), table))
    coding, told = detect_coding(gather(*raws))
    targets = [coding.apply(raw) for raw in raws]
    assert [target.tolist() for target in targets] == [np.array([0, 2, 1])[truth].tolist() for truth in truths]
    assert "The palettes of the masks differ" in told[1]


def test_one_palette_for_all_leaves_indices() -> None:
    truths = [scene(n, 3) for n in range(3)]
    raws = [RawMask(as_u8(truth), palette((0, 0, 0), (9, 9, 200), (200, 0, 0))) for truth in truths]
    coding, _ = detect_coding(gather(*raws))
    assert not coding.palette_colors
    assert [coding.apply(raw).tolist() for raw in raws] == [truth.tolist() for truth in truths]


def test_class_numbers_in_jpeg_are_refused() -> None:
    raw = RawMask(np.array([[0, 1, 2, 3, 2, 1]], np.uint8), lossy=True)
    with pytest.raises(DataError, match="JPEG changes values"):
        detect_coding(gather(raw))


def test_objects_in_files_of_their_own_are_foreground_whatever_their_value() -> None:
    masks = []
    for values in ((70, 80, 90), (255, 1, 65)):
        parts = tuple(frozenset({0, encode_value((value,))}) for value in values)
        masks.append(RawMask(as_u8(spots(*values)), objects=spots(1, 2, 3).astype(np.int32), parts=parts))
    coding, told = detect_coding(gather(*masks))
    assert all((coding.apply(mask) == (mask.values > 0)).all() for mask in masks)
    assert "a file for each object" in told[0]
    assert [coding.objects(mask).tolist() for mask in masks] == [spots(1, 2, 3).tolist()] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "make",
    [
        lambda: read(*(as_u8(scene(n) * 255) for n in range(3)))[0],
        lambda: read(*(as_u8(spots(*range(1, n))) for n in (9, 12, 20)))[0],
        lambda: read(*(COLORS[scene(n, 3)] for n in range(3)))[0],
        lambda: detect_coding(counted(SOFT))[0],
    ],
)
def test_a_coding_is_stored_and_read_again(make: Callable[[], MaskCoding]) -> None:
    coding = make()
    assert MaskCoding.from_json(coding.to_json()) == coding


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "odd", "classes": []}', '{"kind": "binary", "classes": 3}'])
def test_a_damaged_coding_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="stored meaning of mask values"):
        MaskCoding.from_json(text)


def test_a_value_outside_the_coding_is_named() -> None:
    coding, _, _ = read(as_u8(scene(0) * 255))
    with pytest.raises(DataError, match=r"^late\.png: the values 7 \(1 pixels\) are not among those of the dataset"):
        coding.apply(RawMask(np.array([[0, 7]], np.uint8)), "late.png")
