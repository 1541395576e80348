"""One image is known under every name and format that keeps its pixels; a lossy copy is told, never taken for it."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_core.data.groups import identity
from unet_core.io import images
from unet_core.io.pixels import Array


def structured(seed: int, height: int = 120, width: int = 90, channels: int = 3) -> Array:
    """Smooth noise, as of a photo."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width, channels))
    smooth = cv2.GaussianBlur(noise, (0, 0), 6).reshape(height, width, channels)
    return np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)


def record_of(path: Path, page: int | None = None) -> str:
    return identity.describe_pixels(images.read(path, page))


def test_every_lossless_format_of_the_same_values_is_the_same_image(tmp_path: Path) -> None:
    color = structured(1)
    for name in ("a.png", "b.bmp", "c.tif", "d.webp"):
        Image.fromarray(color).save(tmp_path / name, **({"lossless": True} if name == "d.webp" else {}))
    assert len({record_of(path) for path in tmp_path.iterdir()}) == 1


def test_gray_is_gray_however_it_is_stored(tmp_path: Path) -> None:
    gray = structured(2, channels=1)[:, :, 0]
    Image.fromarray(gray).save(tmp_path / "gray.png")
    Image.fromarray(np.dstack([gray] * 3)).save(tmp_path / "rgb.png")
    Image.fromarray(np.dstack([gray] * 3 + [np.full_like(gray, 255)])).save(tmp_path / "rgba.png")
    tifffile.imwrite(tmp_path / "16.tif", gray.astype(np.uint16))
    tifffile.imwrite(tmp_path / "float.tif", gray.astype(np.float32))
    found = {path.name: identity.key(record_of(path), "px") for path in tmp_path.iterdir()}
    assert len(set(found.values())) == 1, found


def test_a_turned_photo_is_the_upright_one(tmp_path: Path) -> None:
    upright = structured(3)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(upright).save(tmp_path / "upright.png")
    assert record_of(tmp_path / "turned.png") == record_of(tmp_path / "upright.png")


@pytest.mark.parametrize(
    "other",
    [
        structured(4)[:, ::-1],
        structured(4).reshape(90, 120, 3),
        structured(4)[:, :, ::-1],
        structured(4).astype(np.uint16) * 257,
        structured(4).astype(np.float32) / 255,
        structured(5),
    ],
    ids=["mirrored", "other size", "BGR", "stretched", "float", "another"],
)
def test_other_pixels_are_another_image(other: np.ndarray) -> None:
    image = structured(4)
    assert not identity.is_same(identity.describe_pixels(image), identity.describe_pixels(other))
    changed = image.copy()
    changed[7, 7, 2] ^= 1
    assert not identity.is_same(identity.describe_pixels(image), identity.describe_pixels(changed)), "one bit differs"


def test_values_beyond_eight_bits_count_whole() -> None:
    deep = structured(6).astype(np.uint16) * 200
    same = [deep, deep.astype(np.int32), deep.astype(np.uint32), deep.astype(np.float32)]
    assert len({identity.describe_pixels(image) for image in same}) == 1
    signed = deep.astype(np.int16) - 100
    assert identity.describe_pixels(signed) == identity.describe_pixels(signed.astype(np.float32))
    assert not identity.is_same(identity.describe_pixels(signed), identity.describe_pixels(deep))


def test_a_record_of_the_first_release_is_the_hash_of_the_file() -> None:
    assert identity.is_same("ba7816bf8f01cfea", "px:0123 file:ba7816bf8f01cfea look:4x4:ff")
    assert identity.is_same("px:1 file:2", "px:1 file:3"), "the same pixels in another file"
    assert not identity.is_same("px:1 look:8x8:ff", "px:2 look:8x8:ff"), "looks alone decide nothing"
    assert not identity.is_same("", "")


def jpeg(image: Array, quality: int) -> Array:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data))


@pytest.mark.parametrize("quality", [95, 75, 60])
def test_a_jpeg_copy_looks_like_its_original_and_nothing_else_does(quality: int) -> None:
    originals = [identity.describe_pixels(structured(seed)) for seed in range(40)]
    copies = {f"copy {seed}": identity.describe_pixels(jpeg(structured(seed), quality)) for seed in (3, 8)}
    others = {f"other {seed}": identity.describe_pixels(structured(seed)) for seed in range(50, 90)}
    assert identity.find_lookalikes(copies | others, originals) == ["copy 3", "copy 8"]
    assert identity.find_lookalikes({"itself": originals[0]}, originals) == [], "it is known for sure"
    assert identity.find_lookalikes(copies, []) == []


def dark(seed: int) -> Array:
    """Black with five dim spots, as of fluorescence: most cells are equally bright."""
    rng = np.random.default_rng(seed)
    image = np.zeros((120, 90, 1), np.uint8)
    for top, left in zip(rng.integers(5, 100, 5), rng.integers(5, 70, 5), strict=True):
        cv2.circle(image, (int(left), int(top)), 6, (int(rng.integers(25, 60)),), -1)
    return image


@pytest.mark.parametrize("quality", [95, 75, 60])
def test_a_jpeg_copy_of_a_dark_image_is_recognized_by_its_cells(quality: int) -> None:
    originals = [identity.describe_pixels(dark(seed)) for seed in range(20)]
    assert not any("look:" in record for record in originals) and all("cells:120x90:" in record for record in originals)
    copies = {
        f"copy {seed}": identity.describe_pixels(jpeg(dark(seed)[:, :, 0], quality)[:, :, None]) for seed in range(20)
    }
    others = {f"other {seed}": identity.describe_pixels(dark(seed)) for seed in range(50, 90)}
    assert identity.find_lookalikes(copies | others, originals) == sorted(copies)


def test_many_images_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    originals = [identity.describe_pixels(structured(seed)) for seed in range(6)]
    copies = {f"copy {seed}": identity.describe_pixels(jpeg(structured(seed), 75)) for seed in range(5)}
    others = {f"other {seed}": identity.describe_pixels(structured(seed)) for seed in range(60, 64)}
    monkeypatch.setattr(identity, "BLOCK", 2)
    assert identity.find_lookalikes(copies | others, originals) == sorted(copies)


def test_plain_and_tiny_images_look_like_nothing() -> None:
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 100, axis=0)
    for image in (np.zeros((100, 100, 1), np.uint8), ramp, structured(1, 10, 10)):
        assert identity.describe_pixels(image) == identity.key(identity.describe_pixels(image), "px")


def test_any_number_of_channels_and_any_depth_has_a_look() -> None:
    for channels in (1, 2, 4, 7):
        image = structured(9, channels=channels)
        for dtype in (np.uint8, np.uint16, np.int32, np.float32):
            assert "look:120x90:" in identity.describe_pixels(image.astype(dtype))
