"""What a visitor brings becomes pictures in order: names unique and safe, masks left out, the broken named."""

import gzip
import io
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile

from tests.core.io.test_zip_reader import packed
from unet_core.data.layouts import Sample
from unet_core.errors import ImageError
from unet_core.inference import inputs
from unet_core.inference.inputs import Inputs, gather
from unet_core.io import zip_reader
from unet_core.io.pixels import encode_png


def picture(value: int = 0, height: int = 3, width: int = 4) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def png(value: int = 0) -> bytes:
    return encode_png(picture(value))


def stack(*values: int) -> bytes:
    data = io.BytesIO()
    tifffile.imwrite(data, np.stack([picture(value) for value in values]), photometric="minisblack", metadata=None)
    return data.getvalue()


def names(found: Inputs) -> list[str]:
    return [item.name for item in found.items]


def values(found: Inputs) -> list[int]:
    return [int(item.read()[0, 0, 0]) for item in found.items]


def test_uploads_keep_their_order() -> None:
    found = gather([("b.png", png(1)), ("a.png", png(2)), ("camera.jpg", png(3))])
    assert (names(found), values(found)) == (["b.png", "a.png", "camera.jpg"], [1, 2, 3])
    assert (found.problems, found.notes) == ([], [])
    assert found.items[0].read().shape == (3, 4, 1)


def test_files_of_a_folder_come_in_the_order_of_their_names() -> None:
    found = gather([("f/a10.png", png(10)), ("f/a9.png", png(9)), ("f/sub/a.png", png(1)), ("f/.DS_Store", b"")])
    assert (names(found), values(found)) == (["a9.png", "a10.png", "sub/a.png"], [9, 10, 1])
    assert (found.problems, found.notes) == ([], [])


def test_a_folder_and_files_on_the_disk(tmp_path: Path) -> None:
    for name, value in (("x/b.png", 1), ("x/y/a.png", 2), ("x/notes.txt", 3), ("one.png", 4)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(value))
    one = tmp_path / "one.png"
    found = gather([("x", tmp_path / "x"), (str(one), one)])
    assert (names(found), values(found)) == (["b.png", "one.png", "y/a.png"], [1, 4, 2])
    assert found.notes == ["x: skipped non-image files: notes.txt."]


def test_a_zip_is_looked_into_and_decoded_late(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"d/a2.png": png(2), "d/a10.png": png(10), "d/notes.txt": b"", "d/in.zip": b""})
    read: list[str] = []
    real = zip_reader.Archive.read
    monkeypatch.setattr(zip_reader.Archive, "read", lambda self, member: read.append(member.name) or real(self, member))
    found = gather([("one.png", png(1)), ("cells.zip", data)])
    assert names(found) == ["one.png", "d/a2.png", "d/a10.png"]
    assert len({item.key for item in found.items}) == 3
    assert read == []
    assert values(found) == [1, 2, 10]
    assert read == ["d/a2.png", "d/a10.png"]
    assert found.problems == ["cells.zip: d/in.zip is an archive inside the archive, upload it separately; skipped."]
    assert found.notes == ["cells.zip: skipped non-image files: d/notes.txt."]


@pytest.mark.parametrize("how", ["bytes", "path", "zip"])
def test_a_stack_gives_an_item_a_page(tmp_path: Path, how: str) -> None:
    (tmp_path / "s.tif").write_bytes(stack(5, 6, 7))
    source = {
        "bytes": ("s.tif", stack(5, 6, 7)),
        "path": ("s.tif", tmp_path / "s.tif"),
        "zip": ("s.zip", packed({"s.tif": stack(5, 6, 7)})),
    }[how]
    found = gather([source, ("single.tif", stack(8))])
    assert names(found) == ["s_000.tif", "s_001.tif", "s_002.tif", "single.tif"]
    assert [item.stem for item in found.items] == ["s_000", "s_001", "s_002", "single"]
    assert values(found) == [5, 6, 7, 8]
    assert len({item.key for item in found.items}) == 4
    assert found.items[1].label.endswith("s.tif, page 1")


def written(pixels: np.ndarray, **how: Any) -> bytes:
    data = io.BytesIO()
    tifffile.imwrite(data, pixels, **how)
    return data.getvalue()


def test_channels_are_no_items_of_their_own_and_slices_are() -> None:
    hyperstack = np.arange(3 * 2, dtype=np.uint8).reshape(3, 2, 1, 1) * np.ones((9, 11), np.uint8)
    volume = nibabel.Nifti1Image(np.arange(4, dtype=np.uint8) * np.ones((11, 9, 1), np.uint8), np.eye(4)).to_bytes()
    array = io.BytesIO()
    np.savez(array, np.full((9, 11), 7, np.uint8))
    found = gather(
        [
            ("two.tif", written(hyperstack[0], imagej=True, metadata={"axes": "CYX"})),
            ("z.ome.tif", written(hyperstack, ome=True, photometric="minisblack", metadata={"axes": "ZCYX"})),
            ("a.zip", packed({"brain.nii.gz": gzip.compress(volume), "field.npz": array.getvalue()})),
        ]
    )
    assert (found.problems, found.notes) == ([], [])
    stacks = [f"z_00{page}.ome.tif" for page in range(3)]
    assert names(found) == ["two.tif", *stacks, *(f"brain_00{page}.nii.gz" for page in range(4)), "field.npz"]
    assert [item.stem for item in found.items][1:6:4] == ["z_000", "brain_001"]
    assert found.items[-1].stem == "field"
    assert values(found) == [0, 0, 2, 4, 0, 1, 2, 3, 7]
    assert [item.read().shape for item in found.items][::4] == [(9, 11, 2), (9, 11, 1), (9, 11, 1)]


def test_an_array_is_no_archive_of_others(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.full((9, 11), 7, np.uint8))
    found = gather([("a.npz", tmp_path / "a.npz"), ("b.npz", (tmp_path / "a.npz").read_bytes())])
    assert (names(found), values(found), found.problems) == (["a.npz", "b.npz"], [7, 7], [])


def test_one_broken_of_many_is_named_and_the_others_go_on() -> None:
    found = gather([("a.png", png(1)), ("bad.tif", b"no"), ("c.zip", b"PK\3\4"), ("d.pdf", b"%PDF"), ("e.png", b"no")])
    assert names(found) == ["a.png", "e.png"]
    assert [problem.split(":")[0] for problem in found.problems] == ["c.zip", "d.pdf", "bad.tif"]
    with pytest.raises(ImageError, match=r"^e\.png: "):
        found.items[1].read()


def test_a_broken_member_is_named_when_it_is_read() -> None:
    data = bytearray(packed({"a.png": png(1), "b.png": png(2)}, 0))
    data[data.index(b"IDAT") + 6] ^= 255
    found = gather([("z.zip", bytes(data))])
    with pytest.raises(ImageError, match=r"z\.zip: a\.png is damaged"):
        found.items[0].read()
    assert int(found.items[1].read()[0, 0, 0]) == 2


def test_masks_beside_their_images_are_left_out() -> None:
    flat = [("a.png", png(1)), ("a_mask.png", png()), ("b.png", png(2))]
    assert names(gather(flat)) == ["a.png", "b.png"]
    assert gather(flat).notes == ["Skipped, because they are named like masks: a_mask.png."]
    assert names(gather(flat, masks=True)) == ["a.png", "a_mask.png", "b.png"]
    folders = packed({"set/images/a.png": png(1), "set/masks/a.png": png(), "set/masks/b.png": png()})
    found = gather([("set.zip", folders)])
    assert (names(found), values(found)) == (["a.png"], [1])
    assert found.notes == ["Skipped, because they are named like masks: set/masks/a.png, set/masks/b.png."]


@pytest.mark.parametrize(
    ("images", "others"),
    [
        (["V/JPEGImages/1.png", "V/JPEGImages/2.png"], ["V/SegmentationClass/1.png", "V/SegmentationObject/1.png"]),
        (["training/images/21_training.png"], ["training/1st_manual/21_manual1.png", "training/mask/21_mask.png"]),
        (["train/a_jpg.rf.01.png"], ["train/a_jpg.rf.01_mask.png"]),
        (["images/3fa-cell_0.png"], ["masks/task-11-annotation-4-by-1-tag-cell-0.png"]),
        (["S [x=0,y=0].png", "S [x=1,y=0].png"], ["S [x=0,y=0]-labelled.png", "S [x=1,y=0]-labelled.png"]),
        (["x/Images/a.png", "x/Images/b.png"], ["x/GroundTruth/a.png", "x/Masks/b.png"]),
        (["D/imagesTr/a_0000.png"], ["D/labelsTr/a.png"]),
        (["01/t000.tif"], ["01_GT/SEG/man_seg000.tif", "01_GT/TRA/man_track000.tif"]),
        (["leftImg8bit/val/ulm/1_leftImg8bit.png"], ["gtFine/val/ulm/1_gtFine_color.png"]),
        (["a.png", "b.png"], ["a_cp_masks.png", "a_flows.tif"]),
        (["d/train/0.png", "d/test/1.png"], ["d/train_labels/0_L.png"]),
    ],
)
def test_a_zip_of_a_dataset_shows_its_images_once_and_tells_what_it_skips(images: list[str], others: list[str]) -> None:
    junk = ["__MACOSX/._a.png", ".DS_Store", "x/.ipynb_checkpoints/a-checkpoint.png"]
    found = gather([("set.zip", packed({name: png(3) for name in (*images, *others, *junk)}))])
    assert sorted(item.file.name for item in found.items) == sorted(images)
    assert found.problems == []
    junk_note, mask_note = found.notes
    assert junk_note == "set.zip: skipped 3 hidden or system files, such as __MACOSX."
    assert mask_note.startswith("Skipped, because they are named like masks: ")
    assert all(name in mask_note for name in others)


def test_a_folder_of_masks_alone_is_not_emptied() -> None:
    assert names(gather([("m.zip", packed({"masks/a.png": png(), "masks/b.png": png()}))])) == ["a.png", "b.png"]


def test_an_image_is_no_mask_of_another_upload() -> None:
    found = gather([("one.zip", packed({"a.png": png(1)})), ("two.zip", packed({"a_mask.png": png(2)}))])
    assert names(found) == ["a.png", "a_mask.png"]


def test_names_are_unique_whatever_the_case_and_stems_too() -> None:
    uploads = [("a.png", png(1)), ("A.png", png(2)), ("a.png", png(3)), ("a.bmp", png(4)), ("a_000.tif", stack(5))]
    found = gather([*uploads, ("a.tif", stack(6, 7))])
    assert names(found) == ["a.png", "A_2.png", "a_3.png", "a.bmp", "a_000.tif", "a_000_2.tif", "a_001.tif"]
    stems = [item.stem.lower() for item in found.items]
    assert stems == ["a", "a_2", "a_3", "a_bmp", "a_000", "a_000_2", "a_001"]
    assert values(found) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/x.png", "etc/x.png"),
        ("/abs/x.png", "abs/x.png"),
        ("C:\\dir\\x.png", "C_/dir/x.png"),
        ("a\nb\x1b.png", "a_b_.png"),
        ('<img src="x">.png', "_img src=_x__.png"),
        ("\udcfft.png", "_t.png"),
        ("con.png", "_con.png"),
        ("a\u0308.png", "\u00e4.png"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
        ("ä" * 300 + ".png", "ä" * 48 + ".png"),
        (" a . /b.png", "a/b.png"),
        ("/".join("d" * 20) + "/a.png", "/".join("d" * 7) + "/a.png"),
    ],
)
def test_names_are_safe(name: str, safe: str) -> None:
    found = gather([(name, png(1)), ("other.png", png(2))])
    assert safe in names(found)
    assert not found.problems


def test_too_many_pictures_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_IMAGES", 3)
    found = gather([("a.png", png()), ("s.tif", stack(1, 2, 3)), ("b.png", png())])
    assert names(found) == ["a.png"]
    assert "s.tif: more than 3 images" in found.problems[0]


def test_nothing_in_it_is_told() -> None:
    found = gather([("z.zip", packed({"a.txt": b""})), ("empty.zip", packed({}))])
    assert found.items == []
    assert "z.zip: no images in it" in found.problems[0]
    assert "It contains a.txt." in found.problems[0]
    assert "empty.zip: no images in it" in found.problems[1]


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    found = gather([("a.png", tmp_path / "a.png")])
    assert (found.items, len(found.problems)) == ([], 1)
    assert "a.png: cannot be read" in found.problems[0]


def test_the_same_picture_has_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(png(1))
    first, second, third = gather([("a.png", png(1)), ("b.png", tmp_path / "b.png"), ("c.png", png(2))]).items
    assert first.key == second.key != third.key


def test_examples_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    (tmp_path / "s.tif").write_bytes(stack(2, 3))
    samples = [Sample("x/a", tmp_path / "a.png", ()), Sample("s_001", tmp_path / "s.tif", (), page=1)]
    found = inputs.from_samples(samples)
    assert (names(found), values(found)) == (["x/a.png", "s_001.tif"], [1, 3])
    assert [item.stem for item in found.items] == ["x/a", "s_001"]


def test_a_file_on_the_disk_is_called_as_its_visitor_calls_it(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(png(7))
    (tmp_path / "1").write_bytes(packed({"in.png": png(8)}))
    (tmp_path / "2").write_bytes(stack(1, 2))
    (tmp_path / "3").write_bytes(b"just text")
    found = gather(
        [("a.png", tmp_path / "0"), ("b.zip", tmp_path / "1"), ("c.tif", tmp_path / "2"), ("d.png", tmp_path / "3")]
    )
    assert names(found) == ["a.png", "in.png", "c_000.tif", "c_001.tif", "d.png"]
    assert values(Inputs(found.items[:4])) == [7, 8, 1, 2]
    with pytest.raises(ImageError, match=r"^d\.png: not a supported image file"):
        found.items[4].read()
    assert found.items[0].key == gather([("a.png", png(7))]).items[0].key
    (tmp_path / "0").unlink()
    with pytest.raises(ImageError, match=r"^a\.png: cannot be read \(No such file or directory\)"):
        found.items[0].read()


NOISE = np.random.default_rng(3).integers(0, 255, (64, 64), np.uint8)


def test_what_has_no_image_header_is_a_problem_and_no_image() -> None:
    uploads = [("a.png", png(1)), ("empty.png", b""), ("text.png", b"just text"), ("cut.png", encode_png(NOISE)[:2000])]
    found = inputs.drop_unreadable(gather(uploads))
    assert names(found) == ["a.png", "cut.png"]  # the header of the second is whole
    assert found.problems[0] == "empty.png: empty (0 bytes). Copy or export the file again."
    assert found.problems[1].startswith("text.png: not a supported image file")
    assert len(found.problems) == 2
    assert inputs.drop_unreadable(found) == found
