"""What the pages of a TIFF are: channels, slices and smaller copies, written with tifffile in every order of axes."""

import io
import struct
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.io.formats import tiff as plans

Array = NDArray[Any]
RNG = np.random.default_rng(0)
SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 34, "X": 37}
WHOLE: Array = RNG.integers(0, 256, tuple(SIZES.values()), np.uint8)  # TZCYX
CYX: Array = WHOLE[0, 0]
YXC: Array = np.ascontiguousarray(CYX.transpose(1, 2, 0))
RGB: Array = RNG.integers(0, 256, (48, 64, 3), np.uint8)


def tiff(pixels: Array, **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes, name: str = "image.tif") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def of_axes(axes: str) -> Array:
    """The part of WHOLE with these axes, in this order."""
    part = WHOLE[tuple(slice(None) if axis in axes else 0 for axis in SIZES)]
    return np.ascontiguousarray(
        part.transpose(["".join(axis for axis in SIZES if axis in axes).index(a) for a in axes])
    )


def expected_pages(axes: str, pixels: Array) -> list[Array]:
    """(H, W, C) of each page: all axes but Y, X and C count pages, in the order of the file."""
    outer = [axis for axis in axes if axis not in "CYX"]
    order = [axes.index(axis) for axis in (*outer, "Y", "X", *("C" if "C" in axes else ""))]
    moved = pixels.transpose(order)
    return list(moved.reshape(-1, SIZES["Y"], SIZES["X"], SIZES["C"] if "C" in axes else 1))


def check(path: Path, expected: list[Array]) -> images.ImageInfo:
    """Every function agrees on what the file holds."""
    info = images.describe(path)
    assert images.pages(path) == info.pages == len(images.page_names("a", info.pages)) == len(expected)
    assert (info.height, info.width, info.channels) == expected[0].shape
    for page, pixels in enumerate(expected):
        number = page if len(expected) > 1 else None
        np.testing.assert_array_equal(images.read(path, number), pixels)
        np.testing.assert_array_equal(images.decode(path.read_bytes(), "upload", number), pixels)
        assert images.size(path, number) == pixels.shape[:2]
    if len(expected) > 1:
        with pytest.raises(ImageError, match=f"contains {len(expected)} images, but one is expected"):
            images.read(path)
    return info


ORDERS = [
    "".join(order) + "YX" for count in range(1, 4) for order in permutations("TZC", count)
]  # CYX, ZCYX, CZYX, TZCYX, ...


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}], ids=["plain", "deflated"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("axes", ORDERS)
def test_axes_in_the_description_of_tifffile(
    file: Callable[[bytes], Path], axes: str, dtype: type, how: dict[str, Any]
) -> None:
    pixels = of_axes(axes).astype(dtype)
    path = file(tiff(pixels, photometric="minisblack", metadata={"axes": axes}, **how))
    info = check(path, expected_pages(axes, pixels))
    assert (info.axes, info.note, info.dtype) == (axes, "", np.dtype(dtype).name)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("axes", ["YX", *ORDERS])
def test_axes_in_ome_xml(file: Callable[[bytes], Path], axes: str, dtype: type) -> None:
    pixels = of_axes(axes).astype(dtype)
    path = file(tiff(pixels, ome=True, photometric="minisblack", metadata={"axes": axes}), "image.ome.tif")
    info = check(path, expected_pages(axes, pixels))
    assert info.note == ""


@pytest.mark.parametrize("axes", ["YX", "CYX", "ZYX", "TYX", "ZCYX", "TCYX", "TZYX", "TZCYX"])
@pytest.mark.parametrize("mode", ["composite", "color", "grayscale"])
def test_axes_of_imagej(file: Callable[[bytes], Path], axes: str, mode: str) -> None:
    pixels = of_axes(axes)
    path = file(tiff(pixels, imagej=True, metadata={"axes": axes, "mode": mode}))
    assert check(path, expected_pages(axes, pixels)).note == ""


def test_more_channels_than_imagej_can_show_are_a_stack(file: Callable[[bytes], Path]) -> None:
    """`imwrite(path, stack, imagej=True)` without axes writes "channels=40"."""
    stack = RNG.integers(0, 256, (40, 9, 11), np.uint8)
    info = check(file(tiff(stack, imagej=True)), [page[:, :, None] for page in stack])
    assert info.note.endswith("its 40 pages are taken for separate images, as its metadata do not name its axes.")


@pytest.mark.parametrize(
    ("pixels", "how"),
    [
        (YXC, {"photometric": "minisblack", "planarconfig": "contig"}),
        (YXC, {"photometric": "minisblack", "planarconfig": "contig", "tile": (16, 16), "compression": "zlib"}),
        (YXC, {"photometric": "minisblack", "planarconfig": "contig", "rowsperstrip": 5, "compression": "lzma"}),
        (CYX, {"photometric": "minisblack", "planarconfig": "separate"}),
        (CYX, {"photometric": "minisblack", "planarconfig": "separate", "compression": "zlib", "rowsperstrip": 5}),
        (CYX, {"photometric": "minisblack", "planarconfig": "separate", "compression": "zlib", "tile": (16, 32)}),
        (YXC, {"photometric": "minisblack", "metadata": {"axes": "YXC"}}),  # H pages of (W, C)
        (YXC, {"photometric": "minisblack", "metadata": {"axes": "YXC"}, "compression": "zlib"}),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_channels_of_one_page(
    file: Callable[[bytes], Path], pixels: Array, how: dict[str, Any], dtype: type, byteorder: str
) -> None:
    path = file(tiff(pixels.astype(dtype), byteorder=byteorder, **how))
    info = check(path, [YXC.astype(np.float32 if dtype is np.int16 else dtype)])
    assert info.note == ""
    assert "C" in info.axes


@pytest.mark.parametrize("axes", ["ZYXC", None])
def test_lines_of_several_images_are_put_together(file: Callable[[bytes], Path], axes: str | None) -> None:
    for count in (1, 5):
        pixels = RNG.integers(0, 65536, (3, 40, 50, count), np.uint16)
        path = file(tiff(pixels, photometric="minisblack", metadata={"axes": axes} if axes else {}))
        assert bool(check(path, list(pixels)).note) == (axes is None)


@pytest.mark.parametrize("axes", ["ZYXS", "TZYXS", "CYXS"])
@pytest.mark.parametrize("how", [{"ome": True}, {"imagej": True}, {}], ids=["OME", "ImageJ", "tifffile"])
def test_stacks_of_colors(file: Callable[[bytes], Path], axes: str, how: dict[str, Any]) -> None:
    outer = (2, 3)[-len(axes) + 3 :]
    pixels = RNG.integers(0, 256, (*outer, 34, 37, 3), np.uint8)
    path = file(tiff(pixels, photometric="rgb", metadata={"axes": axes}, **how))
    if axes == "CYXS":
        check(path, [np.concatenate(list(pixels), axis=2)])
    else:
        check(path, list(pixels.reshape(-1, 34, 37, 3)))


@pytest.mark.parametrize("count", [2, 5, 32])
def test_lines_that_were_written_as_pages_are_an_image(file: Callable[[bytes], Path], count: int) -> None:
    """The trap: `imwrite(path, array)` of (H, W, C) gives H pages of W x C, and no axes."""
    pixels = RNG.integers(0, 65536, (40, 50, count), np.uint16)
    info = check(file(tiff(pixels, photometric="minisblack")), [pixels])
    assert info.note.endswith(f"its shape 40 x 50 x {count} is taken for {count} channels, stored last.")


@pytest.mark.parametrize(
    ("count", "extras", "kept"),
    [
        (4, ["unspecified"], [0, 1, 2, 3]),
        (4, ["unassalpha"], [0, 1, 2]),
        (4, ["assocalpha"], [0, 1, 2]),
        (5, ["unspecified", "unassalpha"], [0, 1, 2, 3]),
        (5, ["unassalpha", "unspecified"], [0, 1, 2, 4]),
        (8, ["unspecified"] * 5, list(range(8))),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}], ids=["plain", "deflated"])
def test_extra_samples_are_bands_unless_they_are_alpha(
    file: Callable[[bytes], Path], count: int, extras: list[str], kept: list[int], dtype: type, how: dict[str, Any]
) -> None:
    pixels = RNG.integers(0, 256, (12, 13, count), np.uint8).astype(dtype)
    if extras == ["assocalpha"]:
        pixels[:, :, 3] = np.iinfo(dtype).max  # associated: colors are multiplied by it
    info = check(file(tiff(pixels, photometric="rgb", extrasamples=extras, **how)), [pixels[:, :, kept]])
    assert info.channel_names[:3] == ("red", "green", "blue")
    assert len(info.channel_names) == len(kept)


@pytest.mark.filterwarnings("ignore:.*are stored as RGB")
@pytest.mark.parametrize("axes", ["CYX", None])
def test_the_fourth_of_four_planes_is_no_alpha(file: Callable[[bytes], Path], axes: str | None) -> None:
    """The trap: tifffile takes (4, H, W) for RGB with alpha unless it is told otherwise, and so loses a band."""
    path = file(tiff(CYX, metadata={"axes": axes} if axes else {}))
    assert tifffile.TiffFile(path).pages[0].extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
    assert check(path, [YXC]).note.endswith("its last channel is marked as alpha and read as a channel.")


def test_alpha_that_is_left_out_is_told(file: Callable[[bytes], Path]) -> None:
    path = file(tiff(YXC, photometric="rgb", extrasamples=["unassalpha"]))
    assert check(path, [YXC[:, :, :3]]).note.endswith("channel 4 is marked as alpha and left out.")


def test_too_many_channels_are_refused_from_the_header(file: Callable[[bytes], Path]) -> None:
    path = file(tiff(np.zeros((33, 9, 11), np.uint8), photometric="minisblack", metadata={"axes": "CYX"}))
    for read in (images.read, images.describe):
        with pytest.raises(ImageError, match=r"image\.tif: has 33 channels, over the limit of 32; save only those"):
            read(path)


def test_names_of_channels(file: Callable[[bytes], Path]) -> None:
    names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "", "Cy5"]}}
    path = file(tiff(CYX, ome=True, photometric="minisblack", metadata=names))
    assert images.describe(path).channel_names == ("DAPI", "GFP", "channel 3", "Cy5")
    bands = '<GDALMetadata><Item name="DESCRIPTION" sample="1" role="description">NIR</Item></GDALMetadata>'
    how = {"photometric": "minisblack", "planarconfig": "contig", "extratags": [(42112, "s", 0, bands, True)]}
    assert images.describe(file(tiff(YXC[:, :, :2], **how))).channel_names == ("channel 1", "NIR")


def test_a_plain_stack_stays_one_and_says_so(file: Callable[[bytes], Path]) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in CYX:
            writer.write(page, metadata=None)
    info = check(file(out.getvalue()), [page[:, :, None] for page in CYX])
    assert info.note.endswith("its 4 pages are taken for separate images, as nothing in it says what they are.")
    assert images.remarks(file(out.getvalue()), 1) == (info.note,)
    info = check(file(tiff(CYX, photometric="minisblack")), [page[:, :, None] for page in CYX])
    assert info.note.endswith("its 4 pages are taken for separate images, as its metadata do not name its axes.")


def written(pages: list[tuple[Array, dict[str, Any]]], **how: Any) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, **how) as writer:
        for pixels, options in pages:
            writer.write(np.ascontiguousarray(pixels), photometric="rgb", **options)
    return out.getvalue()


TILES = {"tile": (16, 16)}
PYRAMIDS = {
    "reduced pages": written([(RGB, TILES), (RGB[::2, ::2], {"subfiletype": 1}), (RGB[::4, ::4], {"subfiletype": 1})]),
    "reduced pages without metadata": written(
        [(RGB, {"metadata": None}), (RGB[::2, ::2], {"subfiletype": 1, "metadata": None})]
    ),
    "a preview first": written([(RGB[::4, ::4], {"subfiletype": 1, "metadata": None}), (RGB, {"metadata": None})]),
    "SubIFDs": written([(RGB, {"subifds": 1, **TILES}), (RGB[::2, ::2], {"subfiletype": 1})]),
    "SubIFDs of OME": written([(RGB, {"subifds": 1, **TILES}), (RGB[::2, ::2], {"subfiletype": 1})], ome=True),
    "slide scanner": written([(RGB, {"metadata": None, **TILES}), (RGB[::4, ::4], {"metadata": None})]),
    "transparency mask": written([(RGB, {"metadata": None}), (RGB, {"subfiletype": 1, "metadata": None})]).replace(
        struct.pack("<HHII", 254, 4, 1, 1), struct.pack("<HHII", 254, 4, 1, 4)
    ),
}


@pytest.mark.parametrize("kind", PYRAMIDS)
def test_smaller_copies_and_masks_of_an_image_are_no_images(file: Callable[[bytes], Path], kind: str) -> None:
    info = check(file(PYRAMIDS[kind]), [RGB])
    assert ("smaller copies" in info.note) == (kind == "slide scanner"), "a guess is told"


def test_levels_that_are_series_of_their_own_are_left_out(file: Callable[[bytes], Path]) -> None:
    """As older converters wrote pyramids: an OME image each."""
    path = file(written([(RGB, TILES), (RGB[::2, ::2], TILES), (RGB[::4, ::4], TILES)], ome=True))
    assert check(path, [RGB]).note.endswith("2 smaller copies of the first page are left out.")


def test_more_images_than_there_are_pages_are_refused(file: Callable[[bytes], Path]) -> None:
    """An ImageJ stack that was cut off must not be taken for its first image."""
    stack = RNG.integers(0, 65536, (30, 34, 37), np.uint16)
    whole = tiff(stack, imagej=True, truncate=True, metadata={"axes": "ZYX"})
    path = file(whole[: len(whole) // 2])
    assert images.pages(path) == 30
    with pytest.raises(ImageError, match="contains 30 images, but one is expected"):
        images.read(path)
    with pytest.raises(ImageError, match=r"image\.tif: "):
        images.read(path, 29)


def test_pages_of_other_sizes_stay_pages(file: Callable[[bytes], Path]) -> None:
    pages = [RGB, RGB[:24, :20], RGB[:40]]
    check(file(written([(page, {"metadata": None}) for page in pages])), pages)


OME = """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{own}">
<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="20" SizeY="10" SizeZ="1"
SizeC="1" SizeT="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>
<TiffData IFD="0" FirstT="0" PlaneCount="1"><UUID FileName="0.ome.tif">urn:uuid:0</UUID></TiffData>
<TiffData IFD="0" FirstT="1" PlaneCount="1"><UUID FileName="1.ome.tif">urn:uuid:1</UUID></TiffData>
</Pixels></Image></OME>"""


def test_no_other_file_is_opened_because_a_file_names_it(file: Callable[[bytes], Path]) -> None:
    """Each file of an OME data set in parts is read for itself; else all would hold the images of all."""
    for own in (0, 1):
        file(
            tiff(np.full((10, 20), 7 + own, np.uint8), description=OME.format(own=own), metadata=None), f"{own}.ome.tif"
        )
    for own in (0, 1):
        path = file(b"", "unused").with_name(f"{own}.ome.tif")
        check(path, [np.full((10, 20, 1), 7 + own, np.uint8)])


@pytest.mark.parametrize("sizes", ['SizeC="900" SizeT="900" SizeZ="900"', 'SizeC="x"', ""])
def test_metadata_that_cannot_be_right_give_way_to_the_pages(file: Callable[[bytes], Path], sizes: str) -> None:
    text = OME.format(own=0).replace('SizeZ="1"\nSizeC="1" SizeT="2"', sizes)
    assert text != OME.format(own=0)
    path = file(tiff(CYX[0], description=text, metadata=None))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], CYX[0])


def test_the_plan_of_a_file_that_changes_is_made_again(file: Callable[[bytes], Path]) -> None:
    for count in (2, 3, 4, 1):
        path = file(tiff(CYX[:count], photometric="minisblack", metadata={"axes": "CYX"}))
        assert images.read(path).shape == (34, 37, count)


def test_the_plan_of_a_settled_file_is_remembered(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "RACY", -1e9)
    path = file(tiff(WHOLE, photometric="minisblack", metadata={"axes": "TZCYX"}))
    assert images.pages(path) == 6
    monkeypatch.setattr(plans, "_plan", lambda *_: pytest.fail("planned again"))
    np.testing.assert_array_equal(images.read(path, 5), WHOLE[1, 2].transpose(1, 2, 0))
