"""Volumes by nibabel and pydicom themselves: slices are pages, values are scaled, bombs and absent libraries."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from unet_core.errors import ImageError
from unet_core.io import images

Array = NDArray[Any]
RNG = np.random.default_rng(0)
VOLUME: Array = RNG.integers(-1000, 3000, (11, 9, 4), np.int16)  # X, Y, Z
FIRST: Array = VOLUME[:, :, 0].T


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(data: bytes, name: str = "scan.nii") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def nifti(volume: Array, kind: Any = nibabel.Nifti1Image, slope: float | None = None, inter: float = 0.0) -> bytes:
    image = kind(volume, np.eye(4))
    data = bytearray(image.to_bytes())
    if slope is not None:
        assert kind is nibabel.Nifti1Image
        data[112:120] = np.array([slope, inter], "<f4").tobytes()
    return bytes(data)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.int8])
def test_the_slices_of_a_volume_are_pages(file: Callable[..., Path], dtype: type, kind: Any, zipped: bool) -> None:
    volume = np.abs(VOLUME).astype(dtype) if dtype in (np.uint8, np.uint16) else VOLUME.astype(dtype)
    data = nifti(volume, kind)
    path = file(gzip.compress(data) if zipped else data)
    info = images.describe(path)
    assert (info.height, info.width, info.channels, info.pages, info.axes) == (9, 11, 1, 4, "ZYX")
    assert (images.pages(path), images.size(path, 2), info.dtype, info.note) == (4, (9, 11), np.dtype(dtype).name, "")
    for page in range(4):
        found = images.read(path, page)
        assert found.dtype == (dtype if dtype in (np.uint8, np.uint16) else np.float32)
        np.testing.assert_array_equal(found[:, :, 0], volume[:, :, page].T)
        np.testing.assert_array_equal(images.decode(path.read_bytes(), "upload", page), found)
    with pytest.raises(ImageError, match="contains 4 images, but one is expected"):
        images.read(path)
    with pytest.raises(ImageError, match="there is no page 4"):
        images.read(path, 4)


@pytest.mark.parametrize("shape", [(11, 9), (11, 9, 1)])
def test_one_slice_is_one_image(file: Callable[..., Path], shape: tuple[int, ...]) -> None:
    path = file(nifti(VOLUME[:, :, 0].reshape(shape)))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], FIRST)
    assert images.pages(path) == 1


def test_a_volume_is_scaled_by_its_header(file: Callable[..., Path]) -> None:
    path = file(nifti(VOLUME, slope=0.5, inter=-3.0))
    np.testing.assert_array_equal(images.read(path, 1)[:, :, 0], VOLUME[:, :, 1].T * np.float32(0.5) - 3)


def test_a_fourth_axis_is_channels_up_to_32_and_time_beyond(file: Callable[..., Path]) -> None:
    """The Medical Segmentation Decathlon stores modalities there, functional scans hundreds of time points."""
    modalities = RNG.integers(0, 99, (11, 9, 4, 2), np.int16)
    info = images.describe(path := file(nifti(modalities)))
    assert (info.channels, info.pages) == (2, 4)
    assert info.note.endswith("its fourth axis of 2 is taken for channels.")
    np.testing.assert_array_equal(images.read(path, 3), modalities[:, :, 3].transpose(1, 0, 2))
    moving = RNG.integers(0, 99, (11, 9, 4, 40), np.int16)
    info = images.describe(path := file(nifti(moving)))
    assert (info.channels, info.pages, info.axes) == (1, 160, "TZYX")
    for page in (0, 3, 4, 159):
        np.testing.assert_array_equal(images.read(path, page)[:, :, 0], moving[:, :, page % 4, page // 4].T)


def test_labels_of_a_volume(file: Callable[..., Path]) -> None:
    labels = np.abs(VOLUME) % 3
    for stored in (labels.astype(np.uint8), labels, labels.astype(np.float64)):
        path = file(gzip.compress(nifti(stored)))
        np.testing.assert_array_equal(images.read_mask_file(path, 2).pixels, labels[:, :, 2].T)


def test_a_gzip_is_inflated_no_further_than_the_volume(file: Callable[..., Path], monkeypatch: Any) -> None:
    data = nifti(VOLUME)
    path = file(gzip.compress(data + bytes(50_000_000)))
    most = 0
    inflate = zlib.decompressobj

    class Counted:
        def __init__(self, **how: Any) -> None:
            self.stream = inflate(**how)
            self.unused_data = b""

        def decompress(self, packed: bytes, limit: int) -> bytes:
            nonlocal most
            part = self.stream.decompress(packed, limit)
            self.unused_data, most = self.stream.unused_data, max(most, len(part))
            return part

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    np.testing.assert_array_equal(images.read(path, 0)[:, :, 0], FIRST)
    assert most == len(data)
    np.testing.assert_array_equal(
        images.read(file(gzip.compress(data[:500]) + gzip.compress(data[500:])), 0)[:, :, 0], FIRST
    )


def test_volumes_that_are_too_large_or_cut(file: Callable[..., Path]) -> None:
    data = bytearray(nifti(VOLUME))
    for number, size in enumerate((30_000, 30_000, 30)):
        data[42 + 2 * number : 44 + 2 * number] = size.to_bytes(2, "little")
    with pytest.raises(ImageError, match=r"its volume takes [\d,]+ bytes, over the limit of 2,147,483,648; split it"):
        images.read(file(gzip.compress(bytes(data))), 0)
    for cut in (nifti(VOLUME)[:-100], gzip.compress(nifti(VOLUME)[:-100]), gzip.compress(nifti(VOLUME))[:-200]):
        with pytest.raises(ImageError, match="is damaged"):
            images.read(file(cut), 3)


def dicom(frames: Array, syntax: Any = ExplicitVRLittleEndian, **tags: Any) -> bytes:
    """(H, W), (N, H, W) or (H, W, 3) as a DICOM file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    meta.TransferSyntaxUID = syntax
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    colors = frames.ndim == 3 and frames.shape[2] == 3
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, "1.2.3"
    data.Rows, data.Columns = frames.shape[:2] if colors else frames.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = (3, "RGB") if colors else (1, "MONOCHROME2")
    if colors:
        data.PlanarConfiguration = 0
    elif frames.ndim == 3:
        data.NumberOfFrames = len(frames)
    data.BitsAllocated = data.BitsStored = 8 * frames.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(frames.dtype.kind == "i")
    if syntax == JPEGBaseline8Bit:
        packed = io.BytesIO()
        Image.fromarray(frames).save(packed, "JPEG", quality=100)
        data.PixelData = encapsulate([packed.getvalue()])
        data["PixelData"].VR = "OB"
    else:
        data.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    for name, value in tags.items():
        setattr(data, name, value)
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


FRAME: Array = RNG.integers(0, 4096, (9, 11), np.uint16)


def test_dicom_as_stored(file: Callable[..., Path]) -> None:
    path = file(dicom(FRAME), "scan.dcm")
    found = images.read(path)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[:, :, 0], FRAME)
    info = images.describe(path)
    assert (info.height, info.width, info.channels, info.pages, info.note) == (9, 11, 1, 1, "")
    assert images.size(path) == (9, 11)
    eight = (FRAME >> 4).astype(np.uint8)
    np.testing.assert_array_equal(images.read(file(dicom(eight)))[:, :, 0], eight)
    signed = FRAME.astype(np.int16) - 2000
    np.testing.assert_array_equal(images.read(file(dicom(signed)))[:, :, 0], signed.astype(np.float32))
    colors = RNG.integers(0, 256, (9, 11, 3), np.uint8)
    np.testing.assert_array_equal(images.read(file(dicom(colors))), colors)


def test_dicom_is_rescaled_to_hounsfield_units(file: Callable[..., Path]) -> None:
    path = file(dicom(FRAME, RescaleSlope=2, RescaleIntercept=-1024))
    found = images.read(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :, 0], FRAME.astype(np.float32) * 2 - 1024)


def test_frames_of_dicom_are_pages(file: Callable[..., Path]) -> None:
    frames = RNG.integers(0, 4096, (3, 9, 11), np.uint16)
    path = file(dicom(frames))
    assert images.pages(path) == images.describe(path).pages == 3
    for page in range(3):
        np.testing.assert_array_equal(images.read(path, page)[:, :, 0], frames[page])


def test_dicom_whose_0_is_white(file: Callable[..., Path]) -> None:
    path = file(dicom(FRAME, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], 4095 - FRAME)
    assert images.describe(path).note.endswith("black and white are exchanged, as its MONOCHROME1 asks for.")
    mask = (FRAME > 2000).astype(np.uint8)
    path = file(dicom(mask, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(images.read_mask_file(path).pixels, mask)
    assert images.read_mask_file(path).source == "inverting LUT"
    assert images.read_mask_file(file(dicom(mask))).source == ""


def test_the_padding_of_dicom_holds_no_data(file: Callable[..., Path]) -> None:
    signed = FRAME.astype(np.int16) - 1000
    signed[:, :3] = -2000
    path = file(dicom(signed, PixelPaddingValue=-2000, RescaleSlope=1, RescaleIntercept=-24))
    found, valid = images.read_valid(path)
    assert valid is not None
    np.testing.assert_array_equal(~valid, signed == -2000)
    np.testing.assert_array_equal(found[:, 3:, 0], signed[:, 3:].astype(np.float32) - 24)


def test_a_padding_of_0_is_a_background(file: Callable[..., Path]) -> None:
    assert images.read_valid(file(dicom(FRAME // 3000, PixelPaddingValue=0)))[1] is None


def test_compressed_dicom(file: Callable[..., Path]) -> None:
    smooth = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8)
    found = images.read(file(dicom(smooth, JPEGBaseline8Bit)))[:, :, 0]
    assert np.abs(found.astype(int) - smooth).max() <= 2
    with pytest.raises(ImageError, match="deflated DICOM is not supported; save it uncompressed"):
        images.read(file(dicom(FRAME, DeflatedExplicitVRLittleEndian)))


def test_dicom_that_is_no_image_or_damaged(file: Callable[..., Path]) -> None:
    data = pydicom.dcmread(io.BytesIO(dicom(FRAME)))
    del data.PixelData, data.Rows
    out = io.BytesIO()
    data.save_as(out)
    with pytest.raises(ImageError, match=r"a DICOM file without pixels \(CT Image Storage\); leave it out"):
        images.read(file(out.getvalue()))
    with pytest.raises(ImageError, match=r"scan\.nii: "):
        images.read(file(dicom(FRAME)[:-50]))
    with pytest.raises(ImageError, match=r"scan\.nii: "):
        images.read(file(dicom(FRAME)[:200]))


@pytest.mark.parametrize(
    ("module", "data", "message"),
    [
        ("nibabel", nifti(VOLUME), "NIfTI files need nibabel; run pip install nibabel."),
        ("nibabel", gzip.compress(nifti(VOLUME)), "NIfTI files need nibabel; run pip install nibabel."),
        ("pydicom", dicom(FRAME), "DICOM files need pydicom; run pip install pydicom."),
    ],
)
def test_an_absent_library_is_named_with_its_install_command(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, module: str, data: bytes, message: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    path = file(data)
    for read in (images.read, images.size, images.pages, images.describe, images.read_mask_file):
        with pytest.raises(ImageError) as refusal:
            read(path)
        assert str(refusal.value) == f"{path}: {message}"


@pytest.mark.filterwarnings("ignore")
def test_mutated_volumes_are_read_or_refused_and_nothing_else(file: Callable[..., Path]) -> None:
    rng = np.random.default_rng(3)
    seeds = [nifti(VOLUME), gzip.compress(nifti(VOLUME)), dicom(FRAME), dicom(np.stack([FRAME] * 3))]
    read = refused = 0
    for number in range(400):
        data = bytearray(seeds[number % 4])
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(min(len(data), int(rng.choice([60, 400, 900]))))] = rng.choice([0, 1, 255, 40, 77])
        path = file(bytes(data))
        try:
            pages = images.pages(path)
            shape = images.read(path, 0 if pages > 1 else None).shape
            assert images.size(path) == shape[:2]
            read += 1
        except ImageError:
            refused += 1
    assert read > 50
    assert refused > 50
