"""Datasets of every kind of image and mask on their whole way: loaded, told about, trained on, predicted, scored."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image

from unet_core.cli.parser import main
from unet_core.config.choices import AUGMENTATIONS
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig, TrainConfig
from unet_core.data import discovery
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.layouts import Sample
from unet_core.data.normalization import normalize, statistics
from unet_core.data.sampling import batches
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import RunFinished, Warned
from unet_core.training import runner

Array = NDArray[Any]
TINY = ModelConfig(base_channels=2, depth=1, image_size=16)
SIDE = 24


def truth(seed: int, classes: int = 2) -> Array:
    """Blocks of 4 x 4 pixels of one class each; every class is there."""
    blocks = np.random.default_rng(seed).permutation(np.arange(36) % classes).reshape(6, 6)
    return np.kron(blocks, np.ones((4, 4), int)).astype(np.uint8)


def saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def tiff(pixels: Array, **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def indexed(mask: Array, colors: list[int], kind: str) -> bytes:
    picture = Image.fromarray(mask).convert("P")
    picture.putdata(mask.ravel().tolist())
    picture.putpalette(colors)
    return saved(picture, kind)


def write(root: Path, pairs: list[tuple[bytes, str, bytes, str]]) -> list[Sample]:
    for number, (image, image_end, mask, mask_end) in enumerate(pairs):
        for kind, data, end in (("images", image, image_end), ("masks", mask, mask_end)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            (root / kind / f"{number}.{end}").write_bytes(data)
    return discovery.find(root)


def photo(seed: int, side: int = SIDE) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


BIG = np.ones((11, 11), np.uint8)  # no multiple of the 8 pixels of a JPEG block
VIVID = np.array([[0, 0, 0], [0, 200, 0], [250, 0, 9]], np.uint8)
MASKS: dict[str, tuple[Any, str, int, str]] = {  # how a mask of class indices is written, its ending, classes, warning
    "0/255": (lambda m: saved(Image.fromarray(m * 255), "PNG"), "png", 2, ""),
    "0/1": (lambda m: saved(Image.fromarray(m), "PNG"), "png", 2, ""),
    "1 bit": (lambda m: saved(Image.fromarray(m * 255).convert("1"), "PNG"), "png", 2, ""),
    "GIF 0/255": (lambda m: indexed(m * 255, [v for v in range(256) for _ in "rgb"], "GIF"), "gif", 2, ""),
    "GIF black and white": (lambda m: indexed(m, [0, 0, 0, 255, 255, 255], "GIF"), "gif", 2, ""),
    "GIF white first": (lambda m: indexed(1 - m, [255, 255, 255, 0, 0, 0], "GIF"), "gif", 2, ""),
    "RGBA 0/255": (lambda m: saved(Image.fromarray(np.dstack([m * 255] * 4)), "PNG"), "png", 2, ""),
    "16 bits 0/65535": (lambda m: tiff(m * np.uint16(65535)), "tif", 2, ""),
    "float 0/1": (lambda m: tiff(m.astype(np.float32)), "tif", 2, ""),
    "JPEG": (lambda m: saved(Image.fromarray(np.kron(m * np.uint8(255), BIG)), "JPEG"), "jpg", 2, "thresholded"),
    "indices": (lambda m: saved(Image.fromarray(m), "PNG"), "png", 3, ""),
    "palette PNG": (lambda m: indexed(m, VIVID.ravel().tolist(), "PNG"), "png", 3, ""),
    "palette GIF": (lambda m: indexed(m, VIVID.ravel().tolist(), "GIF"), "gif", 3, ""),
    "16-bit labels": (lambda m: tiff(m.astype(np.uint16)), "tif", 3, ""),
    "int32 labels": (lambda m: tiff(m.astype(np.int32)), "tif", 3, ""),
    "colors": (lambda m: saved(Image.fromarray(VIVID[m]), "PNG"), "png", 3, "3 colors were found"),
    "two colors": (lambda m: saved(Image.fromarray(VIVID[m]), "BMP"), "bmp", 2, "2 colors were found"),
}


@pytest.mark.parametrize("kind", MASKS)
def test_every_kind_of_mask_gives_the_right_classes(tmp_path: Path, kind: str) -> None:
    encode, ending, classes, warning = MASKS[kind]
    side = SIDE * 11 if kind == "JPEG" else SIDE
    pairs = [(encode_png(photo(n, side)), "png", encode(truth(n, classes)), ending) for n in range(2)]
    found = write(tmp_path, pairs)
    pictures = load_dataset(found, DataConfig(str(tmp_path)), TINY)
    assert pictures.skipped == []
    assert pictures.model.num_classes == (classes if classes > 2 else 1)
    for number in range(2):
        target = pictures[number].mask
        wanted = truth(number, classes)
        np.testing.assert_array_equal(target, np.kron(wanted, BIG) if kind == "JPEG" else wanted)
    assert (warning in " ".join(pictures.warnings)) if warning else pictures.warnings == []
    load_dataset(found[:1], DataConfig(str(tmp_path), cache_mb=0), pictures.model)  # what scoring does


def test_a_palette_under_a_color_map_is_read_through_its_colors(tmp_path: Path) -> None:
    data = indexed(truth(0, 3), VIVID.ravel().tolist(), "PNG")
    found = write(tmp_path, [(encode_png(photo(0)), "png", data, "png")])
    (tmp_path / "colors.csv").write_text("250,0,9,car\n0,0,0,road\n0,200,0,tree\n")
    pictures = load_dataset(found, DataConfig(str(tmp_path), color_map="colors.csv"), TINY)
    assert (pictures.model.num_classes, pictures.warnings) == (3, [])
    np.testing.assert_array_equal(pictures[0].mask, np.array([1, 2, 0])[truth(0, 3)])


def deep(root: Path, as_stored: Any) -> Dataset:
    pairs = []
    for number in range(3):
        data = tiff(as_stored(photo(number)), photometric="rgb")
        pairs.append((data, "tif", encode_png(truth(number)), "png"))
    return load_dataset(write(root, pairs), DataConfig(str(root)), TINY)


def epoch(pictures: Dataset, augment: str = "flips") -> torch.Tensor:
    return torch.cat([batch.images for batch in batches(pictures, TrainConfig(batch_size=4, augment=augment), 1)])


def test_16_bits_train_as_the_same_in_8_bits_does(tmp_path: Path) -> None:
    shallow = deep(tmp_path / "8", lambda pixels: pixels)
    wide = deep(tmp_path / "16", lambda pixels: pixels.astype(np.uint16) * 257)
    real = deep(tmp_path / "float", lambda pixels: (pixels / 7 - 3).astype(np.float32))
    assert [part[0].image.dtype for part in (shallow, wide, real)] == [np.uint8, np.uint16, np.float32]
    for augment in ("none", "flips"):
        assert torch.allclose(epoch(shallow, augment), epoch(wide, augment), atol=1e-5)
        assert torch.allclose(epoch(shallow, augment), epoch(real, augment), atol=1e-4)
    looks = [[part.describe(index) for index in range(3)] for part in (shallow, wide)]
    assert np.allclose(*looks)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_every_augmentation_takes_every_depth(tmp_path: Path, augment: str) -> None:
    for name, stored in (
        ("16", lambda pixels: pixels.astype(np.uint16) * 16),
        ("float", lambda pixels: pixels.astype(np.float32) * 100 - 5000),
        ("flat", lambda pixels: np.full(pixels.shape, 3, np.float32)),
    ):
        found = epoch(deep(tmp_path / name, stored), augment)
        assert found.dtype == torch.float32
        assert found.isfinite().all()
        assert found.abs().max() < 20
        assert name == "flat" or found.std() > 0.5, "cut to the ends of 0..1"


def test_unit_divides_by_the_range_of_the_type(tmp_path: Path) -> None:
    for name, factor, kind in (("8", 1, np.uint8), ("16", 257, np.uint16), ("float", 1 / 255, np.float32)):
        pictures = deep(tmp_path / name, lambda pixels, f=factor, k=kind: (pixels * np.float64(f)).round(6).astype(k))
        image = pictures[0].image
        found = normalize(image, *statistics(image, "unit")).numpy().transpose(1, 2, 0)
        assert image.dtype == kind
        assert np.allclose(found, photo(0) / 255, atol=1e-5)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("background", "All masks are background only"),
        ("ignored", "All pixels of all masks are ignored"),
        ("depths", "have different bit depths (1 uint16, 2 uint8)"),
        ("channels", "have different channels (2 RGB, 1 gray)"),
        ("none", ""),
    ],
)
def test_what_is_hardly_meant_is_told(tmp_path: Path, case: str, told: str) -> None:
    pairs = []
    for number in range(3):
        image, mask = encode_png(photo(number)), truth(number) * (case != "background")
        if number == 0 and case == "depths":
            image = tiff(photo(0).astype(np.uint16), photometric="rgb")
        if number == 0 and case == "channels":
            image = encode_png(photo(0)[:, :, 0].copy())
        pairs.append((image, "png", encode_png(np.full_like(mask, 9) if case == "ignored" else mask), "png"))
    found = write(tmp_path, pairs)
    pictures = load_dataset(found, DataConfig(ignore_index=9 if case == "ignored" else None), TINY)
    assert pictures.skipped == []
    assert len(pictures.warnings) == bool(told)
    assert told in "".join(pictures.warnings)


def test_the_same_image_in_train_and_val_is_told(tmp_path: Path) -> None:
    for part, seeds in (("train", (1, 2, 3)), ("val", (4, 2))):
        for seed in seeds:
            for folder, pixels in ((part, photo(seed)), (f"{part}annot", truth(seed))):
                (tmp_path / folder).mkdir(exist_ok=True)
                (tmp_path / folder / f"{part}{seed}.png").write_bytes(encode_png(pixels))
    pictures = load_dataset(discovery.find(tmp_path), DataConfig(), TINY)
    (warning,) = pictures.warnings
    assert warning.startswith("1 images are in both train and val, so validation scores are too high: val/val2.")


def trained(place: Path, root: Path, **changes: Any) -> runs.Run:
    """A tiny run in this process."""
    config = RunConfig().replace(
        root=str(root), epochs=1, crops_per_image=1, batch_size=4, base_channels=2, depth=1, image_size=16, threads=1,
        device="cpu", precision="fp32", **changes,
    )  # fmt: skip
    run = runs.create(place, config)
    log = EventLog(run.events)
    try:
        runner.run_to_end(run, log)
    finally:
        log.close()
    return run


def test_found_colors_are_told_kept_and_used_for_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One image lacks a color: by itself its classes would be numbered otherwise."""
    shown = [np.where(truth(n, 3) == 1, 2, truth(n, 3)) if n == 0 else truth(n, 3) for n in range(4)]
    pairs = [(encode_png(photo(n)), "png", saved(Image.fromarray(VIVID[m]), "PNG"), "png") for n, m in enumerate(shown)]
    write(tmp_path / "data", pairs)
    run = trained(tmp_path / "runs", tmp_path / "data")
    told = [event for event, _ in read_events(run.events)[0] if isinstance(event, Warned)]
    assert any("3 colors were found and used as classes" in event.message for event in told)
    assert run.coding is not None
    assert run.coding.describe() == "classes: 0 = class 0, 0,200,0 = class 1, 250,0,9 = class 2"
    assert run.data.color_map == ""
    alone = write(tmp_path / "alone", pairs[:1])
    assert len(alone) == 1
    assert main(["evaluate", str(run.folder), str(tmp_path / "alone"), "--split", "all"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1


def test_a_stack_trains_and_is_predicted_page_by_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "isbi"
    root.mkdir()
    for name, count in (("train", 5), ("test", 2)):
        volume = np.stack([photo(n + 10 * count)[:, :, 0] for n in range(count)]).astype(np.uint16) * 257
        (root / f"{name}-volume.tif").write_bytes(tiff(volume, photometric="minisblack"))
    labels = np.stack([truth(n) * np.uint8(255) for n in range(5)])
    (root / "train-labels.tif").write_bytes(tiff(labels, photometric="minisblack"))
    run = trained(tmp_path / "runs", root)
    assert isinstance(read_events(run.events)[0][-1][0], RunFinished)
    ids = sorted(name for part in run.split().values() for name in part)
    assert ids == [f"train-volume/{page:03d}" for page in range(5)]
    assert len({digest for part in run.split().values() for digest in part.values()}) == 5
    assert main(["evaluate", str(run.folder), str(root), "--split", "all"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 5
    out = tmp_path / "masks"
    assert main(["predict", str(run.folder), str(root / "test-volume.tif"), "--output", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 2
    assert sorted(path.name for path in out.iterdir()) == ["test-volume_000.png", "test-volume_001.png"]
    assert images.read_mask(out / "test-volume_000.png").shape == (SIDE, SIDE)
    animated = tmp_path / "a.gif"
    frames = [Image.fromarray(photo(n)) for n in range(3)]
    frames[0].save(animated, save_all=True, append_images=frames[1:])
    assert main(["predict", str(run.folder), str(animated), "--output", str(out)]) == 2
    assert "contains 3 images, but one is expected" in capsys.readouterr().err


def test_a_dsb_test_folder_and_every_kind_of_image_can_be_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "data", [(encode_png(photo(n)), "png", encode_png(truth(n)), "png") for n in range(3)])
    run = trained(tmp_path / "runs", tmp_path / "data")
    kinds = {
        "a.png": encode_png(photo(1)),
        "b.tif": tiff(photo(1).astype(np.uint16) * 257, photometric="rgb"),
        "c.tiff": tiff(photo(1).astype(np.float32), photometric="rgb"),
        "d.jpg": saved(Image.fromarray(photo(1)), "JPEG"),
        "e.webp": saved(Image.fromarray(photo(1)), "WEBP", lossless=True),
        "f.bmp": saved(Image.fromarray(photo(1)), "BMP"),
        "g.gif": saved(Image.fromarray(photo(1)), "GIF"),
        "h.tif": saved(Image.fromarray(photo(1)).convert("CMYK"), "TIFF"),
        "i.png": saved(Image.fromarray(photo(1)).convert("LA"), "PNG"),
    }
    for name, data in kinds.items():
        folder = tmp_path / "test" / "stage1_test" / name[0] / "images"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data)
    out = tmp_path / "masks"
    assert main(["predict", str(run.folder), str(tmp_path / "test"), "--output", str(out)]) == 0
    assert json.loads(capsys.readouterr().out) == {"images": 9, "output": str(out), "skipped": 0}
    found = [images.read_mask(out / f"{name}.png") for name in "abce"]
    assert all((one != found[0]).mean() < 0.01 for one in found), "the same picture, whatever it is stored as"
    assert len(discovery.find(tmp_path / "test", unmasked=True)) == 9
