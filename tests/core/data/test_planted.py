"""No silent wrong result: masks planted in every coding, layout and bit depth are trained as planted, or refused."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unet_core import open_dataset
from unet_core.api.settings import data_settings
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.masks import decide
from unet_core.errors import DataError
from unet_core.io.pixels import encode_png

Pixels = NDArray[Any]
IMAGES, SIDE = 5, 48
COLORS = np.array([[0, 0, 0], [40, 200, 90], [250, 50, 83], [255, 255, 10]], np.uint8)  # in the order of their codes
VOID = 255


@dataclass(frozen=True)
class Plant:
    """What an image really shows: classes (H, W), 255 where nobody knows, and the number of each object."""

    classes: Pixels
    objects: Pixels


def plant(seed: int, classes: int, void: bool) -> Plant:
    """Squares of classes 1 .. classes - 1, each class in several pieces that lie apart from each other."""
    rng = np.random.default_rng(seed)
    truth, objects = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint16)
    for number in range(int(rng.integers(7, 15))):
        row, column = divmod(number, 5)
        window = slice(row * 9 + 1, row * 9 + 7), slice(column * 9 + 1, column * 9 + 7)
        truth[window] = 1 + number % (classes - 1)
        objects[window] = number + 1
        if void and number % 3 == 0:
            truth[window][0] = VOID
    return Plant(truth, objects)


@dataclass(frozen=True)
class Coding:
    """How a truth is stored: `write(plant, number)` gives (file ending, its bytes)."""

    write: Callable[[Plant, int], tuple[str, bytes]]
    classes: tuple[int, ...] = (2,)  # numbers of classes that it can hold
    void: bool = False
    exact: bool = True  # else it must be refused, or read as planted all the same
    settings: tuple[tuple[str, Any], ...] = ()


def png(pixels: Pixels) -> tuple[str, bytes]:
    return ".png", encode_png(pixels)


def saved(image: Image.Image, kind: str, ending: str) -> tuple[str, bytes]:
    import io

    out = io.BytesIO()
    image.save(out, kind)
    return ending, out.getvalue()


def tiff(pixels: Pixels, **options: Any) -> tuple[str, bytes]:
    import io

    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return ".tif", out.getvalue()


def gray(factor: int, void: int | None = None, kind: type = np.uint8) -> Callable[[Plant, int], tuple[str, bytes]]:
    def write(planted: Plant, number: int) -> tuple[str, bytes]:
        mask = planted.classes.astype(kind) * kind(factor)
        if void is not None:
            mask[planted.classes == VOID] = void
        return png(mask) if mask.dtype.itemsize <= 2 else tiff(mask, photometric="minisblack")

    return write


def palette(planted: Plant, number: int, order: tuple[int, ...] = (0, 1, 2, 3)) -> tuple[str, bytes]:
    index = np.argsort(order).astype(np.uint8)
    image = Image.fromarray(np.where(planted.classes == VOID, VOID, index[np.minimum(planted.classes, 3)])).convert("P")
    table = np.zeros((256, 3), np.uint8)
    table[: len(order)] = COLORS[list(order)]
    table[VOID] = 224, 224, 192
    image.putpalette(table.ravel().tolist())
    return saved(image, "PNG", ".png")


def palette_bw(planted: Plant, number: int) -> tuple[str, bytes]:
    image = Image.fromarray(planted.classes if number % 2 else 1 - planted.classes).convert("P")
    image.putpalette([0, 0, 0, 255, 255, 255] if number % 2 else [255, 255, 255, 0, 0, 0])
    return saved(image, "PNG", ".png")


def alpha(planted: Plant, number: int) -> tuple[str, bytes]:
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = 200, 30, 30
    rgba[..., 3] = planted.classes * 255
    return saved(Image.fromarray(rgba), "PNG", ".png")


def class_and_object(planted: Plant, number: int) -> tuple[str, bytes]:
    return png(planted.classes.astype(np.uint16) * 1000 + planted.objects * (planted.classes > 0))


def numbered(planted: Plant, start: int, kind: type) -> tuple[str, bytes]:
    return tiff(np.where(planted.objects, planted.objects + kind(start), 0).astype(kind), photometric="minisblack")


def jpeg(factor: int) -> Callable[[Plant, int], tuple[str, bytes]]:
    return lambda planted, number: saved(Image.fromarray(planted.classes * np.uint8(factor)), "JPEG", ".jpg")


CODINGS = {
    "0 and 1": Coding(gray(1)),
    "0 and 255": Coding(gray(255)),
    "0 and 7": Coding(gray(7)),
    "0 and 65535": Coding(gray(65535, kind=np.uint16)),
    "0 and 1 in 16 bits": Coding(gray(1, kind=np.uint16)),
    "0 and 1 in 32 bits": Coding(gray(1, kind=np.uint32)),
    "1 and 2": Coding(lambda planted, number: png(planted.classes + np.uint8(1))),
    "two annotators": Coding(lambda planted, number: gray(255 if number % 2 else 1)(planted, number)),
    "one bit": Coding(lambda planted, number: saved(Image.fromarray(planted.classes > 0), "PNG", ".png")),
    "GIF": Coding(lambda planted, number: saved(Image.fromarray(planted.classes * np.uint8(255)), "GIF", ".gif")),
    "BMP": Coding(lambda planted, number: saved(Image.fromarray(planted.classes * np.uint8(255)), "BMP", ".bmp")),
    "gray in RGB": Coding(lambda planted, number: png(np.repeat(planted.classes[..., None] * np.uint8(255), 3, 2))),
    "black and white palettes": Coding(palette_bw),
    "one color": Coding(lambda planted, number: png(COLORS[planted.classes])),
    "JPEG of 0 and 255": Coding(jpeg(255)),
    "alpha": Coding(alpha),
    "void 255 beside 1": Coding(gray(1, void=VOID), void=True),
    "void by the setting": Coding(gray(255, void=100), void=True, settings=(("ignore_index", 100),)),
    "object numbers": Coding(lambda planted, number: png(planted.objects.astype(np.uint8))),
    "object numbers in 16 bits": Coding(lambda planted, number: png(planted.objects)),
    "object numbers from 300": Coding(lambda planted, number: numbered(planted, 300 + 40 * number, np.uint16)),
    "object numbers in 32 bits": Coding(lambda planted, number: numbered(planted, 70_000 + 1000 * number, np.uint32)),
    "class indices": Coding(gray(1), classes=(3, 4)),
    "class indices in 16 bits": Coding(gray(1, kind=np.uint16), classes=(3, 4)),
    "class indices and void 255": Coding(gray(1, void=VOID), classes=(3, 4), void=True),
    "class indices from 1": Coding(lambda planted, number: png(planted.classes + np.uint8(1)), classes=(3, 4)),
    "palette": Coding(palette, classes=(3, 4)),
    "palette and void": Coding(palette, classes=(3, 4), void=True),
    "colors": Coding(lambda planted, number: png(COLORS[planted.classes]), classes=(3, 4)),
    "palettes that differ": Coding(
        lambda planted, number: palette(planted, number, ((0, 1, 2, 3), (0, 2, 1, 3))[number % 2]), classes=(3,)
    ),
    "class * 1000 + object": Coding(class_and_object, classes=(3, 4)),
    "listed gray levels": Coding(gray(80), classes=(3, 4), settings=(("color_map", "listed"),)),
    "class indices in JPEG": Coding(jpeg(1), classes=(3, 4), exact=False),
    "gray levels that are not listed": Coding(gray(80), classes=(4,), exact=False),
}  # fmt: skip


def image_of(planted: Plant, number: int, kind: str) -> tuple[str, bytes]:
    """An image of the plant with noise, in one of the bit depths."""
    rng = np.random.default_rng(1000 + number)
    level = planted.classes.astype(np.float64) % VOID * 40 + rng.integers(0, 30, planted.classes.shape) + 20
    if kind == "rgb":
        return png(np.stack([level, level / 2, 255 - level], 2).astype(np.uint8))
    if kind == "jpeg":
        return saved(Image.fromarray(level.astype(np.uint8)), "JPEG", ".jpg")
    if kind == "16 bits":
        return png((level * 200).astype(np.uint16))
    if kind == "float":
        return tiff(level.astype(np.float32) - 50, photometric="minisblack")
    return png(level.astype(np.uint8))


def paired(root: Path, names: list[str], images: list, masks: list) -> None:
    _put(root, ((f"images/{n}", i) for n, i in zip(names, images, strict=True)))
    _put(root, ((f"masks/{n}", m) for n, m in zip(names, masks, strict=True)))


def mixed(root: Path, names: list[str], images: list, masks: list) -> None:
    _put(root, ((n, i) for n, i in zip(names, images, strict=True)))
    _put(root, ((f"{n}_mask", m) for n, m in zip(names, masks, strict=True)))


def split(root: Path, names: list[str], images: list, masks: list) -> None:
    parts = ["train", "train", "train", "val", "test"]
    _put(root, ((f"{p}/images/{n}", i) for p, n, i in zip(parts, names, images, strict=True)))
    _put(root, ((f"{p}/masks/{n}", m) for p, n, m in zip(parts, names, masks, strict=True)))


def dsb(root: Path, names: list[str], images: list, masks: list) -> None:
    _put(root, ((f"{n}/images/{n}", i) for n, i in zip(names, images, strict=True)))
    _put(root, ((f"{n}/masks/m", m) for n, m in zip(names, masks, strict=True)))


def _put(root: Path, files: Iterator[tuple[str, tuple[str, bytes]]]) -> None:
    for name, (ending, data) in files:
        path = root / f"{name}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


LAYOUTS = {"paired": paired, "mixed": mixed, "split": split, "dsb": dsb}
KINDS = ("gray", "rgb", "jpeg", "16 bits", "float")
COMBINATIONS = [
    (name, classes, layout, kind)
    for (name, coding), layout, kind in itertools.product(CODINGS.items(), LAYOUTS, KINDS)
    for classes in coding.classes
]


def test_there_are_at_least_500_combinations() -> None:
    assert len(COMBINATIONS) >= 500


@pytest.mark.parametrize(("name", "classes"), [(name, n) for name, coding in CODINGS.items() for n in coding.classes])
def test_what_is_read_is_what_was_planted(tmp_path: Path, name: str, classes: int) -> None:
    coding = CODINGS[name]
    plants = [plant(seed, classes, coding.void) for seed in range(IMAGES)]
    names = [f"cell_{number}" for number in range(IMAGES)]
    masks = [coding.write(planted, number) for number, planted in enumerate(plants)]
    settings = dict(coding.settings)
    if settings.get("color_map") == "listed":
        settings["color_map"] = ";".join(str(80 * index) for index in range(classes))
    refused = set()
    for layout, kind in itertools.product(LAYOUTS, KINDS):
        root = tmp_path / layout / kind
        LAYOUTS[layout](root, names, [image_of(p, n, kind) for n, p in enumerate(plants)], masks)
        try:
            dataset = open_dataset(root, **settings)
        except DataError:
            refused.add((layout, kind))
            continue
        assert len(dataset) == IMAGES
        for item in dataset:
            planted = plants[int(item.path.stem.rpartition("_")[2])]
            assert np.array_equal(item.mask, planted.classes), (layout, kind, item.id, dataset.warnings)
        assert dataset.num_classes == (1 if classes == 2 else classes), (layout, kind, dataset.warnings)
    assert not (coding.exact and refused)
    if not refused:  # a first look, as `plan` and the page take it, sees the same classes
        data = data_settings(tmp_path / "paired" / "rgb", settings, RunConfig()).data
        search = discovery.search_data(data)
        facts = fingerprint.measure_samples(search.samples, data, search=search)
        assert len(facts.class_shares) == classes
        first, _ = decide.look(search, data, ModelConfig(), search.samples)
        assert (first.kind == "classes") == (classes > 2)
